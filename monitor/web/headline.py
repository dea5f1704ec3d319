"""The verdict in words a director understands, with one sentence below it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.incidents.model import Incident
from monitor.language.reasons import explain
from monitor.language.words import TITLES, Words
from monitor.model import FaultKind
from monitor.web.incident import Setting, affected, bucket_of, count, others, place_of, title
from monitor.web.wall import ALARM, CUT_OFF, TROUBLE, bucket, line

if TYPE_CHECKING:
    from monitor.board import PointView, Verdict

ICONS = {
    "stable": "stable",
    "fresh": "fresh",
    "amber": "degraded",
    "faulty": "faulty",
    "down": "down",
    "unknown": "unknown",
}
"""The verdict's tone and the glyph that stands for it."""


ONE_LINE = 46
"""So many characters of the largest type fit beside the clock."""


@dataclass(frozen=True, slots=True)
class Headline:
    """``text`` is the verdict, ``rest`` follows in trouble's colour, ``below`` is the sentence, ``title`` the tab."""

    icon: str
    text: str
    rest: str
    below: str
    title: str

    @property
    def long(self) -> bool:
        """Whether it needs smaller type to stay on one line."""
        return len(self.text) + len(self.rest) > ONE_LINE


def headline(verdict: Verdict, incidents: Sequence[Incident], setting: Setting) -> Headline:
    """What the wall's first lines say. ``incidents`` are those open, worst first."""
    _ = setting.words.gettext
    ratio = _("%(stable)d/%(total)d ổn định") % {"stable": verdict.stable, "total": verdict.total}
    troubles = len(incidents) or len(loose(verdict))
    tab = f"({troubles}) {ratio}" if troubles else ratio
    isolated = next((each for each in incidents if each.fault.kind is FaultKind.VANTAGE), None)
    if isolated is not None:
        since = setting.words.moment(isolated.began, setting.now, seconds=False)
        unknown = _("Chưa xác định")
        return Headline(
            icon="unknown",
            text=_("Chưa xác định: máy giám sát mất mạng phía mình từ %s") % since,
            rest="",
            below=_("Không kết luận gì về các điểm cho tới khi máy giám sát có lại mạng."),
            title=f"({troubles}) {unknown}",
        )
    return Headline(
        icon=ICONS[verdict.tone],
        text=_text(verdict, setting),
        rest=_rest(verdict, incidents, setting),
        below=_below(verdict, incidents, setting),
        title=tab,
    )


def loose(verdict: Verdict) -> list[PointView]:
    """The points that are in trouble, whether an incident says so or not."""
    return [view for view in verdict.troubled if bucket(view) in TROUBLE]


def _rest(verdict: Verdict, incidents: Sequence[Incident], setting: Setting) -> str:
    words = setting.words
    needing = [view for view in loose(verdict) if view.point.counted]
    if not needing:
        bad = [view for view in (*verdict.services, *verdict.infrastructure) if bucket(view) in TROUBLE]
        if bad:
            return f"{bad[0].point.name} {line(bad[0], words, setting.now).value}"
    if incidents:
        return words.ngettext("%s sự cố", "%s sự cố", len(incidents)) % words.number(len(incidents))
    if needing and verdict.stable < verdict.total and not _nothing_known(verdict):
        return words.ngettext("%s cần xử lý", "%s cần xử lý", len(needing)) % words.number(len(needing))
    return ""


def _nothing_known(verdict: Verdict) -> bool:
    return verdict.counts.get("unknown", 0) == verdict.total


def _text(verdict: Verdict, setting: Setting) -> str:
    words = setting.words
    _ = words.gettext
    total = words.number(verdict.total)
    if not verdict.total:
        return _("Chưa có điểm nào được khai báo")
    if _nothing_known(verdict):
        return _("Chưa xác định: chưa có kết quả dò của %s điểm") % total
    waived = verdict.counts.get("maintenance", 0)
    if verdict.stable + waived == verdict.total:
        return _("Tất cả %s điểm hoạt động ổn định") % words.number(verdict.stable)
    if verdict.fresh == verdict.total or (
        verdict.stable + verdict.fresh == verdict.total and setting.now - verdict.started < setting.config.stable_after
    ):
        time = words.duration(setting.config.stable_after)
        return _("%(total)s điểm đang hoạt động, chưa đủ %(time)s") % {"total": total, "time": time}
    stable = words.number(verdict.stable)
    return _("%(stable)s/%(total)s điểm hoạt động ổn định") % {"stable": stable, "total": total}


