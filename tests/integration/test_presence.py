"""When the program looked is on disk, across gaps and a database that was away."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.model import Observation
from monitor.storage.errors import StorageError
from monitor.storage.presence import Presence
from monitor.storage.store import Store

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Flaky:
    """A store that is away when told so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False

    async def begin_run(self, vantage: str, begun: datetime) -> int:
        self._answer()
        return await self._store.begin_run(vantage, begun)

    async def mark_alive(self, run: int, moment: datetime) -> None:
        self._answer()
        await self._store.mark_alive(run, moment)

    def _answer(self) -> None:
        if self.away:
            raise StorageError("away")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'monitor.db'}")
    yield store
    await store.close()


async def observed(store: Store) -> list[tuple[int, int]]:
    return [
        (round((each.begun - T0).total_seconds()), round((each.ended - T0).total_seconds()))
        for each in await store.observations(at(-100), at(10_000))
        if isinstance(each, Observation)
    ]


async def test_marks_prolong_one_run(store: Store) -> None:
    presence = Presence(runs=store, vantage="local", begun=at(0))
    for seconds in (1, 5, 10):
        await presence.mark(at(seconds))
    assert await observed(store) == [(0, 10)]


async def test_a_gap_lies_between_two_runs(store: Store) -> None:
    presence = Presence(runs=store, vantage="local", begun=at(0))
    await presence.mark(at(5))
    presence.gap(at(7), at(30))
    await presence.mark(at(35))
    assert await observed(store) == [(0, 7), (30, 35)]


async def test_gaps_before_the_first_mark(store: Store) -> None:
    presence = Presence(runs=store, vantage="local", begun=at(0))
    presence.gap(at(2), at(4))
    presence.gap(at(6), at(8))
    await presence.mark(at(9))
    assert await observed(store) == [(0, 2), (4, 6), (8, 9)]


async def test_what_a_dead_database_missed_is_made_up_for(store: Store) -> None:
    flaky = Flaky(store)
    presence = Presence(runs=flaky, vantage="local", begun=at(0))
    flaky.away = True
    with pytest.raises(StorageError):
        await presence.mark(at(5))
    presence.gap(at(20), at(40))
    with pytest.raises(StorageError):
        await presence.mark(at(45))
    flaky.away = False
    await presence.mark(at(50))
    assert await observed(store) == [(0, 20), (40, 50)]
