"""Opening hours and holidays, by table and against the clock minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.calendar import ZONE
from monitor.calendar.holidays import is_holiday
from monitor.calendar.hours import in_office_hours, is_open, next_opening, parse_hours
from monitor.calendar.model import Calendar

PLAIN = Calendar()
OFFICE = "Mon-Fri 08:00-11:30,13:30-17:00"
CLOSED_FOR_GOOD = Calendar(added=frozenset(date(2026, 11, 1) + timedelta(days=number) for number in range(500)))


def hanoi(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        ("2026-01-01", True),
        ("2026-01-02", False),
        ("2026-02-17", True),  # Tết
        ("2026-04-27", True),  # in lieu of a Sunday
        ("2026-09-01", True),
        ("2026-11-23", False),
        ("2026-11-24", True),
        ("2031-01-23", True),  # Tết of a later year
    ],
)
def test_vietnams_holidays(day: str, holiday: bool) -> None:
    assert is_holiday(date.fromisoformat(day), PLAIN) is holiday


def test_decrees_come_late() -> None:
    changed = Calendar(
        added=frozenset({date(2026, 11, 25), date(2027, 1, 1)}),
        removed=frozenset({date(2026, 11, 24), date(2027, 1, 1)}),
    )

    assert is_holiday(date(2026, 11, 25), changed)
    assert not is_holiday(date(2026, 11, 24), changed)
    assert is_holiday(date(2027, 1, 1), changed), "what is added wins"


@pytest.mark.parametrize(
    ("hours", "at", "is_it"),
    [
        ("", "2026-11-22 03:00", True),
        ("24/7", "2026-02-17 03:00", True),
        (OFFICE, "2026-11-23 07:59", False),
        (OFFICE, "2026-11-23 08:00", True),
        (OFFICE, "2026-11-23 11:29:59.999999", True),
        (OFFICE, "2026-11-23 11:30", False),
        (OFFICE, "2026-11-23 13:30", True),
        (OFFICE, "2026-11-23 17:00", False),
        (OFFICE, "2026-11-24 09:00", False),  # a holiday
        (OFFICE, "2026-11-22 09:00", False),  # a Sunday
        ("Sat-Mon 08:00-12:00", "2026-11-22 09:00", True),
        ("Sat-Mon 08:00-12:00", "2026-11-25 09:00", False),
        ("Mon,Wed 00:00-24:00", "2026-11-25 23:59:59", True),
        ("Mon 08:00-12:00; Sun 10:00-11:00", "2026-11-22 10:30", True),
    ],
)
def test_open_or_not(hours: str, at: str, is_it: bool) -> None:
    assert is_open(hours, hanoi(at), PLAIN) is is_it
    assert is_open(hours, hanoi(at).astimezone(UTC), PLAIN) is is_it


def test_office_hours_are_the_calendars() -> None:
    assert in_office_hours(hanoi("2026-11-23 09:00"), PLAIN)
    assert not in_office_hours(hanoi("2026-11-23 12:00"), PLAIN)
    assert in_office_hours(hanoi("2026-11-23 12:00"), Calendar(office_hours="Mon-Sun 12:00-13:00"))


@pytest.mark.parametrize(
    ("hours", "at", "opening"),
    [
        ("24/7", "2026-11-22 03:00", "2026-11-22 03:00"),
        (OFFICE, "2026-11-23 09:00", "2026-11-23 09:00"),
        (OFFICE, "2026-11-23 12:00", "2026-11-23 13:30"),
        (OFFICE, "2026-11-23 17:00", "2026-11-25 08:00"),  # over the holiday
        (OFFICE, "2026-02-13 17:00", "2026-02-23 08:00"),  # over Tết
        ("Sun 10:00-11:00", "2026-11-22 11:00", "2026-11-29 10:00"),
    ],
)
def test_the_next_opening(hours: str, at: str, opening: str) -> None:
    found = next_opening(hours, hanoi(at), PLAIN)

    assert found == hanoi(opening)
    assert found is not None
    assert found.tzinfo is UTC


def test_what_never_opens_again() -> None:
    assert next_opening(OFFICE, hanoi("2026-11-23 09:00"), CLOSED_FOR_GOOD) is None


def test_times_that_touch_are_one() -> None:
    monday = parse_hours("Mon 13:00-17:00,08:00-12:00; Mon-Tue 12:00-13:00")[0]

    assert monday == ((timedelta(hours=8), timedelta(hours=17)),)


_clocks = st.lists(st.integers(0, 24 * 12), min_size=2, max_size=4, unique=True).map(sorted)
_days = st.sampled_from(["Mon", "Mon-Fri", "Sat-Mon", "Tue,Thu", "Sun", "Fri-Wed"])


@st.composite
def _hours(draw: st.DrawFn) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        clocks = [f"{clock // 12:02}:{clock % 12 * 5:02}" for clock in draw(_clocks)]
        parts.append(
            f"{draw(_days)} " + ",".join("-".join(pair) for pair in zip(clocks[::2], clocks[1::2], strict=False))
        )
    return "; ".join(parts)


@settings(max_examples=40, deadline=None)
@given(_hours(), st.integers(0, 2 * 365 * 24 * 60))
def test_the_next_opening_is_the_first_minute_that_is_open(hours: str, minute: int) -> None:
    at = hanoi("2026-01-01 00:00") + timedelta(minutes=minute)

    minutes = (at + timedelta(minutes=number) for number in range(30 * 24 * 60))
    assert next_opening(hours, at, PLAIN) == next(each for each in minutes if is_open(hours, each, PLAIN))
