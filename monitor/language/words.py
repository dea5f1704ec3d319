"""Numbers, times and statuses in words for people, in one language. Pure.

Decimal comma in Vietnamese, 24-hour clock, dates 23/11/2026, Hanoi's time whatever the machine's.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from gettext import NullTranslations

from monitor.calendar import ZONE
from monitor.language import N_, load
from monitor.model import Status

BUCKETS = ("stable", "fresh", "down", "unreachable", "faulty", "flapping", "degraded", "unknown", "maintenance")
"""Every point is in exactly one, in the legend's order."""

BUCKET_NAMES = {
    "stable": N_("Ổn định"),
    "fresh": N_("Chưa đủ %(time)s"),
    "down": N_("Mất kết nối"),
    "unreachable": N_("Bị ảnh hưởng"),
    "faulty": N_("Lỗi dịch vụ"),
    "flapping": N_("Chập chờn"),
    "degraded": N_("Suy giảm"),
    "unknown": N_("Chưa xác định"),
    "maintenance": N_("Bảo trì"),
    "undeclared": N_("Chưa khai báo"),
}

STATUS_NAMES = {
    Status.UP: N_("Hoạt động"),
    Status.DOWN: N_("Mất kết nối"),
    Status.UNREACHABLE: N_("Bị ảnh hưởng"),
    Status.FAULTY: N_("Lỗi dịch vụ"),
    Status.DEGRADED: N_("Suy giảm"),
    Status.UNKNOWN: N_("Chưa xác định"),
    Status.UNOBSERVED: N_("Không được đo"),
}

ENDPOINT_STATUS_NAMES = {
    **STATUS_NAMES,
    Status.DOWN: N_("Lỗi"),
}

TITLES = {
    "down": N_("%(name)s mất kết nối"),
    "unreachable": N_("%(name)s bị ảnh hưởng"),
    "faulty": N_("%(name)s lỗi dịch vụ"),
    "flapping": N_("%(name)s chập chờn"),
    "degraded": N_("%(name)s suy giảm"),
    "unknown": N_("%(name)s chưa xác định"),
    "maintenance": N_("%(name)s bảo trì"),
    "fresh": N_("%(name)s vừa hoạt động trở lại"),
    "stable": N_("%(name)s ổn định"),
}

PHASES = {
    "resolve": N_("phân giải"),
    "connect": N_("TCP"),
    "tls": N_("TLS"),
    "processing": N_("chờ trả lời"),
    "transfer": N_("nhận"),
    "setup": N_("chuẩn bị"),
    "rtt": N_("đi và về"),
    "request": N_("hỏi đáp"),
}

KINDS = {
    "ward": N_("Phường, xã"),
    "branch": N_("Chi nhánh"),
    "hub": N_("Hub"),
    "circuit": N_("Tuyến truyền dẫn"),
    "service": N_("Dịch vụ dùng chung"),
    "anchor": N_("Mốc phía máy giám sát"),
}

WEEKDAYS = (
    N_("Thứ Hai"),
    N_("Thứ Ba"),
    N_("Thứ Tư"),
    N_("Thứ Năm"),
    N_("Thứ Sáu"),
    N_("Thứ Bảy"),
    N_("Chủ Nhật"),
)

UNITS = {"phuong": N_("Phường"), "xa": N_("Xã"), "dac-khu": N_("Đặc khu")}

DAYS = {
    "Mon": N_("thứ Hai"),
    "Tue": N_("thứ Ba"),
    "Wed": N_("thứ Tư"),
    "Thu": N_("thứ Năm"),
    "Fri": N_("thứ Sáu"),
    "Sat": N_("thứ Bảy"),
    "Sun": N_("Chủ Nhật"),
}
"""The inventory's days."""

NUMERALS = (
    N_("Một"),
    N_("Hai"),
    N_("Ba"),
    N_("Bốn"),
    N_("Năm"),
    N_("Sáu"),
    N_("Bảy"),
    N_("Tám"),
    N_("Chín"),
    N_("Mười"),
)


