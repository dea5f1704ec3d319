"""The recorder before real databases that are locked, late or gone, and killed at any moment."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor.incidents.model import (
    Delivery,
    DeliveryOutcome,
    Entry,
    EventKind,
    IncidentEvent,
    Message,
    MessageKind,
)
from monitor.model import EndpointKey, Flag, FlagChange, Reason, Result, Status, Transition
from monitor.storage.disk import Disk
from monitor.storage.errors import StorageError
from monitor.storage.recorder import Recorder
from monitor.storage.recorder import Store as Keeper
from monitor.storage.records import Letter
from monitor.storage.spool import Spool
from monitor.storage.store import Store

BEGIN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=30)
LINK = EndpointKey("ward-1", "link")
SPOOL_BYTES = 1024 * 1024


def result(number: int) -> Result:
    begun = BEGIN + timedelta(seconds=number)
    return Result(key=LINK, vantage="local", begun=begun, latency_seconds=0.5, reason=Reason.OK)


def transition(number: int) -> Transition:
    at = BEGIN + timedelta(seconds=number)
    status = Status.DOWN if number % 2 else Status.UP
    return Transition(key=LINK, at=at, recorded_at=at, status=status, previous=Status.UNKNOWN, detail=str(number))


@dataclass
class Place:
    """A database's file and a spool's directory."""

    directory: Path

    @property
    def file(self) -> Path:
        return self.directory / "monitor.db"

    @property
    def spool(self) -> Path:
        return self.directory / "spool"

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        store = Store(f"sqlite:///{self.file}")
        try:
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def recorder(
        self, store: Keeper, *, capacity: int = 100_000, patience: timedelta = timedelta(seconds=1)
    ) -> AsyncIterator[Recorder]:
        """A recorder that is in a hurry; closed at the end."""
        recorder = Recorder(
            store=store,
            spool=Spool(self.spool, SPOOL_BYTES),
            clock=lambda: BEGIN,
            every=timedelta(milliseconds=20),
            patience=patience,
            longest_pause=timedelta(milliseconds=50),
            capacity=capacity,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.run())
            await recorder.ready()
            yield recorder
            recorder.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another program holds the database."""
        other = sqlite3.connect(self.file, isolation_level=None, timeout=60)
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    async def kept(self) -> tuple[list[int], list[int]]:
        """The numbers of the transitions, in the order in which they were written, and of the results."""
        async with self.store() as store:
            results = await store.results(LINK, BEGIN, END)
        connection = sqlite3.connect(self.file)
        rows = connection.execute("SELECT detail FROM transitions ORDER BY id").fetchall()
        connection.close()
        return [int(detail) for (detail,) in rows], [round((row.begun - BEGIN).total_seconds()) for row in results]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until it holds; the test's own time limit is the only bound."""

    async def look() -> bool:
        await asyncio.sleep(0.005)
        return condition()

    while not await look():
        pass


LONG = timedelta(seconds=60)


async def test_results_and_transitions_come_into_the_database(place: Place) -> None:
    async with place.store() as store, place.recorder(store, patience=LONG) as recorder:
        for number in range(3):
            recorder.add(result(number))
        assert recorder.state.queued == 3
        assert await recorder.write([transition(1), transition(2)])
        await until(lambda: recorder.state.queued == 0)
        state = recorder.state
        assert (state.spooled_results, state.spooled_transitions, state.failing_since) == (0, 0, None)
        assert (state.lost_results, state.unwritten) == (0, False)
        assert state.write_seconds > 0
    assert await place.kept() == ([1, 2], [0, 1, 2])


async def test_closing_writes_what_is_gathered(place: Place) -> None:
    async with place.store() as store, place.recorder(store, patience=LONG) as recorder:
        await recorder.write([transition(0)])
        recorder.add(result(1))
    assert await place.kept() == ([0], [1])
    assert recorder.state.queued == 0


