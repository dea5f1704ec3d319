"""Channels, routes and what else tells people, as the file writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, Literal, Union
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model

from monitor.channels.base import Channel, ChannelOptions
from monitor.config.channel_options import secrets_from_files
from monitor.config.fields import Duration, Flag, Name, Text, Words, parse_duration
from monitor.config.model import Alerts
from monitor.config.section import Section

_RATE = re.compile(r"([1-9][0-9]{0,5})/(.+)")
_CHANNEL_NAME = r"[a-z0-9]+([_-][a-z0-9]+)*"


def _rate(value: object) -> tuple[int, timedelta]:
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    span = _span(found[2]) if found else timedelta(0)
    if found is None or span <= timedelta(0):
        raise ValueError('is no rate; write messages per time, for example "20/1m"')
    return int(found[1]), span


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError:
        return timedelta(0)


def _pause(value: object) -> timedelta | None:
    if value == "never":
        return None
    if value is None:
        raise ValueError('is empty; write for example "4h", or never')
    span = parse_duration(value)
    if span <= timedelta(0):
        raise ValueError('must be longer than nothing; write for example "4h", or never')
    return span


def _some(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _channel_name(value: str) -> str:
    if not re.fullmatch(_CHANNEL_NAME, value):
        raise ValueError(f'{value!r} is no name; write lower-case letters, digits, "-" and "_", such as "duty-phone"')
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        fits = not value or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        fits = False
    if not fits:
        raise ValueError('is no address of a web page; write for example "https://monitor.hanoi.vn"')
    return value


Rate = Annotated[
    tuple[int, timedelta],
    BeforeValidator(_rate),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]*/.+$", "examples": ["20/1m"]}),
]
Pause = Annotated[
    timedelta | None, BeforeValidator(_pause), WithJsonSchema({"type": "string", "examples": ["4h", "never"]})
]
WebAddress = Annotated[Text, AfterValidator(_web_address)]
ChannelName = Annotated[
    str, AfterValidator(_channel_name), WithJsonSchema({"type": "string", "pattern": f"^{_CHANNEL_NAME}$"})
]
Some = Annotated[list[Text], Field(min_length=1), BeforeValidator(_some, json_schema_input_type=str | list[str])]


class ChannelSection(Section):
    """What every channel has; the type's own options stand beside."""

    type: str
    language: Literal["vi", "en"] = "vi"
    form: Literal["long", "short"] = Field(default="long", description="short: 160 plain characters, for SMS")
    rate: Rate = Field(default=(60, timedelta(minutes=1)), description="messages per time at most")
    give_up_after: Duration = Field(default=timedelta(hours=6), description="then the last resort is told")


class EscalationSection(Section):
    """Whom else to tell when nobody acknowledged."""

    after: Duration
    to: Some


class RouteSection(Section):
    """Who is told of which incidents."""

    name: Words
    to: Some = Field(description="names from `channels`")
    match: dict[Name, Some] = Field(
        default={}, description="label: a text, a list, =~ before an RE2 expression, != or !~ for the contrary"
    )
    when: Literal["always", "office_hours", "outside_office_hours"] = "always"
    go_on: Flag = Field(default=False, alias="continue", description="true: the next routes are asked as well")
    group_wait: Duration = timedelta(seconds=30)
    remind_every: Pause = Field(default=timedelta(hours=4), description="or never")
    escalate: list[EscalationSection] = Field(default=[])


class AlertsSection(Section):
    """Who is told of what, and by which ways."""

    url: WebAddress = Field(default="", description="the wall's address as people reach it")
    channels: dict[ChannelName, Any] = Field(default={})
    routes: list[RouteSection] = Field(default=[])
    last_resort: Text = Field(default="", description="the channel that is told what another could not deliver")
    never_after: Duration = Alerts().never_after
    heartbeat_url: WebAddress = Field(default="", description="asked while all is well: a dead man's switch")
    heartbeat_url_file: Text | None = Field(default=None, description="a file that holds it")
    heartbeat_every: Duration = Alerts().heartbeat_every


COMMON_KEYS = frozenset(ChannelSection.model_fields)


@cache
def channel_schema(kind: type[Channel]) -> type[ChannelOptions]:
    """A channel's whole section: the common keys and the type's own, with a ``..._file`` for each secret."""
    own = kind.options.model_fields
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in ChannelSection.model_fields.items()}
    fields["type"] = (Literal[kind.name], Field(description="the channel's file", examples=[kind.name]))
    for name in secrets_from_files(kind.options):
        optional = copy(own[name])
        optional.default, optional.default_factory = None, None
        fields[name] = (own[name].annotation, optional)
        fields[f"{name}_file"] = (Text | None, Field(default=None, description=f"a file that holds {name}"))
    title = f"{kind.name.capitalize()}Channel"
    return create_model(title, __base__=kind.options, __doc__=kind.options.__doc__, **fields)


def alerts_schema(channels: frozenset[tuple[str, type[Channel]]]) -> type[AlertsSection]:
    """The section with a model for every channel, so that a new channel needs nothing here."""
    named: Mapping[str, type[Channel]] = dict(sorted(channels))
    some: Any = Annotated[
        Union[tuple(channel_schema(kind) for kind in named.values())],  # noqa: UP007  # made at run time
        Field(discriminator="type"),
    ]
    kind: Any = (dict[ChannelName, some], {})
    return create_model("Alerts", __base__=AlertsSection, __doc__=AlertsSection.__doc__, channels=kind)
