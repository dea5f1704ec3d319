"""When a place is open: ``Mon-Fri 07:30-11:30,13:00-17:00; Sat 07:30-11:30`` in Hanoi's time.

Asia/Ho_Chi_Minh has had no daylight saving since 1975, so an hour on its clocks is an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from monitor.calendar import ZONE
from monitor.calendar.holidays import is_holiday
from monitor.calendar.model import Calendar

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ALWAYS = ("", "24/7")
_FARTHEST = timedelta(days=400)

Times = tuple[tuple[timedelta, timedelta], ...]
"""Opening times of one day as [begin, end) from its midnight, in order, apart from each other."""


def is_open(hours: str, at: datetime, calendar: Calendar) -> bool:
    """Whether a place with these ``hours`` is open at ``at``. "" and "24/7" are always open, others not on holidays.

    ``hours`` are as the configuration allows them; raises ValueError for others.
    """
    if hours in _ALWAYS:
        return True
    local = at.astimezone(ZONE)
    since_midnight = local.replace(tzinfo=None) - datetime.combine(local.date(), time())
    return any(begin <= since_midnight < end for begin, end in _times(hours, local.date(), calendar))


def next_opening(hours: str, at: datetime, calendar: Calendar) -> datetime | None:
    """The first moment from ``at`` on at which it is open (UTC): ``at`` itself if it is open then.

    None when it opens on none of the next 400 days: somebody declared them all holidays.
    """
    if is_open(hours, at, calendar):
        return at.astimezone(UTC)
    local = at.astimezone(ZONE).replace(tzinfo=None)
    for opening in _openings(hours, local.date(), calendar):
        if opening > local:
            return opening.replace(tzinfo=ZONE).astimezone(UTC)
    return None


def in_office_hours(at: datetime, calendar: Calendar) -> bool:
    """Whether ``at`` lies in the Centre's office hours."""
    return is_open(calendar.office_hours, at, calendar)


def _openings(hours: str, first: date, calendar: Calendar) -> Iterator[datetime]:
    for distance in range(_FARTHEST.days + 1):
        day = first + timedelta(days=distance)
        for begin, _ in _times(hours, day, calendar):
            yield datetime.combine(day, time()) + begin


def _times(hours: str, day: date, calendar: Calendar) -> Times:
    return () if is_holiday(day, calendar) else parse_hours(hours)[day.weekday()]


@lru_cache(maxsize=1024)
def parse_hours(hours: str) -> tuple[Times, ...]:
    """The opening times of Monday to Sunday. A day that several parts name has the times of all of them."""
    times: list[list[tuple[timedelta, timedelta]]] = [[] for _ in _DAYS]
    for part in hours.split(";"):
        days, _, spans = part.strip().partition(" ")
        for weekday in _weekdays(days):
            times[weekday] += [_span(text) for text in spans.split(",")]
    return tuple(_apart(day) for day in times)


def _weekdays(text: str) -> Iterator[int]:
    """``Mon-Wed,Sat`` as numbers; ``Sat-Mon`` goes over the week's end."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin = _DAYS.index(first)
        length = (_DAYS.index(last or first) - begin) % len(_DAYS)
        yield from ((begin + distance) % len(_DAYS) for distance in range(length + 1))


def _span(text: str) -> tuple[timedelta, timedelta]:
    begin, _, end = text.partition("-")
    return _clock(begin), _clock(end)


def _clock(text: str) -> timedelta:
    hours, _, minutes = text.strip().partition(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _apart(times: list[tuple[timedelta, timedelta]]) -> Times:
    """In order, those that touch as one."""
    merged: list[tuple[timedelta, timedelta]] = []
    for begin, end in sorted(times):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return tuple(merged)
