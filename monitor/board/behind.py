"""What lies behind a link: it says nothing of itself while that is down, nor just because it isn't back yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from monitor.board.cases import Case, Cases
from monitor.board.endpoint import EndpointState
from monitor.model import EndpointKey

_PATIENCE = 2
"""So many times as long as a link's confirmation takes is waited for it: a busy machine is late with its probes."""


class Behind:
    """Judges the cases of endpoints behind links by the cases of the links.

    A probe can begin after the link's first answer and still meet the outage that the link has just come out of. So
    what failed while the link did counts only when it fails ``down_after`` times anew from then on.
    """

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def arrange(self, states: Mapping[EndpointKey, EndpointState]) -> None:
        self._states = states
        self._links = {key.point: key for key, state in states.items() if state.endpoint.link}
        self._speakers: dict[str, list[EndpointState]] = {}
        for key, state in states.items():
            if state.endpoint.critical:
                self._speakers.setdefault(key.point, []).append(state)

    def wants_link(self, key: EndpointKey) -> bool:
        """Whether something behind this link can't be judged before the link has been asked."""
        return key == self._links.get(key.point) and any(
            case.waits or case.confirmed is None for case in self._cases.of_point(key.point)
        )

    def link_is_back(self, link: Case, at: datetime) -> list[Case]:
        """The link answers since ``at``; of the undecided cases behind it those that wait to be considered again."""
        behind = [case for case in self._cases.of_point(link.key.point) if case is not link and case.fault is None]
        for case in behind:
            if link.confirmed is not None or case.behind_since is None:
                case.behind_since, case.anew = at, []
        return [case for case in behind if case.waits]

    def stands(self, case: Case) -> bool:
        """Whether it has failed often enough by itself."""
        return case.behind_since is None or len(case.anew) >= self._states[case.key].policy.down_after

    def is_moot(self, case: Case, now: datetime, *, late: bool) -> bool:
        """Whether nothing can be said of it: its link fails, may be failing, wasn't asked yet, or is only just back."""
        link = self._cases.get(case.key.point)
        if link is case:
            return False
        if link is not None:
            if link.confirmed is not None:
                self._cases.rest(case)
                return True
            return not late or now < link.begin + _PATIENCE * self._takes(link)
        unasked = self._links.get(case.key.point)
        if unasked is not None and unasked in case.unanswered:
            if not self._is_vouched_for(case):
                return now < case.begin + _PATIENCE * self._takes(case)
            self._cases.answered(case, unasked)
        if not self.stands(case):
            return not late
        if case.behind_since is not None:
            case.begin = max(case.begin, case.anew[0])
        self._cases.answered(case, case.key)
        return False

    def _takes(self, link: Case) -> timedelta:
        """How long a failure that hangs takes to be confirmed."""
        endpoint = self._states[link.key].endpoint
        return endpoint.down_after * (endpoint.timeout + endpoint.retry_every)

    def _is_vouched_for(self, case: Case) -> bool:
        """Whether something else behind its link has answered since it began to fail."""
        alive = (other.health.alive for other in self._speakers.get(case.key.point, ()))
        return any(moment is not None and moment >= case.begin for moment in alive)
