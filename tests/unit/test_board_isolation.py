"""When our own network is gone: from when on nothing can be said, and when it is somebody else's fault after all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.model import EndpointKey, Reason, Transition
from tests.unit.board_network import Network, anchors, config, cut, place
from tests.unit.board_world import seconds


def town():
    wards = [place(f"w{number}", needs=["hub"]) for number in range(12)]
    return config([*anchors(), place("hub", kind="hub"), *wards])


EVERYONE = [point.id for point in town().points]
BEHIND = [name for name in EVERYONE if not name.startswith("anchor")]


@pytest.mark.parametrize("hangs", [False, True])
def test_an_anchor_that_failed_long_before_takes_back_nothing_that_was_seen_since(hangs):
    network = Network(town(), [cut("anchor0", 60, 900, hangs=hangs), cut(EVERYONE, 600, 700, hangs=hangs)]).run(800)
    for name in BEHIND:
        assert network.bad(name) == [("unknown", "vantage:"), ("up", "")]
        assert 600 <= network.of(name)[1][0] < 602
    unknown = [row.at for row in network.rows if isinstance(row, Transition) and row.status.value == "unknown"]
    assert min(seconds(at) for at in unknown) >= 600
    assert network.bad("anchor0") == [("down", "")]  # its own fault, before and after
    assert network.bad("anchor1") == [("down", "vantage:"), ("up", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_anchors_that_failed_one_by_one_and_then_everything(hangs):
    gone = [cut("anchor0", 60, 900), cut("anchor1", 120, 900), cut(EVERYONE, 300, 400, hangs=hangs)]
    network = Network(town(), gone).run(600)
    for name in BEHIND:
        assert network.bad(name) == [("unknown", "vantage:"), ("up", "")]
        assert 300 <= network.of(name)[1][0] < 302
        assert network.of(name)[2][0] >= 400


@pytest.mark.parametrize("hangs", [False, True])
def test_a_ward_that_fails_while_the_anchors_are_gone_and_others_answer(hangs):
    gone = [cut("anchor0", 60, 900), cut("anchor1", 120, 900), cut("w3", 300, 400, hangs=hangs)]
    network = Network(town(), gone).run(600)
    assert network.bad("w3") == [("down", ""), ("up", "")]
    assert all(network.bad(name) == [] for name in BEHIND if name != "w3")


def test_isolated_from_the_start_nobody_is_down():
    network = Network(town(), [cut(EVERYONE, 0, 100), cut("w0", 100, 200)]).run(300)
    for name in BEHIND:
        rows = [row for row in network.rows if isinstance(row, Transition) and row.key == EndpointKey(name, "")]
        assert [row.status.value for row in rows if seconds(row.at) < 100 and row.status.value != "unknown"] == []
    assert [status for _, status, _ in network.of("w0") if status != "unknown"] == ["down", "up"]


def quick():
    """The town, asked often enough that what is known lapses before anything that hangs is confirmed."""

    def hurried(point):
        times = {"interval": timedelta(seconds=3), "timeout": timedelta(seconds=1)}
        return replace(point, endpoints=tuple(replace(each, **times) for each in point.endpoints))

    return replace(town(), points=tuple(map(hurried, town().points)))


@pytest.mark.parametrize("tenths", range(3000, 3030, 3))
def test_name_servers_that_are_gone_with_everything_else_are_not_the_cause(tenths):
    silent = {"hangs": True, "begin": tenths / 10, "end": 500}
    gone = [cut(BEHIND, reason=Reason.RESOLVER, **silent), cut(["anchor0", "anchor1"], **silent)]
    network = Network(quick(), gone).run(600)
    for name in BEHIND:
        assert network.bad(name) == [("unknown", "vantage:"), ("up", "")]


def test_anchors_that_are_not_asked_any_more_keep_nothing_alive():
    network = Network(quick(), [cut(["anchor0", "anchor1"], 300, hangs=True)]).run(305)
    for second in range(306, 330):
        network.grow_old(second)
    assert all(network.bad(name)[-1][0] == "unknown" for name in EVERYONE)
