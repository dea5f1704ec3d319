"""What several channels share: kinds of values that options take, what may be shown of a peer, who took what."""

from __future__ import annotations

import re
import ssl
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, FilePath, PlainSerializer, SecretStr, WithJsonSchema

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_LONGEST = timedelta(days=1)
_LONGEST_LINE = 200
_MOST_REMEMBERED = 1000


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or len(value) > 40 or not _DURATION.fullmatch(value):
        raise ValueError('is not a duration; write a number with its unit: "5s", "250ms", "1m30s"')
    return timedelta(seconds=sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(value)))


def _bounded(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= _LONGEST:
        raise ValueError('must be longer than nothing and at most a day; write for example "15s"')
    return value


Duration = Annotated[
    timedelta,
    AfterValidator(_bounded),
    BeforeValidator(_duration),
    PlainSerializer(lambda value: f"{round(value.total_seconds() * 1000)}ms", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$", "examples": ["5s", "1m30s"]}),
]
"""A time span as elsewhere in the file: ``5s``, ``1m30s``."""


def _http_url(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("is no address to post to; write one such as https://host:8443/path")
    return value


Url = Annotated[SecretStr, AfterValidator(_http_url)]
"""An http or https address. It may carry a password or a token, so it is never shown."""


def _authorities(path: Path) -> Path:
    try:
        ssl.create_default_context().load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{path} holds no certificates that can be read; write the path of a PEM file") from error
    return path


CaFile = Annotated[FilePath, AfterValidator(_authorities)]
"""A file of certificates to trust. It is read when the configuration is, so that a bad one changes nothing."""


def peer(url: SecretStr) -> str:
    """The host and port of ``url``, which may be shown where the rest may not."""
    parts = urlsplit(url.get_secret_value())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port}" if parts.port else f"{host}"


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """What a peer said as it may be shown: on one line, at most 200 characters, without ``secrets``."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return shown if len(shown) <= _LONGEST_LINE else f"{shown[: _LONGEST_LINE - 1]}…"


class Taken:
    """Who of several has taken a message already, so that another attempt of it asks only the others.

    Forgotten with a restart, and beyond a thousand messages: then somebody is told twice, which is allowed.
    """

    def __init__(self) -> None:
        self._by_message: OrderedDict[str, frozenset[str]] = OrderedDict()

    def by(self, message: str) -> frozenset[str]:
        """Who took it at an earlier attempt."""
        return self._by_message.get(message, frozenset())

    def add(self, message: str, who: Iterable[str]) -> None:
        """Remember that these took it, while others didn't."""
        self._by_message[message] = self.by(message) | frozenset(who)
        self._by_message.move_to_end(message)
        while len(self._by_message) > _MOST_REMEMBERED:
            self._by_message.popitem(last=False)

    def forget(self, message: str) -> None:
        """Everybody took it."""
        self._by_message.pop(message, None)
