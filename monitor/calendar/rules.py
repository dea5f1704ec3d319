"""Recurrence rules of RFC 5545 (section 3.3.10), held to what a maintenance window can mean.

Reckoned on Hanoi's wall clock without a zone: Asia/Ho_Chi_Minh has no daylight saving, nothing is skipped or doubled.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from dateutil.rrule import rrulestr

from monitor.calendar import ZONE

_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MOST_A_DAY = 24
_DAY = re.compile(rf"([+-]?[1-5])?({'|'.join(_WEEKDAYS)})")
_UNTIL = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?")
_NUMBERS = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYSETPOS": (1, 366, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
}
"""Smallest, largest, and whether it may be counted from the end."""
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_NUMBERS)
_REMEDY = 'write for example "FREQ=WEEKLY;BYDAY=SU"'


def problems(rule: str, begin: datetime) -> list[str]:
    """What is wrong with ``rule`` for a window whose first time begins at ``begin``; empty when nothing is."""
    if re.search(r"DTSTART|[\s:]", rule, re.IGNORECASE):
        return [f"must be the rule alone, the window's `begin` says when it starts; {_REMEDY}"]
    pairs = [part.partition("=") for part in rule.upper().split(";")]
    names = [name for name, _, _ in pairs]
    parts = {name: value for name, _, value in pairs}
    if twice := sorted({name for name in names if names.count(name) > 1}):
        return [f"says {twice[0]} twice; keep one of them"]
    found = [text for name, value in parts.items() if (text := _wrong_part(name, value))]
    return found or _wrong_whole(parts) or _wrong_begin(rule, parts, begin)


def starts(rule: str, begin: datetime, after: datetime, before: datetime) -> Sequence[datetime]:
    """When the rule's times start, of those after ``after`` and before ``before``; all UTC."""
    local = _local(begin)
    memory = _memory(rule, local.replace(microsecond=0))
    fraction = timedelta(microseconds=local.microsecond)  # dateutil leaves it out
    times = memory.between(_local(after) - fraction, _local(before) - fraction)
    return [(each + fraction).replace(tzinfo=ZONE).astimezone(UTC) for each in times]


class _Memory:
    """A rule's times as far as anybody asked: going through them from the first anew would make each question slow."""

    def __init__(self, times: Iterator[datetime]) -> None:
        self._times = times
        self._known: list[datetime] = []

    def between(self, after: datetime, before: datetime) -> Sequence[datetime]:
        while not self._known or self._known[-1] < before:
            upcoming = next(self._times, None)
            if upcoming is None:
                break
            self._known.append(upcoming)
        first = bisect_left(self._known, after + timedelta.resolution)
        return self._known[first : bisect_left(self._known, before)]


@lru_cache(maxsize=256)
def _memory(rule: str, begin: datetime) -> _Memory:
    return _Memory(_times(rule, begin))


def _times(rule: str, begin: datetime) -> Iterator[datetime]:
    rule = re.sub(r"(?<=UNTIL=)[^;]+", lambda match: f"{_until(match[0]):%Y%m%dT%H%M%S}", rule.upper())
    return iter(rrulestr(rule, dtstart=begin))


def _until(text: str) -> datetime:
    """UNTIL on Hanoi's clock, as the begin is; a day alone holds to its end. Raises ValueError for what is no time."""
    match = _UNTIL.fullmatch(text)
    if match is None:
        raise ValueError(text)
    moment = datetime.strptime(f"{match[1]}{match[2] or '235959'}+0000", "%Y%m%d%H%M%S%z")
    return _local(moment) if match[3] else moment.replace(tzinfo=None)


