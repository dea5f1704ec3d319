"""Which days nobody works."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays

from monitor.calendar.model import Calendar


def is_holiday(day: date, calendar: Calendar) -> bool:
    """Whether ``day`` (in Hanoi) is a public holiday of Vietnam (Labour Code 2019, article 112, with the days off in
    lieu), or one that the calendar adds; not if the calendar removes it."""
    if day in calendar.added:
        return True
    return day not in calendar.removed and day in _public(day.year)


@lru_cache(maxsize=64)
def _public(year: int) -> frozenset[date]:
    """A year at a time: the lunar dates take milliseconds to reckon."""
    return frozenset(holidays.country_holidays("VN", years=year))
