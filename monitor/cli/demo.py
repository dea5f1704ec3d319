"""``monitor demo``: the whole program on the simulated network, which runs as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from monitor import app
from monitor.calendar.model import Window
from monitor.cli.arguments import Commands, address, at_address
from monitor.cli.run import serve
from monitor.config import load
from monitor.config.model import Config, Resolution, Storage
from monitor.field import story

STABLE_AFTER = timedelta(minutes=1)
STOP_SECONDS = 5
JOIN_SECONDS = 60
JOIN_EVERY_SECONDS = 0.2
FLAPPING_WINDOW = timedelta(seconds=80)
FLAPPING_ENTER = 3
"""The second failure within the window is told as flapping: shorter than what lies between two chapters of the story
that strike the same ward."""


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "demo",
        help="watch a simulated network on this machine",
        description="Serves every host of FILE on 127.0.0.0/8 (DNS, TLS, HTTP, TCP), watches them, and plays a story "
        "of faults over and over. Nothing leaves this machine. History is kept in DIRECTORY.",
    )
    parser.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--listen", type=address, metavar="HOST:PORT", help="overrides the file's server.listen")
    parser.add_argument("--data", type=Path, default=Path("var/demo"), metavar="DIRECTORY", help="default: %(default)s")
    parser.add_argument(
        "--subnet", default="127.77.0.0/16", help="the simulated hosts' addresses; default: %(default)s"
    )
    parser.add_argument(
        "--field",
        type=Path,
        default=os.environ.get("MONITOR_FIELD") or None,
        metavar="FILE",
        help="join the simulated network that runs in another process of this network namespace and wrote FILE "
        "(python -m monitor.field --ready-file FILE); history is then kept where the configuration says; default: the "
        "environment's MONITOR_FIELD",
    )
    parser.add_argument("--no-story", action="store_true", help="nothing fails but what the control surface is told")
    parser.set_defaults(command=command)


@dataclass(frozen=True, slots=True)
class Field:
    """Where the simulated network is to be found."""

    servers: tuple[tuple[str, int], ...]
    ca_file: Path
    control: str


def command(arguments: argparse.Namespace) -> int:
    """Run until told to stop."""
    return serve(partial(_demo, arguments))


async def _demo(arguments: argparse.Namespace) -> None:
    load(arguments.config, placeholders=True)  # a mistake is told before anything starts
    joining = arguments.field is not None
    async with joined_network(arguments.field) if joining else simulated_network(arguments) as field:
        begun = None if arguments.no_story else datetime.now(UTC)

        def read() -> Config:
            config = load(arguments.config, placeholders=True)
            shown = at_address(on_field(config, field, arguments.data, story_begun=begun), arguments.listen)
            # Beside other programs the configuration knows better than the demo where the wall and the history are.
            return replace(shown, storage=config.storage) if joining else linked(shown)

        await app.serve(load=read, announce=partial(_announce, arguments, field), simulated=True)


def on_field(config: Config, field: Field, data: Path, *, story_begun: datetime | None) -> Config:
    """The configuration as the demo runs it: names, authority and storage of the simulated network, patience for who
    watches for some minutes, no closing time, and the work that the story plans."""
    windows = upkeep_windows(config, story_begun) if story_begun is not None else ()
    flapping = config.flapping
    return replace(
        config,
        # Whoever watches at night is to see what would be sent too.
        points=tuple(replace(point, hours="") for point in config.points),
        maintenance=(*config.maintenance, *windows),
        flapping=replace(
            flapping, window=min(FLAPPING_WINDOW, flapping.window), enter=min(FLAPPING_ENTER, flapping.enter)
        ),
        resolution=Resolution(servers=field.servers),
        ca_file=field.ca_file,
        stable_after=min(STABLE_AFTER, config.stable_after),
        storage=Storage(url=f"sqlite+aiosqlite:///{data / 'monitor.db'}", spool=data / "spool"),
    )


def linked(config: Config) -> Config:
    """The configuration with messages that link to this wall, wherever it listens; to the file's while its port isn't
    known yet."""
    if not config.server.port:
        return config
    return replace(config, alerts=replace(config.alerts, url=f"http://{config.server.host}:{config.server.port}"))


def upkeep_windows(config: Config, begun: datetime) -> tuple[Window, ...]:
    """The windows of the work that the story plans in each of its rounds, the first of which began at ``begun``."""
    planned = story.upkeep(config)
    if planned is None:
        return ()
    return tuple(
        Window(
            id=f"demo-{number}",
            name="Bảo trì nguồn điện",
            begin=begun + planned.after + number * story.ROUND,
            duration=planned.lasts,
            rule="FREQ=HOURLY",
            points=(planned.point.id,),
        )
        for number in range(timedelta(hours=1) // story.ROUND)
    )


@asynccontextmanager
async def joined_network(file: Path) -> AsyncIterator[Field]:
    """The simulated network that another process serves, once it has written ``file``. Raises CannotStart."""
    try:
        async with asyncio.timeout(JOIN_SECONDS):
            while (line := await asyncio.to_thread(_read, file)) is None:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(JOIN_EVERY_SECONDS)
    except TimeoutError as error:
        raise app.CannotStart(f"no simulated network has written {file} within {JOIN_SECONDS} s") from error
    yield _field(line)


def _read(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


def _field(line: str | bytes) -> Field:
    """What the simulated network says when it listens."""
    ready = json.loads(line)
    servers = tuple((host, port) for host, port in ready["servers"])
    return Field(servers=servers, ca_file=Path(ready["ca_file"]), control=ready["control"])


@asynccontextmanager
async def simulated_network(arguments: argparse.Namespace) -> AsyncIterator[Field]:
    """The simulated network's process, for as long as the context lasts. Raises CannotStart.

    It has a session of its own, so that Ctrl-C reaches only the monitor, and ends when its standard input does, so
    that it never outlives the monitor, however that ends.
    """
    command = [sys.executable, "-m", "monitor.field", "--config", str(arguments.config), "--subnet", arguments.subnet]
    command += ["--ca-file", str(arguments.data / "simulated-ca.pem")] + ([] if arguments.no_story else ["--story"])
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise app.CannotStart(
                f"the simulated network did not start (see above; is another demo running? then try "
                f"--subnet 127.78.0.0/16): exit status {await process.wait()}"
            )
        yield _field(line)
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _announce(arguments: argparse.Namespace, field: Field, config: Config, url: str) -> None:
    probed = sum(endpoint.declared for endpoint in config.endpoints())
    plot = (
        "It plays a story, over and over: a ward goes down and comes back, one is slow, an area loses its line,\n"
        "one flaps, the spare circuit is lost, planned work, and the hub's uplink fails; calm in between.\n"
        if not arguments.no_story
        else ""
    )
    seconds = f"{config.stable_after.total_seconds():g}"
    kept = "where the configuration says" if arguments.field else f"in {arguments.data}/"
    print(
        f"\n  The wall: {url}\n\n"
        f"This is a SIMULATED network: {len(config.points)} points, {probed} endpoints on {arguments.subnet}.\n"
        f"{plot}"
        f"Here a point counts as stable after {seconds} seconds. History is kept {kept}.\n"
        f"Make a host fail yourself:  curl -X PUT {field.control}/hosts -d "
        '\'{"hosts": ["*.ward.lienthong.example"], "conduct": "hang"}\'\n\n'
        f"The real network: replace the placeholder hosts in {arguments.config}, then  monitor run --config "
        f"{arguments.config}\nCtrl-C stops.\n",
        flush=True,
    )
