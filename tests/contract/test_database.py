"""What the Store promises, on every database."""

import asyncio
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import EndpointKey, Observation, Reason, Result, Status, StoredResult, Transition
from monitor.storage.errors import StorageError
from monitor.storage.store import Store

T = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LINK = EndpointKey("phuong-cua-nam", "link")
PORTAL = EndpointKey("phuong-cua-nam", "portal")
OTHER = EndpointKey("xã-Đông-Anh", "link")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def result(
    at: datetime,
    key: EndpointKey = LINK,
    *,
    latency: float = 0.0125,
    reason: Reason = Reason.OK,
    vantage: str = "local",
) -> Result:
    return Result(key=key, vantage=vantage, begun=at, latency_seconds=latency, reason=reason)


def kept(results: Iterable[Result]) -> list[StoredResult]:
    return [
        StoredResult(r.begun, r.reason, r.latency_seconds, r.vantage) for r in sorted(results, key=lambda r: r.begun)
    ]


def transition(
    at: datetime, status: Status = Status.DOWN, key: EndpointKey = LINK, *, recorded: datetime | None = None
) -> Transition:
    return Transition(
        key=key, at=at, recorded_at=recorded or at + timedelta(seconds=3), status=status, previous=Status.UNKNOWN
    )


class TestResults:
    async def test_come_back_as_they_were(self, store: Store) -> None:
        rows = [
            result(T, latency=0.000001),
            result(T + timedelta(microseconds=1), reason=Reason.TIMEOUT, latency=3.000123),
            result(T + MINUTE, reason=Reason.CERTIFICATE, latency=0.0),
        ]
        await store.write_results(rows)
        assert list(await store.results(LINK, T, T + DAY)) == kept(rows)

    async def test_within_begin_and_before_end(self, store: Store) -> None:
        rows = [result(T + number * MINUTE) for number in range(40)]
        await store.write_results(rows)
        for _ in ("loose", "packed"):
            found = await store.results(LINK, T + 3 * MINUTE, T + 33 * MINUTE)
            assert list(found) == kept(rows[3:33])
            await store.pack(T + DAY)

    async def test_of_several_endpoints_at_once(self, store: Store) -> None:
        rows = [result(T, LINK), result(T, PORTAL, latency=0.5), result(T + MINUTE, LINK)]
        await store.write_results(rows)
        found = await store.results_of((LINK, PORTAL, OTHER), T, T + DAY)
        assert {key: list(results) for key, results in found.items()} == {
            LINK: kept([rows[0], rows[2]]),
            PORTAL: kept([rows[1]]),
            OTHER: [],
        }

    async def test_written_twice_are_kept_once(self, store: Store) -> None:
        rows = [result(T + number * MINUTE) for number in range(20)]
        await store.write_results(rows)
        await store.write_results(rows[5:])
        assert list(await store.results(LINK, T, T + DAY)) == kept(rows)
        await store.pack(T + DAY)
        await store.write_results(rows[:10])
        assert list(await store.results(LINK, T, T + DAY)) == kept(rows)
        await store.pack(T + DAY)
        assert list(await store.results(LINK, T, T + DAY)) == kept(rows)

    async def test_of_two_vantages_are_both_kept(self, store: Store) -> None:
        rows = [result(T + number * MINUTE, vantage=vantage) for number in range(3) for vantage in ("local", "xa")]
        await store.write_results(rows)
        await store.pack(T + DAY)
        found = await store.results(LINK, T, T + DAY)
        assert sorted(found, key=lambda r: (r.begun, r.vantage)) == kept(rows)
        assert [r.begun for r in found] == sorted(r.begun for r in rows)

    async def test_that_come_late_join_their_block(self, store: Store) -> None:
        early, late = [result(T + n * MINUTE) for n in (0, 2, 4)], [result(T + n * MINUTE) for n in (1, 3, 5)]
        await store.write_results(early)
        await store.pack(T + DAY)
        await store.write_results(late)
        assert list(await store.results(LINK, T, T + DAY)) == kept(early + late)
        assert await store.pack(T + DAY) == 1
        assert list(await store.results(LINK, T, T + DAY)) == kept(early + late)

    async def test_nothing_is_nothing(self, store: Store) -> None:
        await store.write_results([])
        await store.write_entries([])
        await store.register([])
        assert list(await store.results(LINK, T, T + DAY)) == []
        assert list(await store.results(LINK, T, T)) == []
        assert await store.results_of((), T, T + DAY) == {}
        assert await store.pack(T) == 0
        assert await store.prune(T) == 0

    async def test_packing_leaves_the_slot_that_is_not_over(self, store: Store) -> None:
        rows = [result(T + number * MINUTE) for number in range(30)]
        await store.write_results(rows)
        assert await store.pack(T + 20 * MINUTE) == 1
        assert await store.pack(T + 20 * MINUTE) == 0
        assert list(await store.results(LINK, T, T + DAY)) == kept(rows)

    async def test_pruning_drops_whole_slots_of_old(self, store: Store) -> None:
        rows = [result(T + number * MINUTE, key) for number in range(60) for key in (LINK, OTHER)]
        await store.write_results(rows[:100])
        await store.pack(T + DAY)
        await store.write_results(rows[100:])
        assert await store.prune(T + 44 * MINUTE) == 4
        assert [r.begun for r in await store.results(LINK, T, T + DAY)] == [T + n * MINUTE for n in range(30, 60)]
        await store.prune(T + DAY)
        assert list(await store.results(LINK, T, T + DAY)) == []

    async def test_of_any_mixture_survive_any_order_of_work(self, store: Store) -> None:
        chance = random.Random(7)
        keys = [EndpointKey(f"p{number}", "link") for number in range(12)]
        rows = [
            result(
                T + timedelta(seconds=chance.uniform(0, 3 * 3600)),
                chance.choice(keys),
                latency=chance.randrange(10**7) / 1e6,
                reason=chance.choice([Reason.OK, Reason.OK, Reason.REFUSED, Reason.STALLED]),
            )
            for _ in range(4500)
        ]
        chance.shuffle(rows)
        for begin in range(0, len(rows), 500):
            await store.write_results(rows[begin : begin + 500])
            await store.pack(T + timedelta(hours=chance.uniform(0, 3)))
        for key in keys:
            assert list(await store.results(key, T, T + DAY)) == kept(r for r in rows if r.key == key)

    async def test_of_more_endpoints_than_one_question_names(self, store: Store) -> None:
        keys = [EndpointKey(f"p{number}", "link") for number in range(1500)]
        await store.write_results([result(T, key) for key in keys])
        await store.pack(T + DAY)
        await store.write_results([result(T + MINUTE, key) for key in keys])
        found = await store.results_of(keys[:-1], T, T + DAY)
        assert {key: [row.begun for row in rows] for key, rows in found.items()} == {
            key: [T, T + MINUTE] for key in keys[:-1]
        }


