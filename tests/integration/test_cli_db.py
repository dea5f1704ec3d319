"""`monitor db` as a shell calls it: what it prints and what it exits with."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.storage.records import AuditRow
from monitor.storage.spool import Spool
from monitor.storage.store import Store


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose database, in the working directory, has one row."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "endpoints.yaml"
    file.write_text(
        "storage: {url: 'sqlite+aiosqlite:///history.db', spool: spool, spool_size: 1MB}\n"
        "kinds: {ward: {endpoints: {link: {module: tcp, target: '{host}:443', link: true}}}}\n"
        "modules: {tcp: {prober: tcp}}\n"
        "points: [{id: a, kind: ward, name: A, host: a.vn}]\n"
    )
    asyncio.run(act("first"))
    return file


async def act(name: str) -> None:
    store = Store("sqlite:///history.db")
    await store.write_audit(AuditRow(at=datetime.now(UTC), actor=name, act="reload", subject="configuration"))
    await store.close()


def test_back_and_forth(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "backups").mkdir()
    assert main(["db", "backup", "backups", "--config", str(config)]) == 0
    (backup,) = (tmp_path / "backups").iterdir()
    assert capsys.readouterr().out.startswith(f"backups/{backup.name}: 1 rows, ")

    assert main(["db", "restore", str(backup), "--config", str(config)]) == 1
    assert capsys.readouterr().err == (
        "monitor db restore: history.db is not empty (1 rows); say --force to replace it: it is kept beside\n"
    )
    assert main(["db", "restore", str(backup), "--force", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert f"Restored {backup}: 1 rows" in said
    assert "What was there before is now history.db.replaced-" in said


def test_what_is_wrong_is_said_in_a_line(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "backup", "endpoints.yaml", "--config", str(config)]) == 1
    assert capsys.readouterr().err == "monitor db backup: endpoints.yaml exists; give another name\n"
    assert main(["db", "restore", "endpoints.yaml", "--config", str(config)]) == 1
    assert "monitor db restore: endpoints.yaml: it is no SQLite database" in capsys.readouterr().err
    assert main(["db", "backup", "x.db", "--config", "nowhere.yaml"]) == 1
    assert "nowhere.yaml" in capsys.readouterr().err


def test_no_restore_under_a_running_monitor(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "backup", "copy.db", "--config", str(config)]) == 0
    running = Spool(tmp_path / "spool", 1024 * 1024)
    running.open()
    assert main(["db", "restore", "copy.db", "--force", "--config", str(config)]) == 1
    assert "is in use: another monitor runs on it" in capsys.readouterr().err
    running.close()
    assert main(["db", "restore", "copy.db", "--force", "--config", str(config)]) == 0
