"""The ledger, by tables and against a reckoning second by second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.ledger import days, timeline, uptime
from monitor.model import EndpointKey, Flag, FlagChange, Observation, Reason, Status, Transition

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LONG = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEY = EndpointKey("cua-nam", "")
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def moment(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def row(seconds: float, status: Status, recorded: float | None = None) -> Transition:
    recorded_at = moment(seconds if recorded is None else recorded)
    return Transition(
        key=KEY, at=moment(seconds), recorded_at=recorded_at, status=status, previous=Status.UNKNOWN, reason=Reason.OK
    )


def planned(seconds: float, on: bool, flag: Flag = Flag.MAINTENANCE) -> FlagChange:
    return FlagChange(key=KEY, flag=flag, on=on, at=moment(seconds), recorded_at=moment(300))


def seen(begin: float, end: float) -> Observation:
    return Observation("local", moment(begin), moment(end))


def spans(intervals):
    return [((i.begin - T0).total_seconds(), (i.end - T0).total_seconds(), i.status.value) for i in intervals]


@pytest.mark.parametrize(
    ("rows", "observed", "expected"),
    [
        pytest.param([], [], [(0, 100, "unobserved")], id="nothing at all"),
        pytest.param([], [(0, 100)], [(0, 100, "unobserved")], id="before the first row"),
        pytest.param([(-5, "up")], [(-9, 200)], [(0, 100, "up")], id="the row in force at the begin"),
        pytest.param([(0, "up")], [(0, 100)], [(0, 100, "up")], id="a row at the begin"),
        pytest.param([(100, "up")], [(0, 100)], [(0, 100, "unobserved")], id="a row at the end is outside"),
        pytest.param(
            [(0, "up"), (40, "down"), (70, "up")],
            [(0, 100)],
            [(0, 40, "up"), (40, 70, "down"), (70, 100, "up")],
            id="an outage",
        ),
        pytest.param(
            [(0, "up"), (60, "unknown"), (20, "down")],
            [(0, 100)],
            [(0, 20, "up"), (20, 100, "down")],
            id="a later row overrules all that lies after it",
        ),
        pytest.param(
            [(0, "up"), (40, "down"), (40, "degraded")],
            [(0, 100)],
            [(0, 40, "up"), (40, 100, "degraded")],
            id="the same moment: the later recorded has the word",
        ),
        pytest.param(
            [(0, "up"), (40, "down"), (0, "up")], [(0, 100)], [(0, 100, "up")], id="a change that is taken back"
        ),
        pytest.param(
            [(0, "up"), (50, "down")],
            [(0, 30), (60, 100)],
            [(0, 30, "up"), (30, 60, "unobserved"), (60, 100, "down")],
            id="a gap hides what changed in it",
        ),
        pytest.param(
            [(0, "up")], [(20, 30), (0, 10), (5, 22)], [(0, 30, "up"), (30, 100, "unobserved")], id="any order"
        ),
        pytest.param(
            [(0, "up"), (30, "unobserved")], [(0, 100)], [(0, 30, "up"), (30, 100, "unobserved")], id="closed"
        ),
    ],
)
def test_timeline(rows, observed, expected):
    transitions = [row(at, Status(status)) for at, status in rows]
    observations = [seen(*span) for span in observed]
    assert spans(timeline(transitions, observations, moment(0), moment(100))) == expected


@pytest.mark.parametrize(
    ("rows", "observed", "expected"),
    [
        pytest.param(
            [(0, "up", False), (60, "down", True)],
            [(0, 20), (50, 100)],
            [(0, 20, "up"), (20, 50, "unobserved"), (50, 60, "unknown"), (60, 100, "down")],
            id="a run that could not read what was before knows nothing up to its first row",
        ),
        pytest.param(
            [(0, "unobserved", False), (60, "up", True)],
            [(0, 20), (50, 100)],
            [(0, 20, "unobserved"), (20, 50, "unobserved"), (50, 60, "unobserved"), (60, 100, "up")],
            id="what was closed stays closed",
        ),
        pytest.param(
            [(55, "up", False), (60, "down", True)],
            [(50, 100)],
            [(50, 55, "unobserved"), (55, 60, "up"), (60, 100, "down")],
            id="what the same run saw holds",
        ),
        pytest.param([(0, "up", True), (60, "down", False)], [(0, 100)], [(0, 60, "up"), (60, 100, "down")], id="one"),
    ],
)
def test_a_first_row_knows_nothing_of_those_before_it(rows, observed, expected):
    given = [replace(row(at, Status(status)), first=first) for at, status, first in rows]
    begin = moment(expected[0][0])
    assert spans(timeline(given, [seen(*each) for each in observed], begin, moment(100))) == expected


def test_an_empty_window_has_no_intervals_and_no_figures():
    intervals = timeline([row(0, Status.UP)], [seen(0, 9)], moment(5), moment(5))
    assert intervals == []
    figures = uptime(intervals)
    assert (figures.connectivity, figures.service, figures.coverage) == (None, None, 0.0)


@pytest.mark.parametrize(
    ("parts", "connectivity", "service", "coverage"),
    [
        ({"up": 60}, 1.0, 1.0, 1.0),
        ({"up": 50, "down": 50}, 0.5, 0.5, 1.0),
        ({"up": 50, "unreachable": 50}, 0.5, 0.5, 1.0),
        ({"up": 75, "faulty": 25}, 1.0, 0.75, 1.0),
        ({"degraded": 10}, 1.0, 1.0, 1.0),
        ({"up": 30, "unknown": 50, "unobserved": 20}, 1.0, 1.0, 0.3),
        ({"unknown": 50, "unobserved": 50}, None, None, 0.0),
        ({"up": 1, "down": 2}, 1 / 3, 1 / 3, 1.0),
    ],
)
def test_uptime_counts_known_time(parts, connectivity, service, coverage):
    rows, at = [], 0
    for status, seconds in parts.items():
        rows.append(row(at, Status(status)))
        at += seconds
    figures = uptime(timeline(rows, [seen(0, at)], moment(0), moment(at)))
    assert (figures.connectivity, figures.service, figures.coverage) == (connectivity, service, coverage)
    assert {s.value: t.total_seconds() for s, t in figures.by_status.items() if t} == parts
    assert figures.observed == timedelta(seconds=at - parts.get("unobserved", 0))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param([], [(0, 100)], id="none"),
        pytest.param([(-9, True)], [], id="all of it"),
        pytest.param([(20, True), (60, False)], [(0, 20), (60, 100)], id="a window"),
        pytest.param([(20, True), (40, True), (60, False)], [(0, 20), (60, 100)], id="another window's in it"),
        pytest.param([(20, True), (60, False), (20, False)], [(0, 100)], id="taken back"),
        pytest.param([(20, True), (80, False), (50, False)], [(0, 20), (50, 100)], id="ended early"),
        pytest.param([(100, True)], [(0, 100)], id="later"),
    ],
)
def test_maintenance_cuts_the_timeline(flags, expected):
    changes = [planned(*flag) for flag in flags]
    changes.append(planned(10, True, Flag.FLAPPING))
    intervals = timeline([row(0, Status.UP)], [seen(0, 100)], moment(0), moment(100), changes)
    counted = [i for i in intervals if not i.maintenance]
    assert [(begin, end) for begin, end, _ in spans(counted)] == expected


def test_maintenance_is_left_out_of_both_figures_and_of_the_coverage():
    rows = [row(0, Status.UP), row(40, Status.DOWN), row(80, Status.UP), row(90, Status.UNKNOWN)]
    figures = uptime(
        timeline(rows, [seen(0, 100)], moment(0), moment(100), [planned(50, True), planned(95, False)]),
    )
    assert (figures.connectivity, figures.service, figures.coverage) == (0.8, 0.8, 0.5)
    assert figures.observed == timedelta(seconds=100)
    assert figures.by_status[Status.DOWN] == timedelta(seconds=40)
    assert figures.in_maintenance[Status.DOWN] == timedelta(seconds=30)
    assert figures.maintenance == timedelta(seconds=45)


@pytest.mark.parametrize(
    ("parts", "own_connectivity", "own_service"),
    [
        ({"up": 60}, 1.0, 1.0),
        ({"up": 30, "unreachable": 70}, 1.0, 1.0),
        ({"up": 30, "down": 10, "unreachable": 60}, 0.75, 0.75),
        ({"up": 20, "down": 10, "faulty": 10, "unreachable": 50, "unknown": 10}, 0.75, 0.5),
        ({"unreachable": 100}, None, None),
    ],
)
def test_by_its_own_fault_leaves_out_what_was_unreachable(parts, own_connectivity, own_service):
    rows, at = [], 0
    for status, seconds in parts.items():
        rows.append(row(at, Status(status)))
        at += seconds
    figures = uptime(timeline(rows, [seen(0, at)], moment(0), moment(at)))
    assert (figures.own_connectivity, figures.own_service) == (own_connectivity, own_service)


def test_microseconds_are_exact():
    third = timedelta(microseconds=1)
    rows = [
        row(0, Status.UP),
        Transition(key=KEY, at=T0 + third, recorded_at=T0, status=Status.DOWN, previous=Status.UP),
    ]
    figures = uptime(timeline(rows, [seen(0, 86_400 * 90)], T0, T0 + timedelta(days=90)))
    assert figures.connectivity == 1 / (90 * 86_400 * 10**6)


def test_days_are_cut_at_the_zones_midnight():
    begin, end = datetime(2026, 11, 21, 16, 0, tzinfo=UTC), datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    rows = [
        Transition(key=KEY, at=begin, recorded_at=begin, status=Status.UP, previous=Status.UNKNOWN),
        # 22:00 to 23:00 UTC on the 22nd is 05:00 to 06:00 on the 23rd in Hanoi
        Transition(key=KEY, at=begin + timedelta(hours=30), recorded_at=end, status=Status.DOWN, previous=Status.UP),
        Transition(key=KEY, at=begin + timedelta(hours=31), recorded_at=end, status=Status.UP, previous=Status.DOWN),
    ]
    found = days(timeline(rows, [Observation("local", begin, end)], begin, end), HANOI)
    assert [(d.date, (d.end - d.begin) / timedelta(hours=1), d.uptime.by_status[Status.DOWN]) for d in found] == [
        (date(2026, 11, 21), 1, timedelta()),
        (date(2026, 11, 22), 24, timedelta()),
        (date(2026, 11, 23), 24, timedelta(hours=1)),
        (date(2026, 11, 24), 1, timedelta()),
    ]
    assert days([], HANOI) == []


SECONDS = st.integers(-40, 260)
ROWS = st.lists(st.tuples(SECONDS, st.sampled_from(Status)), max_size=12)
FLAGS = st.lists(st.tuples(SECONDS, st.booleans()), max_size=6)
SPANS = st.lists(st.tuples(SECONDS, st.integers(0, 120)), max_size=5)


def brute_force(rows, observed, begin, end):
    """What each whole second's status was, asked one second at a time."""
    statuses = []
    for second in range(begin, end):
        status = Status.UNOBSERVED
        latest = None
        for order, (at, said) in enumerate(rows):
            # The row in force: no row recorded after it begins at or before this second.
            overruled = any(later_at <= second for later_at, _ in rows[order + 1 :])
            if at <= second and not overruled:
                latest = said
        if latest is not None and any(first <= second < first + length for first, length in observed):
            status = latest
        statuses.append(status)
    return statuses