class TestTransitions:
    async def test_come_back_as_they_were_newest_first(self, store: Store) -> None:
        rows = [
            Transition(
                key=EndpointKey("phuong-cua-nam", ""),
                at=T + timedelta(microseconds=7),
                recorded_at=T + MINUTE,
                status=Status.FAULTY,
                previous=Status.UP,
                reason=Reason.CONTENT,
                failed_phase="processing",
                detail='thiếu "Một cửa"',
                culprit="portal",
                not_before=T - DAY,
                first=True,
            ),
            transition(T + MINUTE, Status.UP),
        ]
        await store.write_entries(rows)
        assert list(await store.transitions(T, T + DAY)) == rows[::-1]

    async def test_written_twice_are_kept_once(self, store: Store) -> None:
        rows = [transition(T), transition(T + MINUTE, Status.UP)]
        await store.write_entries(rows)
        await store.write_entries([*rows, transition(T + 2 * MINUTE)])
        assert len(await store.transitions(T, T + DAY)) == 3

    async def test_of_a_point_are_its_own_and_its_endpoints(self, store: Store) -> None:
        point = EndpointKey("phuong-cua-nam", "")
        await store.write_entries([transition(T, key=key) for key in (LINK, OTHER, point)])
        found = await store.transitions(T, T + DAY, point="phuong-cua-nam")
        assert {row.key for row in found} == {LINK, point}

    async def test_are_paged_without_a_gap_or_a_repetition(self, store: Store) -> None:
        rows = [transition(T + (number // 3) * MINUTE, key=EndpointKey(f"p{number}", "link")) for number in range(23)]
        await store.write_entries(rows)
        found: list[Transition] = []
        cursor = ""
        while True:
            page = await store.page_transitions(T, T + DAY, limit=5, cursor=cursor)
            found.extend(page.transitions)
            cursor = page.cursor
            if not cursor:
                break
        assert found == sorted(rows, key=lambda row: (row.at, rows.index(row)), reverse=True)

    @pytest.mark.parametrize("cursor", ["x", "1", "-", "1-", "-1", "1-2-3", "²-1", "9" * 50 + "-1", "9" * 39 + "-"])
    async def test_a_cursor_from_elsewhere_is_refused(self, store: Store, cursor: str) -> None:
        with pytest.raises(ValueError, match="cursor"):
            await store.page_transitions(T, T + DAY, cursor=cursor)

    async def test_all_or_none(self, store: Store) -> None:
        broken = transition(T + MINUTE)
        object.__setattr__(broken, "detail", None)
        with pytest.raises(StorageError):
            await store.write_entries([transition(T), broken])
        assert list(await store.transitions(T, T + DAY)) == []


class TestHistory:
    async def test_holds_the_row_in_force_at_the_begin(self, store: Store) -> None:
        rows = [transition(T + number * MINUTE, Status.DOWN if number % 2 else Status.UP) for number in range(6)]
        await store.write_entries(rows)
        found = await store.history(LINK, T + timedelta(minutes=2.5), T + timedelta(minutes=4.5))
        assert list(found.transitions) == rows[2:5]

    async def test_the_row_recorded_last_is_in_force(self, store: Store) -> None:
        overruled = transition(T + 5 * MINUTE, Status.DOWN, recorded=T + 6 * MINUTE)
        overruling = transition(T + 2 * MINUTE, Status.UNKNOWN, recorded=T + 7 * MINUTE)
        await store.write_entries([overruled, overruling])
        found = await store.history(LINK, T + 10 * MINUTE, T + 20 * MINUTE)
        assert list(found.transitions) == [overruling]
        both = await store.history(LINK, T + 3 * MINUTE, T + 20 * MINUTE)
        assert list(both.transitions) == [overruled, overruling]

    async def test_of_many_subjects_at_once(self, store: Store) -> None:
        keys = [EndpointKey(f"p{number}", "") for number in range(1200)]
        rows = [transition(T + number * timedelta(seconds=1), key=key) for number, key in enumerate(keys)]
        await store.write_entries(rows)
        some = await store.histories([*keys[:3], OTHER], T + MINUTE, T + DAY)
        assert {key: list(found.transitions) for key, found in some.items()} == {
            **{key: [row] for key, row in zip(keys[:3], rows, strict=False)},
            OTHER: [],
        }
        every = await store.histories(keys, T + MINUTE, T + DAY)
        assert [list(every[key].transitions) for key in keys] == [[row] for row in rows]

    async def test_observations_end_with_the_last_sign_of_life(self, store: Store) -> None:
        first = await store.begin_run("local", T)
        await store.mark_alive(first, T + 2 * MINUTE)
        await store.mark_alive(first, T + MINUTE)
        await store.begin_run("local", T + 30 * MINUTE)
        # Of a drained spool: some belong to the run that was cut off, some to the one under way.
        await store.write_results([result(T + n * MINUTE) for n in (3, 31)])
        await store.begin_run("xa", T + 40 * MINUTE)
        assert list(await store.observations(T, T + DAY)) == [
            Observation("local", T, T + 3 * MINUTE),
            Observation("local", T + 30 * MINUTE, T + 31 * MINUTE),
            Observation("xa", T + 40 * MINUTE, T + 40 * MINUTE),
        ]
        found = await store.history(LINK, T + 10 * MINUTE, T + 40 * MINUTE)
        assert list(found.observations) == [Observation("local", T + 30 * MINUTE, T + 31 * MINUTE)]


class TestResume:
    async def test_of_an_empty_database(self, store: Store) -> None:
        found = await store.resume("local", T)
        assert (found.statuses, found.fingerprints, found.recent, found.last_alive) == ({}, {}, {}, None)

    async def test_gives_statuses_fingerprints_and_recent_results(self, store: Store) -> None:
        await store.register([(LINK, "old"), (PORTAL, "p")])
        await store.register([(LINK, "new")])
        run = await store.begin_run("local", T)
        await store.write_results([result(T + timedelta(seconds=10 * n)) for n in range(30)])
        await store.write_results([result(T + timedelta(seconds=291), vantage="xa")])
        await store.mark_alive(run, T + 5 * MINUTE)
        point = EndpointKey("phuong-cua-nam", "")
        rows = [transition(T, Status.UP), transition(T + MINUTE, Status.DOWN), transition(T + MINUTE, key=point)]
        await store.write_entries(rows)

        found = await store.resume("local", T + 10 * MINUTE)
        assert found.statuses == {LINK: rows[1], point: rows[2]}
        assert found.fingerprints == {LINK: "new", PORTAL: "p"}
        assert found.last_alive == T + 5 * MINUTE
        assert {key: [r.begun for r in results] for key, results in found.recent.items()} == {
            LINK: [T + timedelta(seconds=10 * n) for n in range(18, 30)]
        }
        assert (await store.resume("xa", T + 10 * MINUTE)).last_alive is None

    async def test_what_is_packed_is_recent_too(self, store: Store) -> None:
        await store.register([(LINK, "f")])
        await store.begin_run("local", T)
        await store.write_results([result(T)])
        await store.pack(T + DAY)
        assert [r.begun for r in (await store.resume("local", T + DAY)).recent[LINK]] == [T]


class TestOpening:
    async def test_is_done_by_the_first_verb_and_again_without_harm(self, url: str) -> None:
        store = Store(url)
        await store.write_results([result(T)])
        await store.open()
        await store.ping()
        await store.close()
        again = Store(url)
        await again.open()
        assert len(await again.results(LINK, T, T + DAY)) == 1
        await again.close()

    async def test_a_closed_store_says_so(self, store: Store) -> None:
        await store.close()
        with pytest.raises(StorageError, match="closed"):
            await store.ping()
        with pytest.raises(StorageError, match="closed"):
            await store.open()

    async def test_two_programs_may_start_at_once(self, url: str) -> None:
        stores = [Store(url) for _ in range(3)]
        await asyncio.gather(*(store.open() for store in stores))
        await asyncio.gather(*(store.write_results([result(T + n * MINUTE)]) for n, store in enumerate(stores)))
        assert len(await stores[0].results(LINK, T, T + DAY)) == 3
        for store in stores:
            await store.close()


class TestUnderStress:
    async def test_many_verbs_at_once(self, store: Store) -> None:
        async def write(number: int) -> None:
            await store.write_results([result(T + number * MINUTE + timedelta(seconds=n)) for n in range(20)])
            await store.write_entries([transition(T + number * MINUTE)])

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(write(number))
                group.create_task(store.results(LINK, T, T + DAY))
                group.create_task(store.pack(T + number * MINUTE))
        assert len(await store.results(LINK, T, T + DAY)) == 400
        assert len(await store.transitions(T, T + DAY)) == 20
        assert store.write_seconds > 0

    async def test_a_cancelled_write_leaves_a_working_store(self, store: Store) -> None:
        """Cut off after ever more turns of the loop, that is at every place where it waits."""
        await store.write_entries([transition(T)])
        for turns in range(60):
            task = asyncio.create_task(store.write_entries([transition(T + (turns + 1) * MINUTE)]))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        await store.write_entries([transition(T + DAY)])
        assert [row.at for row in await store.transitions(T + DAY, T + 2 * DAY)] == [T + DAY]
