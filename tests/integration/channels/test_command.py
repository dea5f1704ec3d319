"""Commands as real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from monitor.channels.base import Undelivered
from monitor.channels.command import CommandOptions
from tests.contract.channel_peers import build, envelope, script, tools


async def send(argv: list[str], said: Any = None, **options: Any) -> None:
    async with tools() as given:
        await build("command", {"argv": argv, **options}, given).send(said or envelope())


async def test_it_gets_the_message_and_nothing_of_ours(tmp_path: Path) -> None:
    os.environ["OURS_ALONE"] = "secret"
    try:
        path = script(
            tmp_path,
            f'cat > {tmp_path}/stdin; env > {tmp_path}/env; printf "%s|" "$@" > {tmp_path}/argv; pwd > {tmp_path}/pwd',
        )
        await send([path, "--to={severity}", "{short} {id}", "{no} {kind}"], env={"MODEM": "/dev/ttyUSB0"})
    finally:
        del os.environ["OURS_ALONE"]
    said = json.loads((tmp_path / "stdin").read_text())
    assert (said["schema"], said["id"], said["items"][0]["number"]) == ("lienthong.message.v1", "8c1f0a2b", 12)
    assert (tmp_path / "argv").read_text() == "--to=critical|Phuong Ba Dinh mat ket noi 8c1f0a2b|{no} opened|"
    environment = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert environment["MESSAGE_SHORT"] == "Phuong Ba Dinh mat ket noi"
    assert environment["MESSAGE_TITLE"] == "Phường Ba Đình mất kết nối"
    assert environment["MODEM"] == "/dev/ttyUSB0"
    assert not {"OURS_ALONE", "HOME", "USER"} & environment.keys()
    assert (tmp_path / "pwd").read_text() == "/\n"


async def test_what_is_said_is_never_a_command(tmp_path: Path) -> None:
    path = script(tmp_path, f'printf "%s" "$1" > {tmp_path}/argv')
    said = envelope(short=f"$(touch {tmp_path}/oops) {{id}}; `touch {tmp_path}/oops`", title="nul\0l")
    await send([path, "{short}"], said)
    assert (tmp_path / "argv").read_text() == said.short
    assert not (tmp_path / "oops").exists()


async def test_one_that_reads_nothing_is_none_the_worse(tmp_path: Path) -> None:
    await send([script(tmp_path, "exec <&-; exit 0")], envelope(text="x" * 1_000_000))


async def test_a_failure_says_how_it_ended_and_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(Undelivered, match=r"tell exited with 7: modem busy$") as raised:
        await send([script(tmp_path, 'echo "modem"; echo "busy" >&2; exit 7')])
    assert not raised.value.final


async def test_one_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(Undelivered, match=r"tell exited with 1$"):
        await send([script(tmp_path, "exit 1")])


async def test_one_that_is_killed(tmp_path: Path) -> None:
    with pytest.raises(Undelivered, match=f"was ended by signal {signal.SIGTERM.value}"):
        await send([script(tmp_path, "kill -TERM $$")])


async def test_endless_output_is_read_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(Undelivered) as raised:
        await send([script(tmp_path, "head -c 5000000 /dev/zero | tr '\\0' x; exit 1")])
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("body", ["sleep 300 & sleep 300", "trap '' TERM; sleep 300 & wait"])
async def test_one_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path, body: str) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with pytest.raises(Undelivered, match=r"took longer than 0\.3 s") as raised:
        await send([script(tmp_path, body)], timeout="300ms")
    assert not raised.value.final
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


async def test_what_it_leaves_running_ends_with_it(tmp_path: Path) -> None:
    await send([script(tmp_path, f"sleep 300 & echo $! > {tmp_path}/pid")])
    left = int((tmp_path / "pid").read_text())
    async with asyncio.timeout(10):
        while psutil.pid_exists(left) and psutil.Process(left).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "why"),
    [("/no/such/command", "No such file"), ("/etc/passwd", "Permission denied"), ("/etc/passwd/x", "Not a directory")],
)
async def test_one_that_cannot_be_run_is_final(path: str, why: str) -> None:
    with pytest.raises(Undelivered, match=why) as raised:
        await send([path])
    assert raised.value.final


@pytest.mark.parametrize(
    "wrong", [{"argv": []}, {"argv": ["gammu"]}, {"argv": ["/bin/true", "a\0b"]}, {"timeout": "0s"}]
)
def test_options_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        CommandOptions.model_validate({"argv": ["/bin/true"], **wrong})
