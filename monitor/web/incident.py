"""An incident in words for people: what it is called, how bad, whom it touches, whom to call, who is on it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor.config.model import Config, Contact, Point
from monitor.incidents.model import Affected, Incident, Severity
from monitor.language import N_
from monitor.language.faults import fault_name, fault_place, fault_title
from monitor.language.reasons import explain
from monitor.language.words import Words, sentence
from monitor.model import Fault, FaultKind, Reason, Status
from monitor.web import wall
from monitor.web.people import Caller, callers
from monitor.web.telling import reason

if TYPE_CHECKING:
    from monitor.board import PointView

Sentence = Callable[[Words, Mapping[str, Any]], str]
"""The evidence as one sentence."""

STATUSES = list(Status)
"""Worst first."""

GRAVEST = {Severity.CRITICAL: Status.DOWN, Severity.WARNING: Status.FAULTY, Severity.INFO: Status.DEGRADED}
"""What an incident did at its worst."""

CLEARED = {
    "xa": N_("không ở xã"),
    "phuong": N_("không ở phường"),
    "ward": N_("không ở phường, xã"),
    "branch": N_("không ở chi nhánh"),
    "": N_("không ở điểm"),
}
"""How points of a sort are cleared of a fault."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known beside the incidents. ``evidence`` says a sentence of what was found out."""

    config: Config
    views: Mapping[str, PointView]
    points: Mapping[str, Point]
    names: Mapping[str, str]
    areas: Mapping[str, str]
    words: Words
    now: datetime
    evidence: Sentence

    @classmethod
    def of(
        cls, config: Config, views: Mapping[str, PointView], words: Words, now: datetime, evidence: Sentence
    ) -> Setting:
        """A setting from what the board shows."""
        names = {each.key.endpoint: each.name for each in config.endpoints()}
        names |= {point.id: point.name for point in config.points}
        points = {point.id: point for point in config.points}
        areas = {area.id: area.name for area in config.areas}
        return cls(config, views, points, names, areas, words, now, evidence)


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as it is told. ``affected`` says whom it touches, ``where`` where the fault lies, ``taken`` who is
    on it ("" nobody), ``touched`` the points that it touches now."""

    uid: str
    number: int
    bucket: str
    title: str
    affected: str
    since: datetime
    since_text: str
    lasted: str
    reason: str
    evidence: str
    where: str
    callers: tuple[Caller, ...]
    taken: str
    ticket: str
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """A point that an incident touches, or touched. ``until`` is "" while it does."""

    id: str
    name: str
    bucket: str
    status: str
    since: str
    until: str
    reason: str


def case(incident: Incident, setting: Setting) -> Case:
    """The incident in words."""
    words, now = setting.words, setting.now
    bucket = bucket_of(incident)
    taken = incident.acknowledged
    return Case(
        uid=incident.uid,
        number=incident.number,
        bucket=bucket,
        title=title(incident, setting),
        affected=sentence(affected(incident, setting)),
        since=incident.began,
        since_text=words.gettext("từ %s") % words.moment(incident.began, now),
        lasted=words.duration((incident.recovered or incident.closed or now) - incident.began),
        reason=sentence(_reason(incident, setting)),
        evidence=setting.evidence(words, incident.evidence) if incident.evidence else "",
        where=where(incident, setting),
        callers=_callers(incident, setting),
        taken=_taken(incident, setting),
        ticket=words.gettext("phiếu %s") % taken.ticket if taken and taken.ticket else "",
        touched=tuple(touched(each, incident, setting) for each in sorted(incident.troubled, key=_badness)),
    )


def bucket_of(incident: Incident) -> str:
    """The one word for how bad it is: what its cause does, else the worst that it does to anybody."""
    fault = incident.fault
    if fault.kind in (FaultKind.VANTAGE, FaultKind.MONITOR):
        return "unknown"
    own = incident.affected.get(fault.subject) if fault.kind is FaultKind.POINT else None
    if own is not None and own.point in incident.flapping:
        return "flapping"
    members = incident.troubled or tuple(incident.affected.values())
    worst = min((each.status for each in members), key=STATUSES.index, default=Status.UNKNOWN)
    if own is not None and (own.until is None or incident.closed):
        worst = own.status
    if fault.kind is FaultKind.POINT and own is None and any(each.reason is Reason.REDUNDANCY for each in members):
        return "down"
    if incident.closed:
        # What is kept of a point is what it was last; the severity is the worst that it ever was.
        worst = min(worst, GRAVEST[incident.severity], key=STATUSES.index)
    if worst is Status.UP:
        return "flapping" if incident.flapping else "fresh"
    # What lies above is down for those below; that it is itself the child of another is another incident.
    return "down" if worst is Status.UNREACHABLE else worst.value


def title(incident: Incident, setting: Setting) -> str:
    """What it is called: "Tuyến chính mất kết nối"."""
    fault = culprit(incident)
    name = fault_name(setting.words, fault, setting.names, setting.areas)
    return fault_title(setting.words, fault, name, bucket_of(incident))


def culprit(incident: Incident) -> Fault:
    """What is at fault now: when nothing of an incident is left but a point that flaps, that point is."""
    if incident.is_open and bucket_of(incident) == "flapping" and len(incident.flapping) == 1:
        return Fault(FaultKind.POINT, next(iter(incident.flapping)))
    return incident.fault


def others(incident: Incident) -> list[Affected]:
    """Those that it touches beside the point that is at fault: now, or at all when it is over."""
    members = incident.troubled if incident.is_open else tuple(incident.affected.values())
    return [
        each for each in members if incident.fault.kind is not FaultKind.POINT or each.point != incident.fault.subject
    ]


def affected(incident: Incident, setting: Setting) -> str:
    """Whom it touches: "8 xã bị ảnh hưởng"; where it is when it touches only itself."""
    _ = setting.words.gettext
    touched_points = others(incident)
    if not touched_points:
        return _place(setting.points.get(incident.fault.subject), setting)
    many = count(touched_points, setting)
    reasons = {each.reason for each in touched_points}
    statuses = {each.status for each in touched_points}
    if reasons == {Reason.REDUNDANCY}:
        return _("%s mất dự phòng") % many
    if statuses == {Status.UNKNOWN}:
        return _("%s chưa xác định") % many
    if statuses == {Status.FAULTY}:
        return _("%s lỗi dịch vụ") % many
    return _("%s bị ảnh hưởng") % many


def where(incident: Incident, setting: Setting) -> str:
    """Where the fault lies, and whom that clears: "tuyến truyền dẫn, không ở xã"; the endpoint when it is one's own."""
    touched_points, point = others(incident), setting.points.get(incident.fault.subject)
    own = incident.affected.get(incident.fault.subject)
    if incident.fault.kind is FaultKind.POINT and not touched_points and own and own.culprit in setting.names:
        return next((each.name for each in point.endpoints if each.key.endpoint == own.culprit), "") if point else ""
    place = place_of(incident, setting)
    if not touched_points or culprit(incident) != incident.fault or incident.fault.kind is FaultKind.NEVER:
        return place
    return f"{place}, {setting.words.gettext(CLEARED[_sort(touched_points, setting)])}"


