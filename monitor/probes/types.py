"""Values of blackbox_exporter's module file as pydantic types: Go durations, RE2 patterns, sizes, secrets."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import re2  # type: ignore[import-untyped]  # it comes without stubs
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr, WithJsonSchema

_ANYWHERE = re2._re2.RE2.Anchor.UNANCHORED
_NOWHERE = (-1, -1)

IpProtocol = Literal["", "ip4", "ip6"]
"""blackbox_exporter's ``preferred_ip_protocol``; empty means ip6."""

Secret = SecretStr
"""Never shown: ``str``, ``repr`` and every dump give asterisks."""


def _not_a_number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("must be true or false; write one of them")  # noqa: TRY004  (pydantic's)
    return value


def _not_a_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a whole number; write for example 3")  # noqa: TRY004  (pydantic's)
    return value


Flag = Annotated[bool, BeforeValidator(_not_a_number)]
"""True or false, or a word for it (``yes``, ``off``); text, because that is what a ``${VARIABLE}`` gives."""

Whole = Annotated[int, BeforeValidator(_not_a_flag)]
"""A whole number, or its text."""

_DURATION_UNIT_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_LONGEST_DURATION_SECONDS = (2**63 - 1) / 1e9
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"\+?({_DURATION_PART.pattern})+", re.ASCII)
_DURATION_SCHEMA = rf"^(0|\+?({_DURATION_PART.pattern.replace(chr(92) + 'd', '[0-9]')})+)$"

_SIZE_FACTOR = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_LARGEST_SIZE = 2**63 - 1
_SIZE_PART = re.compile(r"(\d+\.?\d*|\.\d+)([KMGTPE]?)(i?)B", re.ASCII)


def parse_go_duration(text: object) -> timedelta:
    """Read a duration as Go's ``time.ParseDuration`` does (``1h30m``, ``1.5s``, ``250ms``), none below zero.

    Raises ValueError for anything else: a bare number (but the text "0") and ``1d`` are not durations.
    """
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str):
        if text in ("0", "+0"):
            return timedelta(0)
        if _DURATION.fullmatch(text):
            parts = _DURATION_PART.findall(text)
            seconds = sum(float(number) * _DURATION_UNIT_SECONDS[unit] for number, unit in parts)
            if seconds > _LONGEST_DURATION_SECONDS:
                raise ValueError(f"{text!r} is too long a duration; Go knows none above 290 years")
            return timedelta(seconds=seconds)
    raise ValueError(f'{text!r} is not a duration; write a number with its unit: "5s", "250ms", "1m30s"')


def go_duration_text(duration: timedelta) -> str:
    """Write a duration so that :func:`parse_go_duration` reads it back."""
    microseconds = duration // timedelta(microseconds=1)
    if microseconds % 1_000_000:
        return f"{microseconds}us" if microseconds % 1000 else f"{microseconds // 1000}ms"
    hours, rest = divmod(microseconds // 1_000_000, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number]
    return "".join(parts) or "0s"


GoDuration = Annotated[
    timedelta,
    BeforeValidator(parse_go_duration),
    PlainSerializer(go_duration_text, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _DURATION_SCHEMA,
            "examples": ["5s", "250ms", "1m30s"],
        }
    ),
]
"""A ``timedelta`` written as Go writes it."""


def parse_byte_size(text: object) -> int:
    """Read a size in base-2 bytes: ``512B``, ``10KB``, ``1.5MiB`` (K is 1024, with or without the i).

    Raises ValueError for anything else; a bare number (but 0) has no unit and is refused.
    """
    if text in (0, "0") and not isinstance(text, bool):
        return 0
    if isinstance(text, str):
        total, position = 0.0, 0
        text = text.removeprefix("+")
        while match := _SIZE_PART.match(text, position):
            total += float(match[1]) * 1024 ** _SIZE_FACTOR[match[2]]
            position = match.end()
        if position and position == len(text) and total <= _LARGEST_SIZE:
            return int(total)
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        raise ValueError(f'{text} has no unit; write "{text}B", "10KB" or "1MB" (base 2)')
    raise ValueError(f'{text!r} is not a size; write "512B", "10KB" or "1MB" (base 2)')


ByteSize = Annotated[
    int,
    BeforeValidator(parse_byte_size),
    PlainSerializer(lambda size: f"{size}B", return_type=str),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": r"^(0|\+?(([0-9]+\.?[0-9]*|\.[0-9]+)[KMGTPE]?i?B)+)$",
            "minimum": 0,
            "maximum": 0,
        }
    ),
]
"""Bytes as an ``int``, written with a base-2 unit."""


class Pattern(Protocol):
    """What is used of an RE2 pattern: it has no stubs. Values are equal when their text is."""

    pattern: str
    groups: int
    _regexp: Any

    def search(self, text: str | bytes, /) -> Any:
        """The first match anywhere in ``text``, or None."""
        ...


_REGEX_TOKEN = re.compile(r"\\Q.*?(?:\\E|$)|\\?.", re.DOTALL)


def is_found(pattern: Pattern, content: bytes) -> bool:
    """Whether an RE2 pattern is found in bytes.

    google-re2's ``search`` makes a generator, a match and its groups first: asking its inner object costs a third.
    """
    spans = pattern._regexp.Match(_ANYWHERE, content, 0, len(content))
    return bool(spans[0] != _NOWHERE)


def compile_re2(pattern: object) -> Pattern:
    """Compile an RE2 pattern, quietly; an unquoted number or ``true`` is text, as in Go's YAML. Raises ValueError."""
    if hasattr(pattern, "programsize"):
        return pattern  # type: ignore[return-value]  # compiled already: an option copied from another
    if isinstance(pattern, int | float):
        pattern = str(pattern).lower() if isinstance(pattern, bool) else str(pattern)
    if not isinstance(pattern, str):
        raise ValueError(f"{pattern!r} is not text; write the regular expression in quotes")  # noqa: TRY004  (pydantic's)
    if "\\C" in _REGEX_TOKEN.findall(pattern):
        raise ValueError(r"not an RE2 regular expression of Go's: \C (any byte) is not known there; write (?s:.)")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(pattern, options=options)
    except re2.error as error:
        text = error.args[0] if error.args else error
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        raise ValueError(f"not an RE2 regular expression: {text}") from error
    return compiled


Regex = Annotated[
    Any,
    BeforeValidator(compile_re2),
    PlainSerializer(lambda compiled: compiled.pattern, return_type=str),
    WithJsonSchema({"type": "string", "format": "regex"}),
]
"""A compiled RE2 pattern (:class:`Pattern`): unanchored, linear time."""


def _require_text(path: Path) -> Path:
    if not str(path) or "\0" in str(path):
        raise ValueError("a file's path is needed")
    return path


FilePath = Annotated[Path, AfterValidator(_require_text)]
"""A file that is read when it is needed, so that a renewed secret or certificate is seen without a reload."""