def _wrong_part(name: str, value: str) -> str:
    if name == "BYSECOND" or (name == "FREQ" and value in ("SECONDLY", "MINUTELY")):
        return f"comes too often ({name}={value}); use HOURLY at most, with a longer duration"
    if name not in _PARTS:
        return f"{name or 'an empty part'} is no part of a rule; {_REMEDY}"
    if name == "FREQ" and value not in _FREQUENCIES:
        return f"FREQ={value} is none of {', '.join(_FREQUENCIES)}; write one of them"
    if name in ("INTERVAL", "COUNT") and not re.fullmatch(r"[1-9][0-9]{0,4}", value):
        return f"{name}={value} is no number from 1 to 99999; write one"
    if name == "WKST" and value not in _WEEKDAYS:
        return f"WKST={value} is none of {', '.join(_WEEKDAYS)}; write one of them"
    if name == "BYDAY" and not all(_DAY.fullmatch(day) for day in value.split(",")):
        return f"BYDAY={value} are no days; write for example BYDAY=MO,TH or BYDAY=1SU"
    if name == "UNTIL":
        try:
            _until(value)
        except (ValueError, OverflowError):
            return f"UNTIL={value} is no time; write for example UNTIL=20261231"
    if name in _NUMBERS and not all(_in_range(name, number) for number in value.split(",")):
        low, high, _ = _NUMBERS[name]
        return f"{name}={value} holds what is no number from {low} to {high}; write such numbers with commas"
    return ""


def _in_range(name: str, text: str) -> bool:
    low, high, signed = _NUMBERS[name]
    if not re.fullmatch(r"[+-]?[0-9]{1,3}" if signed else r"[0-9]{1,3}", text):
        return False
    return low <= abs(int(text)) <= high


def _wrong_whole(parts: Mapping[str, str]) -> list[str]:
    frequency = parts.get("FREQ")
    if frequency is None:
        return [f"has no FREQ; {_REMEDY}"]
    if "COUNT" in parts and "UNTIL" in parts:
        return ["has both COUNT and UNTIL; keep one of them"]
    hours = 24 if frequency == "HOURLY" else len(_list(parts, "BYHOUR"))
    if hours * len(_list(parts, "BYMINUTE")) > _MOST_A_DAY:
        return [f"comes more than {_MOST_A_DAY} times a day; ask for fewer, with a longer duration"]
    counted = [day for day in parts.get("BYDAY", "").split(",") if len(day) > 2]
    if counted and frequency not in ("YEARLY", "MONTHLY"):
        return [f"{counted[0]} counts days in a month or a year; write FREQ=MONTHLY or FREQ=YEARLY, or the day alone"]
    if "BYSETPOS" in parts and frequency not in ("YEARLY", "MONTHLY"):
        return ["BYSETPOS counts in a month or a year; write FREQ=MONTHLY or FREQ=YEARLY"]
    if "BYWEEKNO" in parts and frequency != "YEARLY":
        return ["BYWEEKNO counts in a year; write FREQ=YEARLY"]
    return []


def _list(parts: Mapping[str, str], name: str) -> Sequence[str]:
    return parts[name].split(",") if name in parts else ("",)


def _wrong_begin(rule: str, parts: Mapping[str, str], begin: datetime) -> list[str]:
    """RFC 5545 leaves open what a rule means whose start is none of its times (section 3.8.5.3).

    What can be seen at the begin itself is looked at first: dateutil would seek a day that never comes to year 9999.
    """
    local = _local(begin).replace(microsecond=0)
    if "UNTIL" in parts and _until(parts["UNTIL"]) < local:
        return ["UNTIL lies before the window's begin; write a later one"]
    if not (_fits(parts, local) and next(_times(rule, local), None) == local):
        return [f"does not come on {local:%Y-%m-%d %H:%M}, the window's begin; let it begin at the first time"]
    return []


def _fits(parts: Mapping[str, str], local: datetime) -> bool:
    """Whether a moment is among the numbers of every BY... part."""
    days_of_month = ((local.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    days_of_year = local.replace(month=12, day=31).timetuple().tm_yday
    day_of_year = local.timetuple().tm_yday
    own = {
        "BYMONTH": {local.month},
        "BYMONTHDAY": {local.day, local.day - days_of_month - 1},
        "BYYEARDAY": {day_of_year, day_of_year - days_of_year - 1},
        "BYHOUR": {local.hour},
        "BYMINUTE": {local.minute},
    }
    numbers_fit = all(
        own[name] & {int(number) for number in value.split(",")} for name, value in parts.items() if name in own
    )
    days = parts.get("BYDAY")
    return numbers_fit and (not days or _WEEKDAYS[local.weekday()] in [day[-2:] for day in days.split(",")])


def _local(at: datetime) -> datetime:
    return at.astimezone(ZONE).replace(tzinfo=None)
