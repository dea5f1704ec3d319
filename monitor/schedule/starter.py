"""Which probe starts now: a heap of due times, looked at once a tick."""

from __future__ import annotations

import asyncio
import heapq
import logging
import resource
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final, Protocol

from monitor.board import Applied
from monitor.config.model import Endpoint
from monitor.model import EndpointKey
from monitor.schedule.grid import next_due, offset_of
from monitor.schedule.pulse import TICK, Pulse

log = logging.getLogger(__name__)

_SPARE_DESCRIPTORS: Final = 256
"""Left for the web, the database, the probes' shared sockets and libraries."""


class Lateness(Protocol):
    """Hears how late each probe started."""

    def observe(self, amount: float) -> None:
        """``amount``: seconds between due and started."""
        ...


@dataclass(slots=True)
class ScheduleStats:
    """Counts since the start.

    A grid time is ``missed`` when it went by unprobed: the last probe was still under way, or nothing could start.
    """

    started: int = 0
    missed: int = 0
    accept_failures: int = 0


def probes_at_once(descriptors: int | None = None) -> int:
    """How many probes the process's limit of open files (by default the present one) allows to be under way at once."""
    if descriptors is None:
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return 65_536
    return max(descriptors - _SPARE_DESCRIPTORS, descriptors // 2, 1)


class _Slot:
    """One endpoint's place in the schedule: ``due`` lies on its grid, ``extra`` is a wanted probe outside it.

    ``again``: another probe is wanted after the one that is under way.
    """

    __slots__ = ("again", "due", "ended", "endpoint", "extra", "interval", "offset", "task")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.interval = endpoint.interval.total_seconds()
        self.offset = 0.0
        self.due = 0.0
        self.extra: float | None = None
        self.ended = float("-inf")
        self.again = False
        self.task: asyncio.Task[None] | None = None


class Schedule:
    """Starts every declared endpoint's probe when it is due.

    ``probe(endpoint)`` runs the probe and hands its result over; what comes back says whether the endpoint is suspect
    (it is probed again ``retry_every`` after the probe's end, and a grid time before that is left out) and whom to
    hasten. An endpoint is never probed twice at once. At most ``starts_per_tick`` start in one tick and
    ``in_flight_limit`` are under way: what has to wait starts late, is probed once, and its lateness is observed.
    ``age(now)`` is called every second, so that a status without results goes stale.
    """

    def __init__(
        self,
        *,
        probe: Callable[[Endpoint], Awaitable[Applied]],
        pulse: Pulse,
        clock: Callable[[], datetime],
        lateness: Lateness | None = None,
        age: Callable[[datetime], object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        tick: timedelta = TICK,
        starts_per_tick: int = 50,
        in_flight_limit: int | None = None,
    ) -> None:
        self._probe = probe
        self._pulse = pulse
        self._clock = clock
        self._lateness = lateness
        self._age = age
        self._aged = monotonic()
        self._monotonic = monotonic
        self._tick_seconds = tick.total_seconds()
        self._starts_per_tick = starts_per_tick
        self._limit = in_flight_limit or probes_at_once()
        self._slots: dict[EndpointKey, _Slot] = {}
        self._heap: list[tuple[float, int, _Slot]] = []
        self._order = count()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle
        self.stats = ScheduleStats()

    @property
    def in_flight(self) -> int:
        """How many probes are under way."""
        return len(self._in_flight)

    def load(self, endpoints: Iterable[Endpoint]) -> None:
        """Swap the whole set; only declared endpoints count.

        What has not changed keeps its phase and the probe under way. What is gone, or has another address or module, is
        forgotten: a probe of it that is under way is cancelled and brings no result.
        """
        now = self._monotonic()
        epoch = now - self._clock().timestamp()
        before, self._slots = self._slots, {}
        for endpoint in endpoints:
            if endpoint.declared:
                slot = before.get(endpoint.key)
                if slot is None or slot.endpoint.fingerprint != endpoint.fingerprint:
                    slot = _Slot(endpoint)
                else:
                    del before[endpoint.key]
                self._place(slot, endpoint, now, epoch)
        for forgotten in before.values():
            if forgotten.task is not None:
                forgotten.task.cancel()
        self._heap = [(slot.due, next(self._order), slot) for slot in self._slots.values()]
        self._heap += [(slot.extra, next(self._order), slot) for slot in self._slots.values() if slot.extra is not None]
        heapq.heapify(self._heap)

    def hasten(self, keys: Iterable[EndpointKey]) -> None:
        """Probe these now; those under way, or that ended just now, ``retry_every`` after their end.

        A probe that is under way says nothing of what has changed since it began, so it doesn't count.
        """
        now = self._monotonic()
        for key in keys:
            slot = self._slots.get(key)
            if slot is None:
                continue
            if slot.task is not None:
                slot.again = True
            else:
                self._want(slot, max(now, slot.ended + slot.endpoint.retry_every.total_seconds()))

    async def run(self) -> None:
        """Tick until cancelled; probes under way are then cancelled too. Every probe is a task of one TaskGroup."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            self._tick(loop, group)
            try:
                await loop.create_future()
            finally:
                self._timer.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop, group: asyncio.TaskGroup) -> None:
        # A bare timer: waking a task two hundred times a second costs twice as much. Set first, so that it goes on.
        self._timer = loop.call_later(self._tick_seconds, self._tick, loop, group)
        now = self._pulse.beat()
        self._start_due(now, group)
        if now - self._aged >= 1:
            self._aged = now
            self._grow_old()

    def _place(self, slot: _Slot, endpoint: Endpoint, now: float, epoch: float) -> None:
        interval = endpoint.interval.total_seconds()
        if slot.endpoint is endpoint or slot.interval != interval:
            slot.interval = interval
            slot.offset = offset_of(endpoint.key, interval, epoch)
            slot.due = next_due(now, slot.offset, interval)
        slot.endpoint = endpoint
        self._slots[endpoint.key] = slot

    def _start_due(self, now: float, group: asyncio.TaskGroup) -> None:
        """Start what is due, oldest first, within both bounds."""
        heap = self._heap
        left = min(self._starts_per_tick, self._limit - len(self._in_flight))
        while left > 0 and heap and heap[0][0] <= now:
            when, _, slot = heapq.heappop(heap)
            if self._slots.get(slot.endpoint.key) is slot and self._starts(slot, when, now):
                left -= 1
                slot.extra = None
                self.stats.started += 1
                if self._lateness is not None:
                    self._lateness.observe(now - when)
                slot.task = task = group.create_task(self._run(slot))
                self._in_flight.add(task)
                # A task that is cancelled before its first step never comes to a `finally`.
                task.add_done_callback(self._in_flight.discard)

    def _starts(self, slot: _Slot, when: float, now: float) -> bool:
        """Whether this entry of the heap starts a probe. A grid entry puts the next one in its place."""
        if when == slot.due:
            slot.due = due = next_due(now, slot.offset, slot.interval)
            heapq.heappush(self._heap, (due, next(self._order), slot))
            if slot.task is not None or due - when > 1.5 * slot.interval:
                self.stats.missed += round((due - when) / slot.interval) - 1 + (slot.task is not None)
            # A probe again is on its way: it is this grid time's too, else a confirmation would be hurried by it.
            return slot.task is None and slot.extra is None
        return slot.task is None and slot.extra == when

    async def _run(self, slot: _Slot) -> None:
        applied = None
        try:
            applied = await self._probe(slot.endpoint)
        except Exception:
            # The result could not be accepted: that endpoint goes stale, which is honest, and the others are probed on.
            self.stats.accept_failures += 1
            log.exception("a result of %s could not be accepted", slot.endpoint.key)
        finally:
            slot.task = None
            slot.ended = self._monotonic()
        again, slot.again = slot.again, False
        if again or (applied is not None and applied.suspect):
            # Longer than its interval it would be probed less often than when it is well.
            self._want(slot, slot.ended + min(slot.endpoint.retry_every.total_seconds(), slot.interval))
        if applied is not None and applied.hasten:
            self.hasten(key for key in applied.hasten if key != slot.endpoint.key)

    def _want(self, slot: _Slot, when: float) -> None:
        if slot.extra is None or when < slot.extra:
            slot.extra = when
            heapq.heappush(self._heap, (when, next(self._order), slot))

    def _grow_old(self) -> None:
        if self._age is not None:
            try:
                self._age(self._clock())
            except Exception:
                log.exception("staleness could not be judged")
