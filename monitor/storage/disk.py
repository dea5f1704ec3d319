"""File work off the event loop: one thread, in order, with a bounded wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from monitor.storage.errors import StorageError

Answer = TypeVar("Answer")


class Disk:
    """Runs blocking calls. While one that took longer than ``patience`` is still under way, it takes no other."""

    def __init__(self, patience: timedelta) -> None:
        self._patience_seconds = patience.total_seconds()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._busy: asyncio.Future[Any] | None = None
        self._turn = asyncio.Lock()

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """The call's answer. Raises what the call raises, and StorageError when the disk gives no answer."""
        async with self._turn:
            if self._busy is not None and not self._busy.done():
                raise StorageError("the spool's disk hangs")
            loop = asyncio.get_running_loop()
            try:
                future = loop.run_in_executor(self._thread, call)
            except RuntimeError as error:
                raise StorageError("the spool is closed") from error
            self._busy = future
            done, _ = await asyncio.wait({future}, timeout=self._patience_seconds)
            if not done:
                raise StorageError(f"the spool's disk gave no answer within {self._patience_seconds:g} s")
            return future.result()

    def close(self) -> None:
        """Take no more calls."""
        self._thread.shutdown(wait=False)
