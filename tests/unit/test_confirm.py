"""Confirmation and staleness: tables for the words, Hypothesis against a reckoning with hindsight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.health.confirm import Health, Policy, age, observe
from monitor.health.points import Segment, at, overrule
from monitor.model import EndpointKey, Reason, Result, Status

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LONG = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEY = EndpointKey("cua-nam", "link")
POLICY = Policy(down_after=3, up_after=2, hold=timedelta(seconds=33))
LETTERS = {"U": Reason.OK, "L": Reason.LATENCY, "D": Reason.TIMEOUT, "?": Reason.INTERNAL}


def moment(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def result(seconds: float, letter: str) -> Result:
    return Result(key=KEY, vantage="local", begun=moment(seconds), latency_seconds=0.1, reason=LETTERS[letter])


class Told:
    """An endpoint's health with the changes that it was told, in order."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.health = Health()
        self.track = ()
        self.changes = []

    def see(self, seconds: float, letter: str) -> None:
        self.take(observe(self.health, result(seconds, letter), self.policy))

    def grow_old(self, seconds: float) -> None:
        self.take(age(self.health, moment(seconds), self.policy))

    def take(self, health: Health) -> None:
        self.health = health
        for change in health.decided:
            self.changes.append(((change.at - T0).total_seconds(), change.status.value))
            self.track = overrule(self.track, Segment(change.at, change.status))

    def status(self, seconds: float) -> Status:
        segment = at(self.track, moment(seconds))
        return segment.status if segment else Status.UNKNOWN


def told(results: str, *, every: float = 10, policy: Policy = POLICY) -> Told:
    """``results`` one letter every ten seconds; a space is a moment without one."""
    subject = Told(policy)
    for position, letter in enumerate(results):
        if letter != " ":
            subject.see(position * every, letter)
    return subject


@pytest.mark.parametrize(
    ("results", "changes"),
    [
        pytest.param("U", [(0, "up")], id="the first up makes it up at once"),
        pytest.param("D", [], id="a first failure is not yet a status"),
        pytest.param("DD", [], id="nor two"),
        pytest.param("DDD", [(0, "down")], id="three are, from the first one's begin"),
        pytest.param("DDU", [(20, "up")], id="never confirmed, then up"),
        pytest.param("L", [(0, "up")], id="a first broken budget is up"),
        pytest.param("LLL", [(0, "up"), (0, "degraded")], id="and degraded from its begin when confirmed"),
        pytest.param("?", [], id="unknown is not a status that is seen"),
        pytest.param("?????U", [(50, "up")], id="the first known result counts"),
        pytest.param("UUUDDU", [(0, "up")], id="two failures are not an outage"),
        pytest.param("UDDD", [(0, "up"), (10, "down")], id="an outage begins at its first failure"),
        pytest.param("UDDUDDUDD", [(0, "up")], id="failures must be in a row"),
        pytest.param("UDDDU", [(0, "up"), (10, "down")], id="one success doesn't end it"),
        pytest.param("UDDDUU", [(0, "up"), (10, "down"), (40, "up")], id="it ends at its first success"),
        pytest.param("UDDDUDUDUU", [(0, "up"), (10, "down"), (80, "up")], id="successes must be in a row"),
        pytest.param("UD?D??D", [(0, "up"), (10, "down")], id="unknown neither counts nor resets"),
        pytest.param("UDDD?U?U", [(0, "up"), (10, "down"), (50, "up")], id="nor for recovery"),
        pytest.param("UDDD??", [(0, "up"), (10, "down")], id="unknown never closes an outage"),
        pytest.param("ULLL", [(0, "up"), (10, "degraded")], id="budgets are confirmed too"),
        pytest.param("ULLUL", [(0, "up")], id="and reset by a good result"),
        pytest.param("ULLLUU", [(0, "up"), (10, "degraded"), (40, "up")], id="and released"),
        pytest.param("UDLL", [(0, "up"), (10, "degraded")], id="a failure is at least degraded"),
        pytest.param("UDLDLD", [(0, "up"), (10, "degraded")], id="failing at least degraded all the time"),
        pytest.param("ULDDD", [(0, "up"), (10, "degraded"), (20, "down")], id="slow, then gone"),
        pytest.param("UDDDLL", [(0, "up"), (10, "down"), (40, "up")], id="back, slow as first answers are"),
        pytest.param(
            "UDDDLLL", [(0, "up"), (10, "down"), (40, "up"), (40, "degraded")], id="back, but slow all the time"
        ),
        pytest.param("UDDDULLL", [(0, "up"), (10, "down"), (40, "up"), (50, "degraded")], id="back, then slow"),
        pytest.param("UDDDLUU", [(0, "up"), (10, "down"), (40, "up")], id="back, slow once, then well"),
        pytest.param(
            "LLLDDDLUU",
            [(0, "up"), (0, "degraded"), (30, "down"), (60, "up")],
            id="an outage ends what was slow before",
        ),
        pytest.param("UDDDLD", [(0, "up"), (10, "down")], id="slow once is not yet back"),
        pytest.param("U    ", [(0, "up")], id="a status holds without results until somebody looks"),
        pytest.param("U    U", [(0, "up"), (33, "unknown"), (50, "up")], id="lapsed, and back at once"),
        pytest.param("U??U", [(0, "up")], id="unknown results within the hold change nothing"),
        pytest.param("U????U", [(0, "up"), (33, "unknown"), (50, "up")], id="unknown results don't refresh"),
        pytest.param("U    DU", [(0, "up"), (33, "unknown"), (60, "up")], id="at the up result's begin"),
        pytest.param("U    DDD", [(0, "up"), (33, "unknown"), (50, "down")], id="down after a lapse"),
        pytest.param(
            "DDD    U", [(0, "down"), (53, "unknown")], id="an open outage isn't closed by one success after a lapse"
        ),
        pytest.param("DDD    UU", [(0, "down"), (53, "unknown"), (70, "up")], id="but by two"),
        pytest.param("DDD    D", [(0, "down"), (53, "unknown"), (70, "down")], id="and goes on at once"),
        pytest.param("DDD    UD", [(0, "down"), (53, "unknown"), (80, "down")], id="goes on after a lone success"),
        pytest.param("LLL    U", [(0, "up"), (0, "degraded"), (53, "unknown")], id="degraded is open, too"),
        pytest.param("LLL    L", [(0, "up"), (0, "degraded"), (53, "unknown"), (70, "degraded")], id="still slow"),
        pytest.param(
            "UD    DD",
            [(0, "up"), (43, "unknown"), (10, "down"), (43, "unknown"), (60, "down")],
            id="an outage that spans a lapse leaves it unknown",
        ),
        pytest.param("  UU", [(20, "up")], id="nothing, then up"),
    ],
)
def test_what_is_decided(results, changes):
    assert told(results).changes == changes


