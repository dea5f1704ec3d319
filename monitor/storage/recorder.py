"""Keeps what the one path hands over: in the database, or in the spool while that is away.

Results gather and are written once a second in one batch. Entries (rows, events, messages, deliveries) are written as
they come, in order, what was decided together in one transaction: what waits in the spool goes to the database before
any later one does.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar

from monitor.incidents.model import Entry
from monitor.model import Result
from monitor.storage.disk import Disk
from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.line import Line
from monitor.storage.spool import Queue, Spool

log = logging.getLogger(__name__)

Item = TypeVar("Item")

_BATCH: Final = 2000
"""Rows written in one go: few enough that neither the loop nor another writer waits long."""


class Store(Protocol):
    """The database. Both verbs raise StorageError and may be repeated: a row is kept once."""

    async def write_results(self, results: Sequence[Result]) -> None:
        """Keep results; durable on return."""
        ...

    async def write_entries(self, entries: Sequence[Entry]) -> None:
        """Keep entries in one transaction; durable on return."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderState:
    """For the metrics and the banner.

    ``queued`` results wait in memory, ``spooled_*`` in the spool (``spooled_transitions`` are entries of every kind).
    ``write_seconds`` is how long the last write to
    the database took, ``failing_since`` when it began to fail (None: it works). ``lost_results`` were dropped since
    the start because everything was full. ``unwritten``: entries were shown that are neither in the database
    nor in the spool.
    """

    queued: int
    spooled_results: int
    spooled_transitions: int
    write_seconds: float
    failing_since: datetime | None
    lost_results: int
    unwritten: bool

    @property
    def caught_up(self) -> bool:
        """Whether the database takes everything and nothing waits in the spool."""
        return self.failing_since is None and not self.spooled_transitions and not self.spooled_results


