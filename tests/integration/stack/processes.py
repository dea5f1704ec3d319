"""Real programs on loopback, each a process of its own: the monitor, Prometheus, blackbox_exporter, Alertmanager."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE_SECONDS = 60
OFTEN_SECONDS = 0.05


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(holds: Callable[[], Awaitable[object]], what: str) -> Any:
    """Ask until it holds, and give back what held."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := await holds()):  # noqa: ASYNC110  (another process tells nobody)
                await asyncio.sleep(OFTEN_SECONDS)
            return found
    except TimeoutError:
        raise AssertionError(f"never: {what}") from None


@asynccontextmanager
async def process(*words: str, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process, ended with the context; stderr goes to ``log``."""
    with log.open("a") as file:
        started = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=file)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await started.communicate()


@asynccontextmanager
async def monitor(config: Path) -> AsyncIterator[str]:
    """``monitor run``; its address."""
    log = config.parent / "monitor.log"
    async with process(sys.executable, "-m", "monitor", "run", "--config", str(config), log=log) as started:
        assert started.stdout is not None
        line = (await started.stdout.readline()).decode()
        assert "http" in line, f"it did not start: {line}{log.read_text()}"
        yield line.split()[-1].rstrip("/")


@asynccontextmanager
async def blackbox_exporter(config: Path) -> AsyncIterator[str]:
    """Its host and port."""
    at = f"127.0.0.1:{free_port()}"
    words = ["prometheus-blackbox-exporter", f"--config.file={config}", f"--web.listen-address={at}"]
    async with process(*words, log=config.parent / "blackbox.log"):
        await until(lambda: answers(f"http://{at}/-/healthy"), "blackbox_exporter")
        yield at


@asynccontextmanager
async def prometheus(folder: Path, configuration: Mapping[str, Any], *, port: int = 0) -> AsyncIterator[str]:
    """Prometheus over ``configuration``, with its state in ``folder``; its address."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240  (a test's own folder)
    (folder / "prometheus.json").write_text(json.dumps(configuration))
    at = f"127.0.0.1:{port or free_port()}"
    words = ["prometheus", f"--config.file={folder}/prometheus.json", f"--storage.tsdb.path={folder}/data"]
    async with process(*words, f"--web.listen-address={at}", log=folder / "log"):
        await until(lambda: answers(f"http://{at}/-/ready"), "Prometheus")
        yield f"http://{at}"


@asynccontextmanager
async def alertmanager(folder: Path, configuration: Mapping[str, Any], *, port: int) -> AsyncIterator[str]:
    """Alertmanager over ``configuration``, with its state in ``folder``; its address."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240  (a test's own folder)
    (folder / "alertmanager.yml").write_text(json.dumps(configuration))
    words = ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data"]
    words += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    async with process(*words, log=folder / "log"):
        await until(lambda: answers(f"http://127.0.0.1:{port}/-/ready"), "Alertmanager")
        yield f"http://127.0.0.1:{port}"


async def amtool(*words: str) -> str:
    """What amtool says; it must succeed."""
    started = await asyncio.create_subprocess_exec(
        "amtool", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await started.communicate()
    assert started.returncode == 0, said.decode()
    return said.decode().strip()


async def answers(url: str) -> bool:
    """Whether there is a good answer."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