def place_of(incident: Incident, setting: Setting) -> str:
    """Where the fault lies: "tuyến truyền dẫn"."""
    fault = culprit(incident)
    point = setting.points.get(fault.subject)
    return fault_place(setting.words, fault, point.kind if point else "")


def contact(incident: Incident, setting: Setting) -> Contact:
    """Whom to call: the contact of the point at fault, else what those of all that it touches agree on."""
    point = setting.points.get(incident.fault.subject)
    if incident.fault.kind is FaultKind.POINT and point is not None:
        return point.contact
    contacts = [setting.points[each.point].contact for each in others(incident) if each.point in setting.points]

    def agreed(name: str) -> str:
        values = {str(getattr(each, name)) for each in contacts}
        return values.pop() if len(values) == 1 else ""

    return Contact(**{each.name: agreed(each.name) for each in fields(Contact)})


def _callers(incident: Incident, setting: Setting) -> tuple[Caller, ...]:
    """The point's own people first; the provider first where the fault isn't one point's."""
    found = callers(contact(incident, setting), setting.words)
    return found[::-1] if others(incident) else found


def touched(each: Affected, incident: Incident, setting: Setting) -> Touched:
    """One point of an incident."""
    words, now = setting.words, setting.now
    bucket = {Status.UP: "stable", Status.UNOBSERVED: "unknown"}.get(each.status, each.status.value)
    if each.until is None and each.point in incident.flapping:
        bucket = "flapping"
    return Touched(
        id=each.point if each.point in setting.points else "",
        name=setting.names.get(each.point, each.point),
        bucket=bucket,
        status=words.bucket(bucket, setting.config.stable_after),
        since=words.moment(each.since, now),
        until=words.moment(each.until, now) if each.until else "",
        reason=explain(words, each.reason, each.failed_phase) if each.reason is not Reason.OK else "",
    )


