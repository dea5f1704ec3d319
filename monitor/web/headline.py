"""The verdict in words a director understands, with one sentence below it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.config.model import Config
from monitor.language.reasons import explain
from monitor.language.words import TITLES, Words
from monitor.model import Status
from monitor.web.wall import ALARM, TROUBLE, bucket, line, ranked

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


def headline(verdict: Verdict, words: Words, config: Config, now: datetime) -> Headline:
    """What the wall's first lines say."""
    _ = words.gettext
    needing = [view for view in verdict.troubled if view.point.counted]
    text = _text(verdict, words, config, now)
    rest = ""
    if needing and verdict.stable < verdict.total and not _nothing_known(verdict):
        number = words.number(len(needing))
        rest = words.ngettext("%s cần xử lý", "%s cần xử lý", len(needing)) % number
    elif not needing:
        bad = [view for view in (*verdict.services, *verdict.infrastructure) if bucket(view) in TROUBLE]
        if bad:
            rest = f"{bad[0].point.name} {line(bad[0], words, now).value}"
    ratio = _("%(stable)d/%(total)d ổn định") % {"stable": verdict.stable, "total": verdict.total}
    return Headline(
        icon=ICONS[verdict.tone],
        text=text,
        rest=rest,
        below=_below(verdict, words, config, now),
        title=f"({len(verdict.troubled)}) {ratio}" if verdict.troubled else ratio,
    )


def _nothing_known(verdict: Verdict) -> bool:
    return verdict.counts.get("unknown", 0) == verdict.total


def _text(verdict: Verdict, words: Words, config: Config, now: datetime) -> str:
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
        verdict.stable + verdict.fresh == verdict.total and now - verdict.started < config.stable_after
    ):
        time = words.duration(config.stable_after)
        return _("%(total)s điểm đang hoạt động, chưa đủ %(time)s") % {"total": total, "time": time}
    stable = words.number(verdict.stable)
    return _("%(stable)s/%(total)s điểm hoạt động ổn định") % {"stable": stable, "total": total}


def _below(verdict: Verdict, words: Words, config: Config, now: datetime) -> str:
    _ = words.gettext
    if not verdict.total:
        return _("Khai báo địa chỉ thật của các điểm trong tệp cấu hình.")
    if _nothing_known(verdict):
        return _("Đang chờ kết quả dò đầu tiên.")
    worst = [view for view in ranked(verdict.troubled) if bucket(view) in TROUBLE]
    if worst:
        form = _("Toàn mạng: %s") if worst[0].point.kind == "hub" else _("Nặng nhất: %s")
        return form % _worst(worst[0], worst, config, words, now)
    calm = _("Không có điểm nào lỗi.")
    if verdict.stable and verdict.fresh:
        fresh = words.ngettext(
            "%(number)s điểm hoạt động chưa đủ %(time)s.", "%(number)s điểm hoạt động chưa đủ %(time)s.", verdict.fresh
        )
        time = words.duration(config.stable_after)
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


def _worst(view: PointView, troubled: Sequence[PointView], config: Config, words: Words, now: datetime) -> str:
    """The worst one, or its area when several of that are down alike."""
    _ = words.gettext
    title = words.gettext(TITLES[bucket(view)]) % {"name": view.point.name}
    since = view.since
    if view.status in (Status.DOWN, Status.UNREACHABLE) and view.point.area:
        alike = [each for each in troubled if each.point.area == view.point.area and each.status is view.status]
        if len(alike) >= ALARM:
            names: Mapping[str, str] = {area.id: area.name for area in config.areas}
            members = sum(point.area == view.point.area and point.counted for point in config.points)
            number = str(len(alike)) if len(alike) == members else f"{len(alike)}/{members}"
            form = (
                _("cả %(number)s điểm khu vực %(area)s mất kết nối")
                if len(alike) == members
                else _("%(number)s điểm khu vực %(area)s mất kết nối")
            )
            title = form % {"number": number, "area": names.get(view.point.area, view.point.area)}
            since = min((each.since for each in alike if each.since), default=since)
    parts = [title]
    if since is not None:
        parts[0] += " " + _("từ %s") % words.moment(since, now, seconds=False)
    parts.append(explain(words, view.reason, view.failed_phase, view.detail))
    return ", ".join(parts)
