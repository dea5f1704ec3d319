"""The delivery loop: what is durable in the outbox goes to its channels, one task each, until it arrived.

Delivered first, then written down: whatever stops the program in between, a message is delivered at least once, and
under the same id.
"""

from __future__ import annotations

import asyncio
import random
import time as clocks
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.courier import Courier, Pace
from monitor.alerts.desk import Counts, Desk, Record
from monitor.alerts.herald import Letter
from monitor.alerts.outbox import Outbox
from monitor.alerts.rendering import Renderer
from monitor.alerts.standing import Keeper, Well, beat, watchdog
from monitor.alerts.writing import Likely, Writer, nobody
from monitor.channels import find_channels
from monitor.channels.base import Channel, Standing, Tools
from monitor.config.model import ChannelSettings, Config
from monitor.incidents.model import Decision, EventKind, Incident
from monitor.model import Result

_ENDS = frozenset({EventKind.CLOSED, EventKind.TAKEN_OVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchState:
    """For metrics, by channel: messages that wait, how long the oldest has been due, how messages ended."""

    pending: Mapping[str, int]
    oldest_seconds: Mapping[str, float]
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Line:
    """A channel with those who serve it."""

    courier: Courier
    keeper: Keeper | None

    def wake(self) -> None:
        self.courier.wake()
        if self.keeper is not None:
            self.keeper.wake()


class Dispatcher:
    """An observer of the pipeline. ``incidents`` shows an incident as it is now, by uid; ``record`` is the pipeline's;
    ``likely`` says whom a fault touches beside those that are confirmed.

    ``well`` says whether the program is: watchdog and heartbeat stop when it isn't. ``time`` is monotonic.
    """

    def __init__(
        self,
        config: Config,
        *,
        incidents: Callable[[str], Incident | None],
        record: Record,
        tools: Tools,
        clock: Callable[[], datetime],
        likely: Likely = nobody,
        well: Well = lambda: True,
        time: Callable[[], float] = clocks.monotonic,
        chance: Callable[[], float] = random.random,
        pace: Pace | None = None,
        channels: Mapping[str, type[Channel]] | None = None,
    ) -> None:
        self._config = config
        self._incidents = incidents
        self._likely = likely
        self._tools = tools
        self._well = well
        self._chance = chance
        self._pace = pace or Pace()
        self._kinds = find_channels() if channels is None else channels
        self._outbox = Outbox(incidents=incidents)
        self._desk = Desk(
            outbox=self._outbox, record=record, clock=clock, time=time, last_resort=config.alerts.last_resort
        )
        self._dog = watchdog(config.vantage, clock())
        self._lines: dict[str, _Line] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[str, list[asyncio.Task[None]]] = {}
        self.reload(config)

    @property
    def state(self) -> DispatchState:
        """As it is now."""
        at = self._desk.time()
        names = [*self._lines, *self._outbox.channels()]
        return DispatchState(
            pending={name: len(self._outbox.of(name)) for name in names},
            oldest_seconds={name: self._outbox.oldest(name, at) for name in names},
            counts=self._desk.counts,
        )

    def load(self, letters: Sequence[Letter]) -> None:
        """Take up what was there when the program last ran."""
        self._outbox.load(letters, self._desk.clock(), self._desk.time())
        self._pass_on_strays()
        self._wake()

    def on_result(self, result: Result) -> None:
        """Results tell nobody anything."""

    def on_decision(self, decision: Decision) -> None:
        """Messages that are durable now may leave."""
        now, at = self._desk.clock(), self._desk.time()
        for message in decision.messages:
            if message.id not in self._outbox:
                self._outbox.put(message, now, at)
        for event in decision.events:
            if event.kind is EventKind.TAKEN_OVER:
                self._outbox.supersede(event.incident)
            if event.kind in _ENDS:
                self._outbox.forget(event.incident)
        self._pass_on_strays()
        if decision.messages or decision.events:
            self._wake()

    def reload(self, config: Config) -> None:
        """Serve the channels of another configuration from now on; those that stay as they are notice nothing."""
        self._config = config
        self._desk.last_resort = config.alerts.last_resort
        wanted = config.alerts.channels
        for name in [name for name, line in self._lines.items() if wanted.get(name) != line.courier.settings]:
            self._end(name)
        for name, settings in wanted.items():
            if name in self._lines:
                self._rewrite(self._lines[name])
            else:
                self._begin(settings)
        self._pass_on_strays()

    async def run(self) -> None:
        """Deliver until cancelled. What hangs at one channel holds up no other."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for name in self._lines:
                self._start(name)
            try:
                await beat(
                    self._tools.session,
                    url=lambda: self._config.alerts.heartbeat_url,
                    every=lambda: self._config.alerts.heartbeat_every,
                    well=self._well,
                    pace=self._pace,
                )
            finally:
                self._tasks = None
                self._running.clear()

    def _begin(self, settings: ChannelSettings) -> None:
        channel = self._kinds[settings.kind](settings.options, tools=self._tools)  # type: ignore[call-arg]  # contract
        writer, turn = self._writer(settings), asyncio.Lock()
        courier = Courier(
            settings, channel, desk=self._desk, writer=writer, pace=self._pace, chance=self._chance, turn=turn
        )
        keeper = None
        if isinstance(channel, Standing):
            keeper = Keeper(
                settings.name,
                channel,
                desk=self._desk,
                writer=writer,
                pace=self._pace,
                dog=self._dog,
                well=self._well,
                turn=turn,
            )
        self._lines[settings.name] = _Line(courier, keeper)
        self._start(settings.name)

    def _start(self, name: str) -> None:
        if self._tasks is None:
            return
        line = self._lines[name]
        servants = [line.courier.run()] if line.keeper is None else [line.courier.run(), line.keeper.run()]
        self._running[name] = [self._tasks.create_task(each, name=f"channel {name}") for each in servants]

    def _end(self, name: str) -> None:
        del self._lines[name]
        for task in self._running.pop(name, ()):
            task.cancel()

    def _rewrite(self, line: _Line) -> None:
        """Points and areas may have other names now."""
        line.courier.writer = self._writer(line.courier.settings)
        if line.keeper is not None:
            line.keeper.writer = line.courier.writer

    def _writer(self, settings: ChannelSettings) -> Writer:
        renderer = Renderer(settings.language, self._config.alerts.url)
        return Writer(self._config, settings, renderer=renderer, incidents=self._incidents, likely=self._likely)

    def _pass_on_strays(self) -> None:
        """What is for a channel that is gone from the configuration goes to the last resort."""
        for name in list(self._outbox.channels()):
            if name not in self._lines:
                self._desk.given_up(self._outbox.of(name), f"there is no channel {name} any more")

    def _wake(self) -> None:
        for line in self._lines.values():
            line.wake()
