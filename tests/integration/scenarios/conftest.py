"""What the scenarios share: a world a test, and the seconds from each fault to its message."""

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.scenarios.inventory import Inventory
from tests.integration.scenarios.world import World, world

MEASURED = "seconds to the message"


@pytest.fixture
async def begin(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., object]]:
    """Start everything over an inventory and wait until all is calm.

    The seconds from the first fault to the first message are noted: shown at the end of the run, never asserted.
    """
    worlds: list[World] = []
    async with AsyncExitStack() as stack:

        async def start(inventory: Inventory, *, calm: bool = True) -> World:
            everything = await stack.enter_async_context(world(tmp_path, inventory))
            worlds.append(everything)
            await everything.start()
            if calm:
                await everything.calm()
            return everything

        yield start
    for each in worlds:
        if each.struck_at and each.receiver.arrived:
            seconds = (each.receiver.arrived[0] - each.struck_at).total_seconds()
            request.node.user_properties.append((MEASURED, seconds))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of the scenarios, also as build/scenarios.json."""
    reports = [each for each in terminalreporter.stats.get("", ()) if getattr(each, "when", "") == "teardown"]
    found = {
        report.nodeid.rpartition("::")[2]: seconds
        for report in reports
        for name, seconds in report.user_properties
        if name == MEASURED
    }
    if not found:
        return
    terminalreporter.section("seconds from the fault to the message")
    for name, seconds in sorted(found.items()):
        terminalreporter.write_line(f"{seconds:8.2f}  {name}")
    folder = config.rootpath / "build"
    folder.mkdir(exist_ok=True)
    (folder / "scenarios.json").write_text(json.dumps(found, indent=1, sort_keys=True))


@pytest.fixture
def unused_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
