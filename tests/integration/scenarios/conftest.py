"""What the scenarios share: a world a test, and the seconds from each fault to its message."""

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.scenarios.inventory import Inventory
from tests.integration.scenarios.world import World, world

MEASURED = "seconds to the message"


@pytest.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    """Start everything over an inventory and wait until all is calm."""
    async with AsyncExitStack() as stack:

        async def start(inventory: Inventory, *, calm: bool = True) -> World:
            everything = await stack.enter_async_context(world(tmp_path, inventory))
            await everything.start()
            if calm:
                await everything.calm()
            return everything

        yield start


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Callable[[datetime, datetime], None]:
    """Note the seconds from a fault to its message: shown at the end of the run, never asserted."""

    def note(fault: datetime, told: datetime) -> None:
        request.node.user_properties.append((MEASURED, (told - fault).total_seconds()))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of the scenarios, also as build/scenarios.json."""
    reports = [report for report in terminalreporter.stats.get("passed", ()) if report.when == "call"]
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
