import asyncio
from datetime import timedelta

import pytest

from monitor.schedule import Periodic

SOON = timedelta(milliseconds=10)


async def test_a_job_runs_again_and_again_until_it_is_stopped() -> None:
    periodic = Periodic()
    runs: list[int] = []
    third = asyncio.Event()

    async def job() -> None:
        runs.append(len(runs))
        if len(runs) == 3:
            third.set()

    periodic.every(SOON, job, "mark")
    periodic.start()
    await third.wait()
    await periodic.stop()
    count = len(runs)
    await asyncio.sleep(0.05)
    assert len(runs) == count


async def test_a_job_that_fails_is_logged_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    periodic = Periodic()
    twice = asyncio.Event()
    runs: list[None] = []

    async def job() -> None:
        runs.append(None)
        if len(runs) == 2:
            twice.set()
        raise ZeroDivisionError("a bug in the job")

    periodic.every(SOON, job, "pack")
    periodic.start()
    await twice.wait()
    await periodic.stop()
    assert "the periodic job pack failed" in caplog.text
    assert "a bug in the job" in caplog.text


async def test_a_slow_job_is_never_run_twice_at_once_and_is_cancelled_by_stop() -> None:
    periodic = Periodic()
    under_way: list[bool] = []
    cancelled = asyncio.Event()
    others = asyncio.Event()

    async def slow() -> None:
        under_way.append(True)
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    count: list[None] = []

    async def quick() -> None:
        count.append(None)
        if len(count) == 5:
            others.set()

    periodic.every(SOON, slow, "slow", now=True)
    periodic.every(SOON, quick, "quick", now=True)
    periodic.start()
    await others.wait()
    await periodic.stop()
    assert under_way == [True]
    assert cancelled.is_set()


async def test_what_waits_for_a_time_that_was_set_back_runs_now() -> None:
    periodic = Periodic()
    ran = asyncio.Event()

    async def job() -> None:
        ran.set()

    periodic.every(timedelta(hours=7), job, "mark")
    periodic.start()
    periodic.run_all()
    await ran.wait()
    await periodic.stop()


async def test_stopping_what_never_started() -> None:
    await Periodic().stop()
