"""3,000 endpoints that never answer: what each costs in memory while its probe is under way."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import socket
from datetime import timedelta

import uvloop

from bench import measure
from bench.measure import Goal
from bench.ours import inventory, now
from monitor.probes.network import Network
from monitor.runner import Runner, Steady


def silent_server() -> tuple[socket.socket, int]:
    """Accepts into its backlog and never says anything."""
    server = socket.socket()
    server.bind(("0.0.0.0", 0))
    server.listen(4096)
    return server, int(server.getsockname()[1])


async def run(endpoints: int) -> None:
    server, port = silent_server()
    config = inventory("http", port, endpoints, timedelta(seconds=300))
    async with Network() as network:
        runner = Runner(network=network, vantage="local", pulse=Steady(), clock=now)
        first = next(config.endpoints())
        async with asyncio.TaskGroup() as tasks:
            warm = tasks.create_task(runner.run(first))
            await asyncio.sleep(0.5)
            warm.cancel()
        gc.collect()
        before = measure.resident_bytes(os.getpid())
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(runner.run(endpoint)) for endpoint in config.endpoints()]
            await asyncio.sleep(2)
            under_way = sum(not task.done() for task in running)
            after = measure.resident_bytes(os.getpid())
            for task in running:
                task.cancel()
    server.close()
    each = (after - before) / endpoints / 1024
    goals = [Goal("memory of a hanging endpoint, KiB", each, at_most=8)]
    rows = [("under way", str(under_way)), ("KiB each", f"{each:.2f}")]
    print(measure.table(f"{endpoints} hanging HTTP endpoints", ["", ""], rows))
    print(measure.table("Goals", ["goal", "figure", "bound", ""], [goal.row() for goal in goals]))
    measure.write("hanging", dict(rows), goals)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hanging", description=__doc__)
    parser.add_argument("--endpoints", type=int, default=3000)
    uvloop.run(run(parser.parse_args().endpoints))


if __name__ == "__main__":
    main()