async def test_a_locked_database_sends_all_to_the_spool_until_it_is_back(place: Place) -> None:
    async with place.store() as store, place.recorder(store) as recorder:
        assert await recorder.write([transition(0)])
        with place.locked():
            for number in range(1, 6):
                assert await recorder.write([transition(number)])
                recorder.add(result(number))
            assert recorder.state.spooled_transitions == 5
            assert recorder.state.failing_since == BEGIN
            await until(lambda: recorder.state.queued == 0)
            assert not recorder.state.unwritten
        await until(lambda: recorder.state.spooled_transitions == 0 and recorder.state.spooled_results == 0)
        assert await recorder.write([transition(6)])
        assert recorder.state.failing_since is None
    assert await place.kept() == (list(range(7)), list(range(1, 6)))


async def test_a_decision_that_waited_in_the_spool_comes_out_whole(place: Place) -> None:
    """More entries than are written in one go, so that it is cut in two on its way."""
    opened = IncidentEvent(
        id="e0",
        incident="a",
        kind=EventKind.OPENED,
        at=BEGIN,
        recorded_at=BEGIN,
        data={"number": 1, "fault": "network:", "severity": "critical", "began": BEGIN.isoformat()},
    )
    joined = [
        IncidentEvent(id=f"e{n}", incident="a", kind=EventKind.JOINED, at=BEGIN, recorded_at=BEGIN, point=f"p{n}")
        for n in range(1, 3000)
    ]
    message = Message(
        id="m",
        incident="a",
        kind=MessageKind.OPENED,
        channel="zalo",
        route="",
        created_at=BEGIN,
        due_at=BEGIN,
        payload={"name": "Cửa Nam"},
    )
    delivery = Delivery(message="m", at=BEGIN, outcome=DeliveryOutcome.FAILED, attempt=1)
    flag = FlagChange(key=EndpointKey("ward-1", ""), flag=Flag.MAINTENANCE, on=True, at=BEGIN, recorded_at=BEGIN)
    async with place.store() as store, place.recorder(store) as recorder:
        await store.open()
        with place.locked():
            assert await recorder.write([transition(0), flag, opened, *joined, message, delivery])
            assert recorder.state.spooled_transitions == 3004
            assert await recorder.write([transition(1)])
        await until(lambda: recorder.state.spooled_transitions == 0)
        resumed = await store.resume_incidents()
        assert (resumed.events, resumed.last_number) == ({"a": [opened, *joined]}, 1)
        assert list(await store.outbox()) == [Letter(message=message, deliveries=(delivery,))]
        assert (await store.resume("local", END)).flags == {("ward-1", Flag.MAINTENANCE): flag}
    assert await place.kept() == ([0, 1], [])


