"""Which points are lost, for those that need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from monitor.board.asking import UNRESOLVED
from monitor.board.cases import Case, Cases, is_blamed_on_point
from monitor.board.endpoint import EndpointState
from monitor.board.neighbours import Neighbours, Node
from monitor.board.point import PointState
from monitor.health import topology
from monitor.model import EndpointKey, Fault, FaultKind, Status


class Losses:
    """``lost`` are the points whose link is confirmed down, as last noted; ``planned`` tells who is in maintenance."""

    def __init__(self, cases: Cases, *, planned: Callable[[str], bool]) -> None:
        self._cases = cases
        self.planned = planned
        self.lost: set[str] = set()

    def arrange(
        self,
        neighbours: Neighbours,
        points: Mapping[str, PointState],
        states: Mapping[EndpointKey, EndpointState],
    ) -> None:
        """Who needs whom."""
        self._neighbours, self._points, self._states = neighbours, points, states

    def note(self, name: str) -> bool | None:
        """See whether a point is lost; None: that is no change."""
        lost = self.is_lost(name)
        if lost is (name in self.lost):
            return None
        (self.lost.add if lost else self.lost.discard)(name)
        return lost

    def note_all(self) -> None:
        """See which points are lost, when that is no change."""
        self.lost = {case.node for case in self._cases if case.node in self._points and self.is_lost(case.node)}

    def is_lost(self, name: str) -> bool:
        """Whether a point's link is confirmed down, and nothing behind it answers."""
        case = self._cases.get(name)
        if case is None or case.confirmed is None:
            return False
        track = self._states[case.key].track
        return self._points[name].cut or not track or track[-1].status is not Status.DOWN

    def failing(self, node: Node, *, suspect: bool = False, answering: bool = False) -> dict[str, datetime]:
        """Since when those that a node needs fail, of those that do.

        ``suspect``: one failure will do. ``answering``: one answer will do to be well.
        """
        found = {}
        for name in self._neighbours.ancestors(node):
            case = self._cases.get(name)
            if case is None:
                continue
            down = self._states[case.key].health.down
            if case.confirmed is not None:
                fails = self.is_lost(name) and not (answering and (down.length > 0 or not down.holds))
            else:
                fails = down.length >= (1 if suspect else UNRESOLVED)
            if fails:
                found[name] = case.begin
        return found

    def root(self, node: Node, failing: Mapping[str, datetime] | None = None) -> str | None:
        """The topmost failing point because of which a node is cut off."""
        failing = self.failing(node) if failing is None else failing
        planned = {name for name in failing if self.planned(name)}
        return topology.root(node, self._neighbours.needs, failing, planned=planned)

    def blamed_through(self, node: Node) -> list[Case]:
        """The cases of those that need a point, and are blamed on one that they need."""
        if not self._neighbours.is_link(node):
            return []
        found = (self._cases.get(each) for each in sorted(self._neighbours.dependants(node)))
        return [case for case in found if case is not None and is_blamed_on_point(case)]

    def spare(self, child: str) -> str:
        """The fault that takes a point or an endpoint of it its spare path, as long as that goes on; "" when it has all
        of them."""
        needs, nodes = self._neighbours.needs, self._neighbours.choosers.get(child, ())
        members = {member for node in nodes for dependency in needs[node] for member in dependency} & self.lost
        cases = {
            each: case for each in members if (case := self._cases.get(each)) is not None and case.fault is not None
        }
        faults = {each: case.fault or str(Fault(FaultKind.POINT, each)) for each, case in cases.items()}
        current = self._points[child].blamed("")
        if current in faults.values():
            return current
        failing = {each: case.begin for each, case in cases.items()}
        return next((faults[each] for node in nodes for each in topology.spares_lost(node, needs, failing)), "")
