"""Whom to ask because of a failure, and whether they have answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from monitor.board.cases import Case, Cases
from monitor.board.endpoint import LONG_AGO, EndpointState
from monitor.board.neighbours import Neighbours, node_of
from monitor.board.point import PointState
from monitor.health.confirm import Health
from monitor.model import EndpointKey, Outcome, Result

UNRESOLVED = 2
"""So many failures in a row, and a parent counts as failing before its failure is confirmed."""


class Asking:
    """Remembers who was asked when."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._asked: dict[EndpointKey, datetime] = {}

    def arrange(
        self, neighbours: Neighbours, states: Mapping[EndpointKey, EndpointState], *, window: timedelta
    ) -> None:
        """Who there is to ask; siblings at most once per ``window``."""
        self._neighbours, self._states, self._window = neighbours, states, window

    def forget(self) -> None:
        """Nobody was asked: after a restart, or when the wall clock was set back."""
        self._asked.clear()

    def ask(self, case: Case, begin: datetime, now: datetime, *, again: bool = False) -> list[EndpointKey]:
        """Whom to probe because of a failure that began at ``begin``; what must answer is noted in the case.

        Its own link, parents and anchors are asked each time. Of siblings each is asked once per window, for blips are
        common, but once more when the failure is seen ``again``.
        """
        neighbours, window = self._neighbours, self._window
        elders = [case.key.point, *sorted(neighbours.ancestors(case.node)), *neighbours.anchors]
        elder_keys = [neighbours.keys[each] for each in elders if each in neighbours.keys and each != case.node]
        hasten = [key for key in elder_keys if not self._is_asked(key, begin)]
        case.asked |= set(elder_keys)
        for sibling in neighbours.siblings(case.node):
            key = neighbours.keys[sibling]
            other = self._cases.get(sibling)
            if other is not None or self.has_answered(key, begin):
                case.asked |= {key} if other is not None and other.is_open_again else set()
                continue
            asked = self._asked.get(key, LONG_AGO)
            if asked < begin and (again or asked + window <= now):
                hasten.append(key)
                asked = now
            if asked >= begin:
                case.asked.add(key)
        self._asked.update(dict.fromkeys(hasten, now))
        return hasten

    def unanswered(self, case: Case) -> set[EndpointKey]:
        """Those of the asked that have not answered since the case began."""
        ancestors = self._neighbours.ancestors(case.node)
        return {key for key in case.asked if not self.has_answered(key, case.begin, elder=key.point in ancestors)}

    def has_answered(self, key: EndpointKey, begin: datetime, *, elder: bool = False) -> bool:
        """Whether an endpoint has a known result begun since then, or fails; with an elder one failure is no answer,
        nor are with a sibling those before what it was blamed on was back."""
        state = self._states.get(key)
        if state is None:
            return True
        health = state.health
        if health.down.holds:
            case = self._cases.get(node_of(state.endpoint))
            return elder or health.down.length > 0 or case is None or not case.is_open_again
        if health.down.length:
            return not elder or health.down.length >= UNRESOLVED
        return health.known is not None and health.known >= begin

    def _is_asked(self, key: EndpointKey, begin: datetime) -> bool:
        return self._asked.get(key, LONG_AGO) >= begin or self.has_answered(key, begin)


def within_point(point: PointState, state: EndpointState, before: Health, result: Result) -> Iterator[EndpointKey]:
    """Whom to probe now, so that within seconds it is told whether the link or what lies behind it fails or is back."""
    after = state.health
    if state is not point.link and result.outcome is Outcome.UP and point.link is not None and point.cut_since:
        yield point.link.endpoint.key
        return
    began = after.down.length > 0 or after.down.holds is not before.down.holds
    if before.down.length or not began:
        return
    if state is not point.link:
        if point.link is not None and not before.down.holds and not point.link_fails:
            yield point.link.endpoint.key
        return
    for other in point.endpoints:
        health = other.health
        if other is not state and (health.down.holds if before.down.holds else not health.suspect):
            yield other.endpoint.key
