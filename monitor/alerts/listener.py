"""Asks the Alertmanagers again and again what people silenced there, so that incidents' timelines say it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from monitor.alerts.desk import Record
from monitor.alerts.labels import channel_labels
from monitor.alerts.silencing import gather, news
from monitor.channels import find_channels
from monitor.channels.alertmanager import alert_labels
from monitor.channels.base import Channel, Tools
from monitor.channels.silences import Heard, Silencing
from monitor.config.model import ChannelSettings, Config
from monitor.incidents.model import Incident

log = logging.getLogger(__name__)


class Listener:
    """``config`` gives the configuration in force, ``incidents`` the open incidents as decided; ``record`` is the
    pipeline's. An Alertmanager that doesn't answer is logged when that begins and when it ends."""

    def __init__(
        self,
        config: Callable[[], Config],
        *,
        incidents: Callable[[], Sequence[Incident]],
        record: Record,
        tools: Tools,
        clock: Callable[[], datetime],
        make_id: Callable[[], str],
        channels: Mapping[str, type[Channel]] | None = None,
    ) -> None:
        self._config = config
        self._incidents = incidents
        self._record = record
        self._tools = tools
        self._clock = clock
        self._make_id = make_id
        self._kinds = find_channels() if channels is None else channels
        self._built: dict[str, tuple[ChannelSettings, Channel]] = {}
        self._failing: set[str] = set()

    async def listen(self) -> None:
        """Ask every channel that has silences once, all at a time, and write down what is new."""
        heard: dict[str, Heard] = {}

        async def ask(name: str, channel: Silencing) -> None:
            heard[name] = await channel.silences()

        async with asyncio.TaskGroup() as group:
            for name, channel in self._channels().items():
                group.create_task(ask(name, channel))
        self._tell_of_troubles(heard)
        known = gather(heard)
        points = {point.id: point for point in self._config().points}
        for incident in self._incidents():
            labels = alert_labels(channel_labels(incident, points))
            events = news(incident, labels, known, now=self._clock(), make_id=self._make_id)
            if events:
                self._record(events=events)
            # Many silences at many incidents take a while: whoever waits has their turn between two.
            await asyncio.sleep(0)

    def _channels(self) -> Mapping[str, Silencing]:
        wanted = self._config().alerts.channels
        kept = {name: built for name, built in self._built.items() if wanted.get(name) == built[0]}
        for name, settings in wanted.items():
            kind = self._kinds[settings.kind]
            if name not in kept and hasattr(kind, Silencing.silences.__name__):
                kept[name] = settings, kind(settings.options, tools=self._tools)  # type: ignore[call-arg]  # contract
        self._built = kept
        return {name: channel for name, (_, channel) in kept.items() if isinstance(channel, Silencing)}

    def _tell_of_troubles(self, heard: Mapping[str, Heard]) -> None:
        failing = {name for name, said in heard.items() if said.troubles}
        for name in sorted(failing - self._failing):
            log.warning("%s: its silences cannot be read: %s", name, "; ".join(heard[name].troubles))
        for name in sorted((self._failing - failing) & heard.keys()):
            log.info("%s: its silences can be read again", name)
        self._failing = failing
