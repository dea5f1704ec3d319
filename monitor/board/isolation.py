"""When our own network is gone: all anchors fail and nobody answers, so that nothing can be said of anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.board.cases import Case
from monitor.board.endpoint import LONG_AGO, EndpointState
from monitor.health.points import VANTAGE
from monitor.health.resume import isolate
from monitor.model import Fault, FaultKind, Outcome, Reason, Result, Transition

if TYPE_CHECKING:
    from monitor.board.causes import Causes

OURS = ("ward", "branch", "hub", "circuit")
"""Kinds of points of which one that answers shows that our network is there."""
AT_LEAST = 2
"""Anchors: one that fails may have a fault of its own."""
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class Isolation:
    """Whether the vantage is isolated. ``deaf_until``: failures begun until then say nothing.

    While it is ``on``, answers begun after ``since`` end it: by then all anchors and whatever showed it failed.
    """

    def __init__(self) -> None:
        self.on = False
        self.deaf_until = LONG_AGO
        self.since = LONG_AGO

    def resume(self, until: datetime, started: datetime) -> None:
        """Go on after a restart: isolated still, unless it ended before."""
        self.on, self.deaf_until, self.since = until > started, until, started

    def mask(self, causes: Causes, result: Result) -> Result:
        """The result as it counts: a failure that isn't an anchor's is none, nor what was answered before."""
        if result.key.point in causes.neighbours.anchors or result.outcome is Outcome.UNKNOWN:
            return result
        if result.outcome is Outcome.UP and not (self.on and result.begun <= self.since):
            return result
        return replace(result, reason=Reason.ISOLATED, failed_phase="", detail="")

    def begins(self, causes: Causes, case: Case) -> bool:
        """Whether all anchors fail, at least two, and none of our links has answered since they and ``case`` do."""
        anchors = [causes.cases.get(name) for name in causes.neighbours.anchors]
        failing = [each for each in anchors if each is not None]
        if self.on or len(failing) < AT_LEAST or len(failing) < len(anchors):
            return False
        return _last_answer(causes, OURS) <= max(case.begin, *(each.begin for each in failing))

    def is_in_question(self, causes: Causes, now: datetime) -> bool:
        """Whether all anchors fail and that is not decided yet: what lapses meanwhile waits for it, lest our own name
        servers be blamed first. It does so no longer than what is known of an anchor holds."""
        failing = [causes.cases.get(name) for name in causes.neighbours.anchors]
        known = [case for case in failing if case is not None]
        return (
            not self.on
            and AT_LEAST <= len(known) == len(failing)
            and any(case.fault is None and now < case.begin + causes.states[case.key].policy.hold for case in known)
        )

    def begin(self, causes: Causes, recorded_at: datetime) -> list[Transition]:
        """Everything but the anchors is unknown from the first failure on that no answer followed. The rows of the
        endpoints. An anchor that fails since longer does so by its own fault."""
        anchors = [case for name in causes.neighbours.anchors if (case := causes.cases.get(name)) is not None]
        answered = _last_answer(causes, (*OURS, "anchor"))
        begins = [case.begin for case in causes.cases]
        begin = min((moment for moment in begins if moment >= answered), default=max(begins))
        self.on, self.deaf_until = True, _FOR_EVER
        self.since = max(begin, *(case.begin for case in anchors))
        rows = []
        for state in causes.states.values():
            if state.endpoint.key.point not in causes.neighbours.anchors:
                rows += self._isolate(causes, state, begin, recorded_at)
        for case in causes.cases:
            if case.node not in causes.neighbours.anchors:
                if case.key.point not in causes.neighbours.anchors:
                    self._suspend(causes, case, begin)
            elif case.fault is None or case.begin >= begin:
                causes.attribute(case, Fault(FaultKind.VANTAGE), recorded_at)
        return rows

    def ends(self, causes: Causes, result: Result) -> bool:
        """Whether this answer shows that our network is there."""
        if not self.on or result.outcome is not Outcome.UP or result.begun <= self.since:
            return False
        point = causes.points[result.key.point]
        ours = point.point.kind in OURS or point.point.kind == "anchor"
        return ours and point.link is not None and point.link.endpoint.key == result.key

    def end(self, causes: Causes, at: datetime) -> None:
        """What fails is to be confirmed anew, from failures begun after ``at``."""
        self.on, self.deaf_until = False, at
        for case in causes.cases:
            if case.fault == VANTAGE:
                case.relieved = at

    def _suspend(self, causes: Causes, case: Case, begin: datetime) -> None:
        """What is remembered as down keeps its cause; what isn't is forgotten."""
        if causes.states[case.key].health.down.holds:
            case.relieved, case.anew = None, []
            if case.node in causes.cases.waiting:
                causes.attribute(case, None, begin)
            return
        causes.cases.close(case)
        causes.points[case.key.point].blame(case.key.endpoint, begin, "")
        for common in tuple(causes.fates.open.values()):
            causes.fates.leave(case.node, common)

    def _isolate(
        self, causes: Causes, state: EndpointState, begin: datetime, recorded_at: datetime
    ) -> list[Transition]:
        state.health = isolate(state.health, begin, state.policy)
        state.answered.clear()
        if not state.health.decided:
            return []
        causes.touch(state.endpoint.key.point, begin)
        return state.settle(state.health.decided, recorded_at)


def _last_answer(causes: Causes, kinds: tuple[str, ...]) -> datetime:
    """When the latest answer of a link of a point of these kinds was asked for."""
    links = (point.link for point in causes.points.values() if point.point.kind in kinds)
    return max((link.health.alive for link in links if link is not None and link.health.alive), default=LONG_AGO)
