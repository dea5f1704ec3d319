"""Points with pages behind their links, as all real ones have: a cut is one incident, whatever was probed first."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import count

import pytest

from monitor.config.model import Config
from monitor.incidents.model import EventKind
from monitor.incidents.register import Register
from monitor.model import Reason, Row
from tests.unit.board_network import Network, Outage, anchors, config, cut, place

ENDPOINTS = ("link", "portal", "exchange")


class Watched(Network):
    """A network whose decisions a register takes: ``opened`` holds the faults of the incidents, in order."""

    def __init__(self, config: Config, outages: Iterable[Outage] = ()) -> None:
        numbers = count()
        self.register = Register(config, make_id=lambda: f"{next(numbers):032x}")
        self.opened: list[str] = []
        super().__init__(config, outages)

    def keep(self, rows: Sequence[Row], *, show: bool = True) -> list[Row]:
        kept = super().keep(rows, show=show)
        events = self.register.take(kept, self.now)
        self.opened += [str(event.data["fault"]) for event in events if event.kind is EventKind.OPENED]
        return kept


def wards(number: int, **more: object):
    return [place(f"w{position}", endpoints=ENDPOINTS, **more) for position in range(number)]


def others(number: int = 20):
    return [place(f"x{position}", endpoints=ENDPOINTS, provider="abc"[position % 3]) for position in range(number)]


NAMES = [f"w{position}" for position in range(9)]
BEGINS = [60, 62.5, 64, 67.1, 71.3]
"""So that another endpoint is probed first each time."""


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("hangs", [False, True])
def test_a_circuit_with_its_wards(begin, hangs):
    points = [*anchors(), place("circuit", kind="circuit"), *wards(9, needs=["circuit"]), *others()]
    network = Watched(config(points), [cut(["circuit", *NAMES], begin, begin + 60, hangs=hangs)]).run(200)
    assert network.opened == ["point:circuit"]


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("hangs", [False, True])
def test_an_area_without_a_declared_parent(begin, hangs):
    points = [*anchors(), *wards(9, area="ba-vi"), *others(60)]
    network = Watched(config(points), [cut(NAMES, begin, begin + 60, hangs=hangs)]).run(200)
    assert network.opened == ["label:area=ba-vi"]


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("hangs", [False, True])
def test_everything_at_once(begin, hangs):
    points = [*anchors(), *wards(9), *others(60)]
    everyone = [point.id for point in points if point.kind == "ward"]
    network = Watched(config(points), [cut(everyone, begin, begin + 60, hangs=hangs)]).run(200)
    assert network.opened == ["network:"]


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("hangs", [False, True])
def test_one_ward(begin, hangs):
    points = [*anchors(), *wards(9), *others(60)]
    network = Watched(config(points), [cut("w3", begin, begin + 60, hangs=hangs)]).run(200)
    assert network.opened == ["point:w3"]


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("anchors_first", [0, 25, 44])
@pytest.mark.parametrize("hangs", [False, True])
def test_an_isolated_vantage(begin, anchors_first, hangs):
    """Also when a core switch dies step by step: wards answered since the anchors failed, and then none does."""
    points = [*anchors(), place("hub", kind="hub"), *wards(9, needs=["hub"]), *others(30)]
    everyone = [point.id for point in points if point.kind != "anchor"]
    outages = [
        cut(["anchor0", "anchor1"], begin, begin + 150, hangs=hangs),
        cut(everyone, begin + anchors_first, begin + 150, hangs=hangs),
    ]
    network = Watched(config(points), outages).run(300)
    told = [fault for fault in network.opened if not fault.startswith("point:anchor")]
    assert told == ["vantage:"], "nobody is blamed"
    for name in everyone:
        assert {status for status, _ in network.bad(name)} <= {"unknown", "up"}, name


def straggling(
    names: Iterable[str], begin: float, end: float, seed: int, spread: float, *, hangs: bool
) -> list[Outage]:
    """An outage out of which every endpoint comes at a moment of its own."""
    chance = random.Random(seed)
    return [
        cut(name, begin, end + chance.uniform(0, spread), hangs=hangs, name=endpoint)
        for name in names
        for endpoint in ENDPOINTS
    ]


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_what_comes_back_bit_by_bit_is_blamed_on_no_ward(seed, hangs):
    """A page that fails once more after its link's first answer was still under way with the same outage."""
    points = [*anchors(), place("circuit", kind="circuit"), *wards(9, needs=["circuit"]), *others()]
    outages = straggling(["circuit", *NAMES], 60 + seed, 120, seed, 1.5, hangs=hangs)
    network = Watched(config(points), outages).run(220)
    assert network.opened == ["point:circuit"]
    for name in NAMES:
        assert {fault for status, fault in network.bad(name) if status != "up"} == {"point:circuit"}, network.of(name)


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_one_ward_that_comes_back_bit_by_bit(seed, hangs):
    points = [*anchors(), *wards(9), *others(60)]
    network = Watched(config(points), straggling(["w3"], 60 + seed, 120, seed, 1.5, hangs=hangs)).run(220)
    assert network.opened == ["point:w3"]


@pytest.mark.parametrize("seed", range(12))
def test_a_circuit_that_goes_up_and_down(seed):
    """Some wards do not notice that it was back, or only their pages do: nobody has a fault of his own."""
    chance = random.Random(seed)
    points = [*anchors(), place("circuit", kind="circuit"), *wards(9, needs=["circuit"]), *others()]
    outages, second = [], 60.0
    for _ in range(3):
        end = second + chance.uniform(8, 12)
        outages += straggling(["circuit", *NAMES], second, end, chance.randrange(10**6), 1, hangs=False)
        second = end + chance.uniform(3, 6)
    network = Watched(config(points), outages).run(220)
    assert set(network.opened) == {"point:circuit"}


def test_a_page_that_stays_down_after_its_link_is_back():
    points = [*anchors(), *wards(9), *others(60)]
    outages = [cut("w3", 60, 120), cut("w3", 60, 200, name="portal")]
    network = Watched(config(points), outages).run(300)
    assert [status for status, _ in network.bad("w3")][-3:] == ["down", "faulty", "up"]
    assert set(network.opened) == {"point:w3"}


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("stall", [3, 6])
def test_links_that_could_not_be_asked_at_first(begin, hangs, stall):
    """A stalled loop loses the links' first probes: their pages wait until they have been asked."""
    points = [*anchors(), *wards(9), *others(60)]
    everyone = [point.id for point in points if point.kind == "ward"]
    lost = cut(everyone, begin, begin + stall, name="link", reason=Reason.INTERNAL)
    network = Watched(config(points), [lost, cut(everyone, begin, begin + 60, hangs=hangs)]).run(200)
    assert network.opened == ["network:"]