class Words:
    """How one language says things. ``gettext`` and ``ngettext`` are those of its translations."""

    def __init__(self, language: str, translations: NullTranslations | None = None) -> None:
        self.language = language
        self.translations = translations or load(language)
        self.gettext = self.translations.gettext
        self.ngettext = self.translations.ngettext

    def number(self, value: float, digits: int = 0) -> str:
        """``value`` with exactly ``digits`` decimals and the language's separators."""
        text = f"{value:,.{digits}f}"
        return text if self.language == "en" else text.translate(str.maketrans(",.", ".,"))

    def numeral(self, value: int) -> str:
        """A small number in words, to begin a sentence with."""
        return self.gettext(NUMERALS[value - 1]) if 1 <= value <= len(NUMERALS) else str(value)

    def ratio(self, value: float | None, digits: int = 2) -> str:
        """A ratio in per cent, cut, never rounded up: 99.998 % isn't 100 %. A dash where nothing is known."""
        if value is None:
            return "–"
        scale = 10**digits
        hundreds = int(value * 100 * scale + 1e-6) / scale
        if value > 0 and not hundreds:
            return f"< {self.number(1 / scale, digits)}"
        return self.number(hundreds, 0 if hundreds in (0, 100) else digits)

    def duration(self, span: timedelta) -> str:
        """``span`` in its one or two largest units; "0 giây" for nothing and for what lies ahead."""
        _ = self.gettext
        seconds = max(0, int(span.total_seconds()))
        minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
        if seconds < 60:
            return _("%d giây") % seconds
        if minutes < 60:
            return _("%d phút") % minutes
        if hours < 24:
            return self._two(_("%d giờ") % hours, _("%d phút"), minutes % 60)
        return self._two(_("%d ngày") % days, _("%d giờ"), hours % 24)

    @staticmethod
    def _two(large: str, small: str, count: int) -> str:
        return f"{large} {small % count}" if count else large

    def duration_formats(self) -> list[str]:
        """The formats that :meth:`duration` uses, for the browser: seconds, minutes, hours, days."""
        _ = self.gettext
        return [_("%d giây"), _("%d phút"), _("%d giờ"), _("%d ngày")]

    def latency(self, seconds: float) -> str:
        """A time that somebody waited: milliseconds below a second, seconds with a decimal above."""
        _ = self.gettext
        if seconds < 0.001:
            return _("dưới 1 ms")
        if seconds < 0.9995:
            return f"{self.number(seconds * 1000)} ms"
        return _("%s giây") % self.number(seconds, 0 if round(seconds * 10) % 10 == 0 else 1)

    def clock(self, at: datetime, *, seconds: bool = True) -> str:
        """The time of day."""
        return at.astimezone(ZONE).strftime("%H:%M:%S" if seconds else "%H:%M")

    def date(self, at: datetime) -> str:
        """The date, 23/11/2026."""
        return at.astimezone(ZONE).strftime("%d/%m/%Y")

    def day(self, at: datetime) -> str:
        """Weekday and date."""
        return f"{self.gettext(WEEKDAYS[at.astimezone(ZONE).weekday()])}, {self.date(at)}"

    def moment(self, at: datetime, now: datetime, *, seconds: bool = True) -> str:
        """The time of day, with the day in front when that isn't today."""
        days = (now.astimezone(ZONE).date() - at.astimezone(ZONE).date()).days
        clock = self.clock(at, seconds=seconds)
        if days == 0:
            return clock
        if days == 1:
            return self.gettext("hôm qua %s") % clock
        return at.astimezone(ZONE).strftime("%d/%m ") + clock

    def ahead(self, at: datetime, now: datetime) -> str:
        """A time to come, to the minute, with the day in front when that isn't today."""
        days = (at.astimezone(ZONE).date() - now.astimezone(ZONE).date()).days
        clock = self.clock(at, seconds=False)
        if days == 0:
            return clock
        return self.gettext("ngày mai %s") % clock if days == 1 else at.astimezone(ZONE).strftime("%d/%m ") + clock

    def between(self, not_before: datetime | None, at: datetime, now: datetime) -> str:
        """When something happened; "giữa 10:05 và 10:10" when nobody looked meanwhile."""
        if not_before is None:
            return self.moment(at, now)
        return self.gettext("giữa %(begin)s và %(end)s") % {
            "begin": self.moment(not_before, now, seconds=False),
            "end": self.moment(at, now, seconds=False),
        }

    def bucket(self, bucket: str, stable_after: timedelta) -> str:
        """The name of a bucket of the legend."""
        return self.gettext(BUCKET_NAMES[bucket]).replace("%(time)s", self.duration(stable_after))

    def status(self, status: Status) -> str:
        """A point's status."""
        return self.gettext(STATUS_NAMES[status])

    def endpoint_status(self, status: Status) -> str:
        """An endpoint's status."""
        return self.gettext(ENDPOINT_STATUS_NAMES[status])

    def phase(self, phase: str) -> str:
        """A phase of a probe; its own name when it is a newer prober's."""
        return self.gettext(PHASES[phase]) if phase in PHASES else phase

    def kind(self, kind: str) -> str:
        """A kind of point; its own name when the inventory has one of its own."""
        return self.gettext(KINDS[kind]) if kind in KINDS else kind

    def unit(self, unit_type: str) -> str:
        """The type of a commune-level unit; its own name when it is another."""
        return self.gettext(UNITS[unit_type]) if unit_type in UNITS else unit_type

    def hours(self, hours: str) -> str:
        """The inventory's hours ("Mon-Fri 08:00-11:30,13:30-17:00") in words."""
        spoken = re.sub("|".join(DAYS), lambda match: self.gettext(DAYS[match.group()]), hours)
        return sentence(re.sub(r",\s*", ", ", spoken.replace("-", "–")))


def sentence(text: str) -> str:
    """``text`` with a capital first letter and the rest as it is."""
    return text[:1].upper() + text[1:]
