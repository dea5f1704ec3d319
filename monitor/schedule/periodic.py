"""What is periodic and rare, by APScheduler: liveness marks, packing, pruning. The tick starts probes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # it has no types

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


class Periodic:
    """Jobs that run every so often, each never twice at once; a run that is missed is not made up for.

    A job's exception is logged with its traceback and the job goes on at its next time.
    """

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._running: set[asyncio.Task[object]] = set()

    def every(self, interval: timedelta, job: Job, name: str, *, now: bool = False) -> None:
        """Run ``job`` each ``interval``, first after one interval, or at the start with ``now``."""

        async def run() -> None:
            await self._run(job, name)

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
        running = list(self._running)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, job: Job, name: str) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine under APScheduler's executor is a task)
        self._running.add(task)
        try:
            await job()
        except Exception:
            log.exception("the periodic job %s failed", name)
        finally:
            self._running.discard(task)
