"""Whose fault, for any outages: what must hold whatever happens, against the same results without neighbours."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config.model import Config
from monitor.ledger import timeline
from monitor.model import EndpointKey, Fault, FaultKind, Observation, Status, Transition
from tests.unit.board_network import Network, anchors, config, cut, place
from tests.unit.board_world import World, moment, seconds

LONG = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WARDS = [
    place(
        f"w{number}",
        needs=[("c0", "c1")] if number < 4 else ["c1"] if number < 8 else ["hub"],
        endpoints=("link", "portal") if number % 2 else ("link",),
        platform={"portal": "platform"} if number % 4 == 1 else {},
        provider=f"p{number % 2}",
        area=f"a{number // 4}",
    )
    for number in range(12)
]
UPSTREAM = [
    place("hub", kind="hub"),
    place("c0", kind="circuit", needs=["hub"]),
    place("c1", kind="circuit", needs=["hub"]),
    place("platform", kind="service"),
]
WITHOUT_ANCHORS = config([*UPSTREAM, *WARDS])
WHOLE = config([*anchors(), *UPSTREAM, *WARDS])
NAMES = [point.id for point in WITHOUT_ANCHORS.points]
GROUPS = [[name] for name in NAMES] + [
    ["c1", "w4", "w5", "w6", "w7"],
    ["hub", "c0", "c1", *(ward.id for ward in WARDS)],
    ["c0", "c1", "w0", "w1", "w2", "w3"],
    [ward.id for ward in WARDS[::2]],
    [ward.id for ward in WARDS],
    [point.id for point in WHOLE.points],
]

OUTAGES = st.lists(
    st.tuples(st.sampled_from(GROUPS), st.integers(20, 120), st.sampled_from([0.5, 3, 8, 30, 90]), st.booleans()),
    max_size=6,
)


def outages(chosen):
    return [cut(names, begin, begin + length, hangs=hangs) for names, begin, length, hangs in chosen]


def plain(config: Config) -> Config:
    """The same points, each for itself."""
    points = []
    for point in config.points:
        endpoints = tuple(replace(endpoint, depends_on=()) for endpoint in point.endpoints)
        points.append(replace(point, depends_on=(), labels={}, area="", endpoints=endpoints))
    return Config(points=tuple(points))


def replayed(network: Network) -> World:
    """The same results on a board on which nobody has neighbours."""
    world = World(plain(network.config))
    for second, key, letter in network.seen:
        world.see(second, key.endpoint, letter, of=key.point)
    world.grow_old(seconds(network.now))
    return world


def ledger(rows, name: str, end: float) -> list[tuple[float, float, Status]]:
    own = [row for row in rows if isinstance(row, Transition) and row.key == EndpointKey(name, "")]
    merged: list[tuple[float, float, Status]] = []
    for interval in timeline(own, [Observation("local", moment(0), moment(end))], moment(0), moment(end)):
        status = {Status.UNREACHABLE: Status.DOWN}.get(interval.status, interval.status)
        if status is Status.DEGRADED:
            status = Status.UP
        if merged and merged[-1][2] is status:
            merged[-1] = (merged[-1][0], seconds(interval.end), status)
        else:
            merged.append((seconds(interval.begin), seconds(interval.end), status))
    return merged


@LONG
@given(OUTAGES)
def test_causes_change_whose_fault_it_is_and_never_when(chosen):
    network = Network(WITHOUT_ANCHORS, outages(chosen)).run(330)
    alone = replayed(network)
    for name in NAMES:
        assert ledger(network.rows, name, 330) == ledger(alone.rows, name, 330)


@LONG
@given(OUTAGES)
def test_faults_fit_their_statuses_and_everything_ends(chosen):
    network = Network(WHOLE, outages(chosen)).run(400)
    known = {None} | set(NAMES)
    for row in network.rows:
        if not isinstance(row, Transition):
            continue
        fault = Fault.parse(row.fault) if row.fault else None
        kind = fault.kind if fault else None
        assert not fault or row.key.is_point
        if row.status is Status.DOWN:
            assert kind in (None, FaultKind.VANTAGE)
            assert kind is None or row.key.point.startswith("anchor")
        elif row.status is Status.UNREACHABLE:
            assert kind in (FaultKind.POINT, FaultKind.LABEL, FaultKind.NETWORK)
        elif row.status is Status.UNKNOWN and row.key.is_point:
            assert kind in (FaultKind.MONITOR, FaultKind.VANTAGE)
        elif row.status is Status.UP:
            assert kind is None
        if kind is FaultKind.POINT:
            assert fault.subject in known
            assert fault.subject != row.key.point
    for name in NAMES:
        view = network.view(name)
        assert (view.status, view.fault) == (Status.UP, "")
    assert not list(network.board._causes.cases)
    assert not network.board._causes.fates.open
    assert not network.board._causes.cases.awaited
    assert not network.board._causes.losses.lost


@LONG
@given(OUTAGES, st.integers(30, 250))
def test_a_restart_at_any_moment_loses_nothing(chosen, second):
    before = Network(WHOLE, outages(chosen)).run(second)
    after = before.restarted(second + 1).run(450)
    for name in NAMES:
        assert after.status(name) is Status.UP
        cut_before = [row for row in before.rows if isinstance(row, Transition) and row.key == EndpointKey(name, "")]
        assert cut_before or after.rows
    assert not list(after.board._causes.cases)
    assert not after.board._causes.losses.lost


@LONG
@given(OUTAGES, st.integers(30, 250))
def test_a_reload_at_any_moment_changes_nothing(chosen, second):
    plainly, reloaded = Network(WHOLE, outages(chosen)), Network(WHOLE, outages(chosen))
    plainly.run(450)
    reloaded.run(second)
    assert reloaded.swap(replace(WHOLE)) == []
    reloaded.run(450)
    assert reloaded.rows == plainly.rows
