"""Alertmanager's API v2, used as Prometheus uses it (prometheus.io/docs/alerting/latest/alerts_api).

The same labels are the same alert there, so saying it twice is harmless: this channel's key makes it exactly once. An
alert stands until its ``endsAt``, which is set some renewals ahead and moved on by each, and set to the end when the
incident is over.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from monitor.channels.base import ChannelOptions, Envelope, Item, Tools, Undelivered
from monitor.channels.http import post, trust
from monitor.channels.silences import Heard, ask_all
from monitor.channels.types import CaFile, Duration, Url

_MISSED_RENEWALS = 4
"""Prometheus lets an alert stand for four of its resend intervals (rules/manager.go)."""
_GRACE_SECONDS = 2.0
"""Once one has taken a message the others have so long to take it too; what they miss they get by renewal."""
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_PATH = "/api/v2/alerts"


class AlertmanagerOptions(ChannelOptions):
    """Every one of ``urls`` is told. Alerts are renewed each ``renew_every``; one stands at least for ``settle`` before
    its end is told, which should be a little longer than Alertmanager's ``group_wait``: it tells of no alert that ends
    sooner."""

    urls: tuple[Url, ...] = Field(min_length=1)
    username: str = ""
    password: SecretStr | None = None
    bearer_token: SecretStr | None = None
    ca_file: CaFile | None = None
    renew_every: Duration = timedelta(seconds=30)
    settle: Duration = timedelta(seconds=60)

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        if self.bearer_token is not None and (self.username or self.password is not None):
            raise ValueError("has a bearer token and a password; keep one of them")
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password belong together; write both or none")
        return self


class Alertmanager:
    """Posts alerts to every Alertmanager; delivered when at least one took them."""

    name: ClassVar[str] = "alertmanager"
    options: ClassVar[type[ChannelOptions]] = AlertmanagerOptions

    def __init__(self, options: AlertmanagerOptions, *, tools: Tools) -> None:
        self._options = options
        self._tools = tools
        self._tls = trust(options.ca_file)
        self._urls = _at(options.urls, _PATH)
        self._peers = _at(options.urls, "")
        self._headers = {"Content-Type": "application/json", **_authorization(options)}

    @property
    def renew_every(self) -> timedelta:
        return self._options.renew_every

    @property
    def stands_at_least(self) -> timedelta:
        """How long an alert stands before its end may be told."""
        return self._options.settle

    async def send(self, envelope: Envelope) -> None:
        """Delivered when one Alertmanager took it; the others get what they missed with the next renewal."""
        await self._post_alerts(envelope.items, envelope.url)

    async def renew(self, items: Sequence[Item]) -> None:
        """Move the ends of what stands. Alertmanager keeps what it had meanwhile where this fails."""
        await self._post_alerts(items, "")

    async def silences(self) -> Heard:
        """What people silenced there."""
        return await ask_all(self._peers, headers=self._headers, tls=self._tls, tools=self._tools)

    async def _post_alerts(self, items: Sequence[Item], url: str) -> None:
        stands_until = self._tools.clock() + _MISSED_RENEWALS * self._options.renew_every
        body = json.dumps([alert(item, stands_until, url) for item in items], ensure_ascii=False).encode()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._refusal(url, body)) for url in self._urls]
            await self._settled(asked)
            refusals = [task.result() for task in asked if task.done()]
            for task in asked:
                task.cancel()
        if all(refusals):
            raise _none_took_it([refusal for refusal in refusals if refusal])

    async def _refusal(self, url: SecretStr, body: bytes) -> Undelivered | None:
        """None when it was taken."""
        try:
            await post(url, body, headers=self._headers, tls=self._tls, tools=self._tools)
        except Undelivered as error:
            return error
        return None

    async def _settled(self, asked: Collection[asyncio.Task[Undelivered | None]]) -> None:
        """Return when all have answered, or a little after the first that took it."""
        waiting = set(asked)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if waiting and not all(task.result() for task in done):
                await asyncio.wait(waiting, timeout=_GRACE_SECONDS)
                return


def alert(item: Item, stands_until: datetime, url: str = "") -> dict[str, Any]:
    """One alert as the API wants it."""
    return {
        "labels": alert_labels(item.labels),
        "annotations": {_label(name): value for name, value in item.annotations.items() if value},
        "startsAt": item.begins.astimezone(UTC).isoformat(),
        "endsAt": (item.ends or stands_until).astimezone(UTC).isoformat(),
        "generatorURL": item.annotations.get("url", url),
    }


def alert_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """An incident's labels as its alert has them there: names that Alertmanager refuses get underscores, empty labels
    go."""
    made = {_label(name): value for name, value in labels.items() if value}
    made.setdefault("alertname", "Lienthong")
    return made


def _at(urls: Sequence[SecretStr], path: str) -> list[SecretStr]:
    return [SecretStr(url.get_secret_value().rstrip("/") + path) for url in urls]


def _label(name: str) -> str:
    if _LABEL.fullmatch(name):
        return name
    return re.sub(r"[^a-zA-Z0-9_]", "_", name if name[:1].isalpha() else f"_{name}", flags=re.ASCII)


def _authorization(options: AlertmanagerOptions) -> dict[str, str]:
    if options.bearer_token is not None:
        return {"Authorization": f"Bearer {options.bearer_token.get_secret_value()}"}
    if options.password is not None:
        pair = f"{options.username}:{options.password.get_secret_value()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


def _none_took_it(refused: Sequence[Undelivered]) -> Undelivered:
    waits = [error.retry_after for error in refused if error.retry_after is not None]
    return Undelivered(
        "; ".join(str(error) for error in refused),
        final=all(error.final for error in refused),
        retry_after=min(waits, default=None),
    )
