"""The commands that talk to the running program, against the real one; and those on its database."""

import argparse
import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from monitor.cli import main
from monitor.cli.client import length, moment
from monitor.incidents.model import EventKind, IncidentEvent, Message, MessageKind
from monitor.storage.store import Store

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
World = Any
Say = Callable[..., Any]


@pytest.fixture
def say(world: World, capsys: pytest.CaptureFixture[str]) -> Say:
    """Call a command at the world's address: its exit status, what it printed, and what it complained of."""

    async def call(*arguments: str, url: str | None = None) -> tuple[int, str, str]:
        given = [*arguments, "--url", url or world.url]
        status = await asyncio.to_thread(main, given)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def rows(text: str) -> list[list[str]]:
    """A table's lines, cut where columns are apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]


async def test_incidents_are_listed(say: Say) -> None:
    status, out, _ = await say("incident", "list")
    assert status == 0
    head, first = rows(out)
    assert head[:4] == ["No.", "severity", "where", "began"]
    assert first == ["1", "critical", "Xã Minh Châu", "23/11/2026 10:30:00", "open", "1/1"]
    assert (await say("incident", "list", "--state", "closed"))[1] == "No incidents.\n"
    status, out, _ = await say("incident", "list", "--json")
    assert json.loads(out)["incidents"][0]["number"] == 1


async def test_more_than_fits_is_said(world: World, say: Say) -> None:
    for number in (2, 3):
        data = {"number": number, "fault": "vantage:", "severity": "critical", "began": NOW.isoformat()}
        event = IncidentEvent(
            id=f"e{number}", incident=f"i{number}", kind=EventKind.OPENED, at=NOW, recorded_at=NOW, data=data
        )
        world.pipeline.record(events=[event])
    await world.pipeline.settled()
    _, out, _ = await say("incident", "list", "--limit", "2")
    assert [row[0] for row in rows(out)[1:3]] == ["3", "2"]
    assert rows(out)[1][2] == "the monitor's own network"
    assert "raise --limit" in out


async def test_an_incident_is_shown_whole(world: World, say: Say) -> None:
    uid = world.incidents.by_number(1).uid
    told = Message(id="m", incident=uid, kind=MessageKind.OPENED, channel="mail", route="r", created_at=NOW, due_at=NOW)
    await world.store.write_entries([told])
    await say("incident", "ack", "1", "--ticket", "[red]T-1", "--by", "Hà")
    await say("incident", "silence", "1", "--until-recovery")
    status, out, _ = await say("incident", "show", "1")
    assert status == 0
    shown = rows(out)
    assert ["taken by", "Hà at 23/11/2026 11:00:00 [red]T-1"] in shown
    assert ["silenced", "until recovery"] in shown
    assert ["minh-chau", "Xã Minh Châu", "down", "timeout", "23/11/2026 10:30:00"] in shown
    assert ["23/11/2026 11:00:00", "acknowledged", "Hà"] in shown
    assert ["23/11/2026 11:00:00", "opened", "mail", "waits"] in shown


async def test_what_operators_do_to_an_incident(world: World, say: Say) -> None:
    assert (await say("incident", "ack", "1", "--by", "Hà"))[1] == "Incident 1: acknowledged by Hà.\n"
    assert (await say("incident", "ack", "1", "--by", "Hà"))[1] == "Incident 1: Hà has acknowledged it already.\n"
    assert (await say("incident", "note", "1", "đã gọi"))[1] == "Incident 1: noted by local.\n"
    status, out, _ = await say("incident", "close", "1", "cable", "--text", "đứt cáp")
    assert (status, "it stays open until its points recover" in out) == (0, True)
    assert (await say("incident", "silence", "1", "--lift"))[1] == "Incident 1: messages are sent, as before.\n"
    status, out, _ = await say("incident", "silence", "1", "--until", "2026-11-23T23:30", "--json")
    assert json.loads(out)["incident"]["silenced"] == {"until": "2026-11-23T16:30:00.000000Z"}
    assert world.incidents.by_number(1).resolution == "cable"


async def test_a_refusal_is_one_line(say: Say, world: World) -> None:
    status, out, err = await say("incident", "ack", "77")
    assert (status, out, err) == (1, "", "monitor: there is no incident 77\n")
    status, _, err = await say("incident", "silence", "1", "--until", "2020-01-01")
    assert (status, err.startswith("monitor: until: lies in the past"), err.count("\n")) == (1, True, 1)
    status, _, err = await say("incident", "note", "1", "x", "--token", "lt_wrong")
    assert (status, err) == (1, "monitor: this bearer token is not known, or it has expired or was revoked\n")


async def test_a_token_is_presented(say: Say, token: str, world: World) -> None:
    assert (await say("incident", "note", "1", "x", "--token", token))[0] == 0
    (row, *_), _ = await world.store.audit(limit=5, cursor="")
    assert row.actor == "server.tokens"


async def test_nobody_there_or_somebody_else_is_said(say: Say) -> None:
    for url, words in (
        ("http://127.0.0.1:1", "nothing answers at http://127.0.0.1:1/api/v1/incidents"),
        ("nonsense", "nonsense/api/v1/incidents is no address"),
    ):
        status, out, err = await say("incident", "list", url=url)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert words in err


@pytest.mark.parametrize("text", ["<html>", "[]"])
async def test_what_answers_otherwise_than_the_program_is_said(say: Say, text: str) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(text=text)

    app = web.Application()
    app.router.add_get("/api/v1/incidents", other)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        status, _, err = await say("incident", "list", url="http://{}:{}".format(*runner.addresses[0][:2]))
    finally:
        await runner.cleanup()
    assert (status, "not as the monitor does; is --url right?" in err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("incident", "close", "1", "aliens"),
        ("incident", "silence", "1"),
        ("incident", "silence", "1", "--lift", "--until-recovery"),
        ("incident", "silence", "1", "--until", "soon"),
        ("maintenance", "add", "x", "--begin", "now", "--for", "2h"),
        ("maintenance", "add", "x", "--begin", "2026-11-23", "--for", "2 h"),
        ("maintenance", "add", "x", "--begin", "2026-11-23", "--for", "2h", "--label", "x"),
        ("token", "create"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_sent(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


async def test_work_is_planned_listed_and_cancelled(say: Say) -> None:
    assert (await say("maintenance", "list"))[1] == "No work is planned.\n"
    status, out, err = await say(
        "maintenance", "add", "thay cáp", "--begin", "2026-11-23T22:00", "--for", "2h", "--point", "cua-nam", "--area",
        "ba-vi", "--label", "provider=vnpt", "--by", "Hà",
    )  # fmt: skip
    assert status == 0, err
    assert out.startswith("thay cáp: 23/11/2026 22:00:00 to 24/11/2026 00:00:00; its id is ")
    name = out.rpartition(" ")[2].strip(".\n")
    _, out, _ = await say("maintenance", "list")
    assert rows(out)[1] == [
        name, "thay cáp", "planned", "23/11/2026 22:00:00", "24/11/2026 00:00:00",
        "cua-nam, area ba-vi, provider=vnpt", "stored",
    ]  # fmt: skip
    assert (await say("maintenance", "cancel", name))[1] == "thay cáp is cancelled.\n"
    assert (await say("maintenance", "cancel", name))[1] == "thay cáp was cancelled before.\n"
    _, out, _ = await say("maintenance", "list", "--all")
    assert rows(out)[1][:3] == [name, "thay cáp", "cancelled"]
    assert (await say("maintenance", "cancel", "no/where"))[0] == 1


async def test_what_is_wrong_with_a_window_is_told(say: Say) -> None:
    begin = ("--begin", "2026-11-23T22:00", "--end", "2026-11-23T21:00")
    status, _, err = await say("maintenance", "add", "x", *begin, "--point", "nowhere")
    assert (status, err.count("\n")) == (1, 1)
    assert "ends before it begins" in err
    assert "there is no point 'nowhere'" in err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "endpoints.yaml"
    path.write_text(
        "modules: {page: {prober: http}}\n"
        "kinds: {ward: {endpoints: {link: {module: page, link: true}}}}\n"
        "points: []\n"
        f"storage: {{url: 'sqlite+aiosqlite:///{tmp_path}/tokens.db', spool: '{tmp_path}/spool'}}\n"
        "server: {listen: '127.0.0.1:1'}\n",
        encoding="utf-8",
    )
    return path


async def first_run(path: Path) -> None:
    """The database that a first run leaves."""
    store = Store(f"sqlite:///{path}")
    await store.open()
    await store.close()


def test_tokens_are_made_listed_and_revoked(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ("--config", str(file))
    assert main(["token", "list", *config]) == 1, "no database is made where none is"
    assert "there is no" in capsys.readouterr().err
    assert not (tmp_path / "tokens.db").exists()
    asyncio.run(first_run(tmp_path / "tokens.db"))
    assert main(["token", "list", *config]) == 0
    assert capsys.readouterr().out == "No tokens.\n"
    assert main(["token", "create", "--name", "trực ca", "--scope", "operate", "--expires", "90d", *config]) == 0
    made = capsys.readouterr()
    text = made.out.strip()
    assert re.fullmatch(r"lt_[\w-]{43}", text)
    assert text.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("tokens.db*")), "it is not kept"
    assert main(["token", "list", "--json", *config]) == 0
    listed = capsys.readouterr().out
    (token,) = json.loads(listed)
    assert (token["name"], token["scope"], token["revoked_at"]) == ("trực ca", "operate", None)
    assert "digest" not in listed
    lasts = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(token["created_at"])
    assert abs(lasts - timedelta(days=90)) < timedelta(minutes=1)
    assert token["id"] in made.err
    for words in ("is revoked", "was revoked before"):
        assert main(["token", "revoke", token["id"], *config]) == 0
        assert words in capsys.readouterr().out
    assert main(["token", "revoke", "nobodys", *config]) == 1
    assert capsys.readouterr().err == "monitor token: there is no token 'nobodys'\n"
    assert main(["token", "list", *config]) == 0
    assert rows(capsys.readouterr().out)[1][:3] == [token["id"], "trực ca", "operate"]
    assert main(["token", "create", "--name", "x", "--expires", "2020-01-01", *config]) == 2
    acts = asyncio.run(audit(f"sqlite:///{tmp_path}/tokens.db"))
    assert acts == ["revoke token", "create token"]


async def audit(url: str) -> list[str]:
    store = Store(url)
    try:
        return [row.act for row in (await store.audit(limit=10, cursor=""))[0]]
    finally:
        await store.close()


def test_what_the_file_lacks_is_said(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incident", "list", "--config", str(file)]) == 1
    assert "nothing answers at http://127.0.0.1:1/" in capsys.readouterr().err
    nowhere = ("--config", str(tmp_path / "nowhere.yaml"))
    assert main(["incident", "list", *nowhere]) == 1
    assert "give --url" in capsys.readouterr().err
    assert main(["token", "list", *nowhere]) == 1
    (tmp_path / "tokens.db").mkdir()
    assert main(["token", "list", "--config", str(file)]) == 1
    assert "monitor token: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", timedelta(seconds=90)), ("30m", timedelta(minutes=30)), ("2h", timedelta(hours=2)), ("7d", timedelta(7))],
)
def test_lengths_of_time(text: str, expected: timedelta) -> None:
    assert length(text) == expected


@pytest.mark.parametrize("text", ["", "h", "0h", "-1h", "1.5h", "2w", "٣h", "9999999d"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write for example"):
        length(text)


def test_a_time_without_a_zone_is_hanois() -> None:
    assert moment("2026-11-23T22:00") == "2026-11-23T22:00:00+07:00"
    assert moment("2026-11-23T22:00Z") == "2026-11-23T22:00:00+00:00"
