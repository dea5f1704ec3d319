"""``python -m monitor.field``: serve a configuration's simulated network until standard input ends or a signal comes.

When everything listens it prints one line of JSON: ``{"servers": [[address, port]], "ca_file": path, "control": url}``,
and writes it to ``--ready-file``, which is there only while it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import uvloop
from aiohttp import web

from monitor.config import ConfigError, load
from monitor.config.model import Config
from monitor.field.authority import Authority
from monitor.field.control import Control
from monitor.field.hosts import hosts_of, servers_of
from monitor.field.network import SimulatedNetwork
from monitor.field.story import play


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m monitor.field", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the inventory whose hosts are served")
    parser.add_argument("--ca-file", type=Path, required=True, help="where the authority's certificate is written")
    parser.add_argument("--subnet", type=IPv4Network, default=IPv4Network("127.77.0.0/16"), help="the hosts' addresses")
    parser.add_argument("--control", default="127.0.0.1:0", help="the control surface's address:port")
    parser.add_argument("--ready-file", type=Path, help="where the line that is printed is written too")
    parser.add_argument("--story", action="store_true", help="play the demo's story")
    return parser.parse_args()


async def _end_of_input() -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 4096) else ended.set())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    loop.remove_reader(sys.stdin.fileno())


@contextmanager
def _told(file: Path | None, line: str) -> Iterator[None]:
    """The file holds the line, never a part of it, for as long as the context lasts."""
    if file is None:
        yield
        return
    part = file.with_name(f".{file.name}.part")
    part.write_text(line)
    part.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


async def _serve(arguments: argparse.Namespace, config: Config) -> None:
    authority = Authority()
    authority.write_root(arguments.ca_file)
    hosts = hosts_of(config, arguments.subnet)
    async with SimulatedNetwork(hosts, authority=authority) as network:
        runner = web.AppRunner(Control(network).application(), access_log=None)
        await runner.setup()
        address, _, port = arguments.control.rpartition(":")
        site = web.TCPSite(runner, address, int(port))
        try:
            await site.start()
            control = f"http://{address}:{runner.addresses[0][1]}"
            ready = {"servers": servers_of(hosts.values()), "ca_file": str(arguments.ca_file), "control": control}
            print(json.dumps(ready), flush=True)
            with _told(arguments.ready_file, json.dumps(ready)):
                async with asyncio.TaskGroup() as tasks:
                    story = tasks.create_task(play(config, network)) if arguments.story else None
                    await _end_of_input()
                    if story is not None:
                        story.cancel()
        finally:
            await runner.cleanup()


def main() -> int:
    arguments = _arguments()
    if arguments.ready_file:
        arguments.ready_file.unlink(missing_ok=True)  # of one that was killed
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    try:
        uvloop.run(_serve(arguments, load(arguments.config, placeholders=True)))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"the simulated network cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
