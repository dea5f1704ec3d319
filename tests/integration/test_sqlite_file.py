"""What can happen to a SQLite file: nonsense, damage, another program's lock, a disk that ends, kill -9."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.model import EndpointKey, Reason, Result, Status, Transition
from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.store import Store

T = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LINK = EndpointKey("phuong-cua-nam", "link")


def transition(number: int) -> Transition:
    at = T + timedelta(seconds=number)
    status = Status.DOWN if number % 2 else Status.UP
    return Transition(key=LINK, at=at, recorded_at=at, status=status, previous=Status.UNKNOWN)


def results(number: int, keys: int = 5) -> list[Result]:
    at = T + timedelta(minutes=number)
    return [
        Result(key=EndpointKey(f"p{key}", "link"), vantage="local", begun=at, latency_seconds=0.01, reason=Reason.OK)
        for key in range(keys)
    ]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:s3cret@h/d", "'mysql' is not a database that this program knows: sqlite, postgresql"),
        ("s3cret", "the storage URL cannot be read; write sqlite:///FILE or postgresql://USER@HOST/NAME"),
        ("sqlite://", "a SQLite database needs a file; write sqlite:///FILE"),
        ("sqlite:///:memory:", "a SQLite database needs a file; write sqlite:///FILE"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StorageUnusable) as caught:
        Store(url)
    assert str(caught.value) == says


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    file.write_text("Kính gửi các đồng chí\n" * 400)
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StorageUnusable, match=f"{file}: it is no SQLite database; move it away or give another path"):
        await store.open()
    await store.close()
    assert file.read_text().startswith("Kính gửi")


async def test_a_path_that_is_a_directory(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}")
    with pytest.raises(StorageError, match="see that the path is a file in a directory"):
        await store.open()
    await store.close()


async def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(f"sqlite:///{tmp_path}/file/monitor.db")
    with pytest.raises(StorageError, match=r"monitor\.db: .*(File exists|Not a directory)"):
        await store.open()
    await store.close()


async def test_damage_is_told_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    store = Store(f"sqlite:///{file}")
    await store.write_entries([transition(number) for number in range(3000)])
    await store.close()
    with file.open("r+b") as raw:
        raw.seek(8192)
        raw.write(os.urandom(file.stat().st_size - 8192))
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StorageError, match=r"the file is damaged; .*recover") as caught:
        await store.transitions(T, T + DAY, limit=5000)
    assert str(file) in str(caught.value)
    await store.close()


async def test_damaged_results_are_told(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    store = Store(f"sqlite:///{file}")
    await store.write_results(results(0))
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("UPDATE batches SET rows = x'00'")
        raw.commit()
    with pytest.raises(StorageError, match="stored results are damaged"):
        await store.results(EndpointKey("p0", "link"), T, T + DAY)
    with pytest.raises(StorageError, match="stored results are damaged"):
        await store.pack(T + DAY)
    await store.close()


async def test_a_lock_held_by_another_program_ends(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    store = Store(f"sqlite:///{file}")
    await store.open()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="another program holds it"):
            await store.write_entries([transition(0)])
        assert list(await store.transitions(T, T + DAY)) == []
        other.execute("ROLLBACK")
    await store.write_entries([transition(0)])
    assert list(await store.transitions(T, T + DAY)) == [transition(0)]
    await store.close()


async def test_reading_and_writing_go_on_while_another_program_reads(tmp_path: Path) -> None:
    file = tmp_path / "monitor.db"
    store = Store(f"sqlite:///{file}")
    await store.write_entries([transition(0)])
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM transitions").fetchone()
        await store.write_entries([transition(1)])
        assert len(await store.transitions(T, T + DAY)) == 2
    await store.close()


async def test_a_file_that_is_taken_away_and_replaced(tmp_path: Path) -> None:
    """What is remembered of the old file's numbers must not be written into the new."""
    store = Store(f"sqlite:///{tmp_path}/monitor.db")
    await store.write_results(results(0))
    with closing(sqlite3.connect(tmp_path / "monitor.db")) as raw:
        for table in ("batches", "blocks", "transitions", "series", "subjects"):
            raw.execute(f"DELETE FROM {table}")
        raw.commit()
    with pytest.raises(StorageError):
        await store.write_entries([Transition(**{**_fields(transition(0)), "key": EndpointKey("p0", "link")})])
    await store.write_entries([Transition(**{**_fields(transition(0)), "key": EndpointKey("p0", "link")})])
    assert len(await store.transitions(T, T + DAY)) == 1
    await store.close()


def _fields(row: Transition) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__slots__}


FULL_DISK = """
import asyncio, resource, sys
from tests.integration.test_sqlite_file import *

async def main():
    store = Store(sys.argv[1])
    await store.write_entries([transition(0)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    written = 1
    try:
        while True:
            await store.write_entries([transition(written)])
            written += 1
    except StorageError as error:
        print(error)
    await store.transitions(T, T + DAY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await store.write_entries([transition(written)])
    print(len(await store.transitions(T, T + DAY, limit=10_000)) == written + 1)
    await store.close()

asyncio.run(main())
"""


def test_a_disk_that_ends_and_has_room_again(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, f"sqlite:///{tmp_path}/monitor.db"],
        capture_output=True,
        text=True,
        check=True,
    )
    error, whole = ran.stdout.splitlines()
    assert "monitor.db: " in error
    assert "disk" in error
    assert whole == "True"


WRITER = """
import asyncio, sys
from tests.integration.test_sqlite_file import *

async def main():
    store = Store(sys.argv[1])
    number = int(sys.argv[2])
    run = await store.begin_run("local", T + timedelta(seconds=number))
    print("ready", flush=True)
    async def pack():
        while True:
            await store.pack(T + timedelta(minutes=number))
            await asyncio.sleep(0)
    packing = asyncio.create_task(pack())
    while True:
        await store.write_results(results(number))
        await store.write_entries([transition(number)])
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Results a minute apart, so that packing always has whole slots to do; killed while it does."""
    file = tmp_path / "monitor.db"
    chance = random.Random(11)
    acknowledged = -1
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, f"sqlite:///{file}", str(acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        lines = iter(writer.stdout)
        assert next(lines) == "ready\n"
        for _ in range(chance.randrange(1, 25)):
            acknowledged = int(next(lines))
        writer.send_signal(signal.SIGKILL)
        # What it said before it died counts too.
        acknowledged = max([acknowledged, *map(int, lines)])
        writer.wait()
        writer.stdout.close()
        asyncio.run(_is_whole(file, acknowledged))


async def _is_whole(file: Path, acknowledged: int) -> None:
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    store = Store(f"sqlite:///{file}")
    expected = [T + timedelta(minutes=number) for number in range(acknowledged + 1)]
    for _ in ("as it was left", "packed"):
        for key in range(5):
            found = [result.begun for result in await store.results(EndpointKey(f"p{key}", "link"), T, T + 30 * DAY)]
            # One more may have been written whose acknowledgement did not get out.
            assert found[: len(expected)] == expected
            assert len(found) <= len(expected) + 1
        await store.pack(T + 60 * DAY)
    rows = await store.transitions(T, T + DAY, limit=100_000)
    assert [row.at for row in reversed(rows)][: acknowledged + 1] == [
        T + timedelta(seconds=number) for number in range(acknowledged + 1)
    ]
    await store.close()
