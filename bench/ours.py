"""Our side of bench.probes, as a process of its own: from due to accepted result, for one protocol.

``python -m bench.ours PROTOCOL PORT AT_ONCE SECONDS [CA]`` prints ``{"probes", "failed", "cpu_seconds"}``: CPU
time after the first second, through schedule, runner, board and pipeline; results are counted, not stored.

More is due than can be done and AT_ONCE probes are under way, as with the peers: a prober with time to spare pays for
waking up for every few packets, and how much that is depends on the load, not on the prober.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from bench.measure import PROBER_CORE, pin
from bench.peers import targets
from monitor.board import Applied, Board
from monitor.config.model import Config, Endpoint, Module, Point
from monitor.model import EndpointKey, Outcome, Result, Transition
from monitor.pipeline import Pipeline
from monitor.probes import find_probers
from monitor.probes.network import Network
from monitor.runner import Runner
from monitor.schedule import Pulse, Schedule

WARM_UP_SECONDS = 1.0
ENDPOINTS = 500
INTERVAL = timedelta(milliseconds=25)
TICK = timedelta(milliseconds=1)
"""The program's five would leave the prober idle between two batches."""
OPTIONS: dict[str, dict[str, object]] = {
    "http": {
        "valid_status_codes": [200],
        "fail_if_body_not_matches_regexp": ["Một cửa"],
        "preferred_ip_protocol": "ip4",
    },
    "tcp": {"preferred_ip_protocol": "ip4"},
    "icmp": {"preferred_ip_protocol": "ip4"},
    "dns": {"query_name": "cua-nam.ward.lienthong.example", "query_type": "A", "preferred_ip_protocol": "ip4"},
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Count:
    """A sink that counts."""

    accepted: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        self.accepted += 1
        self.failed += result.outcome is not Outcome.UP

    async def write(self, transitions: Sequence[Transition]) -> bool:
        return True


def inventory(protocol: str, port: int, count: int, interval: timedelta) -> Config:
    """``count`` points of one endpoint each, a loopback address each, all of one module."""
    prober = "http" if protocol == "https" else protocol
    module = Module(name=prober, prober=prober, options=find_probers()[prober].options(**OPTIONS[prober]))
    points = []
    for number, target in enumerate(targets(protocol, count, port)):
        key = EndpointKey(f"point-{number}", "link")
        endpoint = Endpoint(
            key=key, name="link", target=target, module=module, interval=interval, timeout=timedelta(seconds=3),
            retry_every=timedelta(seconds=1), down_after=3, up_after=2, link=True, critical=True, declared=True,
            fingerprint=target,
        )  # fmt: skip
        points.append(Point(id=key.point, name=key.point, kind="ward", endpoints=(endpoint,)))
    return Config(points=tuple(points), modules={prober: module})


async def measure(protocol: str, port: int, at_once: int, seconds: float, ca_file: Path | None) -> dict[str, float]:
    config = inventory(protocol, port, ENDPOINTS, INTERVAL)
    count = Count()
    board = Board(config, clock=now)
    pipeline = Pipeline(board=board, results=count, journal=count)
    pulse = Pulse(clock=now)
    async with Network(ca_file=ca_file) as network:
        runner = Runner(network=network, vantage="local", pulse=pulse, clock=now)

        async def probe(endpoint: Endpoint) -> Applied:
            return pipeline.accept(await runner.run(endpoint))

        schedule = Schedule(probe=probe, pulse=pulse, clock=now, age=pipeline.age, in_flight_limit=at_once, tick=TICK)
        schedule.load(config.endpoints())
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(pipeline.run()), tasks.create_task(schedule.run())]
            await asyncio.sleep(WARM_UP_SECONDS)
            gc.collect()
            gc.freeze()
            before, accepted = cpu(), count.accepted
            await asyncio.sleep(seconds)
            spent, probes = cpu() - before, count.accepted - accepted
            for task in running:
                task.cancel()
    return {"probes": probes, "failed": count.failed, "cpu_seconds": spent}


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    protocol, port, at_once, seconds, *rest = sys.argv[1:]
    pin(PROBER_CORE)
    ca_file = Path(rest[0]) if rest else None
    print(json.dumps(uvloop.run(measure(protocol, int(port), int(at_once), float(seconds), ca_file))))


if __name__ == "__main__":
    main()
