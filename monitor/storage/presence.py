"""When this program looked: a run's row is begun at the start and after every gap, and marked every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from monitor.incidents.model import Entry
from monitor.model import Result


class Runs(Protocol):
    """Keeps the runs (the store)."""

    async def begin_run(self, vantage: str, begun: datetime) -> int:
        """Begin a run; returns its number."""
        ...

    async def mark_alive(self, run: int, at: datetime) -> None:
        """The run goes on at ``at``."""
        ...


class Keeper(Protocol):
    """Keeps what was found (the store)."""

    async def write_results(self, results: Sequence[Result]) -> None:
        """Keep results; they are signs of life of the last run begun before them."""
        ...

    async def write_entries(self, entries: Sequence[Entry]) -> None:
        """Keep entries in one transaction."""
        ...


class Presence:
    """Marks that ``vantage`` is observing.

    While the database is away the marks wait and none is lost: a run's row says from when to when, so the next mark
    that succeeds covers the time since the last.
    """

    def __init__(self, *, runs: Runs, vantage: str) -> None:
        self._runs = runs
        self._vantage = vantage
        self._run: int | None = None
        self._due: list[tuple[bool, datetime]] = []
        """What is still to be written, in order: whether a run begins (or ends), and when."""
        self._turn = asyncio.Lock()

    def begin(self, at: datetime) -> None:
        """The program looks since ``at``: to be said once, when it was asked when it had last looked."""
        self._due.append((True, at))

    def gap(self, begin: datetime, end: datetime) -> None:
        """Nobody looked from ``begin`` to ``end``: a new run begins at ``end``.

        Where ``end`` is the earlier, the clock was set back from ``begin``: a new run begins too.
        """
        self._due += [(False, begin), (True, end)]

    async def settle(self) -> None:
        """Write down the runs that began and ended. Raises StorageError; the next time makes up for it."""
        async with self._turn:
            while self._due:
                begins, at = self._due[0]
                if begins:
                    self._run = await self._runs.begin_run(self._vantage, at)
                elif self._run is not None:
                    await self._runs.mark_alive(self._run, at)
                del self._due[0]

    async def mark(self, now: datetime) -> None:
        """Write down that the program runs at ``now``. Raises StorageError; the next mark makes up for it."""
        await self.settle()
        if self._run is not None:
            await self._runs.mark_alive(self._run, now)


class RunsFirst:
    """A recorder's store in which the runs are written before the results that began in them.

    A result without its run would be taken for a sign of life of the run before, and the time between the two for
    observed.
    """

    def __init__(self, *, store: Keeper, presence: Presence) -> None:
        self._store = store
        self._presence = presence

    async def write_results(self, results: Sequence[Result]) -> None:
        await self._presence.settle()
        await self._store.write_results(results)

    async def write_entries(self, entries: Sequence[Entry]) -> None:
        await self._store.write_entries(entries)
