"""When this program looked: a run's row is begun at the start and after every gap, and marked every few seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Runs(Protocol):
    """Keeps the runs (the store)."""

    async def begin_run(self, vantage: str, begun: datetime) -> int:
        """Begin a run; returns its number."""
        ...

    async def mark_alive(self, run: int, at: datetime) -> None:
        """The run goes on at ``at``."""
        ...


class Presence:
    """Marks that ``vantage`` is observing since ``begun``.

    While the database is away the marks wait and none is lost: a run's row says from when to when, so the next mark
    that succeeds covers the time since the last.
    """

    def __init__(self, *, runs: Runs, vantage: str, begun: datetime) -> None:
        self._runs = runs
        self._vantage = vantage
        self._run = 0
        self._due: list[tuple[bool, datetime]] = [(True, begun)]
        """What is still to be written, in order: whether a run begins (or ends), and when."""

    def gap(self, begin: datetime, end: datetime) -> None:
        """Nobody looked from ``begin`` to ``end``: a new run begins at ``end``."""
        self._due += [(False, begin), (True, end)]

    async def mark(self, now: datetime) -> None:
        """Write down that the program runs at ``now``. Raises StorageError; the next mark makes up for it."""
        while self._due:
            begins, at = self._due[0]
            if begins:
                self._run = await self._runs.begin_run(self._vantage, at)
            else:
                await self._runs.mark_alive(self._run, at)
            del self._due[0]
        await self._runs.mark_alive(self._run, now)
