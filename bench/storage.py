"""What keeping results costs: bytes written and at rest, and the time to read a day of one point back.

    python -m bench.storage [--help]

Time is simulated, the database and its disk are real. Every second's results are written as one batch and made durable,
every five minutes what is due is packed; `/proc/self/io` says how many bytes the kernel was made to write, write-ahead
log, checkpoints, packing and deletion included.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

import uvloop

from bench.measure import Goal, table, write
from monitor.model import EndpointKey, Reason, Result
from monitor.storage.store import Store

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PACK_EVERY_SECONDS = 300
PRAGMAS = ("page_count", "freelist_count", "page_size")


class Writing(NamedTuple):
    results: int
    written_bytes_a_result: float
    rest_bytes_a_result: float
    write_cpu_microseconds_a_result: float
    pack_cpu_microseconds_a_result: float
    results_a_second: float


class Reading(NamedTuple):
    """``read`` is until the rows lie in memory as columns, ``iterate`` to make an object of each in addition."""

    results: int
    read_day_milliseconds: float
    iterate_day_milliseconds: float


class Load:
    """Endpoints that are probed at ``interval_seconds``, each at its own phase, a little late, with its own latency."""

    def __init__(self, endpoints: int, interval_seconds: int, *, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._interval_seconds = interval_seconds
        self._keys = [EndpointKey(f"point-{number // 4}", f"endpoint-{number % 4}") for number in range(endpoints)]
        self._latency_seconds = [self._random.uniform(0.002, 0.08) for _ in self._keys]

    def second(self, second: int) -> list[Result]:
        """What is probed in the given second since the begin."""
        turn = second % self._interval_seconds
        return [self._result(number, second) for number in range(turn, len(self._keys), self._interval_seconds)]

    def _result(self, number: int, second: int) -> Result:
        late = (number * 7919 % 1000) / 1000 + self._random.expovariate(1000)
        failed = self._random.random() < 0.002
        return Result(
            key=self._keys[number],
            vantage="local",
            begun=BEGIN + timedelta(seconds=second + late),
            latency_seconds=3.0 if failed else self._latency_seconds[number] * self._random.lognormvariate(0, 0.2),
            reason=Reason.TIMEOUT if failed else Reason.OK,
        )


async def measure_writing(store: Store, file: Path, load: Load, seconds: int) -> Writing:
    """Write ``seconds`` of the load, pack it all. At least two quarters of an hour, or what is rare weighs too much."""
    results, written, begun = 0, written_bytes(), perf_counter()
    writing = packing = 0.0
    for second in range(seconds):
        batch = load.second(second)
        writing += await cpu_seconds(partial(store.write_results, batch))
        results += len(batch)
        if second % PACK_EVERY_SECONDS == 0:
            packing += await cpu_seconds(partial(store.pack, BEGIN + (second - 60) * SECOND))
    packing += await cpu_seconds(lambda: store.pack(BEGIN + (seconds + 3600) * SECOND))
    checkpoint(file)
    return Writing(
        results=results,
        written_bytes_a_result=(written_bytes() - written) / results,
        rest_bytes_a_result=live_bytes(file) / results,
        write_cpu_microseconds_a_result=writing / results * 1e6,
        pack_cpu_microseconds_a_result=packing / results * 1e6,
        results_a_second=results / (perf_counter() - begun),
    )


async def measure_reading(store: Store, load: Load, repeats: int) -> Reading:
    """Write a day, a quarter of an hour at a time, pack it, read the first point's four endpoints back."""
    for quarter in range(96):
        batch = [result for second in range(quarter * 900, quarter * 900 + 900) for result in load.second(second)]
        await store.write_results(batch)
        await store.pack(BEGIN + timedelta(seconds=quarter * 900 + 900))
    keys = [EndpointKey("point-0", f"endpoint-{number}") for number in range(4)]
    read_seconds, iterate_seconds, results = [], [], 0
    for _ in range(repeats):
        begun = process_time()
        found = await store.results_of(keys, BEGIN, BEGIN + timedelta(days=1))
        read = process_time()
        results = sum(len(list(series)) for series in found.values())
        read_seconds.append(read - begun)
        iterate_seconds.append(process_time() - read)
    return Reading(results, median(read_seconds) * 1e3, median(iterate_seconds) * 1e3)


async def cpu_seconds(action: Callable[[], Awaitable[object]]) -> float:
    begun = process_time()
    await action()
    return process_time() - begun


def written_bytes() -> int:
    """What this process has made the kernel write to its disks."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["write_bytes"])


def checkpoint(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def live_bytes(file: Path) -> int:
    """The pages in use, tables of names included, free pages not."""
    connection = sqlite3.connect(file)
    pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS)
    connection.close()
    return int((pages - free) * size)


async def run(options: argparse.Namespace) -> tuple[Writing, Reading]:
    options.directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        file = Path(directory) / "writing.db"
        store = Store(f"sqlite:///{file}")
        load = Load(options.rate * options.interval, options.interval)
        # Every endpoint once, so that its name is known, as it is after the first interval of a real run.
        await store.write_results([result for second in range(options.interval) for result in load.second(second)])
        writing = await measure_writing(store, file, load, options.seconds)
        await store.close()

        store = Store(f"sqlite:///{Path(directory) / 'reading.db'}")
        reading = await measure_reading(store, Load(options.endpoints, options.interval), options.repeats)
        await store.close()
    return writing, reading


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.storage", description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=int, default=1000, help="results a second (default %(default)s)")
    parser.add_argument("--interval", type=int, default=15, help="seconds between an endpoint's probes (%(default)s)")
    parser.add_argument("--seconds", type=int, default=1800, help="simulated seconds of writing (%(default)s)")
    parser.add_argument("--endpoints", type=int, default=160, help="endpoints in the day to read from (%(default)s)")
    parser.add_argument("--repeats", type=int, default=25, help="readings, of which the median counts (%(default)s)")
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where: a real disk (%(default)s)")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        writing, reading = runner.run(run(parser.parse_args()))
    if not writing.written_bytes_a_result:
        raise SystemExit("nothing was written: the directory is not on a disk; give another by --directory")
    goals = (
        Goal("bytes written to disk a result", writing.written_bytes_a_result, at_most=100),
        Goal("bytes at rest a result", writing.rest_bytes_a_result, at_most=8),
        Goal("milliseconds to read a day of one point", reading.read_day_milliseconds, at_most=20),
    )
    figures = {"writing": writing._asdict(), "reading": reading._asdict()}
    rows = [(f"{part}: {name}", f"{value:,.2f}") for part, values in figures.items() for name, value in values.items()]
    print(
        table("Measured", ("figure", "value"), rows),
        table("Goals", ("goal", "figure", "bound", ""), [g.row() for g in goals]),
    )
    write("storage", figures, goals)


if __name__ == "__main__":
    main()
