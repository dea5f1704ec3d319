"""The panel beside the map: what is wrong, worst and newest first; or what was, when nothing is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.config.model import Contact
from monitor.language.reasons import explain
from monitor.language.words import TITLES, Words, sentence
from monitor.model import Outcome, Reason, Status, Transition
from monitor.web.wall import bucket

if TYPE_CHECKING:
    from monitor.board import PointView

LARGE, MEDIUM, ROW = "large", "medium", "row"
FEW = 4
"""Up to so many, all of them are cards; with more, only the first two."""
ROWS = 6
"""So many rows fit below two cards."""
RECENT = 6
BAD = (Status.DOWN, Status.UNREACHABLE, Status.FAULTY, Status.DEGRADED)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody to call: what to show, what to dial."""

    name: str
    phone: str = ""
    note: str = ""

    @property
    def dial(self) -> str:
        """The number as a telephone takes it."""
        return "".join(letter for letter in self.phone if letter.isdigit() or letter == "+")


@dataclass(frozen=True, slots=True)
class Card:
    """One troubled point."""

    id: str
    name: str
    size: str
    bucket: str
    title: str
    place: str
    since: datetime | None
    since_text: str
    lasted: str
    reason: str
    endpoint: str
    callers: tuple[Caller, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """A trouble that is over."""

    point: str
    when: str
    title: str
    bucket: str
    note: str


@dataclass(frozen=True, slots=True)
class Panel:
    """``more`` troubled points have no room; ``past`` is shown when there is some."""

    cards: tuple[Card, ...]
    more: int
    total: int
    past: tuple[Past, ...] = field(default=())


def panel(
    troubled: Sequence[PointView],
    recent: Sequence[Past],
    areas: Mapping[str, str],
    words: Words,
    now: datetime,
) -> Panel:
    """What the panel holds."""
    limit = len(troubled) if len(troubled) <= FEW else 2 + ROWS
    shown = troubled[:limit]
    cards = tuple(card(view, _size(index, len(troubled)), areas, words, now) for index, view in enumerate(shown))
    return Panel(
        cards=cards,
        more=len(troubled) - len(shown),
        total=len(troubled),
        past=tuple(recent[: RECENT if not cards else max(0, 3 - len(cards))]),
    )


def _size(index: int, total: int) -> str:
    if index == 0:
        return LARGE
    return MEDIUM if index == 1 or total <= FEW else ROW


def card(view: PointView, size: str, areas: Mapping[str, str], words: Words, now: datetime) -> Card:
    """A troubled point as a card: since when, how long, why, which endpoint, whom to call."""
    _ = words.gettext
    point = view.point
    place = _("khu vực %s") % areas[point.area] if point.area in areas else words.kind(point.kind)
    return Card(
        id=point.id,
        name=point.name,
        size=size,
        bucket=bucket(view),
        title=words.gettext(TITLES[bucket(view)]) % {"name": point.name},
        place=sentence(place),
        since=view.since,
        since_text=when(view, words, now),
        lasted=words.duration(now - view.since) if view.since is not None else "",
        reason=sentence(reason(view, words)),
        endpoint=culprit(view),
        callers=callers(point.contact, words),
    )


def when(view: PointView, words: Words, now: datetime) -> str:
    """Since when it is as it is: "từ 10:05:12", "giữa 10:05 và 10:10" when nobody looked meanwhile."""
    if view.never:
        return words.gettext("chưa từng kết nối")
    if view.since is None:
        return ""
    if view.not_before is not None:
        return words.between(view.not_before, view.since, now)
    return words.gettext("từ %s") % words.moment(view.since, now)


def reason(view: PointView, words: Words) -> str:
    """Why, with the figure where it is a matter of time."""
    text = explain(words, view.reason, view.failed_phase, view.detail)
    if view.reason is not Reason.LATENCY:
        return text
    for each in view.endpoints:
        last = each.last
        budget = each.endpoint.module.budgets.latency
        if each.reason is Reason.LATENCY and last is not None and last.outcome is Outcome.UP and budget is not None:
            return words.gettext("trả lời sau %(latency)s, ngưỡng %(budget)s") % {
                "latency": words.latency(last.latency_seconds),
                "budget": words.latency(budget.total_seconds()),
            }
    return text


def culprit(view: PointView) -> str:
    """The name of the endpoint that the point's status comes from."""
    for each in view.endpoints:
        if each.endpoint.key.endpoint == view.culprit:
            return each.endpoint.name
    return ""


def callers(contact: Contact, words: Words) -> tuple[Caller, ...]:
    """Whom to call: the point's own people first, then the provider with the circuit's number."""
    found = []
    if contact.name or contact.phone:
        found.append(Caller(contact.name or words.gettext("Tại điểm"), contact.phone))
    if contact.provider or contact.provider_hotline:
        note = words.gettext("kênh %s") % contact.circuit_id if contact.circuit_id else ""
        found.append(Caller(contact.provider or words.gettext("Nhà mạng"), contact.provider_hotline, note))
    return tuple(found)


def past(
    transitions: Sequence[Transition], names: Mapping[str, str], words: Words, now: datetime, *, limit: int = RECENT
) -> tuple[Past, ...]:
    """The troubles of points that ended, newest first. ``transitions`` are newest first.

    A trouble lasts from the first bad status to the next that is up, however it changed in between; the worst names it.
    """
    begun: dict[str, Transition] = {}
    worst: dict[str, Transition] = {}
    ended: list[tuple[Transition, Transition, datetime]] = []
    for row in reversed(transitions):
        subject = row.key.point
        if not row.key.is_point or subject not in names:
            continue
        if row.status in BAD:
            begun.setdefault(subject, row)
            if subject not in worst or BAD.index(row.status) < BAD.index(worst[subject].status):
                worst[subject] = row
        elif row.status is Status.UP and subject in begun:
            ended.append((begun.pop(subject), worst.pop(subject), row.at))
        elif row.status is Status.UNOBSERVED:
            begun.pop(subject, None)
            worst.pop(subject, None)
    ended.sort(key=lambda entry: entry[2], reverse=True)
    return tuple(_past(first, bad, end, names, words, now) for first, bad, end in ended[:limit])


def _past(
    first: Transition, bad: Transition, end: datetime, names: Mapping[str, str], words: Words, now: datetime
) -> Past:
    lasted = words.duration(max(timedelta(), end - first.at))
    return Past(
        point=first.key.point,
        when=words.moment(first.at, now, seconds=False),
        title=words.gettext(TITLES[bad.status.value]) % {"name": names[first.key.point]},
        bucket=bad.status.value,
        note=f"{lasted} · {explain(words, bad.reason, bad.failed_phase, bad.detail)}",
    )
