"""What happened to an incident, event by event, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from monitor.incidents.model import EventKind, Incident, IncidentEvent, Severity
from monitor.language import N_
from monitor.language.faults import resolution
from monitor.language.reasons import explain
from monitor.model import Reason, Status
from monitor.web.incident import Setting

FOREVER = datetime.max.replace(tzinfo=UTC)
"""What ``silenced_until`` is for until recovery."""

MANY = 4
"""So many points that join or leave at once are told in one line."""

TITLES = {
    EventKind.OPENED: N_("Mở sự cố"),
    EventKind.JOINED: N_("Thêm điểm"),
    EventKind.CHANGED: N_("Đổi trạng thái"),
    EventKind.RELEASED: N_("Hết bị ảnh hưởng"),
    EventKind.WORSENED: N_("Nặng hơn"),
    EventKind.FLAPPING: N_("Bắt đầu chập chờn"),
    EventKind.STEADY: N_("Hết chập chờn"),
    EventKind.EVIDENCE: N_("Thu bằng chứng"),
    EventKind.TOLD: N_("Đã báo"),
    EventKind.ACKNOWLEDGED: N_("Nhận xử lý"),
    EventKind.NOTED: N_("Ghi chú"),
    EventKind.SILENCED: N_("Tạm ngừng báo"),
    EventKind.SILENCED_ELSEWHERE: N_("Im lặng ở Alertmanager"),
    EventKind.TOLD_ELSEWHERE: N_("Alertmanager đã báo"),
    EventKind.CLASSIFIED: N_("Nguyên nhân"),
    EventKind.TAKEN_OVER: N_("Gộp vào sự cố khác"),
    EventKind.RECOVERED: N_("Phục hồi"),
    EventKind.CLOSED: N_("Đóng sự cố"),
}

BUCKETS = {
    EventKind.OPENED: "down",
    EventKind.WORSENED: "down",
    EventKind.FLAPPING: "flapping",
    EventKind.RELEASED: "stable",
    EventKind.STEADY: "stable",
    EventKind.RECOVERED: "stable",
    EventKind.CLOSED: "stable",
}
"""The glyph beside an event; the others have none of a status."""

SEVERITIES = {
    Severity.CRITICAL: N_("nghiêm trọng"),
    Severity.WARNING: N_("cảnh báo"),
    Severity.INFO: N_("lưu ý"),
}

LEFT = {
    "recovered": N_("hoạt động trở lại"),
    "moved": N_("chuyển sang sự cố khác"),
    "removed": N_("bị bỏ khỏi cấu hình"),
    "maintenance": N_("vào bảo trì"),
    "configuration": N_("đổi cấu hình"),
    "superseded": N_("đã gộp vào sự cố khác"),
}
"""Why a point left, or an incident was closed."""

MESSAGES = {
    "opened": N_("sự cố mới"),
    "worsened": N_("nặng hơn"),
    "flapping": N_("chập chờn"),
    "steady": N_("hết chập chờn"),
    "reminder": N_("nhắc lại"),
    "escalation": N_("báo lên cấp trên"),
    "recovered": N_("phục hồi"),
    "test": N_("thử"),
    "digest": N_("gộp nhiều tin"),
}
"""What a message says, by its kind."""


SILENCE_ENDS = {
    "expired": N_("hết hạn"),
    "lifted": N_("đã gỡ"),
    "unmatched": N_("không còn khớp sự cố này"),
}
"""Why a silence at an Alertmanager holds no more."""

DELIVERED = {"firing": N_("đang xảy ra"), "resolved": N_("đã hết")}
"""What an Alertmanager said of an alert."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline. ``actor`` is "" for the program itself."""

    at: datetime
    when: str
    bucket: str
    title: str
    text: str
    actor: str = ""


def timeline(events: Sequence[IncidentEvent], setting: Setting) -> tuple[Happening, ...]:
    """The events by when they happened, newest first; many points that join or leave in one go share a line."""
    lines: list[Happening] = []
    for _, run in groupby(events, key=lambda event: (event.kind, event.recorded_at, event.actor)):
        together = list(run)
        if len(together) >= MANY and together[0].point:
            lines.append(_together(together, setting))
        else:
            lines += [_happening(event, setting) for event in together]
    lines.sort(key=lambda line: line.at)
    return tuple(reversed(lines))


def _together(events: Sequence[IncidentEvent], setting: Setting) -> Happening:
    first = min(events, key=lambda event: event.at)
    names = [setting.names.get(event.point, event.point) for event in events]
    count = setting.words.ngettext("%s điểm", "%s điểm", len(names)) % setting.words.number(len(names))
    return replace(_happening(first, setting), text=f"{count}: {', '.join(names)}")


