"""/metrics with 10,000 endpoints: how long the text takes, how long it holds the loop, what compression adds."""

from __future__ import annotations

import argparse
import asyncio
import gc
import zlib
from datetime import UTC, datetime, timedelta
from time import process_time

import uvloop

from bench import measure
from bench.measure import PROBER_CORE, Goal, Spread, pin
from bench.ours import inventory, now
from monitor.board import Board
from monitor.metrics import Metrics
from monitor.model import EndpointKey, Reason, Result
from monitor.probes import find_probers

PHASES = {"resolve": 0.0001, "connect": 0.0123456, "tls": 0.0, "processing": 0.0456789, "transfer": 0.000123}
FACTS = {
    "probe_dns_lookup_time_seconds": 0.0001,
    "probe_failed_due_to_regex": 0.0,
    "probe_http_content_length": 75.0,
    "probe_http_redirects": 0.0,
    "probe_http_ssl": 0.0,
    "probe_http_status_code": 200.0,
    "probe_http_uncompressed_body_length": 75.0,
    "probe_http_version": 1.1,
    "probe_ip_addr_hash": 1234567890.0,
    "probe_ip_protocol": 4.0,
    "lienthong_probe_tcp_rtt_seconds": 0.000015,
    "lienthong_probe_tcp_retransmits": 0.0,
}


def result(number: int) -> Result:
    return Result(
        key=EndpointKey(f"point-{number}", "link"), vantage="local", begun=datetime.now(UTC), latency_seconds=0.0583,
        reason=Reason.OK, phases=PHASES, facts=FACTS,
    )  # fmt: skip


async def longest_hold(ended: asyncio.Event) -> float:
    """The longest that another task had to wait for its turn: in CPU time, for other processes hold it up as well."""
    longest = 0.0
    while not ended.is_set():
        before = process_time()
        await asyncio.sleep(0)
        longest = max(longest, process_time() - before)
    return longest


async def scrape(metrics: Metrics) -> tuple[float, float, bytes]:
    """Seconds, the longest hold in seconds, and the text. The scrape is timed alone, the hold in a second one."""
    before = process_time()
    slices = [text async for text in metrics.render()]
    seconds = process_time() - before
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(longest_hold(ended))
        async for _ in metrics.render():
            pass
        ended.set()
    return seconds, waiting.result(), b"".join(slices)


async def run(endpoints: int, repeats: int) -> None:
    config = inventory("http", 80, endpoints, timedelta(seconds=10))
    board = Board(config, clock=now)
    metrics = Metrics(config, board=board, probers=find_probers(), clock=now, version="bench")
    results = [result(number) for number in range(endpoints)]
    for each in results:
        board.show(board.apply(each).rows)
        metrics.on_result(each)
    before = process_time()
    for each in results:
        metrics.on_result(each)
    update = (process_time() - before) / endpoints
    gc.collect()
    gc.freeze()
    runs = [await scrape(metrics) for _ in range(repeats)]
    text = runs[0][2]
    before = process_time()
    packed = len(zlib.compress(text, 1))
    zipping = process_time() - before
    seconds, hold = Spread.of([each[0] for each in runs]), Spread.of([each[1] for each in runs])
    goals = [
        Goal("text of 10,000 endpoints, ms", seconds.median * 1000, at_most=100),
        Goal("longest hold of the loop, ms", hold.median * 1000, at_most=10),
    ]
    rows = [
        ("text, CPU ms", seconds.text(1000, 1)),
        ("longest hold, ms", hold.text(1000, 2)),
        ("size, MB", f"{len(text) / 1e6:.1f}"),
        ("series", str(sum(not line.startswith(b"#") for line in text.splitlines()))),
        ("gzip level 1, off the loop, CPU ms", f"{zipping * 1000:.0f}"),
        ("gzip size, MB", f"{packed / 1e6:.1f}"),
        ("update by one result, microseconds", f"{update * 1e6:.1f}"),
    ]
    print(measure.table(f"/metrics with {endpoints} endpoints", ["", "median (least-most)"], rows))
    print(measure.table("Goals", ["goal", "figure", "bound", ""], [goal.row() for goal in goals]))
    measure.write("exposition", dict(rows), goals)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.exposition", description=__doc__)
    parser.add_argument("--endpoints", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    pin(PROBER_CORE)
    uvloop.run(run(arguments.endpoints, arguments.repeats))


if __name__ == "__main__":
    main()
