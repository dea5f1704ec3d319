"""When what a failure is blamed on is back, and the failure goes on."""

from __future__ import annotations

from monitor.board.cases import Case
from monitor.board.fates import Fates
from monitor.board.isolation import Isolation
from monitor.board.losses import Losses
from monitor.model import EndpointKey, Fault, FaultKind, Result


class Relief:
    """Notes in the cases since when what they are blamed on has answered."""

    def __init__(self, losses: Losses, fates: Fates, isolation: Isolation) -> None:
        self._losses, self._fates, self._isolation = losses, fates, isolation

    def answers(self, case: Case, result: Result) -> list[EndpointKey]:
        """The first answer of what failed: those that were blamed on it are probed again."""
        hasten = []
        for child in self._losses.blamed_through(case.node):
            if child.relieved is None and self.is_relieved(child, answering=True):
                child.relieved = result.begun
                hasten.append(child.key)
        common = self._fates.of(case)
        if common is not None:
            was_relieved = common.relieved
            common.answering.add(case.node)
            if common.relieved and not was_relieved:
                hasten += self._fates.relieve(common, result.begun)
        return hasten

    def fails_again(self, case: Case) -> None:
        """One answer was no recovery: what was blamed on it still is."""
        pardoned = [each for each in self._losses.blamed_through(case.node) if each.relieved is not None]
        common = self._fates.of(case)
        if common is not None and case.node in common.answering:
            was_relieved = common.relieved
            common.answering.discard(case.node)
            pardoned += self._fates.taken(common) if was_relieved else []
        for child in pardoned:
            if not self.is_relieved(child, answering=True):
                child.relieved, child.anew = None, []

    def is_due(self, case: Case, down_after: int) -> bool:
        """Whether it has failed anew often enough since then, and what it was blamed on is confirmed to be back."""
        return case.relieved is not None and len(case.anew) >= down_after and self.is_relieved(case)

    def is_relieved(self, case: Case, *, answering: bool = False) -> bool:
        """Whether what it is blamed on fails no more; ``answering``: one answer will do."""
        if not case.fault:
            return False
        fault = Fault.parse(case.fault)
        if fault.kind is FaultKind.POINT:
            failing = self._losses.failing(case.node, answering=answering)
            return fault.subject not in failing or self._losses.root(case.node, failing) is None
        if fault.kind is FaultKind.VANTAGE:
            return not self._isolation.on
        common = self._fates.of(case)
        return common is None or (common.relieved if answering else common.over)