def _happening(event: IncidentEvent, setting: Setting) -> Happening:
    words = setting.words
    bucket = BUCKETS.get(event.kind, "")
    if event.kind in (EventKind.JOINED, EventKind.CHANGED) and "status" in event.data:
        status = Status(event.data["status"])
        bucket = {Status.UP: "stable", Status.UNOBSERVED: "unknown"}.get(status, status.value)
    return Happening(
        at=event.at,
        when=_when(event, setting),
        bucket=bucket,
        title=words.gettext(TITLES[event.kind]),
        text=" · ".join(part for part in _parts(event, event.data, setting) if part),
        actor=event.actor,
    )


def _when(event: IncidentEvent, setting: Setting) -> str:
    not_before = event.data.get("not_before")
    return setting.words.between(datetime.fromisoformat(not_before) if not_before else None, event.at, setting.now)


def _parts(event: IncidentEvent, data: Mapping[str, Any], setting: Setting) -> Iterable[str]:  # noqa: C901  (a line a kind)
    words = setting.words
    _ = words.gettext
    if event.point:
        yield setting.names.get(event.point, event.point)
    match event.kind:
        case EventKind.OPENED | EventKind.WORSENED:
            yield _("mức %s") % _(SEVERITIES[Severity(data["severity"])]) if "severity" in data else ""
        case EventKind.JOINED | EventKind.CHANGED:
            yield words.status(Status(data["status"])).lower() if "status" in data else ""
            reason = Reason(data["reason"]) if data.get("reason") else Reason.OK
            yield explain(words, reason, data.get("failed_phase", "")) if reason is not Reason.OK else ""
            yield _("chuyển từ sự cố %s") % data["taken_from"] if data.get("taken_from") else ""
        case EventKind.RELEASED | EventKind.CLOSED:
            yield _left(data.get("why", ""), setting)
            yield _("sự cố %s") % data["to"] if data.get("to") else ""
        case EventKind.EVIDENCE:
            yield setting.evidence(words, data.get("evidence") or {})
        case EventKind.TOLD:
            what = MESSAGES.get(data.get("what", ""), "")
            yield _(what) if what else ""
            yield _("kênh %s") % data["channel"] if data.get("channel") else ""
            late = int(data.get("late_seconds") or 0)
            yield _("gửi muộn %s") % words.duration(timedelta(seconds=late)) if late else ""
        case EventKind.ACKNOWLEDGED:
            yield _("phiếu %s") % data["ticket"] if data.get("ticket") else ""
        case EventKind.SILENCED:
            yield _silence(data, setting)
        case EventKind.SILENCED_ELSEWHERE:
            why = SILENCE_ENDS.get(data.get("why", ""), "")
            yield _("kênh %s") % data["channel"]
            yield _(why) if why else _until(data["until"], setting)
        case EventKind.TOLD_ELSEWHERE:
            state = DELIVERED[data["status"]]
            yield _("nơi nhận %s") % data["receiver"]
            yield _(state)
            group = ", ".join(f"{name}={value}" for name, value in sorted(data["group"].items()))
            yield _("nhóm %s") % group if group else ""
        case EventKind.CLASSIFIED:
            yield resolution(words, data.get("resolution", ""))
        case EventKind.TAKEN_OVER:
            yield _("sự cố %s") % data["number"] if data.get("number") else ""
    yield event.text


def _left(why: str, setting: Setting) -> str:
    return setting.words.gettext(LEFT[why]) if why in LEFT else why


def _silence(data: Mapping[str, Any], setting: Setting) -> str:
    _ = setting.words.gettext
    if data.get("lifted"):
        return _("báo lại như thường")
    until = data.get("until")
    if not until:
        return _("tới khi phục hồi")
    return _until(until, setting)


def _until(moment: str, setting: Setting) -> str:
    return setting.words.gettext("đến %s") % setting.words.ahead(datetime.fromisoformat(moment), setting.now)


def closing(incident: Incident, setting: Setting) -> str:
    """How it ended: "phục hồi lúc 10:20:05 · Đứt cáp"; "" while it is open."""
    words = setting.words
    _ = words.gettext
    if incident.closed is None:
        return ""
    if incident.recovered is not None:
        said = _("phục hồi %s") % words.between(incident.recovered_not_before, incident.recovered, setting.now)
    else:
        said = _("đóng %(at)s: %(why)s") % {
            "at": words.moment(incident.closed, setting.now),
            "why": _left(incident.closed_why, setting),
        }
    return f"{said} · {resolution(words, incident.resolution)}" if incident.resolution else said


def silenced(incident: Incident, setting: Setting) -> str:
    """Until when nobody is told; "" when somebody is."""
    until, _ = incident.silenced_until, setting.words.gettext
    if until is None or until <= setting.now or not incident.is_open:
        return ""
    if until >= FOREVER:
        return _("tới khi phục hồi")
    return _("đến %s") % setting.words.ahead(until, setting.now)
