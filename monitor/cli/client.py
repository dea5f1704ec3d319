"""What the commands that talk to the running program share: where it is, who asks, how an answer is shown."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.calendar import ZONE
from monitor.cli.arguments import Commands
from monitor.config import ConfigError, load

TIMEOUT_SECONDS = 30
PIPE_COLUMNS = 400
Answer = Mapping[str, Any]


class Refused(Exception):
    """The program refused, or isn't there: ``str`` is a line for operators."""


def add_connection(parser: argparse.ArgumentParser, *, default_config: Path) -> None:
    """Where the program is, who asks, and the form of the answer."""
    parser.add_argument("--url", help="where the program is; default: FILE's server.listen")
    parser.add_argument(
        "--token",
        default=os.environ.get("MONITOR_TOKEN", ""),
        help="a bearer token (see `monitor token create`); better given as MONITOR_TOKEN. From the program's own "
        "machine none is needed",
    )
    parser.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the program's answer as it is")


def add_by(parser: argparse.ArgumentParser) -> None:
    """Who acts."""
    parser.add_argument("--by", default="", metavar="NAME", help="who acts; default: the token's name")


def ask(
    arguments: argparse.Namespace, method: str, path: str, *, body: Answer | None = None, **query: object
) -> Answer:
    """The program's answer; None values are not sent. Raises Refused."""
    url = (arguments.url or _url(arguments.config)).rstrip("/") + path
    given = {name: str(value) for name, value in query.items() if value not in (None, "")}
    sent = None if body is None else {name: value for name, value in body.items() if value not in (None, "")}
    return asyncio.run(_send(method, url, arguments.token, given, sent))


def finish(arguments: argparse.Namespace, answer: Answer, show: Callable[[Console, Answer], None]) -> int:
    """Print the answer, as JSON or for people; the exit status of a good one."""
    if arguments.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        show(console(), answer)
    return 0


def console() -> Console:
    """Where tables go: as wide as a terminal is; a pipe gets whole lines."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def guarded(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """The command, with a refusal said in one line: exit status 1."""

    def run(arguments: argparse.Namespace) -> int:
        try:
            return command(arguments)
        except Refused as error:
            print(f"monitor: {error}", file=sys.stderr)
            return 1

    run.__doc__ = command.__doc__
    return run


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; what stands in it is text, never markup."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


def when(moment: str | None) -> str:
    """An answer's time in Hanoi, "" for none."""
    return datetime.fromisoformat(moment).astimezone(ZONE).strftime("%d/%m/%Y %H:%M:%S") if moment else ""


def moment(text: str) -> str:
    """A time for the program: ISO 8601, in Hanoi when it names no zone; raises ArgumentTypeError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write for example 2026-11-23T22:00") from error
    return (at if at.tzinfo else at.replace(tzinfo=ZONE)).isoformat()


def length(text: str) -> timedelta:
    """``90s``, ``30m``, ``2h`` or ``7d``; raises ArgumentTypeError."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not (number.isascii() and number.isdecimal()) or not 0 < int(number) <= 10**6:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; write for example 90s, 30m, 2h or 7d")
    return timedelta(**{units[unit]: int(number)})


def until(text: str) -> str:
    """A time, or a length of time from now on; raises ArgumentTypeError."""
    try:
        return (datetime.now(UTC) + length(text)).isoformat()
    except argparse.ArgumentTypeError:
        return moment(text)


def _url(config: Path) -> str:
    try:
        server = load(config, placeholders=True).server
    except ConfigError as error:
        raise Refused(f"{config} doesn't say where the program is: {error.problems[0]}; give --url") from error
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(server.host, server.host)  # noqa: S104  (read, not bound)
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


async def _send(method: str, url: str, token: str, query: Mapping[str, str], body: Answer | None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, url, params=query, json=body) as response,
        ):
            text = await response.text()
            good = response.ok
            status = f"{response.status} {response.reason}"
    except aiohttp.InvalidURL as error:
        raise Refused(f"{url} is no address; write for example --url http://127.0.0.1:8080") from error
    except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
        raise Refused(f"nothing answers at {url} ({_why(error)}): is `monitor run` up?") from error
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise Refused(f"{url} answers {status}, and not as the monitor does; is --url right?") from error
    if not isinstance(answer, dict):
        raise Refused(f"{url} answers {status}, and not as the monitor does; is --url right?")
    if not good:
        raise Refused(str(answer.get("detail") or status))
    return answer


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error) or "no answer in time"


def add_verb(
    verbs: Commands, name: str, command: Callable[[argparse.Namespace], int], default_config: Path, example: str
) -> argparse.ArgumentParser:
    """A command of the running program, described by its own docstring; ``example`` closes its help."""
    words = command.__doc__ or ""
    added = verbs.add_parser(name, help=words.partition(".")[0], description=words, epilog=f"Example: {example}")
    add_connection(added, default_config=default_config)
    added.set_defaults(command=guarded(command))
    return added
