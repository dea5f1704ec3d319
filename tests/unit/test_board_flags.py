"""Flags beside a point's status: it flaps, it is in maintenance."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.calendar.model import Window
from monitor.config.model import Flapping
from monitor.model import Flag, FlagChange, Transition
from tests.unit.board_network import Network, anchors, config, cut, place
from tests.unit.board_world import moment, seconds


def flags(network: Network, name: str, flag: Flag) -> list[tuple[float | None, bool]]:
    return [
        (round(seconds(row.at) or 0, 1), row.on)
        for row in network.rows
        if isinstance(row, FlagChange) and row.key.point == name and row.flag is flag
    ]


def window(name: str, begin: float, end: float, **changes: object) -> Window:
    duration = timedelta(seconds=end - begin)
    return Window(id=name, name=name, begin=moment(begin), duration=duration, **changes)  # type: ignore[arg-type]


def town(**changes):
    wards = [place(f"w{number}", needs=["circuit"], area=f"a{number % 2}", provider="VNPT") for number in range(2)]
    return config([*anchors(), place("circuit", kind="circuit"), *wards, place("alone")], **changes)


RULE = Flapping(window=timedelta(minutes=10), enter=6, leave=1)


def test_a_ward_that_flaps_and_holds():
    gone = [cut("alone", begin, begin + 30) for begin in range(60, 360, 60)]
    network = Network(town(flapping=RULE), gone).run(1500)
    entered, left = flags(network, "alone", Flag.FLAPPING)
    changes = [at for at, status, _ in network.of("alone")[1:]]
    assert entered == (changes[5], True)
    # It holds when all but one of the changes are older than the window.
    assert left == (pytest.approx(changes[-2] + 600, abs=0.2), False)
    assert len(changes) == 10


def test_flapping_is_shown_and_is_not_stable():
    gone = [cut("alone", begin, begin + 30) for begin in range(60, 360, 60)]
    network = Network(town(flapping=RULE), gone).run(800)
    view = network.view("alone")
    assert (view.flapping, view.stable, view.bucket) == (True, False, "flapping")
    network.run(1500)
    view = network.view("alone")
    assert (view.flapping, view.stable, view.bucket) == (False, True, "stable")


def test_what_is_unreachable_because_of_a_flapping_parent_does_not_flap():
    gone = [cut(["circuit", "w0", "w1"], begin, begin + 30) for begin in range(60, 360, 60)]
    network = Network(town(flapping=RULE), gone).run(800)
    assert flags(network, "circuit", Flag.FLAPPING)
    assert flags(network, "w0", Flag.FLAPPING) == []


def test_flapping_goes_on_after_a_restart():
    gone = [cut("alone", begin, begin + 30) for begin in range(60, 360, 60)]
    first = Network(town(flapping=RULE), gone).run(400)
    second = first.restarted(410)
    assert second.grow_old(410) == []
    second.run(600)
    assert second.view("alone").flapping
    second.run(1500)
    assert not second.view("alone").flapping
    assert len(flags(second, "alone", Flag.FLAPPING)) == 1


def test_a_window_begins_and_ends_exactly():
    network = Network(town())
    network.board.plan([window("1", 60.5, 120.25, points=("alone",))])
    network.run(100)
    assert network.view("alone").maintenance
    assert network.view("alone").bucket == "maintenance"
    network.run(200)
    assert flags(network, "alone", Flag.MAINTENANCE) == [(60.5, True), (120.2, False)]
    assert flags(network, "w0", Flag.MAINTENANCE) == []
    assert not network.view("alone").maintenance


@pytest.mark.parametrize("what", [{"areas": ("a0",)}, {"labels": {"provider": "VNPT"}}])
def test_windows_cover_areas_and_labels(what):
    network = Network(town())
    network.board.plan([window("1", 60, 120, **what)])
    network.run(100)
    assert network.view("w0").maintenance
    assert network.view("w1").maintenance is ("labels" in what)


def test_overlapping_windows_are_one():
    network = Network(town())
    network.board.plan([window("1", 60, 120, points=("alone",)), window("2", 100, 200, points=("alone",))])
    network.run(300)
    assert flags(network, "alone", Flag.MAINTENANCE) == [(60, True), (200, False)]


def test_a_recurring_window_comes_back():
    network = Network(town())
    network.board.plan([window("1", 60, 120, points=("alone",), rule="FREQ=MINUTELY;INTERVAL=3")])
    network.run(400)
    assert flags(network, "alone", Flag.MAINTENANCE) == [(60, True), (120, False), (240, True), (300, False)]


def test_a_window_that_is_cancelled_ends():
    network = Network(town())
    planned = window("1", 60, 300, points=("alone",))
    network.board.plan([planned])
    network.run(100)
    network.board.plan([replace(planned, cancelled_at=moment(100.5))])
    network.run(200)
    assert flags(network, "alone", Flag.MAINTENANCE) == [(60, True), (100.5, False)]
    network.board.plan([window("2", 150, 300, points=("alone",))])
    network.run(250)
    network.board.plan([])
    network.run(350)
    assert flags(network, "alone", Flag.MAINTENANCE)[2:] == [(150, True), (251, False)]


def test_what_is_unreachable_only_because_of_maintenance_is_covered():
    network = Network(town(), [cut(["circuit", "w0", "w1"], 70, 100)])
    network.board.plan([window("1", 60, 200, points=("circuit",))])
    network.run(150)
    (on, _), (off, _) = flags(network, "w0", Flag.MAINTENANCE)
    down, up = network.of("w0")[1:]
    assert (down[1:], on) == (("unreachable", "point:circuit"), down[0])
    assert off == up[0]
    first = next(row for row in network.rows if row.key.point == "w0" and isinstance(row, FlagChange))
    then = next(
        row
        for row in network.rows
        if isinstance(row, Transition) and row.fault == "point:circuit" and row.key.point == "w0"
    )
    assert network.rows.index(first) < network.rows.index(then)
    assert first.source == "1"


def test_it_is_covered_no_more_when_the_window_ends():
    network = Network(town(), [cut(["circuit", "w0"], 70, 300)])
    network.board.plan([window("1", 60, 200, points=("circuit",))])
    network.run(250)
    assert flags(network, "circuit", Flag.MAINTENANCE) == [(60, True), (200, False)]
    assert flags(network, "w0", Flag.MAINTENANCE)[-1] == (200, False)


def test_a_window_that_begins_when_it_is_unreachable_already():
    network = Network(town(), [cut(["circuit", "w0"], 70, 300)])
    network.board.plan([window("1", 150, 200, points=("circuit",))])
    network.run(250)
    assert flags(network, "w0", Flag.MAINTENANCE) == [(150, True), (200, False)]


def test_changes_within_maintenance_are_no_flapping():
    gone = [cut("alone", begin, begin + 30) for begin in range(60, 360, 60)]
    network = Network(town(flapping=RULE), gone)
    network.board.plan([window("1", 30, 400, points=("alone",))])
    network.run(500)
    assert flags(network, "alone", Flag.FLAPPING) == []


def test_maintenance_goes_on_after_a_restart():
    planned = [window("1", 60, 300, points=("alone",))]
    first = Network(town())
    first.board.plan(planned)
    first.run(100)
    second = first.restarted(110)
    assert second.view("alone").maintenance
    assert second.grow_old(110) == []  # nothing ends before the windows are told
    second.board.plan(planned)
    second.run(200)
    assert second.rows == []
    second.run(350)
    assert flags(second, "alone", Flag.MAINTENANCE) == [(300, False)]


def test_a_removed_point_has_no_flags():
    network = Network(town())
    network.board.plan([window("1", 60, 300, points=("alone", "elsewhere"))])
    network.run(100)
    rest = replace(town(), points=tuple(point for point in town().points if point.id != "alone"))
    rows = network.swap(rest)
    assert [(row.key.point, row.on) for row in rows if isinstance(row, FlagChange)] == [("alone", False)]
    network.run(400)
    assert len(flags(network, "alone", Flag.MAINTENANCE)) == 2


def two_circuits():
    circuits = [place(name, kind="circuit") for name in ("c1", "c2")]
    return config([*anchors(), *circuits, *(place(f"w{number}", needs=[("c1", "c2")]) for number in range(4))])


@pytest.mark.parametrize("hangs", [False, True])
def test_work_on_one_circuit_does_not_excuse_the_failure_of_the_other(hangs):
    wards = [f"w{number}" for number in range(4)]
    gone = [cut("c1", 70, 300), cut(["c2", *wards], 150, 250, hangs=hangs)]
    network = Network(two_circuits(), gone)
    network.board.plan([window("1", 60, 400, points=("c1",))])
    network.run(500)
    for name in wards:
        assert network.bad(name) == [
            ("degraded", "point:c1"), ("unreachable", "point:c2"), ("degraded", "point:c1"), ("up", ""),
        ]  # fmt: skip
        assert flags(network, name, Flag.MAINTENANCE) == []


def providers():
    return config(
        [*anchors(), *(place(f"v{number}", provider="VNPT" if number < 10 else "FPT") for number in range(30))]
    )


def test_a_ward_that_fails_while_work_on_its_neighbours_goes_on_fails_by_itself():
    names = [f"v{number}" for number in range(9)]
    network = Network(providers(), [cut(names, 70, 500), cut("v9", 200, 300)])
    network.board.plan([window("1", 60, 600, points=tuple(names))])
    network.run(400)
    assert network.bad("v9") == [("down", ""), ("up", "")]


def test_a_provider_that_fails_with_some_of_its_wards_in_maintenance():
    names = [f"v{number}" for number in range(10)]
    network = Network(providers(), [cut(names, 70, 300)])
    network.board.plan([window("1", 60, 200, points=("v0", "v1", "v2"))])
    network.run(400)
    for name in names:
        assert network.bad(name)[-2:] == [("unreachable", "label:provider=VNPT"), ("up", "")]