@pytest.mark.parametrize(
    ("results", "suspect"),
    [
        ("U", False),
        ("UD", True),
        ("UDU", False),
        ("UDDD", False),
        ("UDDDU", True),
        ("UL", True),
        ("D", True),
        ("U?", False),
        ("UD?", True),
    ],
)
def test_suspect_while_a_change_is_pending(results, suspect):
    assert told(results).health.suspect is suspect


@pytest.mark.parametrize("noticed", [33, 34, 1000])
def test_a_status_lapses_at_its_own_time_whenever_that_is_noticed(noticed):
    subject = told("U")
    subject.grow_old(32.9)
    assert subject.changes == [(0, "up")]
    subject.grow_old(noticed)
    subject.grow_old(noticed + 1)
    assert subject.changes == [(0, "up"), (33, "unknown")]
    assert subject.health.cause.reason is Reason.STALE


def test_a_lapse_says_why_when_we_could_not_ask():
    subject = told("U?")
    subject.grow_old(60)
    assert subject.health.cause.reason is Reason.INTERNAL
    assert subject.health.status is Status.UNKNOWN


def test_what_was_under_way_takes_a_lapse_back():
    subject = told("U")
    subject.grow_old(35)
    subject.see(32, "U")
    assert [subject.status(second) for second in (31, 34, 64)] == [Status.UP] * 3


def test_an_outage_goes_through_a_lapse_that_is_taken_back():
    subject = told("UDDD")
    subject.grow_old(64)
    subject.see(62, "D")
    assert subject.status(63.5) is Status.DOWN


def test_the_reason_is_that_of_the_confirming_result():
    health = Health()
    for second, reason in enumerate([Reason.OK, Reason.RESET, Reason.TIMEOUT, Reason.REFUSED]):
        probe = Result(
            key=KEY, vantage="local", begun=moment(second), latency_seconds=0, reason=reason,
            failed_phase="connect", detail=f"result {second}",
        )  # fmt: skip
        health = observe(health, probe, POLICY)
    assert health.cause == (Reason.REFUSED, "connect", "result 3")


def test_degraded_names_the_budget_although_failures_helped_to_confirm_it():
    assert told("UDLD").health.cause.reason is Reason.LATENCY


@pytest.mark.parametrize("late", [30, 25, 0])
def test_a_late_result_moves_nothing(late):
    subject = told("UUUU")
    before = subject.health
    for _ in range(5):
        subject.see(late, "D")
    assert subject.health == before