def rank(incident: Incident, setting: Setting) -> tuple[int, int, float]:
    """Network-wide, then a cause that is down by how many it touches, then one that is down, faulty, flapping,
    degraded, unknown; within a rank the newest first. Acknowledging reorders nothing."""
    bucket, touched_points = bucket_of(incident), others(incident)
    point = setting.points.get(incident.fault.subject)
    wide = incident.fault.kind in (FaultKind.NETWORK, FaultKind.VANTAGE)
    hub = point is not None and point.kind == "hub" and bucket in wall.CUT_OFF
    newest = -incident.began.timestamp()
    if wide or hub:
        return 0, 0, newest
    if bucket in wall.CUT_OFF and touched_points:
        return 1, -len(touched_points), newest
    return 2 + wall.TROUBLE.index(bucket) if bucket in wall.TROUBLE else 9, 0, newest


def ranked(incidents: Sequence[Incident], setting: Setting) -> tuple[Incident, ...]:
    """Incidents, worst first."""
    return tuple(sorted(incidents, key=lambda incident: rank(incident, setting)))


def numbers(incidents: Sequence[Incident]) -> dict[str, int]:
    """The incident's number of each point that one touches, worst first as ``incidents`` are."""
    found: dict[str, int] = {}
    for incident in incidents:
        for each in incident.troubled:
            found.setdefault(each.point, incident.number)
    return found


def _badness(each: Affected) -> tuple[int, datetime]:
    return STATUSES.index(each.status), each.since


def _taken(incident: Incident, setting: Setting) -> str:
    taken = incident.acknowledged
    if taken is None:
        return ""
    at = setting.words.moment(taken.at, setting.now, seconds=False)
    return setting.words.gettext("%(name)s nhận %(at)s") % {"name": taken.actor, "at": at}


def count(members: Sequence[Affected], setting: Setting) -> str:
    """How many of which sort: "8 xã"."""
    number, ngettext = len(members), setting.words.ngettext
    match _sort(members, setting):
        case "xa":
            form = ngettext("%s xã", "%s xã", number)
        case "phuong":
            form = ngettext("%s phường", "%s phường", number)
        case "ward":
            form = ngettext("%s phường, xã", "%s phường, xã", number)
        case "branch":
            form = ngettext("%s chi nhánh", "%s chi nhánh", number)
        case _:
            form = ngettext("%s điểm", "%s điểm", number)
    return form % setting.words.number(number)


def _sort(members: Sequence[Affected], setting: Setting) -> str:
    points = [setting.points[each.point] for each in members if each.point in setting.points]
    kinds, units = {point.kind for point in points}, {point.unit_type for point in points}
    if kinds == {"ward"}:
        return next(iter(units)) if len(units) == 1 and units <= CLEARED.keys() - {""} else "ward"
    return "branch" if kinds == {"branch"} else ""


def _place(point: Point | None, setting: Setting) -> str:
    _, words = setting.words.gettext, setting.words
    if point is None or point.area not in setting.areas:
        return words.kind(point.kind) if point else _("1 điểm")
    one, area = _("1 điểm"), _("khu vực %s") % setting.areas[point.area]
    return f"{one} · {area}"


def _reason(incident: Incident, setting: Setting) -> str:
    words, subject = setting.words, incident.fault.subject
    if incident.fault.kind is FaultKind.VANTAGE:
        return words.gettext("mọi mốc ở phía máy giám sát đều không trả lời; các điểm có thể vẫn tốt")
    view = setting.views.get(subject)
    members = [each for each in incident.affected.values() if each.reason is not Reason.OK]
    own = next((each for each in members if each.point == subject), None)
    if own is not None and view is not None and view.reason is own.reason and own.until is None:
        return reason(view, words)
    if own is None:
        common = Counter((each.reason, each.failed_phase) for each in members).most_common(1)
        return explain(words, *common[0][0]) if common else words.gettext("đổi trạng thái liên tục")
    return explain(words, own.reason, own.failed_phase)
