"""The silences that people made at an Alertmanager, and the alerts that they hold back there, by its API v2."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

import aiohttp
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from monitor.channels.base import Tools
from monitor.channels.http import plain
from monitor.channels.types import peer

_SILENCES = "/api/v2/silences"
_MUTED = "/api/v2/alerts?silenced=true&active=false&inhibited=false&unprocessed=false"
_LARGEST_BYTES = 8 * 1024 * 1024
"""Some ten thousand silences or alerts; Alertmanager keeps silences that are over for five days."""
_PATIENCE = aiohttp.ClientTimeout(total=10)
_LONGEST_COMMENT = 4000
_LONGEST_NAME = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMatcher:
    """``label`` is (``equal``) or is not ``value``, which is a whole-value expression of RE2 when ``regex``."""

    label: str
    value: str
    regex: bool = False
    equal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence as Alertmanager has it. ``active``: it is in force there now; one that is over has its real end."""

    id: str
    active: bool
    begins: datetime
    ends: datetime
    updated: datetime
    actor: str = ""
    comment: str = ""
    matchers: tuple[LabelMatcher, ...] = ()


Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the Alertmanagers of a channel said, by the silence's id: the silences, and the labels of the alerts that
    each holds back. ``troubles`` says in English who did not answer and why: of what isn't here nothing is known
    then."""

    silences: Mapping[str, Silence]
    muted: Mapping[str, tuple[Labels, ...]] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


@runtime_checkable
class Silencing(Protocol):
    """A channel at whose end people make silences of their own."""

    async def silences(self) -> Heard:
        """Ask for them; what fails is in the answer."""
        ...


class Unheard(Exception):
    """One that did not say: ``str`` says why, in English, one line, no secret."""


async def ask_all(
    urls: Iterable[SecretStr], *, headers: Mapping[str, str], tls: ssl.SSLContext | bool, tools: Tools
) -> Heard:
    """The silences of several Alertmanagers, which are one cluster or none; of one that they disagree about, what was
    said of it last. ``urls`` are their addresses."""
    silences: dict[str, Silence] = {}
    muted: dict[str, list[Labels]] = defaultdict(list)
    troubles: list[str] = []

    async def read(url: SecretStr, path: str, parse: Callable[[bytes], T]) -> T:
        return await _read(SecretStr(url.get_secret_value() + path), parse, headers=headers, tls=tls, tools=tools)

    async def one(url: SecretStr) -> None:
        try:
            said = await read(url, _SILENCES, parse_silences)
            for silence in said:
                before = silences.get(silence.id)
                if before is None or before.updated < silence.updated:
                    silences[silence.id] = silence
            if any(silence.active for silence in said):
                for labels, by in await read(url, _MUTED, parse_muted):
                    for name in by:
                        muted[name].append(labels)
        except Unheard as error:
            troubles.append(str(error))

    async with asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(one(url))
    return Heard(
        silences=silences,
        muted={name: tuple(alerts) for name, alerts in muted.items()},
        troubles=tuple(sorted(troubles)),
    )


async def _read(
    url: SecretStr,
    parse: Callable[[bytes], T],
    *,
    headers: Mapping[str, str],
    tls: ssl.SSLContext | bool,
    tools: Tools,
) -> T:
    """One answer of one Alertmanager. Raises Unheard."""
    body = bytearray()
    try:
        async with tools.session.get(
            url.get_secret_value(), headers=headers, ssl=tls, allow_redirects=False, timeout=_PATIENCE
        ) as answer:
            if answer.status != 200:
                raise Unheard(f"{peer(url)} answered {answer.status}")
            async for part in answer.content.iter_chunked(64 * 1024):
                body += part
                if len(body) > _LARGEST_BYTES:
                    raise Unheard(f"{peer(url)} has more silences than are read")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Unheard(f"{peer(url)}: {plain(error)}") from None
    try:
        return await asyncio.to_thread(parse, bytes(body))
    except ValidationError:
        raise Unheard(f"{peer(url)} answered what are no silences") from None


def parse_silences(body: bytes) -> list[Silence]:
    """The API's silences. Raises ValidationError (of pydantic); keys that are new are passed over."""
    return [said.silence() for said in _SAID_SILENCES.validate_json(body)]


def parse_muted(body: bytes) -> list[tuple[Labels, tuple[str, ...]]]:
    """The API's alerts: the labels of each, and the ids of the silences that hold it back. Raises ValidationError."""
    return [(said.labels, said.status.by) for said in _SAID_ALERTS.validate_json(body)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Matcher(_Part):
    name: str
    value: str
    regex: bool = Field(alias="isRegex")
    equal: bool = Field(alias="isEqual", default=True)


class _Status(_Part):
    state: str


class _Silence(_Part):
    id: str
    status: _Status
    begins: AwareDatetime = Field(alias="startsAt")
    ends: AwareDatetime = Field(alias="endsAt")
    updated: AwareDatetime = Field(alias="updatedAt")
    actor: str = Field(alias="createdBy", default="")
    comment: str = ""
    matchers: tuple[_Matcher, ...] = ()

    def silence(self) -> Silence:
        return Silence(
            id=self.id,
            active=self.status.state == "active",
            begins=self.begins,
            ends=self.ends,
            updated=self.updated,
            actor=self.actor[:_LONGEST_NAME],
            comment=self.comment[:_LONGEST_COMMENT],
            matchers=tuple(
                LabelMatcher(label=each.name, value=each.value, regex=each.regex, equal=each.equal)
                for each in self.matchers
            ),
        )


class _AlertStatus(_Part):
    by: tuple[str, ...] = Field(alias="silencedBy", default=())


class _Alert(_Part):
    labels: dict[str, str]
    status: _AlertStatus


_SAID_SILENCES = TypeAdapter(list[_Silence])
_SAID_ALERTS = TypeAdapter(list[_Alert])
