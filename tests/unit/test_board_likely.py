"""Whom a fault touches in all likelihood, from what is shown of links."""

from __future__ import annotations

import pytest

from monitor.board.likely import likely
from monitor.config.model import Config
from monitor.model import Fault
from tests.unit.board_network import anchors, config, place
from tests.unit.board_world import World


def world() -> World:
    points = [
        *anchors(),
        place("circuit", kind="circuit"),
        *(place(f"w{number}", needs=["circuit"], area="east", provider="VNPT") for number in range(4)),
        *(place(f"x{number}", area="west", endpoints=("link", "portal")) for number in range(3)),
    ]
    made = World(config(points))
    for point in points:
        for endpoint in point.endpoints:
            made.see(0, endpoint.key.endpoint, of=point.id)
    return made


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("point:circuit", {"w0", "w1"}),
        ("point:w0", set()),
        ("label:provider=VNPT", {"w0", "w1"}),
        ("label:area=west", {"x0"}),
        ("label:endpoint=portal", set()),
        ("network:", {"w0", "w1", "x0"}),
        ("vantage:", set()),
    ],
)
def test_suspects_and_the_confirmed_of_whom_the_fault_concerns(fault: str, found: set[str]) -> None:
    made = world()
    made.see(15, "link", "D", of="w0")
    for second in (15, 16, 17):
        made.see(second, "link", "D", of="w1")
    made.see(15, "link", "D", of="x0")
    made.see(15, "portal", "D", of="x1")
    made.see(15, "link", "?", of="w2")
    assert likely(Fault.parse(fault), made.config, made.board.points()) == found


def test_a_point_without_a_link_or_that_is_gone_is_left_out() -> None:
    assert likely(Fault.parse("label:area=west"), world().config, {}) == frozenset()
    assert likely(Fault.parse("network:"), Config(), world().board.points()) == frozenset()
