"""Common fates that are open, and what is observed of those that may share one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.board.cases import Case, Cases, is_blamed_on_point
from monitor.board.endpoint import EndpointState
from monitor.board.losses import Losses
from monitor.board.neighbours import Neighbours, Node
from monitor.config.model import Config
from monitor.health import fate
from monitor.model import EndpointKey, Fault, FaultKind


@dataclass(slots=True, eq=False)
class CommonFate:
    """A common fate that is open: every node that it took, those of them that answered, those that are back.

    ``links``: of links, not of endpoints behind them.
    """

    fault: Fault
    links: bool
    taken: set[Node] = field(default_factory=set)
    answering: set[Node] = field(default_factory=set)
    back: set[Node] = field(default_factory=set)

    @property
    def relieved(self) -> bool:
        """Whether fewer than half of its nodes still fail, those counted out that have answered at least once."""
        return 2 * (len(self.taken) - len(self.answering | self.back)) < len(self.taken)

    @property
    def over(self) -> bool:
        """Whether fewer than half of its nodes still fail."""
        return 2 * (len(self.taken) - len(self.back)) < len(self.taken)


class Fates:
    """The open ones, by fault and by whether they are of links."""

    def __init__(self, cases: Cases, losses: Losses) -> None:
        self._cases = cases
        self._losses = losses
        self.open: dict[tuple[str, bool], CommonFate] = {}

    def arrange(self, config: Config, neighbours: Neighbours, states: Mapping[EndpointKey, EndpointState]) -> None:
        """Who may share what."""
        self._rule, self._neighbours, self._states = config.common_fate, neighbours, states

    @property
    def window(self) -> timedelta:
        return self._rule.window

    def found(self, case: Case) -> tuple[Fault, frozenset[Node]] | None:
        """The common fate that a failure shows to be part of, by all that has been observed since, with its nodes."""
        for each in fate.common_fate(
            list(self._seen(case)), labels=self._rule.labels, window=self._rule.window, around=case.begin
        ):
            if case.node in each.points:
                behind = each.fault.kind is FaultKind.NETWORK and not self._neighbours.is_link(case.node)
                # All endpoints of one name that fail have the name in common: their links answer.
                fault = Fault(FaultKind.LABEL, f"endpoint={case.key.endpoint}") if behind else each.fault
                return fault, each.points
        return None

    def get_or_open(self, fault: Fault, *, links: bool) -> CommonFate:
        return self.open.setdefault((str(fault), links), CommonFate(fault, links))

    def close(self, common: CommonFate) -> None:
        self.open.pop((str(common.fault), common.links), None)

    def of(self, case: Case) -> CommonFate | None:
        """The open one that a case is blamed on."""
        return self.open.get((case.fault, self._neighbours.is_link(case.node))) if case.fault else None

    def joined(self, case: Case) -> CommonFate | None:
        """The open one that a failure belongs to by its labels. What is planned explains nobody else's."""
        labels, link = self._neighbours.labels.get(case.node), self._neighbours.is_link(case.node)
        if labels is None:
            return None
        for common in self.open.values():
            label, _, value = common.fault.subject.partition("=")
            fits = common.fault.kind is FaultKind.NETWORK or labels.get(label) == value
            if fits and link is common.links and not common.over and self._tells(case, common.taken):
                return common
        return None

    def leave(self, node: Node, common: CommonFate) -> None:
        """A node is no longer part of it; without any it is closed."""
        common.taken.discard(node)
        if not common.taken:
            self.close(common)

    def taken(self, common: CommonFate) -> list[Case]:
        """The cases that are blamed on it."""
        found = (self._cases.get(node) for node in sorted(common.taken))
        return [case for case in found if case is not None and case.fault == str(common.fault)]

    def relieve(self, common: CommonFate, at: datetime) -> list[EndpointKey]:
        """Most of its nodes have answered: those that have not are to fail anew to be judged by themselves."""
        relieved = [each for each in self.taken(common) if each.relieved is None and each.node not in common.answering]
        for each in relieved:
            each.relieved = at
        return [each.key for each in relieved]

    def _seen(self, case: Case) -> Iterator[fate.Seen]:
        """What was observed since the case began of those that it may have something in common with."""
        neighbours, links = self._neighbours, self._neighbours.is_link(case.node)
        for node in neighbours.links if links else neighbours.groups[f"endpoint={case.key.endpoint}"]:
            key = neighbours.keys[node]
            other = self._cases.get(node)
            if not self._tells(case, (node,)):
                continue
            if other is None:
                known = self._states[key].health.known
                if known is not None and known >= case.begin and (links or key.point not in self._cases):
                    yield fate.Seen(node, neighbours.labels[node], None)
            elif (links or key.point not in self._cases) and not self._is_explained(other, case):
                yield fate.Seen(node, neighbours.labels[node], other.anew[0] if other.anew else other.begin)

    def _tells(self, case: Case, nodes: Iterable[Node]) -> bool:
        """Whether these say anything about a failure: those in maintenance only of what is in maintenance itself."""
        planned, keys = self._losses.planned, self._neighbours.keys
        return planned(case.key.point) or any(node in keys and not planned(keys[node].point) for node in nodes)

    def _is_explained(self, other: Case, case: Case) -> bool:
        """Whether another failure has a parent as its cause, or a common fate that began before this one."""
        if other.relieved is not None:
            return not other.anew  # of itself it has said nothing yet
        if other.fault is None:
            return self._losses.root(other.node) is not None
        earlier = other.begin < case.begin - self._rule.window and self.of(other) is not None
        return earlier or is_blamed_on_point(other)
