"""Maintenance windows: what they cover, when they are in force, and which make no sense."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.calendar import ZONE
from monitor.calendar.model import Window
from monitor.calendar.windows import covers, in_force, spans, validate

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def hanoi(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def window(begin: str = "2026-12-01 22:00", *, duration: timedelta = 2 * HOUR, rule: str = "") -> Window:
    return Window(id="w", name="W", begin=hanoi(begin), duration=duration, rule=rule, points=("a",))


def shown(found: list[tuple[datetime, datetime]]) -> list[str]:
    local = [(begin.astimezone(ZONE), end.astimezone(ZONE)) for begin, end in found]
    return [f"{begin:%m-%d %H:%M} {end:%m-%d %H:%M}" for begin, end in local]


@dataclass(frozen=True)
class Place:
    id: str = "a"
    area: str = "ba-vi"
    labels: dict[str, str] = field(default_factory=lambda: {"provider": "VNPT", "exchange": "HN1"})


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({"points": ("a", "b")}, True),
        ({"points": ("b",)}, False),
        ({"areas": ("ba-vi",)}, True),
        ({"areas": ("my-duc",)}, False),
        ({"labels": {"provider": "VNPT"}}, True),
        ({"labels": {"provider": "VNPT", "exchange": "HN1"}}, True),
        ({"labels": {"provider": "VNPT", "exchange": "HN2"}}, False),
        ({"labels": {"circuit": "1"}}, False),
        ({"points": ("b",), "labels": {"provider": "VNPT"}}, True),
        ({}, False),
    ],
)
def test_what_it_covers(change: dict[str, object], covered: bool) -> None:
    made = replace(window(), **{"points": (), **change})  # type: ignore[arg-type]  # by table

    assert covers(made, Place()) is covered


def test_it_covers_nothing_before_somebody_planned_it() -> None:
    made = replace(window(rule="FREQ=DAILY"), created_at=hanoi("2026-12-02 23:00"))

    found = spans(made, hanoi("2026-12-01 00:00"), hanoi("2026-12-04 00:00"))

    assert shown(found) == ["12-02 23:00 12-03 00:00", "12-03 22:00 12-04 00:00"]
    assert not in_force(made, hanoi("2026-12-01 23:00"))


def test_a_point_without_an_area_lies_in_none() -> None:
    assert not covers(replace(window(), points=(), areas=("",)), Place(area=""))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (window(), ["12-01 22:00 12-02 00:00"]),
        (window("2026-11-30 23:00"), ["12-01 00:00 12-01 01:00"]),
        (window("2026-11-30 22:00"), []),
        (window("2026-12-31 23:00"), ["12-31 23:00 01-01 00:00"]),
        (window("2027-01-01 00:00"), []),
        (
            window("2026-12-06 22:00", rule="FREQ=WEEKLY;BYDAY=SU"),
            [
                "12-06 22:00 12-07 00:00",
                "12-13 22:00 12-14 00:00",
                "12-20 22:00 12-21 00:00",
                "12-27 22:00 12-28 00:00",
            ],
        ),
        (window(rule="FREQ=DAILY;COUNT=2"), ["12-01 22:00 12-02 00:00", "12-02 22:00 12-03 00:00"]),
        (window("2020-12-01 22:00", rule="FREQ=DAILY;COUNT=2"), []),
        (window(rule="FREQ=DAILY;UNTIL=20261202"), ["12-01 22:00 12-02 00:00", "12-02 22:00 12-03 00:00"]),
        (window(rule="FREQ=DAILY;UNTIL=20261202T210000"), ["12-01 22:00 12-02 00:00"]),
        (window(rule="freq=daily;until=20261202T150000Z"), ["12-01 22:00 12-02 00:00", "12-02 22:00 12-03 00:00"]),
        (window(rule="FREQ=DAILY;UNTIL=20261202T145959Z"), ["12-01 22:00 12-02 00:00"]),
        (window("2026-11-01 01:00", rule="FREQ=MONTHLY;BYDAY=1SU"), ["12-06 01:00 12-06 03:00"]),
        # The days overlap: one span; longer than the period: always.
        (window(rule="FREQ=DAILY;COUNT=3", duration=26 * HOUR), ["12-01 22:00 12-05 00:00"]),
        (window("2026-01-01 22:00", rule="FREQ=DAILY", duration=DAY), ["12-01 00:00 01-01 00:00"]),
    ],
)
def test_when_it_is_in_force_in_december(made: Window, expected: list[str]) -> None:
    assert validate(made) == []
    assert shown(spans(made, hanoi("2026-12-01 00:00"), hanoi("2027-01-01 00:00"))) == expected


def test_it_begins_with_its_begin_and_ends_before_its_end() -> None:
    made = window()

    assert [in_force(made, hanoi(f"2026-12-{clock}")) for clock in ("01 21:59:59", "01 22:00", "01 23:59:59")] == [
        False,
        True,
        True,
    ]
    assert not in_force(made, hanoi("2026-12-02 00:00"))


def test_a_cancelled_window_covers_nothing_from_then_on() -> None:
    made = replace(window(rule="FREQ=DAILY"), cancelled_at=hanoi("2026-12-02 23:00"))

    assert shown(spans(made, hanoi("2026-12-01 00:00"), hanoi("2027-01-01 00:00"))) == [
        "12-01 22:00 12-02 00:00",
        "12-02 22:00 12-02 23:00",
    ]
    assert not in_force(made, hanoi("2026-12-02 23:00"))


def test_a_begin_between_seconds_is_kept() -> None:
    begin = datetime(2026, 12, 1, 15, 0, 0, 250, UTC)
    made = replace(window(rule="FREQ=DAILY"), begin=begin)

    assert validate(made) == []
    assert spans(made, begin, begin + DAY + HOUR) == [(begin, begin + 2 * HOUR), (begin + DAY, begin + DAY + HOUR)]


def test_asking_about_an_earlier_time_later_gives_the_same() -> None:
    made = window("2026-12-01 22:00", rule="FREQ=DAILY")

    early = spans(made, hanoi("2026-12-01 00:00"), hanoi("2026-12-05 00:00"))
    spans(made, hanoi("2030-12-01 00:00"), hanoi("2030-12-05 00:00"))

    assert spans(made, hanoi("2026-12-01 00:00"), hanoi("2026-12-05 00:00")) == early
    assert len(early) == 4


def test_twenty_years_of_hours() -> None:
    made = window(rule="FREQ=HOURLY", duration=timedelta(minutes=5))

    found = spans(made, hanoi("2026-12-01 22:00"), hanoi("2046-12-01 22:00"))

    assert len(found) == (hanoi("2046-12-01 22:00") - hanoi("2026-12-01 22:00")) / HOUR


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"duration": -HOUR}, "ends before it begins; write an end after the begin"),
        ({"duration": 0 * HOUR}, "ends before it begins; write an end after the begin"),
        ({"duration": 367 * DAY}, "lasts longer than a year; write a shorter one, or take the points out of the file"),
        ({"begin": datetime(1, 1, 1, tzinfo=UTC)}, "begins in the year 1; write one from 2000 on"),
        ({"begin": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "begins in the year 9999; write one from 2000 on"),
        ({"points": ()}, "covers nothing; name points, areas or labels"),
    ],
)
def test_windows_that_make_no_sense(change: dict[str, object], wrong: str) -> None:
    assert validate(replace(window(), **change)) == [wrong]  # type: ignore[arg-type]  # by table


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("DAILY", "DAILY is no part of a rule"),
        ("FREQ=DAILY;", "an empty part is no part of a rule"),
        ("FREQ=FORTNIGHTLY", "FREQ=FORTNIGHTLY is none of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY"),
        ("INTERVAL=2", "has no FREQ"),
        ("FREQ=MINUTELY", "comes too often (FREQ=MINUTELY)"),
        ("FREQ=SECONDLY", "comes too often (FREQ=SECONDLY)"),
        ("FREQ=DAILY;BYSECOND=1", "comes too often (BYSECOND=1)"),
        ("FREQ=HOURLY;BYMINUTE=0,30", "comes more than 24 times a day"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,10,20,30,40", "comes more than 24 times a day"),
        ("DTSTART:20261201T220000\nFREQ=DAILY", "must be the rule alone"),
        ("DTSTART=20261201T220000;FREQ=DAILY", "must be the rule alone"),
        ("RRULE:FREQ=DAILY", "must be the rule alone"),
        ("FREQ=DAILY;FREQ=WEEKLY", "says FREQ twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0 is no number from 1 to 99999"),
        ("FREQ=DAILY;COUNT=-1", "COUNT=-1 is no number from 1 to 99999"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "has both COUNT and UNTIL"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "UNTIL=2026-12-31 is no time"),
        ("FREQ=DAILY;UNTIL=20261331", "UNTIL=20261331 is no time"),
        ("FREQ=DAILY;UNTIL=99991231T235959Z", "UNTIL=99991231T235959Z is no time"),
        ("FREQ=DAILY;UNTIL=20261130", "UNTIL lies before the window's begin"),
        ("FREQ=WEEKLY;WKST=XX", "WKST=XX is none of MO, TU, WE, TH, FR, SA, SU"),
        ("FREQ=WEEKLY;BYDAY=Tuesday", "BYDAY=TUESDAY are no days"),
        ("FREQ=MONTHLY;BYDAY=6TU", "BYDAY=6TU are no days"),
        ("FREQ=WEEKLY;BYDAY=1TU", "1TU counts days in a month or a year"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS counts in a month or a year"),
        ("FREQ=MONTHLY;BYWEEKNO=49", "BYWEEKNO counts in a year"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR=24 holds what is no number from 0 to 23"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR=-1 holds what is no number from 0 to 23"),
        ("FREQ=DAILY;BYMONTHDAY=0", "BYMONTHDAY=0 holds what is no number from 1 to 31"),
        ("FREQ=DAILY;BYMONTHDAY=", "BYMONTHDAY= holds what is no number from 1 to 31"),
        ("FREQ=DAILY;BYEASTER=1", "BYEASTER is no part of a rule"),
        ("FREQ=WEEKLY;BYDAY=SU", "does not come on 2026-12-01 22:00"),
        ("FREQ=DAILY;BYHOUR=23", "does not come on 2026-12-01 22:00"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "does not come on 2026-12-01 22:00"),
        ("FREQ=MONTHLY;BYDAY=2TU", "does not come on 2026-12-01 22:00"),
        ("FREQ=HOURLY;INTERVAL=6;BYHOUR=0,22", ""),
        ("FREQ=HOURLY;INTERVAL=6;BYHOUR=22,23", ""),
        ("FREQ=DAILY;BYMONTHDAY=-31,5;BYYEARDAY=-31", ""),
        ("FREQ=YEARLY;BYWEEKNO=49;BYDAY=TU;WKST=MO", ""),
    ],
)
def test_rules(rule: str, wrong: str) -> None:
    found = validate(window(rule=rule))

    if not wrong:
        assert found == []
        assert in_force(window(rule=rule), hanoi("2026-12-01 22:00"))
        return
    assert len(found) == 1
    assert found[0].startswith(f"rule: {wrong}")
    assert "; " in found[0], "it has a remedy"


def test_of_several_mistakes_in_a_rule_each_is_told() -> None:
    assert len(validate(window(rule="FREQ=DAILY;COUNT=0;BYMONTH=13"))) == 2


_quarters = st.integers(1, 4 * 60)


@settings(deadline=None)
@given(
    st.sampled_from([("HOURLY", HOUR), ("DAILY", DAY), ("WEEKLY", 7 * DAY)]),
    st.integers(1, 30),
    st.one_of(st.none(), st.integers(1, 20)),
    _quarters,
    st.integers(-2000, 2000),
    _quarters,
)
def test_spans_are_what_each_time_by_itself_says(
    frequency: tuple[str, timedelta], interval: int, count: int | None, length: int, ahead: int, asked: int
) -> None:
    quarter = timedelta(minutes=15)
    name, period = frequency[0], frequency[1] * interval
    rule = f"FREQ={name};INTERVAL={interval}" + (f";COUNT={count}" if count else "")
    made = window(rule=rule, duration=length * quarter)
    begin = made.begin + ahead * quarter
    end = begin + asked * quarter

    def covered(at: datetime) -> bool:
        nearest = (at - made.begin) // period
        times = (number for number in range(nearest - 70, nearest + 1) if 0 <= number < (count or 10**6))
        return any(0 * HOUR <= at - made.begin - number * period < made.duration for number in times)

    found = spans(made, begin, end)

    assert all(begin <= first < last <= end for first, last in found)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    for number in range(asked):
        at = begin + number * quarter
        assert any(first <= at < last for first, last in found) is covered(at)
        assert in_force(made, at) is covered(at)