class Recorder:
    """A pipeline's results and journal; :meth:`run` does the work, :meth:`close` ends it.

    ``every`` is how often results are written, ``patience`` how long anything waits for the database or the spool's
    disk, ``longest_pause`` the longest time between two tries while the database fails, ``capacity`` how many
    results (and how many entries) are held in memory when even the spool takes no more.
    """

    def __init__(
        self,
        *,
        store: Store,
        spool: Spool,
        clock: Callable[[], datetime],
        every: timedelta = timedelta(seconds=1),
        patience: timedelta = timedelta(seconds=2),
        longest_pause: timedelta = timedelta(seconds=15),
        capacity: int = 100_000,
    ) -> None:
        self._store = store
        self._spool = spool
        self._every_seconds = every.total_seconds()
        self._capacity = capacity
        self._make_line = partial(Line, clock=clock, patience=patience, longest_pause=longest_pause)
        self._line: Line | None = None
        self._disk = Disk(patience)
        self._queue: deque[Result] = deque()
        self._unwritten: deque[Entry] = deque()
        self._order = asyncio.Lock()
        self._ready = asyncio.Event()
        self._closing = asyncio.Event()
        self._lost = 0

    @property
    def state(self) -> RecorderState:
        """How it stands now."""
        line = self._line
        return RecorderState(
            queued=len(self._queue),
            spooled_results=len(self._spool.results),
            spooled_transitions=len(self._spool.entries),
            write_seconds=line.write_seconds if line else 0.0,
            failing_since=line.failing_since if line else None,
            lost_results=self._lost + self._spool.results.dropped,
            unwritten=bool(self._unwritten),
        )

    def add(self, result: Result) -> None:
        """Queue a result for the next batch."""
        self._queue.append(result)
        if len(self._queue) > self._capacity:
            self._queue.popleft()
            self._lost += 1

    async def write(self, entries: Sequence[Entry]) -> bool:
        """Whether these are durable, in the database or in the spool. If not, they are tried again until they
        are."""
        await self._ready.wait()
        async with self._order:
            if await self._commit(entries):
                return True
            self._keep(entries)
            return await self._spool_unwritten()

    async def open(self) -> None:
        """Open the spool; where that fails, it is tried again when the spool is needed.

        Raises StorageUnusable when another program holds the spool: two would write one history.
        """
        try:
            await self._disk.run(self._spool.open)
        except StorageUnusable:
            raise
        except StorageError as error:
            log.error("there is no spool for now: %s", error)

    async def ready(self) -> None:
        """Wait until the entries that an earlier run left in the spool are in the database, or cannot be."""
        await self._ready.wait()

    async def run(self) -> None:
        """Write until closed; what is left then is written, or put in the spool. If cancelled, only the latter."""
        try:
            async with asyncio.TaskGroup() as group:
                self._line = self._make_line(group=group)
                await self.open()
                while not self._closing.is_set():
                    await self._pass()
                    self._ready.set()
                    await self._pause()
                await self._line.last_try()
                await self._pass()
                await self._line.abandon()
        finally:
            self._ready.set()
            await self._leave()

    def close(self) -> None:
        """Let :meth:`run` write what is left and return. Nothing may be added afterwards."""
        self._closing.set()

    async def _pass(self) -> None:
        """Everything that waits, oldest first: to the database, else to the spool."""
        try:
            if await self._drain(self._spool.entries, self._store.write_entries, math.inf):
                await self._settle()
            await self._write_queue()
            # A spool of hours must not keep the results of this second waiting.
            await self._drain(self._spool.results, self._store.write_results, self._every_seconds)
        except Exception:
            log.exception("a batch could not be recorded")

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._every_seconds):
                await self._closing.wait()
        except TimeoutError:
            pass

    async def _commit(self, entries: Sequence[Entry]) -> bool:
        """Write to the database, unless earlier entries are still on their way to it."""
        if self._line is None or self._unwritten or len(self._spool.entries):
            return False
        return await self._line.write(partial(self._store.write_entries, entries))

    async def _settle(self) -> None:
        """Try again to write what nothing would take. The spool holds no entries now, or is full of them."""
        async with self._order:
            if self._unwritten:
                waiting = tuple(self._unwritten)
                self._unwritten.clear()
                if not await self._commit(waiting):
                    self._unwritten.extend(waiting)
                    await self._spool_unwritten()

    async def _spool_unwritten(self) -> bool:
        waiting = tuple(self._unwritten)
        if not waiting:
            return True
        try:
            await self._disk.run(partial(self._spool.entries.append, waiting, durable=True))
        except StorageError as error:
            log.error("%d entries are neither in the database nor in the spool: %s", len(waiting), error)
            return False
        self._unwritten.clear()
        return True

    def _keep(self, entries: Sequence[Entry]) -> None:
        self._unwritten.extend(entries)
        while len(self._unwritten) > self._capacity:
            log.error("lost: %s", self._unwritten.popleft())

    async def _write_queue(self) -> None:
        while self._queue and self._line is not None:
            if not await self._line.write(self._write_batch):
                await self._spool_queue()
                return

    async def _write_batch(self) -> None:
        batch = self._take()
        try:
            await self._store.write_results(batch)
        except BaseException:
            self._give_back(batch)
            raise

    async def _spool_queue(self) -> None:
        while self._queue:
            batch = self._take()
            try:
                await self._disk.run(partial(self._spool.results.append, batch, durable=False))
            except BaseException as error:
                self._give_back(batch)
                if not isinstance(error, StorageError):
                    raise
                log.error("%d results wait in memory: %s", len(self._queue), error)
                return

    def _take(self) -> Sequence[Result]:
        return [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]

    def _give_back(self, batch: Sequence[Result]) -> None:
        self._queue.extendleft(reversed(batch))
        while len(self._queue) > self._capacity:
            self._queue.popleft()
            self._lost += 1

    async def _drain(
        self, queue: Queue[Item], write: Callable[[Sequence[Item]], Awaitable[None]], limit_seconds: float
    ) -> bool:
        """Bring what waits in the spool to the database; whether nothing waits any more.

        A crash between the database's commit and the release hands out the same items again: the database keeps each
        once. A decision of many entries may be cut in two, by a slice or by the end of one of the spool's segments, and
        nothing is lost by that: the spool holds what is not committed, what is held goes on in the same order before
        anything later, and who resumes reads the database after :meth:`ready`, when the rest has followed.
        """
        until = asyncio.get_running_loop().time() + limit_seconds
        while len(queue):
            if self._line is None or asyncio.get_running_loop().time() >= until:
                return False
            try:
                waiting = await self._disk.run(queue.oldest)
                if waiting is None:
                    return True
                for chunk in _slices(waiting.items):
                    if not await self._line.write(partial(write, chunk)):
                        return False
                await self._disk.run(partial(queue.release, waiting))
            except StorageError as error:
                log.error("the spool cannot be drained: %s", error)
                return False
        return True

    async def _leave(self) -> None:
        """Put what is left into the spool."""
        self._line = None
        try:
            await self._spool_unwritten()
            await self._spool_queue()
            await self._disk.run(self._spool.close)
        except StorageError as error:
            log.error("the spool could not be closed: %s", error)
        finally:
            self._disk.close()


def _slices(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Slices of what is written in one go."""
    return (items[begin : begin + _BATCH] for begin in range(0, len(items), _BATCH))