async def test_what_is_written_while_the_spool_drains_keeps_its_place(place: Place) -> None:
    count = 400
    async with place.store() as store, place.recorder(store) as recorder:
        assert await recorder.write([transition(0)])
        with place.locked():
            for number in range(1, count // 2):
                assert await recorder.write([transition(number)])
        for number in range(count // 2, count):
            assert await recorder.write([transition(number)])
            await asyncio.sleep(0)
        await until(lambda: recorder.state.spooled_transitions == 0)
    assert await place.kept() == (list(range(count)), [])


async def test_what_waits_in_the_spool_at_a_restart_is_written_before_anything_else(place: Place) -> None:
    async with place.store() as store:
        async with place.recorder(store, patience=LONG) as recorder:
            assert await recorder.write([transition(0)])
        with place.locked():
            async with place.recorder(store) as recorder:
                assert await recorder.write([transition(1)])
                recorder.add(result(1))
    assert await place.kept() == ([0], [])
    async with place.store() as store, place.recorder(store) as recorder:
        assert recorder.state.spooled_transitions == 0
        assert [row.detail for row in await store.transitions(BEGIN, END)] == ["1", "0"]
    assert await place.kept() == ([0, 1], [1])


async def test_a_database_that_cannot_be_opened_at_the_start_is_used_when_it_can(place: Place) -> None:
    place.file.mkdir()
    async with place.store() as store, place.recorder(store) as recorder:
        assert await recorder.write([transition(0)])
        recorder.add(result(0))
        await until(lambda: recorder.state.spooled_results == 1)
        place.file.rmdir()
        await until(lambda: recorder.state.spooled_transitions == 0 and recorder.state.spooled_results == 0)
    assert await place.kept() == ([0], [0])


async def test_what_neither_takes_is_shown_said_and_tried_again(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.spool.write_text("a file where the spool's directory should be")
    async with place.store() as store, place.recorder(store, capacity=3) as recorder:
        assert "there is no spool" in caplog.text
        await store.open()
        assert await recorder.write([transition(0)])
        with place.locked():
            assert not await recorder.write([transition(1)])
            assert not await recorder.write([transition(2)])
            for number in range(5):
                recorder.add(result(number))
            await until(lambda: recorder.state.failing_since is not None)
            assert recorder.state.unwritten
        await until(lambda: not recorder.state.unwritten and not recorder.state.queued)
        assert await recorder.write([transition(3)])
        assert recorder.state.lost_results == 2
    assert await place.kept() == ([0, 1, 2, 3], [2, 3, 4])


async def test_a_spool_that_comes_back_before_the_database_takes_what_was_unwritten(place: Place) -> None:
    place.spool.write_text("")
    async with place.store() as store, place.recorder(store) as recorder:
        await store.open()
        assert await recorder.write([transition(0)])
        with place.locked():
            assert not await recorder.write([transition(1)])
            place.spool.unlink()
            await until(lambda: not recorder.state.unwritten)
            assert recorder.state.spooled_transitions == 1
            assert await recorder.write([transition(2)])
    assert await place.kept() == ([0, 1, 2], [])


async def test_of_too_many_transitions_that_nothing_takes_the_oldest_are_lost_and_named(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.spool.write_text("")
    async with place.store() as store, place.recorder(store, capacity=3) as recorder:
        await store.open()
        assert await recorder.write([transition(0)])
        with place.locked():
            assert not await recorder.write([transition(number) for number in range(1, 6)])
    transitions, _ = await place.kept()
    assert set(transitions) >= {0, 3, 4, 5}, "the write that was under way may have come through"
    assert caplog.text.count("lost: ") == 2


async def test_a_recorder_that_is_cancelled_leaves_all_in_the_spool(place: Place) -> None:
    async with place.store() as store:
        recorder = Recorder(store=store, spool=Spool(place.spool, SPOOL_BYTES), clock=lambda: BEGIN)
        running = asyncio.ensure_future(recorder.run())
        await recorder.ready()
        recorder.add(result(1))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not await recorder.write([transition(1)]), "nothing is written after the end"
    async with place.store() as store, place.recorder(store):
        pass
    assert await place.kept() == ([], [1])


@dataclass
class Faulty:
    """The real store, but for a bug at its first words."""

    store: Store
    bugs: int = 1

    async def write_results(self, results: Sequence[Result]) -> None:
        self.stumble()
        await self.store.write_results(results)

    async def write_entries(self, entries: Sequence[Entry]) -> None:
        self.stumble()
        await self.store.write_entries(entries)

    def stumble(self) -> None:
        self.bugs -= 1
        if self.bugs >= 0:
            raise ZeroDivisionError("a bug in the store")


async def test_our_own_fault_is_logged_and_loses_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    async with place.store() as store, place.recorder(Faulty(store)) as recorder:
        assert await recorder.write([transition(0)])
        recorder.add(result(0))
    assert await place.kept() == ([0], [0])
    assert "a bug in the store" in caplog.text


@dataclass
class Slow:
    """The real store behind a door."""

    store: Store
    door: asyncio.Event

    async def write_results(self, results: Sequence[Result]) -> None:
        await self.door.wait()
        await self.store.write_results(results)

    async def write_entries(self, entries: Sequence[Entry]) -> None:
        await self.door.wait()
        await self.store.write_entries(entries)


async def test_a_database_that_gives_no_answer_holds_nobody_up_and_nothing_is_doubled(place: Place) -> None:
    """The write under way may still come through when its transitions already wait in the spool."""
    door = asyncio.Event()
    async with place.store() as store, place.recorder(Slow(store, door)) as recorder:
        recorder.add(result(0))
        for number in range(3):
            assert await recorder.write([transition(number)])
        recorder.add(result(1))
        await until(lambda: recorder.state.spooled_results == 1)
        assert recorder.state.failing_since == BEGIN
        door.set()
        await until(lambda: recorder.state.spooled_transitions == 0 and recorder.state.spooled_results == 0)
    assert await place.kept() == ([0, 1, 2], [0, 1])


async def test_closing_before_a_database_that_gives_no_answer_leaves_all_in_the_spool(place: Place) -> None:
    async with place.store() as store, place.recorder(Slow(store, asyncio.Event())) as recorder:
        recorder.add(result(0))
        await until(lambda: recorder.state.failing_since is not None)
        recorder.add(result(1))
        assert await recorder.write([transition(0)])
    async with place.store() as store, place.recorder(store):
        pass
    assert await place.kept() == ([0], [0, 1])


async def test_a_disk_that_hangs_is_an_error_and_not_a_hang() -> None:
    disk = Disk(timedelta(milliseconds=20))
    release = threading.Event()
    try:
        with pytest.raises(StorageError, match="no answer"):
            await disk.run(partial(release.wait, 60))
        with pytest.raises(StorageError, match="hangs"):
            await disk.run(lambda: None)
    finally:
        release.set()
    disk.close()
    with pytest.raises(StorageError, match=r"closed|hangs"):
        await disk.run(lambda: None)


async def test_a_disk_gives_answers_and_errors() -> None:
    disk = Disk(timedelta(seconds=30))
    assert await disk.run(lambda: 7) == 7
    with pytest.raises(StorageError, match="full"):
        await disk.run(fail)
    disk.close()
    with pytest.raises(StorageError, match="closed"):
        await disk.run(lambda: 7)


def fail() -> None:
    raise StorageError("full")


async def test_a_spool_of_many_results_drains_bit_by_bit(place: Place) -> None:
    """More than one batch and more than one segment: what comes meanwhile is written meanwhile."""
    spool = Spool(place.spool, SPOOL_BYTES)
    spool.results.append([result(number) for number in range(30_000)], durable=True)
    spool.close()
    async with place.store() as store, place.recorder(store, patience=LONG) as recorder:
        recorder.add(result(30_000))
        await until(lambda: recorder.state.spooled_results == 0 and recorder.state.queued == 0)
    assert await place.kept() == ([], list(range(30_001)))


async def test_a_full_spool_of_transitions_is_emptied_before_later_ones_are_written(place: Place) -> None:
    async with place.store() as store, place.recorder(store) as recorder:
        await store.open()
        written = 0
        with place.locked():
            while await recorder.write([transition(number) for number in range(written, written + 500)]):
                written += 500
            assert recorder.state.unwritten
            assert not await recorder.write([transition(written + 500)])
        await until(lambda: not recorder.state.unwritten and not recorder.state.spooled_transitions)
    transitions, _ = await place.kept()
    assert transitions == list(range(written + 501))


async def show_for_ever(directory: Path, first: int) -> None:
    """What the killed program does: write, then show (on stdout), again and again; and results beside it."""
    place = Place(directory)
    async with place.store() as store, place.recorder(store) as recorder:
        number = first
        while True:
            recorder.add(result(number))
            await recorder.write([transition(number)])
            os.write(1, f"{number}\n".encode())
            number += 1


async def test_kill_9_at_any_moment_loses_no_transition_that_was_shown(place: Place) -> None:
    """Now and then the database is locked, so that what is shown lies in the spool alone."""
    chance = random.Random(20261123)
    async with place.store() as store:
        await store.open()
    shown: list[int] = []
    for life in range(6):
        shown += live_and_die(place, life * 100_000, chance.randint(1, 120), locked=life % 2 == 1)
    async with place.store() as store, place.recorder(store) as recorder:
        await until(lambda: recorder.state.spooled_transitions == 0 and recorder.state.spooled_results == 0)
    transitions, _ = await place.kept()
    assert set(shown) <= set(transitions)
    assert transitions == sorted(set(transitions)), "in order, and none twice"


def live_and_die(place: Place, first: int, length: int, *, locked: bool) -> list[int]:
    """What a program showed that was killed after ``length`` transitions, or twice as many."""
    command = [sys.executable, __file__, str(place.directory), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        shown = [program.stdout.readline() for _ in range(length)]
        with place.locked() if locked else nullcontext():
            if locked:
                shown += [program.stdout.readline() for _ in range(length)]
            program.send_signal(signal.SIGKILL)
            shown += program.stdout.readlines()
    return [int(line) for line in shown if line.endswith(b"\n")]


if __name__ == "__main__":
    asyncio.run(show_for_ever(Path(sys.argv[1]), int(sys.argv[2])))