def test_the_hold_is_two_intervals_and_a_timeout():
    policy = Policy.of(interval=timedelta(seconds=15), timeout=timedelta(seconds=3), down_after=3, up_after=2)
    assert policy == POLICY


# -- with hindsight -----------------------------------------------------------------------------------------------

STEPS = st.lists(st.tuples(st.sampled_from([1, 1, 2, 10, 33, 34, 60]), st.sampled_from("UUDDL?")), max_size=40)
POLICIES = st.builds(Policy, st.integers(1, 4), st.integers(1, 3), st.just(timedelta(seconds=33)))


def flags(reached: list[bool], policy: Policy) -> tuple[list[bool], set[int]]:
    """Of one level, with hindsight: whether it held at each result, and which results confirmed a turn."""
    held, confirming, holds, position = [], set(), False, 0
    while position < len(reached):
        length = 1
        while position + length < len(reached) and reached[position + length] is reached[position]:
            length += 1
        needed = policy.down_after if reached[position] else policy.up_after
        if reached[position] is not holds and length >= needed:
            holds = reached[position]
            confirming.update(range(position, position + needed))
        held += [holds] * length
        position += length
    return held, confirming


def poor_flags(known: list[tuple[int, str]], down: list[bool], policy: Policy) -> tuple[list[bool], set[int]]:
    """The level of degraded, reckoned anew at the end of each outage from the unbroken run of what was slow by then."""
    held: list[bool] = []
    confirming: set[int] = set()

    def reckon(until: int) -> None:
        begin = len(held)
        flagged, turned = flags([letter in "DL" for _, letter in known[begin:until]], policy)
        held.extend(flagged)
        confirming.update(begin + position for position in turned)

    for position in range(1, len(known)):
        if down[position - 1] and not down[position]:
            reckon(position)
            released = position + policy.up_after
            slow = next((each for each in range(released, position, -1) if known[each - 1][1] != "L"), position)
            held += [False] * (slow - position)
    reckon(len(known))
    return held, confirming


def with_hindsight(known: list[tuple[int, str]], policy: Policy, end: int) -> list[Status]:
    """An endpoint's status at each second, from all known results at once."""
    hold = int(policy.hold.total_seconds())
    down, turned_down = flags([letter == "D" for _, letter in known], policy)
    poor, turned_poor = poor_flags(known, down, policy)
    statuses = [Status.UNKNOWN] * end
    settled = False
    for position, (second, letter) in enumerate(known):
        if position and second > known[position - 1][0] + hold:
            settled = False
        contradicted = (letter == "D") is not down[position] or (poor[position] and letter == "U")
        settled = settled or position in turned_down | turned_poor or not contradicted
        following = known[position + 1][0] if position + 1 < len(known) else end
        if settled:
            status = Status.DOWN if down[position] else Status.DEGRADED if poor[position] else Status.UP
            for held in range(second, min(second + hold, following, end)):
                statuses[held] = status
    return statuses


@LONG
@given(STEPS, POLICIES, st.lists(st.integers(0, 40)))
def test_against_hindsight(steps, policy, ages):
    subject, second, known = Told(policy), 0, []
    waits = iter(ages)
    for wait, letter in steps:
        # Age is looked at somewhere between, also while the next probe is already under way.
        subject.grow_old(second + min(next(waits, 0), wait + 2))
        second += wait
        subject.see(second, letter)
        if letter != "?":
            known.append((second, letter))
    end = second + 100
    subject.grow_old(end)
    assert [subject.status(moment) for moment in range(end)] == with_hindsight(known, policy, end)


@LONG
@given(STEPS, POLICIES)
def test_unknown_results_anywhere_change_no_decision(steps, policy):
    both, known = Told(policy), Told(policy)
    second = 0
    for wait, letter in steps:
        second += wait
        both.see(second, letter)
        if letter != "?":
            known.see(second, letter)
    assert both.changes == known.changes


@LONG
@given(STEPS, POLICIES)
def test_nothing_turns_without_enough_results_in_a_row(steps, policy):
    subject, second, known = Told(policy), 0, []
    for wait, letter in steps:
        second += wait
        open_before = subject.health.down.holds
        subject.see(second, letter)
        if letter != "?":
            known.append((second, letter))
        row = known[-policy.down_after :]
        if subject.health.down.holds and not open_before:
            assert [letter for _, letter in row] == ["D"] * policy.down_after
            assert row[0][0] in [at for at, status in subject.changes if status == "down"]
        if open_before and not subject.health.down.holds:
            assert all(letter != "D" for _, letter in known[-policy.up_after :])
