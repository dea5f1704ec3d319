"""Failures that are under way, and whom they wait for until it is decided whose fault they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from monitor.board.neighbours import Node
from monitor.model import EndpointKey, FaultKind


@dataclass(slots=True, eq=False)
class Case:
    """One endpoint's failure: from its first failing probe's ``begin`` until a success releases it.

    ``fault`` is None until decided ("": its own), at ``decided``; it is decided at ``deadline`` at the latest, once it
    is ``confirmed``. ``asked`` are the endpoints that are to answer first, ``unanswered`` those of them that have not.
    ``anew_from``: the configuration changed then, and it is judged by the new one from then on.
    ``behind_since``: the link before it is back since then, so a failure older than that says nothing;
    ``relieved``: what it is blamed on has answered since then; ``anew`` are its failures begun after either.
    """

    node: Node
    key: EndpointKey
    begin: datetime
    confirmed: datetime | None = None
    deadline: datetime | None = None
    fault: str | None = None
    decided: datetime | None = None
    asked: set[EndpointKey] = field(default_factory=set)
    unanswered: set[EndpointKey] = field(default_factory=set)
    anew_from: datetime | None = None
    behind_since: datetime | None = None
    relieved: datetime | None = None
    anew: list[datetime] = field(default_factory=list)

    @property
    def is_open_again(self) -> bool:
        """Whether what it is blamed on is back, and it hasn't failed since."""
        return self.relieved is not None and not self.anew

    @property
    def blamed_from(self) -> datetime:
        """From when on what is decided now holds."""
        return max(self.begin, self.anew_from or self.begin)

    @property
    def waits(self) -> bool:
        """Whether it is confirmed and not decided."""
        return self.confirmed is not None and self.fault is None


class Cases:
    """Every case by its node, and by point; which ones are ``waiting``, and by endpoint those for whom it is
    ``awaited``."""

    def __init__(self) -> None:
        self._cases: dict[Node, Case] = {}
        self._points: dict[str, dict[Node, Case]] = {}
        self.waiting: dict[Node, Case] = {}
        self.awaited: dict[EndpointKey, set[Node]] = {}

    def __iter__(self) -> Iterator[Case]:
        return iter(tuple(self._cases.values()))

    def __contains__(self, node: Node) -> bool:
        return node in self._cases

    def get(self, node: Node) -> Case | None:
        return self._cases.get(node)

    def of_point(self, name: str) -> Iterable[Case]:
        return tuple(self._points.get(name, {}).values())

    def open(self, case: Case) -> Case:
        self._cases[case.node] = case
        self._points.setdefault(case.key.point, {})[case.node] = case
        return case

    def close(self, case: Case) -> None:
        self.rest(case)
        self._cases.pop(case.node, None)
        self._points.get(case.key.point, {}).pop(case.node, None)

    def wait(self, case: Case, unanswered: set[EndpointKey]) -> None:
        """Let it wait for these to answer."""
        self.rest(case)
        self.waiting[case.node] = case
        case.unanswered = unanswered
        for key in unanswered:
            self.awaited.setdefault(key, set()).add(case.node)

    def rest(self, case: Case) -> None:
        """It waits no more."""
        self.waiting.pop(case.node, None)
        for key in case.unanswered:
            self._forget(key, case.node)
        case.unanswered = set()

    def waiting_for(self, key: EndpointKey) -> list[Case]:
        return [self._cases[node] for node in sorted(self.awaited.get(key, ()))]

    def answered(self, case: Case, key: EndpointKey) -> None:
        case.unanswered.discard(key)
        self._forget(key, case.node)

    def _forget(self, key: EndpointKey, node: Node) -> None:
        nodes = self.awaited.get(key)
        if nodes is not None:
            nodes.discard(node)
            if not nodes:
                del self.awaited[key]


def is_blamed_on_point(case: Case) -> bool:
    return case.fault is not None and case.fault.startswith(f"{FaultKind.POINT}:")


def is_decided_since(case: Case, moment: datetime) -> bool:
    """Whether it is confirmed, and was decided then or later."""
    return case.fault is not None and case.confirmed is not None and case.decided is not None and case.decided >= moment
