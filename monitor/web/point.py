"""A point's page: its endpoints with phases on one scale, days, changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from monitor.config.model import Config
from monitor.language.reasons import explain
from monitor.language.words import Words, sentence
from monitor.model import Outcome, Reason, Status, Transition
from monitor.web import wall
from monitor.web.people import Caller, callers
from monitor.web.telling import culprit, reason, when

if TYPE_CHECKING:
    from monitor.board import EndpointView, PointView
    from monitor.model import Result

DAYS = 90
HISTORY = timedelta(days=90)
CHANGES = 14
LABELLED = 0.07
"""A phase's share of the scale from which on its milliseconds fit into its segment."""

FULL_SCALE = 0.72
"""The longest bar's share of its column: the rest holds its total."""

PHASE_ORDER = ("resolve", "setup", "connect", "tls", "request", "rtt", "processing", "transfer")


@dataclass(frozen=True, slots=True)
class Segment:
    """One phase of a probe: its share of the column in per cent, and its milliseconds where they fit."""

    phase: str
    name: str
    percent: float
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """An endpoint with its last probe."""

    id: str
    name: str
    address: str
    bucket: str
    status: str
    segments: tuple[Segment, ...]
    total: str
    note: str
    at: datetime | None
    age: str
    failed: bool
    suspect: bool
    lagged: bool


@dataclass(frozen=True, slots=True)
class Parent:
    """What the point depends on."""

    id: str
    name: str
    bucket: str
    status: str


@dataclass(frozen=True, slots=True)
class Page:
    """The upper part of the page. ``phases`` are those that occur, for the legend."""

    bucket: str
    status: str
    since: datetime | None
    when: str
    lasted: str
    place: str
    reason: str
    culprit: str
    parents: tuple[tuple[Parent, ...], ...]
    callers: tuple[Caller, ...]
    hours: str
    rows: tuple[Row, ...]
    phases: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A transition in words."""

    at: datetime
    when: str
    bucket: str
    title: str
    note: str


def page(view: PointView, views: Mapping[str, PointView], config: Config, words: Words, now: datetime) -> Page:
    """The upper part of the point's page."""
    _ = words.gettext
    point, kind = view.point, wall.bucket(view)
    rows = _rows(view, words, now)
    found = {segment.phase for row in rows for segment in row.segments}
    return Page(
        bucket=kind,
        status=words.bucket(kind, config.stable_after),
        since=view.since,
        when=when(view, words, now),
        lasted=words.duration(now - view.since) if view.since else "",
        place=_place(view, config, words),
        reason=sentence(reason(view, words)) if kind in wall.TROUBLE else "",
        culprit=culprit(view),
        parents=tuple(
            tuple(_parent(views[name], words, config) for name in each.any_of if name in views)
            for each in point.depends_on
        ),
        callers=callers(point.contact, words),
        hours=words.hours(point.hours),
        rows=rows,
        phases=tuple((phase, words.phase(phase)) for phase in PHASE_ORDER if phase in found),
    )


def _place(view: PointView, config: Config, words: Words) -> str:
    point = view.point
    parts = [words.unit(point.unit_type) if point.unit_type else words.kind(point.kind)]
    parts += [words.gettext("khu vực %s") % area.name for area in config.areas if area.id == point.area]
    if point.code:
        parts.append(words.gettext("mã %s") % point.code)
    return " · ".join(parts)


def _parent(view: PointView, words: Words, config: Config) -> Parent:
    kind = wall.bucket(view)
    return Parent(view.point.id, view.point.name, kind, words.bucket(kind, config.stable_after))


def _rows(view: PointView, words: Words, now: datetime) -> tuple[Row, ...]:
    scale = max((_spent(each.last) for each in view.endpoints if each.last), default=0.0)
    return tuple(_row(each, scale, words, now) for each in view.endpoints)


def _spent(result: Result) -> float:
    return max(result.latency_seconds, sum(result.phases.values()))


def _row(view: EndpointView, scale: float, words: Words, now: datetime) -> Row:
    _ = words.gettext
    endpoint, last = view.endpoint, view.last
    kind = _endpoint_bucket(view)
    address = last.address if last and last.address else ""
    parts = (endpoint.key.endpoint, endpoint.module.prober, endpoint.target if endpoint.link else address)
    segments, total = (_segments(last, scale, words), words.latency(last.latency_seconds)) if last else ((), "")
    return Row(
        id=endpoint.key.endpoint,
        name=endpoint.name,
        address=" · ".join(dict.fromkeys(part for part in parts if part)),
        bucket=kind,
        status=_("Chưa khai báo") if kind == "undeclared" else words.endpoint_status(view.status),
        segments=segments,
        total=total,
        note=_note(view, words),
        at=last.begun if last else None,
        age=_("%s trước") % words.duration(now - last.begun) if last else "",
        failed=bool(last and last.outcome is Outcome.DOWN),
        suspect=view.suspect,
        lagged=bool(last and last.lagged),
    )


