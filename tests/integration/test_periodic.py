import asyncio
import logging
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


async def test_a_job_under_way_is_stopped_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    periodic = Periodic()
    begun = asyncio.Event()

    async def job() -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    periodic.every(SOON, job, "uptimes", now=True)
    periodic.start()
    await begun.wait()
    await periodic.stop()
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_job_that_was_about_to_begin_never_does_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    periodic = Periodic()
    begun: list[None] = []

    async def job() -> None:
        begun.append(None)
        await asyncio.get_running_loop().create_future()

    periodic.every(SOON, job, "uptimes", now=True)
    periodic.start()
    await asyncio.sleep(0)
    await periodic.stop()
    await asyncio.sleep(0)
    assert begun == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_who_stops_can_itself_be_cancelled_while_a_job_takes_its_time_to_end() -> None:
    periodic = Periodic()
    begun, ending, free = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def job() -> None:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ending.set()
            await free.wait()

    periodic.every(SOON, job, "pack", now=True)
    periodic.start()
    await begun.wait()
    async with asyncio.TaskGroup() as tasks:
        stopping = tasks.create_task(periodic.stop())
        await ending.wait()
        stopping.cancel()
        await asyncio.wait([stopping])
        free.set()
    assert stopping.cancelled()


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
