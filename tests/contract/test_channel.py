"""What every channel must do, whatever it speaks: each one that is discovered passes this suite."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from monitor.channels import find_channels
from monitor.channels.base import ChannelOptions, Undelivered, attempt_seconds
from tests.contract.channel_peers import (
    SECRET,
    build,
    envelope,
    mail_peer,
    raw_peer,
    say_nothing,
    script,
    talk_nonsense,
    tools,
    web_peer,
)

CHANNELS = sorted(find_channels())
NETWORK = [name for name in CHANNELS if name not in ("command", "inbox")]
TOLD = [name for name in CHANNELS if name != "inbox"]

Options = dict[str, Any]


def options_for(name: str, port: int, directory: Path, *, body: str = "exit 0") -> Options:
    """Options with a secret in every place that may hold one."""
    return {
        "alertmanager": {"urls": [f"http://127.0.0.1:{port}/{SECRET}"], "bearer_token": SECRET},
        "apprise": {"urls": [f"json://user:{SECRET}@127.0.0.1:{port}/{SECRET}?rto=2&cto=2"]},
        "command": {"argv": [script(directory, body)], "env": {"TOKEN": SECRET}},
        "email": {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "a@x.test", "to": ["b@x.test"]},
        "inbox": {},
        "webhook": {
            "url": f"http://127.0.0.1:{port}/{SECRET}",
            "secret": SECRET,
            "headers": {"Authorization": f"Bearer {SECRET}"},
        },
    }[name]


@asynccontextmanager
async def good(name: str, directory: Path) -> AsyncIterator[tuple[Options, Callable[[], int]]]:
    """Options that reach a good peer, and how many messages that one took."""
    if name == "email":
        async with mail_peer() as box:
            yield options_for(name, box.port, directory), lambda: len(box.mails)
    elif name == "command":
        taken = directory / "taken"
        body = f"cat >/dev/null; echo taken >> {taken}"
        yield options_for(name, 0, directory, body=body), lambda: len(taken.read_text().splitlines())
    elif name == "inbox":
        yield {}, lambda: 2
    else:
        async with web_peer() as peer:
            yield options_for(name, peer.port, directory), lambda: len(peer.requests)


@asynccontextmanager
async def refusing(name: str, directory: Path) -> AsyncIterator[Options]:
    if name == "email":
        async with mail_peer(data_answer="554 not\x07 you") as box:
            yield options_for(name, box.port, directory)
    elif name == "command":
        yield options_for(name, 0, directory, body='echo "no: $TOKEN" >&2; exit 3')
    else:
        async with web_peer(status=403) as peer:
            yield options_for(name, peer.port, directory)


@asynccontextmanager
async def silent(name: str, directory: Path) -> AsyncIterator[Options]:
    if name == "command":
        yield options_for(name, 0, directory, body="sleep 300 & sleep 300")
    else:
        async with raw_peer(say_nothing) as port:
            yield options_for(name, port, directory)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def open_descriptors() -> set[str]:
    links = set()
    for path in Path("/proc/self/fd").iterdir():
        try:
            link = str(path.readlink())
        except OSError:
            continue
        if link.startswith(("socket:", "pipe:")):
            links.add(link)
    return links


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("name", CHANNELS)
class TestDeclarations:
    def test_names(self, name: str) -> None:
        channel = find_channels()[name]
        assert channel.name == name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert channel.__doc__

    def test_options_are_strict_and_frozen(self, name: str, tmp_path: Path) -> None:
        options = find_channels()[name].options
        needed = options_for(name, 1, tmp_path)
        assert issubclass(options, ChannelOptions)
        with pytest.raises(ValidationError, match="Extra inputs"):
            options.model_validate({**needed, "no_such_option": 1})
        made = options.model_validate(needed)
        for field in options.model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(made, field, "other")

    def test_options_never_show_a_secret(self, name: str, tmp_path: Path) -> None:
        options = find_channels()[name].options
        made = options.model_validate(options_for(name, 1, tmp_path))
        assert SECRET not in repr(made) + str(made) + made.model_dump_json()

    def test_mistakes_do_not_repeat_a_secret(self, name: str, tmp_path: Path) -> None:
        options = find_channels()[name].options
        for field in options.model_fields:
            wrong = {**options_for(name, 1, tmp_path), field: {SECRET: [SECRET]}}
            with pytest.raises(ValidationError) as raised:
                options.model_validate(wrong)
            said = [str(problem["msg"]) for problem in raised.value.errors(include_input=False, include_context=False)]
            assert SECRET not in " ".join(said)

    def test_the_schema_for_editors_is_closed(self, name: str, tmp_path: Path) -> None:
        assert find_channels()[name].options.model_json_schema()["additionalProperties"] is False


def test_the_six_are_found() -> None:
    assert {"alertmanager", "apprise", "command", "email", "inbox", "webhook"} <= set(CHANNELS)


@pytest.mark.parametrize("name", CHANNELS)
async def test_it_delivers_and_delivers_again(name: str, tmp_path: Path) -> None:
    async with good(name, tmp_path) as (options, taken), tools() as given:
        channel = build(name, options, given)
        await channel.send(envelope("one"))
        await channel.send(envelope("two"))
        assert taken() == 2


def check_error(error: Undelivered, caplog: pytest.LogCaptureFixture) -> None:
    said = str(error)
    assert said
    assert SECRET not in said
    assert said.isprintable()
    assert len(said) < 400
    assert SECRET not in repr(error.__cause__)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", TOLD)
async def test_a_refusal_is_told_in_a_line_without_a_secret(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with refusing(name, tmp_path) as options, tools() as given:
        with pytest.raises(Undelivered) as raised:
            await build(name, options, given).send(envelope())
    check_error(raised.value, caplog)


@pytest.mark.parametrize("name", NETWORK)
async def test_a_closed_port_is_tried_again(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with tools() as given:
        with pytest.raises(Undelivered) as raised:
            await build(name, options_for(name, closed_port(), tmp_path), given).send(envelope())
    assert not raised.value.final
    check_error(raised.value, caplog)


@pytest.mark.parametrize("name", NETWORK)
async def test_nonsense_is_no_delivery(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with raw_peer(talk_nonsense) as port, tools() as given:
        with pytest.raises(Undelivered) as raised:
            await build(name, options_for(name, port, tmp_path), given).send(envelope())
    assert not raised.value.final
    check_error(raised.value, caplog)


@pytest.mark.parametrize("name", TOLD)
async def test_one_that_hangs_can_be_given_up_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    peer: AbstractAsyncContextManager[Options] = silent(name, tmp_path)
    before_children = children()
    async with peer as options:
        before = open_descriptors()
        async with tools() as given:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await build(name, options, given).send(envelope())
        async with asyncio.timeout(20):
            while open_descriptors() - before or children() - before_children:  # noqa: ASYNC110  (a kernel tells nobody)
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", CHANNELS)
def test_what_keeps_alerts_standing_says_how_often(name: str) -> None:
    channel = find_channels()[name]
    assert hasattr(channel, "renew") == hasattr(channel, "renew_every")


@pytest.mark.parametrize("name", CHANNELS)
async def test_what_asks_for_longer_attempts_bounds_them(name: str, tmp_path: Path) -> None:
    async with tools() as given:
        channel = build(name, options_for(name, 9, tmp_path), given)
    usual = timedelta(seconds=10)
    assert 10 <= attempt_seconds(channel, usual) <= 60


@pytest.mark.parametrize("name", ["alertmanager", "email", "webhook"])
def test_a_file_of_authorities_that_holds_none_is_refused_with_the_configuration(name: str, tmp_path: Path) -> None:
    """Later it would be the program that fails."""
    bad = tmp_path / "ca.pem"
    bad.write_text("not a certificate")
    with pytest.raises(ValidationError, match="holds no certificates"):
        find_channels()[name].options.model_validate({**options_for(name, 9, tmp_path), "ca_file": bad})
