"""Whom a failure asks, within bounds; and a vantage that was isolated, endpoint by endpoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.board.neighbours import NAMESAKES, SIBLINGS, Neighbours, spread
from monitor.health.confirm import Cause, Health, Hysteresis, Policy, Standing, observe
from monitor.health.resume import ISOLATED, isolate
from monitor.model import EndpointKey, Reason, Status, StoredResult
from tests.unit.board_network import Network, anchors, config, cut, place
from tests.unit.board_world import World, moment


def test_the_narrowest_groups_are_asked_first_and_some_strangers():
    points = [place(f"w{number}", provider=f"p{number % 2}", area=f"a{number // 10}") for number in range(400)]
    siblings = Neighbours(config(points)).siblings("w0")
    assert len(siblings) == len(set(siblings)) == SIBLINGS
    assert siblings[:9] == [f"w{number}" for number in range(1, 10)]
    assert "w0" not in siblings
    assert sum(int(name[1:]) % 2 for name in siblings) >= 5  # of the other provider


def test_namesakes_of_an_endpoint_behind_a_link():
    points = [place(f"w{number}", endpoints=("link", "exchange"), area=f"a{number // 4}") for number in range(40)]
    siblings = Neighbours(config(points)).siblings("w0 exchange")
    assert len(siblings) <= NAMESAKES
    assert {"w1 exchange", "w2 exchange", "w3 exchange"} < set(siblings)
    assert all(name.endswith(" exchange") for name in siblings)


@pytest.mark.parametrize(("number", "most"), [(5, 10), (10, 10), (11, 10), (1000, 7)])
def test_spread_takes_from_everywhere(number, most):
    taken = spread([str(each) for each in range(number)], most)
    assert len(taken) <= most
    assert len(taken) > most / 2 or len(taken) == number


def test_a_first_failure_asks_parents_anchors_and_siblings_and_a_second_those_that_have_not_answered():
    points = [*anchors(), place("hub", kind="hub"), *(place(f"w{n}", needs=["hub"], area="x") for n in range(4))]
    world = World(config(points))
    for point in points:
        world.see(0, "link", of=point.id)
    first = world.see(10, "link", "D", of="w0")
    assert {key.point for key in first.hasten} == {"hub", "anchor0", "anchor1", "w1", "w2", "w3"}
    other = world.see(11, "link", "D", of="w1")
    assert not {"w2", "w3"} & {key.point for key in other.hasten}  # once per window
    world.see(12, "link", of="w2")
    again = world.see(12, "link", "D", of="w1")
    assert {key.point for key in again.hasten} >= {"w3"}
    assert "w2" not in {key.point for key in again.hasten}


def test_a_parent_that_was_only_suspected_leaves_its_child_to_itself():
    points = [*anchors(), place("hub", kind="hub"), place("w0", needs=["hub"])]
    world = World(config(points))
    for point in points:
        world.see(0, "link", of=point.id)
    world.see(10, "link", "D", of="w0")
    world.see(10, "link", of="anchor0")
    world.see(10, "link", of="anchor1")
    world.see(11, "link", "D", of="hub")
    world.see(11, "link", "D", of="w0")
    world.see(12, "link", "D", of="hub")
    world.see(12, "link", "D", of="w0")
    assert (world.status("w0"), world.view("w0").fault) == (Status.UNREACHABLE, "point:hub")
    world.see(13, "link", of="hub")
    view = world.view("w0")
    assert (view.status, view.fault, view.since) == (Status.DOWN, "", moment(10))


def test_a_cause_that_nobody_answers_is_decided_at_the_deadline():
    points = [*anchors(), place("hub", kind="hub"), place("w0", needs=["hub"])]
    world = World(config(points))
    for point in points:
        world.see(0, "link", of=point.id)
    for second in (10, 11, 12):
        world.see(second, "link", "D", of="w0")
    world.grow_old(14.9)
    assert world.status("w0") is Status.UP
    assert [row.status for row in world.rows if row.key == EndpointKey("w0", "link")][-1] is Status.DOWN
    world.grow_old(15)
    assert (world.status("w0"), world.view("w0").since) == (Status.DOWN, moment(10))


def test_a_suspect_parent_counts_at_the_deadline():
    points = [*anchors(), place("hub", kind="hub"), place("w0", needs=["hub"])]
    world = World(config(points))
    for point in points:
        world.see(0, "link", of=point.id)
    for second in (10, 11, 12):
        world.see(second, "link", "D", of="w0")
    world.see(12, "link", "D", of="hub")
    world.see(12, "link", of="anchor0")
    world.see(12, "link", of="anchor1")
    assert world.status("w0") is Status.UP
    world.grow_old(15)
    assert (world.status("w0"), world.view("w0").fault) == (Status.UNREACHABLE, "point:hub")


def test_one_anchor_is_not_enough():
    points = [*anchors(1), *(place(f"w{number}") for number in range(2))]
    network = Network(config(points), [cut([point.id for point in points], 60, 120)]).run(200)
    assert network.bad("w0") == [("down", ""), ("up", "")]


# -- isolate --------------------------------------------------------------------------------------------------------

POLICY = Policy(down_after=3, up_after=2, hold=timedelta(seconds=33))
UP = Health(status=Status.UP, since=moment(0), latest=moment(50), known=moment(50), alive=moment(50), held=moment(50))
DOWN = replace(
    UP,
    status=Status.DOWN,
    since=moment(20),
    cause=Cause(Reason.TIMEOUT),
    down=Hysteresis(True),
    degraded=Hysteresis(True),
)


def after(health, *letters: str, begin: float = 100):
    changes = []
    for position, letter in enumerate(letters):
        reason = {"U": Reason.OK, "D": Reason.TIMEOUT, "L": Reason.LATENCY}[letter]
        health = observe(health, StoredResult(moment(begin + position), reason, 0.1, "local"), POLICY)
        changes += [(change.status.value, (change.at - moment(0)).total_seconds()) for change in health.decided]
    return changes


@pytest.mark.parametrize(
    ("health", "begin", "letters", "changes"),
    [
        pytest.param(UP, 40, "U", [("up", 100)], id="up from its first answer"),
        pytest.param(UP, 40, "DDD", [("down", 100)], id="down only when confirmed anew"),
        pytest.param(UP, 40, "DDU", [("up", 102)], id="a blip"),
        pytest.param(replace(UP, down=Hysteresis(False, 2, moment(45))), 40, "DDD", [("down", 100)], id="a run"),
        pytest.param(DOWN, 40, "D", [("down", 100)], id="down before goes on with its first failure"),
        pytest.param(DOWN, 40, "UU", [("up", 100)], id="down before comes back when confirmed"),
        pytest.param(DOWN, 10, "U", [("up", 100)], id="down since is taken back"),
        pytest.param(DOWN, 10, "DDD", [("down", 100)], id="and must be confirmed anew"),
        pytest.param(
            replace(UP, status=Status.DEGRADED, degraded=Hysteresis(True)), 40, "L", [("degraded", 100)], id="slow"
        ),
    ],
)
def test_isolated_and_then(health, begin, letters, changes):
    isolated = isolate(health, moment(begin), POLICY)
    assert [(change.at, change.status, change.cause) for change in isolated.decided] == [
        (moment(begin), Status.UNKNOWN, ISOLATED)
    ]
    assert after(isolated, *letters) == changes


def test_what_was_unknown_before_stays_so():
    stale = replace(
        UP, status=Status.UNKNOWN, since=moment(30), lapsed=Standing(Status.UP, moment(0), Cause(Reason.OK))
    )
    isolated = isolate(stale, moment(40), POLICY)
    assert (isolated.decided, isolated.since) == ((), moment(30))
    assert isolate(Health(), moment(40), POLICY).decided == ()
