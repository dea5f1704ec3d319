"""Whether the event loop lived: stalls, suspension and a clock that was set, seen from tick to tick."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

log = logging.getLogger(__name__)

TICK: Final = timedelta(milliseconds=5)
"""uvloop rounds timers to a millisecond and fires early: the schedule ticks instead of sleeping until exactly due."""


class Stall(NamedTuple):
    """The loop stood still from ``begin`` to ``end`` (monotonic), and ``suspended`` seconds more on the wall clock."""

    begin: float
    end: float
    suspended: float


@dataclass(slots=True)
class PulseStats:
    """Since the start: seconds that the loop stood still, how often, the longest; how often the clock was set back."""

    stalled_seconds: float = 0.0
    stalls: int = 0
    longest_seconds: float = 0.0
    set_back: int = 0


class Pulse:
    """Beaten once a tick. A beat that comes late is a stall.

    CLOCK_MONOTONIC runs on while the process is stopped but not while the machine is suspended, so each beat holds it
    against the wall clock. ``on_gap(begin, end)`` hears of every ``gap`` and longer in which nobody looked: the process
    stopped, the machine suspended, or the wall clock set forward; and of the wall clock set back from ``begin`` to an
    earlier ``end``. ``tolerance`` is how late a beat may be.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        on_gap: Callable[[datetime, datetime], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        tick: timedelta = TICK,
        tolerance: timedelta = timedelta(milliseconds=25),
        gap: timedelta = timedelta(seconds=1),
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._on_gap = on_gap
        self._allowed_seconds = (tick + tolerance).total_seconds()
        self._gap_seconds = gap.total_seconds()
        self._stalls: deque[Stall] = deque(maxlen=1024)
        self._at = monotonic()
        self._wall = clock()
        self.stats = PulseStats()

    def beat(self) -> float:
        """Note that the loop lives; returns the monotonic time. Calls ``on_gap`` when nobody looked for a while."""
        now, wall = self._monotonic(), self._clock()
        elapsed = now - self._at
        begin, passed = self._wall, (wall - self._wall).total_seconds()
        hidden = passed - elapsed
        if elapsed > self._allowed_seconds or abs(hidden) > self._gap_seconds:
            self._note(Stall(self._at, now, hidden if hidden > self._gap_seconds else 0.0))
        self._at, self._wall = now, wall
        if hidden < -self._gap_seconds:
            self.stats.set_back += 1
            log.warning("the clock was set back by %.1f s", -hidden)
            if self._on_gap is not None:
                self._on_gap(begin, wall)
        elif passed > self._gap_seconds:
            log.warning("nobody looked for %.1f s (%.1f s by the monotonic clock)", passed, elapsed)
            if self._on_gap is not None:
                self._on_gap(begin, wall)
        return now

    def stalled_between(self, begun_monotonic: float, ended_monotonic: float) -> float:
        """Seconds between the two for which the loop stood still, with the stall that may be under way at the end."""
        total = 0.0
        if ended_monotonic - self._at > self._allowed_seconds:
            total = ended_monotonic - max(begun_monotonic, self._at)
        for stall in reversed(self._stalls):
            if stall.end <= begun_monotonic:
                break
            total += min(stall.end, ended_monotonic) - max(stall.begin, begun_monotonic) + stall.suspended
        return total

    def _note(self, stall: Stall) -> None:
        seconds = stall.end - stall.begin + stall.suspended
        stats = self.stats
        stats.stalls += 1
        stats.stalled_seconds += seconds
        stats.longest_seconds = max(stats.longest_seconds, seconds)
        if self._stalls and self._stalls[-1].end == stall.begin:
            # One after the other they are one: an overload of minutes must not push its own begin out of memory.
            last = self._stalls.pop()
            stall = Stall(last.begin, stall.end, last.suspended + stall.suspended)
        self._stalls.append(stall)
