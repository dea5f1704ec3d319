"""The board against a slow model: a point's ledger is what its endpoints' ledgers say, second by second."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config.model import Config
from monitor.ledger import timeline
from monitor.model import EndpointKey, FlagChange, Observation, Outcome, Status, Transition
from tests.unit.board_world import World, endpoint, moment, point, seconds

LONG = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""However busy the machine is."""

NAMES = ("link", "portal", "exchange", "dns")
CRITICAL = ("portal", "exchange")

RUNS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 2, 5, 20, 40]),
        st.sampled_from(NAMES),
        st.sampled_from("UUUDDDL?"),
        st.integers(1, 4),
    ),
    max_size=25,
)
"""Runs of the same letter of one endpoint: (seconds before it, endpoint, letter, how many, one a second)."""


def config(**changes: object) -> Config:
    return Config(points=(point(endpoints=[endpoint(name, **changes) for name in NAMES]),))


def stream(runs) -> list[tuple[int, str, str]]:
    """The runs as results in the order of their begins."""
    results, second = [], 0
    for wait, name, letter, length in runs:
        second += wait
        results += [(second + offset, name, letter) for offset in range(length)]
    once = {(second, name): letter for second, name, letter in results}
    return [(second, name, letter) for (second, name), letter in sorted(once.items(), key=lambda item: item[0][0])]


def ledger(rows: list[Transition], name: str, end: int) -> list[Status]:
    """A subject's status at each second; what was never seen is unknown."""
    own = [row for row in rows if row.key.endpoint == name]
    statuses = [Status.UNKNOWN] * end
    for interval in timeline(own, [Observation("local", moment(0), moment(end))], moment(0), moment(end)):
        if interval.status is not Status.UNOBSERVED:
            for second in range(int(seconds(interval.begin)), int(seconds(interval.end))):
                statuses[second] = interval.status
    return statuses


def stretch(statuses: list[Status], second: int, wanted: set[Status]) -> range:
    """The unbroken seconds around ``second`` in which the status is one of ``wanted``."""
    begin = end = second
    while begin > 0 and statuses[begin - 1] in wanted:
        begin -= 1
    while end < len(statuses) and statuses[end] in wanted:
        end += 1
    return range(begin, end)


def expected(statuses: dict[str, list[Status]], answers: dict[str, set[tuple[int, int]]], second: int) -> Status:
    """The design's sentences about a point's status, at one second.

    ``answers``: the runs of successes (first, last) that stood when the link failed once more.
    """
    now = {name: own[second] for name, own in statuses.items()}
    well = {Status.UP, Status.DEGRADED}
    reached = now["link"] in well
    if now["link"] is Status.DOWN:
        failing = stretch(statuses["link"], second, {Status.DOWN})
        for name in CRITICAL:
            if now[name] in well:
                answering = stretch(statuses[name], second, well)
                common = set(failing[1:]) & set(answering)
                reached = reached or any(last in common and first <= second for first, last in answers[name])
        if not reached:
            return Status.DOWN
    if now["link"] is Status.UNKNOWN:
        if not any(now[name] in well for name in CRITICAL):
            return Status.UNKNOWN
        reached = True
    if any(now[name] is Status.DOWN for name in CRITICAL):
        return Status.FAULTY
    if Status.DOWN in now.values() or Status.DEGRADED in now.values():
        return Status.DEGRADED
    return Status.UNKNOWN if Status.UNKNOWN in now.values() else Status.UP


def believed(world: World) -> dict[str, tuple[str, float | None]]:
    views = {view.endpoint.name: (view.status.value, seconds(view.since)) for view in world.view().endpoints}
    return views | {"": (world.status().value, seconds(world.view().since))}


