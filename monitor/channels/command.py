"""A local command: an SMS modem, a siren, whatever the machine can do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, BinaryIO, ClassVar, cast

from pydantic import AfterValidator, Field, SecretStr

from monitor.channels.base import ChannelOptions, Envelope, Tools, Undelivered
from monitor.channels.document import document
from monitor.channels.types import Duration, one_line

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOST_OUTPUT_BYTES = 4096
_MARGIN = timedelta(seconds=2)
"""For starting it and, when it takes too long, ending it."""
_PLACE = re.compile(r"\{(short|title|id|severity|kind|url)\}")


def _argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv[0].startswith("/"):
        raise ValueError(f"{argv[0]!r} is looked for nowhere; write the command's whole path, such as /usr/bin/gammu")
    if any("\0" in argument for argument in argv):
        raise ValueError("an argument holds a null byte; remove it")
    return argv


class CommandOptions(ChannelOptions):
    """``argv`` is run as it stands, without a shell: the whole path of the command, then its arguments, in which
    ``{short}``, ``{title}``, ``{id}`` and ``{severity}`` are replaced. ``env`` are variables beside PATH and LANG."""

    argv: Annotated[tuple[str, ...], AfterValidator(_argv)] = Field(min_length=1)
    env: Mapping[str, SecretStr] = Field(default_factory=dict)
    timeout: Duration = timedelta(seconds=30)


class Command:
    """Delivered when it exits with 0 within the timeout.

    It gets the message as JSON on stdin (the webhook's document) and its words as MESSAGE_SHORT, MESSAGE_TITLE,
    MESSAGE_ID, MESSAGE_SEVERITY, MESSAGE_KIND and MESSAGE_URL; nothing of our own environment. It leads a process
    group, and what it leaves running in that group ends with it.
    """

    name: ClassVar[str] = "command"
    options: ClassVar[type[ChannelOptions]] = CommandOptions

    def __init__(self, options: CommandOptions, *, tools: Tools) -> None:
        self._options = options
        self._tools = tools

    @property
    def attempt_at_most(self) -> timedelta:
        """A modem takes its time: as long as the options say."""
        return self._options.timeout + _MARGIN

    async def send(self, envelope: Envelope) -> None:
        """Final when there is no such command or it may not be run."""
        words = _words(envelope)
        argv = [_PLACE.sub(lambda place: words[place[1]], argument) for argument in self._options.argv]
        message = json.dumps(document(envelope, self._tools.clock()), ensure_ascii=False).encode()
        try:
            async with asyncio.timeout(self._options.timeout.total_seconds()):
                status, output = await _run(argv, message, self._environment(words))
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            raise Undelivered(f"{argv[0]}: {error.strerror}", final=True) from error
        except TimeoutError as error:
            raise Undelivered(f"{argv[0]} took longer than {self._options.timeout.total_seconds():g} s") from error
        except OSError as error:
            raise Undelivered(f"{argv[0]}: {error.strerror}") from error
        if status:
            how = f"exited with {status}" if status > 0 else f"was ended by signal {-status}"
            secrets = [value.get_secret_value() for value in self._options.env.values()]
            said = one_line(output.decode(errors="replace"), secrets)
            raise Undelivered(f"{argv[0]} {how}: {said}" if said else f"{argv[0]} {how}")

    def _environment(self, words: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            **{f"MESSAGE_{name.upper()}": text for name, text in words.items()},
            **{name: value.get_secret_value() for name, value in self._options.env.items()},
        }


def _words(envelope: Envelope) -> dict[str, str]:
    words = {
        "short": envelope.short,
        "title": envelope.title,
        "id": envelope.id,
        "severity": envelope.severity,
        "kind": envelope.kind,
        "url": envelope.url,
    }
    return {name: text.replace("\0", "") for name, text in words.items()}


async def _run(argv: list[str], message: bytes, environment: Mapping[str, str]) -> tuple[int, bytes]:
    """The exit status (-n: by signal n) and the first bytes of the output. Raises OSError."""
    with _file_of(message) as stdin:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    try:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_first_bytes(cast("asyncio.StreamReader", process.stdout)))
            status = await process.wait()
            _end_group(process.pid)
        return status, reading.result()
    finally:
        _end_group(process.pid)
        await process.wait()


def _file_of(message: bytes) -> BinaryIO:
    """An open file in memory: who reads it or not, and when, is the command's own affair, unlike with a pipe."""
    file = os.fdopen(os.memfd_create("message"), "w+b")
    file.write(message)
    file.seek(0)
    return file


async def _first_bytes(stdout: asyncio.StreamReader) -> bytes:
    """Everything is read, so that it never waits for us; only the beginning is kept."""
    kept = b""
    while chunk := await stdout.read(65536):
        kept += chunk[: _MOST_OUTPUT_BYTES - len(kept)]
    return kept


def _end_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