def _endpoint_bucket(view: EndpointView) -> str:
    if not view.endpoint.declared:
        return "undeclared"
    return {Status.UP: "stable", Status.UNOBSERVED: "unknown"}.get(view.status, view.status.value)


def _segments(last: Result, scale: float, words: Words) -> tuple[Segment, ...]:
    if not scale:
        return ()
    order = sorted(
        last.phases.items(), key=lambda item: PHASE_ORDER.index(item[0]) if item[0] in PHASE_ORDER else len(PHASE_ORDER)
    )
    return tuple(
        Segment(
            phase=phase,
            name=words.phase(phase),
            percent=round(100 * FULL_SCALE * seconds / scale, 2),
            label=words.number(seconds * 1000) if seconds / scale >= LABELLED and seconds >= 0.0005 else "",
        )
        for phase, seconds in order
        if seconds > 0
    )


def _note(view: EndpointView, words: Words) -> str:
    """What the last probe found beside its times."""
    _ = words.gettext
    last = view.last
    if not view.endpoint.declared:
        return _("địa chỉ còn là chỗ giữ: %s") % view.endpoint.target
    if last is None:
        return _("chưa có kết quả")
    if last.reason is not Reason.OK:
        return explain(words, last.reason, last.failed_phase, last.detail)
    parts = []
    if code := last.facts.get("probe_http_status_code"):
        parts.append(_("mã trả lời %d") % code)
    if expiry := last.facts.get("probe_ssl_earliest_cert_expiry"):
        left = datetime.fromtimestamp(expiry, UTC) - last.begun
        parts.append(_("chứng thư còn %s") % words.duration(left))
    if (answers := last.facts.get("probe_dns_answer_rrs")) is not None:
        parts.append(words.ngettext("%d bản ghi", "%d bản ghi", int(answers)) % answers)
    if (loss := last.facts.get("lienthong_probe_icmp_loss_ratio")) is not None:
        parts.append(_("mất gói %s %%") % words.ratio(loss, 1))
    return " · ".join(parts) or _("trả lời tốt")


def charted(view: PointView) -> str:
    """The endpoint whose latency is drawn first: the first behind the link that counts, else the link."""
    declared = [each.endpoint for each in view.endpoints if each.endpoint.declared]
    for endpoint in declared:
        if endpoint.critical and not endpoint.link:
            return endpoint.key.endpoint
    return declared[0].key.endpoint if declared else ""


def changes(rows: Sequence[Transition], view: PointView, words: Words, now: datetime) -> tuple[Change, ...]:
    """The point's transitions in words, newest first (as given)."""
    points = [row for row in rows if row.key.is_point]
    names = {each.endpoint.key.endpoint: each.endpoint.name for each in view.endpoints}
    return tuple(
        _change(row, _trouble_before(points[number + 1 :]), names, words, now)
        for number, row in enumerate(points[:CHANGES])
    )


def _trouble_before(rows: Sequence[Transition]) -> Transition | None:
    """The row with which the trouble began that ``rows`` (newest first) begin in; None when they begin in none."""
    return next(iter(reversed(list(takewhile(lambda row: row.status.value in wall.TROUBLE, rows)))), None)


def _change(
    row: Transition, before: Transition | None, names: Mapping[str, str], words: Words, now: datetime
) -> Change:
    _ = words.gettext
    back = row.status is Status.UP and not row.first
    note = ""
    if back and before is not None:
        note = _("sau %s") % words.duration(row.at - before.at)
    elif row.status is not Status.UP:
        place = names.get(row.culprit, "")
        note = ": ".join(part for part in (place, explain(words, row.reason, row.failed_phase, row.detail)) if part)
    if row.first:
        note = "; ".join(part for part in (_("lần đầu được đo"), note) if part)
    return Change(
        at=row.at,
        when=words.between(row.not_before, row.at, now),
        bucket={Status.UP: "stable", Status.UNOBSERVED: "unknown"}.get(row.status, row.status.value),
        title=_("Hoạt động trở lại") if back else words.status(row.status),
        note=note,
    )
