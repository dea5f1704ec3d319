"""When what is known of each endpoint lapses."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime

from monitor.board.endpoint import EndpointState
from monitor.health import confirm
from monitor.health.confirm import Change
from monitor.model import EndpointKey


class Lapses:
    """A heap of the times at which statuses go stale, and the links that could never be asked, by when we first
    tried."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, EndpointKey]] = []
        self.blank: dict[EndpointKey, datetime] = {}

    def arrange(self, states: Mapping[EndpointKey, EndpointState]) -> None:
        """Look when each status lapses."""
        self._states = states
        self._heap = [
            (state.health.held + state.policy.hold, key)
            for key, state in states.items()
            if state.health.held is not None
        ]
        heapq.heapify(self._heap)

    def note(self, key: EndpointKey, lapse: datetime) -> None:
        """A first known result will have lapsed by then."""
        heapq.heappush(self._heap, (lapse, key))

    def due(self, now: datetime) -> Iterator[tuple[EndpointState, tuple[Change, ...]]]:
        """The endpoints that have gone stale by ``now``, with what that decided."""
        while self._heap and self._heap[0][0] <= now:
            _, key = heapq.heappop(self._heap)
            state = self._states.get(key)
            if state is None or state.health.held is None:
                continue
            state.health = after = confirm.age(state.health, now, state.policy)
            if after.decided:
                yield state, after.decided
            # What has lapsed does so again at the earliest one hold after the next result.
            lapse = state.health.held + state.policy.hold if state.health.held else now
            heapq.heappush(self._heap, (lapse if lapse > now else now + state.policy.hold, key))

    def never_asked(self, now: datetime) -> Iterator[tuple[EndpointState, datetime]]:
        """The links of which nothing is known one hold after we first tried, with when that was; each once."""
        for key, begun in tuple(self.blank.items()):
            state = self._states.get(key)
            if state is None or state.health.known is not None:
                del self.blank[key]
            elif now >= begun + state.policy.hold:
                del self.blank[key]
                yield state, begun