@LONG
@given(RUNS, st.sets(st.integers(0, 200), max_size=8))
def test_a_points_ledger_is_what_its_endpoints_ledgers_say(runs, ages):
    world, answers = World(config()), {name: set() for name in NAMES}
    successes: dict[str, tuple[int, int]] = {}
    ages = sorted(ages)
    last = 0
    for second, name, letter in stream(runs):
        while ages and ages[0] <= second:
            world.grow_old(max(ages.pop(0), last))
        applied = world.see(second, name, letter)
        last = second
        if letter in "UL":
            successes[name] = (successes.get(name, (second, second))[0], second)
        elif letter == "D":
            successes.pop(name, None)
        if (name, letter) == ("link", "D"):
            for other, (first, latest) in successes.items():
                if latest < second:
                    answers[other].add((first, latest))
        assert applied.suspect or not applied.hasten or letter != "D"
    end = last + 60
    world.grow_old(end)
    statuses = {name: ledger(world.rows, name, end) for name in NAMES}
    wanted = [expected(statuses, answers, second) for second in range(end)]
    assert ledger(world.rows, "", end) == wanted

    # What is shown is the end of that history, with the time since which it has held.
    assert world.status() is wanted[-1]
    since = world.view().since
    if since is not None:
        assert set(wanted[int(seconds(since)) :]) == {wanted[-1]}
        earlier = wanted[: int(seconds(since))]
        assert not earlier or earlier[-1] is not wanted[-1] or set(earlier) == {Status.UNKNOWN}


@LONG
@given(RUNS)
def test_rows_tell_real_changes_only(runs):
    world = World(config())
    current: dict[EndpointKey, Transition] = {}
    for second, name, letter in stream(runs):
        for row in world.see(second, name, letter).rows:
            if isinstance(row, FlagChange):
                continue
            assert row.status is not row.previous
            before = current.get(row.key)
            assert row.first is (before is None)
            assert before is None or (before.at, before.status) != (row.at, row.status)
            current[row.key] = row


@LONG
@given(RUNS, st.integers(0, 60))
def test_a_restart_at_any_moment_reaches_the_same_decisions(runs, moment_of_restart):
    patient = config(interval=timedelta(days=1))  # nothing lapses, which a restart would put off
    whole, before = World(patient), World(patient)
    results = stream(runs)
    for second, name, letter in results:
        whole.see(second, name, letter)
    for second, name, letter in results[:moment_of_restart]:
        before.see(second, name, letter)
    after = World(patient, started=seconds(before.now), resume=before.resume())
    after.keep(after.board.age(after.now))
    assert after.rows == []
    for second, name, letter in results[moment_of_restart:]:
        after.see(second, name, letter)
    end = (results[-1][0] if results else 0) + 60
    for world in (whole, after):
        world.grow_old(end)  # what waits for answers waits no longer
    # Of the time before the rows in force only their `previous` is known, so a point's `since` may differ.
    assert after.status() is whole.status()
    assert {**believed(after), "": None} == {**believed(whole), "": None}
    for name in NAMES:
        assert ledger(before.rows + after.rows, name, end) == ledger(whole.rows, name, end)


@LONG
@given(RUNS, st.integers(0, 60))
def test_a_reload_at_any_moment_changes_no_decision(runs, moment_of_reload):
    plain, reloaded = World(config()), World(config())
    for position, (second, name, letter) in enumerate(stream(runs)):
        if position == moment_of_reload:
            assert reloaded.reload(config()) == []
        plain.see(second, name, letter)
        reloaded.see(second, name, letter)
    assert reloaded.rows == plain.rows
    assert believed(reloaded) == believed(plain)


@LONG
@given(RUNS)
def test_results_are_known_by_their_outcome(runs):
    """What we could not ask decides nothing about any point."""
    both, known = World(config(interval=timedelta(days=1))), World(config(interval=timedelta(days=1)))
    for second, name, letter in stream(runs):
        both.see(second, name, letter)
        if letter != "?":
            known.see(second, name, letter)
    assert [(row.key, row.at, row.status) for row in both.rows] == [(row.key, row.at, row.status) for row in known.rows]
    last = both.view().endpoints[0].last
    assert last is None or last.outcome in Outcome
