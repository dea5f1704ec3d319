"""The panel beside the map: incidents, worst and newest first; or what was, when there is none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.incidents.model import Incident
from monitor.language.words import TITLES, sentence
from monitor.web.incident import Case, Setting, Touched, bucket_of, case, title
from monitor.web.people import Caller, callers
from monitor.web.telling import culprit, reason, when
from monitor.web.wall import TROUBLE, bucket

if TYPE_CHECKING:
    from monitor.board import PointView

LARGE, MEDIUM, ROW = "large", "medium", "row"
FEW = 4
"""Up to so many, all of them are cards; with more, only the first two."""
ROWS = 5
"""So many rows fit below two cards."""
RECENT = 6
LOUD = ("down", "unreachable", "faulty")


@dataclass(frozen=True, slots=True)
class Card:
    """An incident, or a troubled point that is in none (``number`` is 0 then, and nobody can take it)."""

    id: str
    size: str
    url: str
    number: int
    bucket: str
    title: str
    place: str
    since: datetime | None
    since_text: str
    lasted: str
    reason: str
    where: str
    callers: tuple[Caller, ...]
    taken: str = ""
    ticket: str = ""
    touched: tuple[Touched, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """An incident that is over."""

    number: int
    when: str
    title: str
    bucket: str
    note: str


@dataclass(frozen=True, slots=True)
class Panel:
    """``open`` counts incidents, ``untaken`` those that nobody took, ``loose`` points in trouble and in no incident;
    ``more`` of both have no room. ``past`` is shown when there is some."""

    cards: tuple[Card, ...]
    open: int
    untaken: int
    loose: int
    more: int
    past: tuple[Past, ...] = field(default=())


def panel(
    incidents: Sequence[Incident], troubled: Sequence[PointView], recent: Sequence[Past], setting: Setting
) -> Panel:
    """What the panel holds. ``incidents`` are those open, ``troubled`` the points that are not well, worst first."""
    touched = {each.point for incident in incidents for each in incident.troubled}
    loose = [view for view in troubled if view.point.id not in touched and bucket(view) in TROUBLE]
    total = len(incidents) + len(loose)
    limit = total if total <= FEW else 2 + ROWS
    cards: list[Card] = []
    for number, incident in enumerate(incidents[:limit]):
        cards.append(_incident(case(incident, setting), _size(number, total)))
    for number, view in enumerate(loose[: limit - len(cards)], len(cards)):
        cards.append(_loose(view, _size(number, total), setting))
    return Panel(
        cards=tuple(cards),
        open=len(incidents),
        untaken=sum(incident.acknowledged is None for incident in incidents),
        loose=len(loose),
        more=total - len(cards),
        past=tuple(recent[: RECENT if not cards else max(0, 3 - len(cards))]),
    )


def _size(index: int, total: int) -> str:
    if index == 0:
        return LARGE
    return MEDIUM if index == 1 or total <= FEW else ROW


def _incident(told: Case, size: str) -> Card:
    return Card(
        id=f"k-{told.uid}",
        size=size,
        url=f"/incidents/{told.number}",
        number=told.number,
        bucket=told.bucket,
        title=told.title,
        place=told.affected,
        since=told.since,
        since_text=told.since_text,
        lasted=told.lasted,
        reason=". ".join(part for part in (told.reason, told.evidence) if part),
        where=told.where,
        callers=told.callers,
        taken=told.taken,
        ticket=told.ticket,
        touched=told.touched,
    )


def _loose(view: PointView, size: str, setting: Setting) -> Card:
    words, now, point = setting.words, setting.now, view.point
    place = words.gettext("khu vực %s") % setting.areas[point.area] if point.area in setting.areas else ""
    return Card(
        id=f"k-{point.id}",
        size=size,
        url=f"/points/{point.id}",
        number=0,
        bucket=bucket(view),
        title=words.gettext(TITLES[bucket(view)]) % {"name": point.name},
        place=sentence(place or words.kind(point.kind)),
        since=view.since,
        since_text=when(view, words, now),
        lasted=words.duration(now - view.since) if view.since is not None else "",
        reason=sentence(reason(view, words)),
        where=culprit(view),
        callers=callers(point.contact, words),
    )


def past(incidents: Sequence[Incident], setting: Setting) -> tuple[Past, ...]:
    """Incidents that are over, in their order; those that turned out to be part of another are left out."""
    return tuple(_past(incident, setting) for incident in incidents if not incident.is_open and not incident.into)


def _past(incident: Incident, setting: Setting) -> Past:
    words, told = setting.words, case(incident, setting)
    return Past(
        number=incident.number,
        when=words.moment(incident.began, setting.now, seconds=False),
        title=title(incident, setting),
        bucket=bucket_of(incident),
        note=f"{told.lasted} · {told.affected}",
    )


def loud(incidents: Sequence[Incident]) -> tuple[int, ...]:
    """The numbers of those that are worth a sound when they are new."""
    return tuple(incident.number for incident in incidents if bucket_of(incident) in LOUD)
