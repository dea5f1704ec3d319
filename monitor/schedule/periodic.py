"""What is periodic and rare, by APScheduler: liveness marks, packing, pruning. The tick starts probes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.executors.base import BaseExecutor  # type: ignore[import-untyped]  # it has no types
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # it has no types

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


class Periodic:
    """Jobs that run every so often, each never twice at once; a run that is missed is not made up for.

    A job's exception is logged with its traceback and the job goes on at its next time.
    """

    def __init__(self) -> None:
        self._tasks = _Tasks()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            executors={"default": self._tasks},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def every(self, interval: timedelta, job: Job, name: str, *, now: bool = False) -> None:
        """Run ``job`` each ``interval``, first after one interval, or at the start with ``now``."""

        async def run() -> None:
            try:
                await job()
            except Exception:
                log.exception("the periodic job %s failed", name)

        first = {"next_run_time": datetime.now(UTC)} if now else {}
        self._scheduler.add_job(
            run, "interval", seconds=interval.total_seconds(), id=name, name=name, replace_existing=True, **first
        )

    def start(self) -> None:
        """Begin; needs a running loop."""
        self._scheduler.start()

    def run_all(self) -> None:
        """Run each job now and go on from here: after the wall clock, by which they run, was set back."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))

    async def stop(self) -> None:
        """Start nothing more, cancel what is under way and wait for it."""
        if self._scheduler.running:
            # The shutdown itself only comes with the loop's next turn, in which a job could still begin.
            self._scheduler.pause()
            self._scheduler.shutdown(wait=False)
        await self._tasks.cancel()


class _Tasks(BaseExecutor):  # type: ignore[misc]  # it has no types
    """Runs each job as a task. APScheduler's own executor calls one that is cancelled an error, with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[asyncio.Task[None]] = set()

    async def cancel(self) -> None:
        """Cancel every job under way and wait until they have ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        task = asyncio.get_running_loop().create_task(job.func(), name=job.id)
        self._running.add(task)
        task.add_done_callback(partial(self._ended, job.id))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._run_job_success(name, [])
