"""The way to the database: one write at a time, a bounded wait for its answer, a growing pause while it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from monitor.storage.errors import StorageError

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS: Final = 1.0


class Line:
    """Runs writes as tasks of ``group``.

    A write without an answer after ``patience`` is left running and keeps the line busy: a database that hangs
    cannot be interrupted, only waited for elsewhere. While the database fails, the next write is tried after a
    pause that doubles up to ``longest_pause``.
    """

    def __init__(
        self,
        *,
        group: asyncio.TaskGroup,
        clock: Callable[[], datetime],
        patience: timedelta,
        longest_pause: timedelta,
    ) -> None:
        self._group = group
        self._clock = clock
        self._patience_seconds = patience.total_seconds()
        self._longest_pause_seconds = longest_pause.total_seconds()
        self._pause_seconds = 0.0
        self._next_try = 0.0
        self._busy: asyncio.Task[bool] | None = None
        self.failing_since: datetime | None = None
        self.write_seconds = 0.0

    async def write(self, write: Callable[[], Awaitable[None]]) -> bool:
        """Whether it was written. False at once while the database is known to fail; it may still be under way
        then."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_seconds
        while self._busy is not None:
            if self.failing_since is not None or not await self._answered(self._busy, deadline):
                return False
        if loop.time() < self._next_try:
            return False
        task = self._busy = self._group.create_task(self._run(write))
        return await self._answered(task, deadline) and task.result()

    async def last_try(self) -> None:
        """Give the write under way, if any, one more ``patience``; the next write is tried without a pause."""
        if self._busy is not None:
            await asyncio.wait({self._busy}, timeout=self._patience_seconds)
        self._next_try = 0.0

    async def abandon(self) -> None:
        """Cancel the write under way, if any."""
        if self._busy is not None:
            self._busy.cancel()
            await asyncio.wait({self._busy}, timeout=self._patience_seconds)

    async def _answered(self, task: asyncio.Task[bool], deadline: float) -> bool:
        """Wait for the task until ``deadline``; its not being done by then is a failure of the database."""
        left = deadline - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait({task}, timeout=max(left, 0.0))
        if not done:
            self._failed(f"no answer within {self._patience_seconds:g} s")
        return bool(done)

    async def _run(self, write: Callable[[], Awaitable[None]]) -> bool:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            await write()
        except StorageError as error:
            self._failed(str(error))
            return False
        except Exception:
            log.exception("a write failed through our own fault")
            self._failed("our own fault")
            return False
        finally:
            self._busy = None
        self.write_seconds = loop.time() - begun
        self._recovered()
        return True

    def _failed(self, why: str) -> None:
        if self.failing_since is None:
            self.failing_since = self._clock()
            log.warning("the database is away, what is found waits in the spool: %s", why)
        self._pause_seconds = min(max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS), self._longest_pause_seconds)
        self._next_try = asyncio.get_running_loop().time() + self._pause_seconds

    def _recovered(self) -> None:
        if self.failing_since is not None:
            log.warning("the database is back, it was away since %s", self.failing_since.isoformat())
        self.failing_since = None
        self._pause_seconds = self._next_try = 0.0