def _below(verdict: Verdict, incidents: Sequence[Incident], setting: Setting) -> str:
    words = setting.words
    _ = words.gettext
    if not verdict.total:
        return _("Khai báo địa chỉ thật của các điểm trong tệp cấu hình.")
    if incidents:
        return _worst(incidents[0], setting)
    if _nothing_known(verdict):
        return _("Đang chờ kết quả dò đầu tiên.")
    if bad := loose(verdict):
        return _("Nặng nhất: %s") % _point(bad[0], setting)
    calm = _("Không có sự cố.")
    if verdict.stable and verdict.fresh:
        fresh = words.ngettext(
            "%(number)s điểm hoạt động chưa đủ %(time)s.", "%(number)s điểm hoạt động chưa đủ %(time)s.", verdict.fresh
        )
        time = words.duration(setting.config.stable_after)
        calm = fresh % {"number": words.number(verdict.fresh), "time": time}
    return f"{calm} {_services(verdict.services, words)}".strip()


def _services(services: Sequence[PointView], words: Words) -> str:
    _ = words.gettext
    declared = [view for view in services if view.point.declared]
    if not declared:
        return ""
    well = sum(bucket(view) in ("stable", "fresh") for view in declared)
    if well < len(declared):
        return _("%(well)d/%(all)d dịch vụ dùng chung ổn định.") % {"well": well, "all": len(declared)}
    return words.ngettext(
        "%s dịch vụ dùng chung ổn định.", "%s dịch vụ dùng chung đều ổn định.", len(declared)
    ) % words.numeral(len(declared))


def _point(view: PointView, setting: Setting) -> str:
    words = setting.words
    said = words.gettext(TITLES[bucket(view)]) % {"name": view.point.name}
    if view.since is not None:
        said += " " + words.gettext("từ %s") % words.moment(view.since, setting.now, seconds=False)
    return f"{said}, {explain(words, view.reason, view.failed_phase, view.detail)}"


def _worst(incident: Incident, setting: Setting) -> str:
    """The worst incident in a sentence: "Nặng nhất: cả 8 điểm khu vực Ba Vì mất kết nối từ 10:02, do nhà mạng"."""
    words, point = setting.words, setting.points.get(incident.fault.subject)
    _ = words.gettext
    since = _("từ %s") % words.moment(incident.began, setting.now, seconds=False)
    touched = others(incident)
    whole = incident.fault.kind is FaultKind.NETWORK
    hub = point is not None and point.kind == "hub"
    form = "%s" if whole else _("Toàn mạng: %s") if hub else _("Nặng nhất: %s")
    area = _of_one_area(incident, setting)
    if area and not whole and not hub and bucket_of(incident) in CUT_OFF and len(touched) >= ALARM:
        because = _("do %s") % place_of(incident, setting)
        return form % f"{area} {since}, {because}"
    said = f"{title(incident, setting)} {since}"
    if touched:
        return form % f"{said}, {affected(incident, setting)}"
    first = next(iter(incident.affected.values()), None)
    return form % (
        f"{said}, {explain(words, first.reason, first.failed_phase)}"
        if first and bucket_of(incident) != "flapping"
        else said
    )


def _of_one_area(incident: Incident, setting: Setting) -> str:
    """ "cả 8 điểm khu vực Ba Vì mất kết nối" when all that it touches lie in one area, else ""."""
    _ = setting.words.gettext
    touched = others(incident)
    points = [setting.points[each.point] for each in touched if each.point in setting.points]
    areas = {point.area for point in points}
    if len(areas) != 1 or not areas <= setting.areas.keys():
        return ""
    area, kinds = areas.pop(), {point.kind for point in points}
    members = sum(point.area == area and point.counted and point.kind in kinds for point in setting.config.points)
    whole = _("cả %(points)s khu vực %(area)s mất kết nối")
    some = _("%(points)s khu vực %(area)s mất kết nối")
    return (whole if len(points) == members else some) % {
        "points": count(touched, setting),
        "area": setting.areas[area],
    }
