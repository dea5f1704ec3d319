"""When the program looked is on disk, across gaps and a database that was away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.model import EndpointKey, Observation, Reason, Result
from monitor.storage.errors import StorageError
from monitor.storage.presence import Presence, RunsFirst
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
    presence = Presence(runs=store, vantage="local")
    presence.begin(at(0))
    for seconds in (1, 5, 10):
        await presence.mark(at(seconds))
    assert await observed(store) == [(0, 10)]


async def test_a_gap_lies_between_two_runs(store: Store) -> None:
    presence = Presence(runs=store, vantage="local")
    presence.begin(at(0))
    await presence.mark(at(5))
    presence.gap(at(7), at(30))
    await presence.mark(at(35))
    assert await observed(store) == [(0, 7), (30, 35)]


async def test_gaps_before_the_first_mark(store: Store) -> None:
    presence = Presence(runs=store, vantage="local")
    presence.begin(at(0))
    presence.gap(at(2), at(4))
    presence.gap(at(6), at(8))
    await presence.mark(at(9))
    assert await observed(store) == [(0, 2), (4, 6), (8, 9)]


async def test_what_a_dead_database_missed_is_made_up_for(store: Store) -> None:
    flaky = Flaky(store)
    presence = Presence(runs=flaky, vantage="local")
    presence.begin(at(0))
    flaky.away = True
    with pytest.raises(StorageError):
        await presence.mark(at(5))
    presence.gap(at(20), at(40))
    with pytest.raises(StorageError):
        await presence.mark(at(45))
    flaky.away = False
    await presence.mark(at(50))
    assert await observed(store) == [(0, 20), (40, 50)]


def result(seconds: int) -> Result:
    return Result(
        key=EndpointKey("a", "link"), vantage="local", begun=at(seconds), latency_seconds=0.1, reason=Reason.OK
    )


async def test_results_after_a_gap_are_no_sign_of_life_of_the_run_before(store: Store) -> None:
    presence = Presence(runs=store, vantage="local")
    keeper = RunsFirst(store=store, presence=presence)
    presence.begin(at(0))
    await keeper.write_results([result(5)])
    presence.gap(at(7), at(3600))
    await keeper.write_results([result(3601)])
    await presence.mark(at(3605))
    assert await observed(store) == [(0, 7), (3600, 3605)]


async def test_results_of_a_start_without_the_database_are_no_sign_of_life_of_the_run_before(store: Store) -> None:
    before = Presence(runs=store, vantage="local")
    before.begin(at(0))
    await before.mark(at(10))
    flaky = Flaky(store)
    presence = Presence(runs=flaky, vantage="local")
    keeper = RunsFirst(store=store, presence=presence)
    # What the run before left in the spool is its own, until this one has begun.
    await keeper.write_results([result(12)])
    flaky.away = True
    presence.begin(at(3600))
    with pytest.raises(StorageError):
        await presence.mark(at(3605))
    with pytest.raises(StorageError):
        await keeper.write_results([result(3601)])
    flaky.away = False
    await keeper.write_results([result(13), result(3602)])
    assert await observed(store) == [(0, 13), (3600, 3602)]


async def test_a_clock_that_is_set_back_begins_a_run(store: Store) -> None:
    presence = Presence(runs=store, vantage="local")
    presence.begin(at(3600))
    await presence.mark(at(3660))
    presence.gap(at(3665), at(65))
    await presence.mark(at(70))
    await presence.mark(at(80))
    assert await observed(store) == [(65, 80), (3600, 3665)]


async def test_a_run_is_begun_once_however_many_ask_at_once(store: Store) -> None:
    presence = Presence(runs=store, vantage="local")
    presence.begin(at(0))
    await asyncio.gather(presence.mark(at(5)), presence.settle(), presence.mark(at(6)))
    assert await observed(store) == [(0, 6)]
