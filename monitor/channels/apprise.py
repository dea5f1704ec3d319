"""Apprise: some 165 ways to tell people, each named by a URL (docs/decisions/apprise.md)."""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from datetime import timedelta
from typing import Annotated, ClassVar, Literal
from urllib.parse import unquote

import apprise
from pydantic import AfterValidator, Field, SecretStr

from monitor.channels.base import ChannelOptions, Envelope, Tools, Undelivered
from monitor.channels.types import Taken, one_line

# Its own log, and its HTTP client's at debug level, repeat whole addresses; what matters comes with the result.
logging.getLogger("apprise").propagate = False
logging.getLogger("apprise").setLevel(logging.WARNING)
logging.getLogger("urllib3").setLevel(logging.INFO)

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")
_SHORTEST_SECRET = 4
_LONGEST = timedelta(seconds=30)
"""The services bound each of their steps; some take several, one after the other."""


def _known(urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    with warnings.catch_warnings():
        # The first address makes it import all its services, and one of them a module that Python 3.13 lacks.
        warnings.simplefilter("ignore", DeprecationWarning)
        for position, url in enumerate(urls, 1):
            if apprise.Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True) is None:
                raise ValueError(f"Apprise can't read address {position}; see the services' addresses at appriseit.com")
    return urls


class AppriseOptions(ChannelOptions):
    """Every one of ``urls`` is told of every message."""

    urls: Annotated[tuple[SecretStr, ...], AfterValidator(_known)] = Field(min_length=1)
    format: Literal["text", "markdown"] = "text"


class Apprise:
    """Delivered when every one of the services took it."""

    name: ClassVar[str] = "apprise"
    options: ClassVar[type[ChannelOptions]] = AppriseOptions

    def __init__(self, options: AppriseOptions, *, tools: Tools) -> None:
        self._options = options
        self._taken = Taken()

    @property
    def attempt_at_most(self) -> timedelta:
        """Somewhat longer than a service takes to fail by itself: what it took would be told twice."""
        return _LONGEST

    async def send(self, envelope: Envelope) -> None:
        """Whoever took it isn't told again when another attempt follows. Never final: Apprise doesn't say why."""
        urls = {str(position): url for position, url in enumerate(self._options.urls, 1)}
        waiting = sorted(urls.keys() - self._taken.by(envelope.id))
        async with asyncio.TaskGroup() as group:
            asked = {each: group.create_task(_refusal(urls[each], envelope, self._options.format)) for each in waiting}
        refusals = {each: refusal for each, task in asked.items() if (refusal := task.result())}
        if refusals:
            self._taken.add(envelope.id, set(waiting) - refusals.keys())
            raise Undelivered("; ".join(f"address {each}: {why}" for each, why in sorted(refusals.items())))
        self._taken.forget(envelope.id)


async def _refusal(url: SecretStr, envelope: Envelope, form: Literal["text", "markdown"]) -> str:
    """Why the service didn't take it; "" when it did."""
    address = url.get_secret_value()
    told = apprise.Apprise(asset=apprise.AppriseAsset(secure_logging=True, app_id="Lienthong Monitor"))
    told.add(address)
    for each in told:
        each.overflow_mode = apprise.OverflowMode.SPLIT
    marked = form == "markdown"
    result = await told.async_notify(
        title=envelope.title,
        body=_markdown(envelope.text) if marked else envelope.text,
        body_format=apprise.NotifyFormat.MARKDOWN if marked else apprise.NotifyFormat.TEXT,
        notify_type=_kind(envelope),
    )
    if bool(result):
        return ""
    said = next((entry.message for entry in result.logs()), "not taken")
    service = next((each.service_name for each in told), "Apprise")
    return one_line(f"{service}: {said}", _secrets(address))


def _kind(envelope: Envelope) -> apprise.NotifyType:
    if envelope.kind in ("recovered", "steady"):
        return apprise.NotifyType.SUCCESS
    kinds = {"critical": apprise.NotifyType.FAILURE, "warning": apprise.NotifyType.WARNING}
    return kinds.get(envelope.severity, apprise.NotifyType.INFO)


def _markdown(text: str) -> str:
    """Plain text as Markdown that shows it letter for letter, each line a line."""
    return "  \n".join(_MARKDOWN.sub(r"\\\1", line) for line in text.split("\n"))


def _secrets(address: str) -> set[str]:
    """Every part of an address that might be one: all but the scheme."""
    _, _, rest = address.partition("://")
    parts = {part for part in re.split(r"[/:@?&=,]", rest) if len(part) >= _SHORTEST_SECRET}
    return {rest, *parts, *(unquote(part) for part in parts)}