def brute_maintenance(flags, begin, end):
    """Whether each whole second lay in maintenance: as the last recorded of the rows that began by then says."""
    return [next((on for at, on in reversed(flags) if at <= second), False) for second in range(begin, end)]


@LONG
@given(ROWS, SPANS, FLAGS, st.integers(0, 100), st.integers(0, 150))
def test_against_a_reckoning_second_by_second(rows, observed, flags, begin, length):
    end = begin + length
    intervals = timeline(
        [row(at, status, recorded=300 + order) for order, (at, status) in enumerate(rows)],
        [seen(first, first + lasting) for first, lasting in observed],
        moment(begin),
        moment(end),
        [planned(*flag) for flag in flags],
    )
    seconds = brute_force(rows, observed, begin, end)
    maintained = brute_maintenance(flags, begin, end)

    assert [i.end for i in intervals[:-1]] == [i.begin for i in intervals[1:]]
    if length:
        assert (intervals[0].begin, intervals[-1].end) == (moment(begin), moment(end))
    assert all(i.length > timedelta() for i in intervals)
    asked = [next(i for i in intervals if i.begin <= moment(second) < i.end) for second in range(begin, end)]
    assert [(i.status, i.maintenance) for i in asked] == list(zip(seconds, maintained, strict=True))

    figures = uptime(intervals)
    outside = [s for s, on in zip(seconds, maintained, strict=True) if not on]
    known = [s for s in outside if s not in (Status.UNKNOWN, Status.UNOBSERVED)]
    cut = sum(s in (Status.DOWN, Status.UNREACHABLE) for s in known)
    faulty = sum(s is Status.FAULTY for s in known)
    if known:
        assert figures.connectivity == float(Fraction(len(known) - cut, len(known)))
        assert figures.service == float(Fraction(len(known) - cut - faulty, len(known)))
    else:
        assert figures.connectivity is figures.service is None
    own = [s for s in known if s is not Status.UNREACHABLE]
    if own:
        down = sum(s is Status.DOWN for s in own)
        assert figures.own_connectivity == float(Fraction(len(own) - down, len(own)))
        assert figures.own_service == float(Fraction(len(own) - down - faulty, len(own)))
    else:
        assert figures.own_connectivity is figures.own_service is None
    assert figures.maintenance == timedelta(seconds=sum(maintained))
    assert figures.coverage == (float(Fraction(len(known), length)) if length else 0.0)
    assert figures.observed == timedelta(seconds=sum(s is not Status.UNOBSERVED for s in seconds))


@LONG
@given(ROWS, SPANS, st.integers(1, 96))
def test_the_days_add_up_to_the_window(rows, observed, hours):
    end = T0 + timedelta(hours=hours)
    stretch = 60 * 20  # the rows' seconds become minutes, so that they spread over days
    transitions = [row(at * stretch, status, recorded=order) for order, (at, status) in enumerate(rows)]
    observations = [seen(first * stretch, (first + lasting) * stretch) for first, lasting in observed]
    intervals = timeline(transitions, observations, T0, end)
    found = days(intervals, HANOI)
    assert found[0].begin == T0
    assert found[-1].end == end
    assert [day.date for day in found] == sorted({day.date for day in found})
    for status in Status:
        total = sum((day.uptime.by_status[status] for day in found), timedelta())
        assert total == uptime(intervals).by_status[status]
