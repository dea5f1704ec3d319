"""The kinds of values that the file's own keys take."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from monitor.config.addresses import is_address
from monitor.config.document import Decimal
from monitor.probes.types import parse_go_duration

_DAYS = re.compile(r"(\d+)d(\d.*)?", re.ASCII | re.DOTALL)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_HOURS = re.compile(
    rf"{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)* {_CLOCK}-(?:{_CLOCK}|24:00)(?:,{_CLOCK}-(?:{_CLOCK}|24:00))*",
    re.ASCII,
)
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?%", re.ASCII)
_LABEL = r"(?!-)[\w-]{1,63}"
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_HOST_TEMPLATE = re.compile(r"[\w.-]*(\{[a-z_][a-z0-9_]*\}[\w.-]*)+")


def _text(value: object) -> object:
    """A number is taken as the text it was written as: an unquoted code or telephone number is meant as such."""
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _flag(value: object) -> object:
    words = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
    return words.get(value.lower(), value) if isinstance(value, str) else value


def whole(value: object) -> object:
    """Digits in quotes are taken as the number that they are."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value, re.ASCII) else value


def _number(value: object) -> object:
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII) else value


def parse_duration(value: object) -> timedelta:
    """Read a Go duration, before which days may stand: ``15s``, ``1m30s``, ``100d``. Raises ValueError otherwise."""
    if isinstance(value, str) and (days := _DAYS.fullmatch(value)):
        if len(days[1]) > 6:
            raise ValueError(f"{value!r} is too long a duration; write at most 999999d")
        return timedelta(days=int(days[1])) + (parse_go_duration(days[2]) if days[2] else timedelta(0))
    return parse_go_duration(value)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError('must be longer than nothing; write for example "15s"')
    return value


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError(f'{value!r} is no id; write lower-case letters, digits and hyphens, such as "phuong-ba-dinh"')
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f'{value!r} is no name; write lower-case letters, digits and underscores, such as "portal"')
    return value


def _host(value: str) -> str:
    if value and not (is_host_name(value) or is_address(value) or _HOST_TEMPLATE.fullmatch(value)):
        raise ValueError(f"{value!r} is no host; write a name or an address alone, without scheme, port or path")
    return value


def is_host_name(value: str) -> bool:
    """Whether ``value`` is formed as a host's name, in ASCII or not (RFC 1123's lengths)."""
    return len(value) <= 253 and _HOST_NAME.fullmatch(value) is not None


def _share(value: object) -> object:
    if isinstance(value, str) and (written := _PERCENT.fullmatch(value.strip())):
        return round(float(written[1]) / 100, 12)
    return _number(value)


def _objective(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f'{value:g} is no objective; write a part of the time, below all of it: "99.5%" or 0.995')
    return value


def _latitude(value: float) -> float:
    if not -90 <= value <= 90:
        raise ValueError(f"{value:g} is no latitude; write one from -90 to 90 (latitude and longitude may be swapped)")
    return value


def _hours(value: str) -> str:
    if value not in ("", "24/7") and not all(_HOURS.fullmatch(part.strip()) for part in value.split(";")):
        raise ValueError(f'{value!r} are no hours; write "24/7" or "Mon-Fri 07:30-11:30,13:00-17:00; Sat 07:30-11:30"')
    for begin, end in re.findall(rf"({_CLOCK})-({_CLOCK}|24:00)", value):
        if begin >= end:
            raise ValueError(f"{begin}-{end} ends before it begins; write the earlier time first, midnight as 24:00")
    return value


_DURATION_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": r"^([0-9]+d)?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$",
    "examples": ["15s", "1m30s", "100d"],
}

Text = Annotated[str, BeforeValidator(_text)]
Value = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | float)]
Flag = Annotated[bool, BeforeValidator(_flag)]
# A bound stands before its reader: pydantic writes it into the JSON Schema only then.
Words = Annotated[str, Field(min_length=1), BeforeValidator(_text)]
Count = Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)]
Cell = Annotated[int, Field(ge=1, le=99), BeforeValidator(whole)]
Number = Annotated[float, BeforeValidator(_number)]
Latitude = Annotated[
    Number, AfterValidator(_latitude), WithJsonSchema({"type": "number", "minimum": -90, "maximum": 90})
]
Longitude = Annotated[float, Field(ge=-180, le=180), BeforeValidator(_number)]
Ratio = Annotated[float, Field(ge=0, le=1), BeforeValidator(_number)]
Objective = Annotated[
    float,
    BeforeValidator(_share),
    AfterValidator(_objective),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "string", "pattern": r"^\d{1,2}(\.\d{1,9})? ?%$"},
            ],
            "examples": ["99.5%", 0.995],
        }
    ),
]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), AfterValidator(_positive), WithJsonSchema(_DURATION_SCHEMA)
]
Id = Annotated[
    Text,
    AfterValidator(_id),
    WithJsonSchema({"type": "string", "pattern": rf"^{_ID.pattern}$", "examples": ["phuong-ba-dinh"]}),
]
Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NAME.pattern}$", "examples": ["portal"]}),
]
Host = Annotated[Text, AfterValidator(_host)]
Hours = Annotated[Text, AfterValidator(_hours), WithJsonSchema({"type": "string", "examples": ["24/7"]})]
