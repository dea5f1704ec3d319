"""Everything built and wired, and set going."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import aiohttp

from monitor import __version__
from monitor.alerts.dispatcher import Dispatcher
from monitor.alerts.herald import Herald
from monitor.alerts.listener import Listener
from monitor.app.keeping import Keeping, quietly
from monitor.app.serving import Announce, CannotStart, listen_to_signals, serve_web
from monitor.app.upkeep import start_upkeep
from monitor.board import Applied, Board
from monitor.board.likely import likely
from monitor.channels.base import Tools
from monitor.config import ConfigError
from monitor.config.model import Config, Endpoint
from monitor.config.reach import FIXED, within_reach
from monitor.evidence.collector import Collector
from monitor.evidence.investigator import Investigator
from monitor.incidents.register import Register
from monitor.incidents.shown import Incidents
from monitor.metrics import Metrics
from monitor.model import Fault
from monitor.pipeline import Pipeline
from monitor.probes import find_probers
from monitor.probes.network import Network
from monitor.runner import Runner
from monitor.schedule import Periodic, Pulse, Schedule
from monitor.storage.closing import Closing
from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.presence import Presence, RunsFirst
from monitor.storage.recorder import Recorder, RecorderState
from monitor.storage.room import Room
from monitor.storage.spool import Spool
from monitor.storage.store import Store
from monitor.web import build
from monitor.web.keys import ACCESS
from monitor.web.stream import Hub
from monitor.web.uptimes import Uptimes

log = logging.getLogger(__name__)

Load = Callable[[], Config]

QUIET_AT_MOST = timedelta(minutes=1)
"""Longer than this without a result, and longer than three intervals, the program is not well."""


def now() -> datetime:
    """The program's clock."""
    return datetime.now(UTC)


def make_id() -> str:
    """A new identity: of incidents, events and messages."""
    return uuid4().hex


class Assembly:
    """The whole program; ``run`` sets it going."""

    def __init__(
        self,
        config: Config,
        *,
        load: Load,
        network: Network,
        store: Store,
        session: aiohttp.ClientSession,
        simulated: bool,
    ) -> None:
        self._load = load
        self._store = store
        self._simulated = simulated
        self._config = config
        self._stop = asyncio.Event()
        self._asked_to_reload = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._ready = False
        self._periodic = Periodic()
        self._build_path()
        self._build_observers(network, session)
        self._build_probing(network)
        self._uptimes = Uptimes(board=self._board, store=store, clock=now, sink=self._metrics)
        self._closing = Closing(
            store=store,
            config=lambda: self._config,
            settled=lambda: self._recorder.state.caught_up and not self._pipeline.pending,
            clock=now,
        )
        self._keeping = Keeping(
            config=lambda: self._config,
            store=store,
            recorder=self._recorder,
            presence=self._presence,
            board=self._board,
            register=self._register,
            incidents=self._incidents,
            herald=self._herald,
            dispatcher=self._dispatcher,
            pipeline=self._pipeline,
            clock=now,
        )

    def _build_path(self) -> None:
        """What a result walks through until it is kept and shown."""
        config = self._config
        self._board = Board(config, clock=now)
        self._register = Register(config, make_id=make_id)
        self._herald = Herald(config, incidents=self._register.incident, make_id=make_id)
        self._presence = Presence(runs=self._store, vantage=config.vantage)
        self._recorder = Recorder(
            store=RunsFirst(store=self._store, presence=self._presence),
            spool=Spool(config.storage.spool, config.storage.spool_bytes),
            clock=now,
        )
        file = self._store.file
        self._room = Room({"spool": config.storage.spool, **({"database": Path(file)} if file else {})})
        self._pipeline = Pipeline(
            board=self._board,
            register=self._register,
            herald=self._herald,
            results=self._recorder,
            journal=self._recorder,
            clock=now,
        )

    def _build_observers(self, network: Network, session: aiohttp.ClientSession) -> None:
        """Who hears of what was decided."""
        config = self._config
        self._incidents = Incidents()
        self._metrics = Metrics(config, board=self._board, probers=find_probers(), clock=now, version=__version__)
        self._hub = Hub(board=self._board, incidents=self._incidents, clock=now, banners=self._banners)
        tools = Tools(session=session)
        self._dispatcher = Dispatcher(
            config,
            incidents=self._incidents.get,
            likely=self._likely,
            record=self._pipeline.record,
            tools=tools,
            clock=now,
            well=self._is_well,
        )
        self._listener = Listener(
            lambda: self._config,
            incidents=self._register.open,
            record=self._pipeline.record,
            tools=tools,
            clock=now,
            make_id=make_id,
        )
        self._investigator = Investigator(
            config,
            collector=Collector(network=network, servers=config.resolution.servers, clock=now),
            record=self._pipeline.record,
            clock=now,
            make_id=make_id,
        )
        # The incidents come first: those after them show and tell what they hold.
        for observer in (self._incidents, self._metrics, self._hub, self._investigator, self._dispatcher):
            self._pipeline.observe(observer)

    def _build_probing(self, network: Network) -> None:
        self._pulse = Pulse(clock=now, on_gap=self._on_gap)
        self._runner = Runner(network=network, vantage=self._config.vantage, pulse=self._pulse, clock=now)
        self._schedule = Schedule(
            probe=self._probe, pulse=self._pulse, clock=now, lateness=self._metrics.program, age=self._pipeline.age
        )
        self._metrics.program.watch(
            schedule=self._schedule,
            pulse=self._pulse,
            recorder=self._recording,
            pending_transitions=lambda: self._pipeline.pending,
            listeners=lambda: self._hub.listeners,
            incidents=self._incidents.open,
            outbox=lambda: self._dispatcher.state,
            disks=lambda: self._room.state,
        )

    async def run(self, announce: Announce) -> None:
        """Resume, probe and serve until a signal says stop; then write what is gathered."""
        async with AsyncExitStack() as stack:
            listen_to_signals(stack, stop=self._stop, reload=self._asked_to_reload)
            await self._open_storage()
            url = await self._serve(stack)
            async with asyncio.TaskGroup() as tasks:
                recorder = tasks.create_task(self._recorder.run())
                await self._recorder.ready()
                async with self._reloading:
                    await self._keeping.resume()
                    self._schedule.load(self._config.endpoints())
                pipeline = tasks.create_task(self._pipeline.run())
                running = [tasks.create_task(each) for each in self._work()]
                start_upkeep(
                    self._periodic,
                    config=lambda: self._config,
                    store=self._store,
                    keeping=self._keeping,
                    access=self._access,
                    hub=self._hub,
                    uptimes=self._uptimes,
                    listener=self._listener,
                    closing=self._closing,
                    room=self._room,
                    clock=now,
                )
                # What the start built lives as long as the program: the collector need not walk it again and again.
                gc.collect()
                gc.freeze()
                self._ready = True
                announce(self._config, url)
                await self._stop.wait()
                log.info("stopping")
                self._ready = False
                await self._periodic.stop()
                for task in running:
                    task.cancel()
                # A result that comes while its probe is being cancelled still finds the pipeline open.
                await asyncio.wait(running)
                self._pipeline.close()
                await pipeline
                self._recorder.close()
                await recorder
            self._room.close()
            await quietly(self._presence.mark(now()))
            await quietly(self._access.write_waiting(), logging.WARNING)

    def _work(self) -> Sequence[Coroutine[object, object, None]]:
        """What goes on until the stop."""
        return (self._schedule.run(), self._reload_when_asked(), self._investigator.run(), self._dispatcher.run())

    async def _probe(self, endpoint: Endpoint) -> Applied:
        return self._pipeline.accept(await self._runner.run(endpoint))

    async def _serve(self, stack: AsyncExitStack) -> str:
        application = build(
            board=self._board,
            store=self._store,
            metrics=self._metrics,
            hub=self._hub,
            uptimes=self._uptimes,
            incidents=self._incidents,
            record=self._pipeline,
            plan=self._keeping.replan,
            reload=self.reload,
            clock=now,
            make_id=make_id,
            ready=lambda: self._ready,
        )
        self._access = application[ACCESS]
        return await serve_web(application, self._config.server, stack)

    async def _open_storage(self) -> None:
        try:
            await self._recorder.open()
            await self._store.open()
        except StorageUnusable as error:
            raise CannotStart(str(error)) from error
        except StorageError as error:
            log.warning("%s", error)

    async def _reload_when_asked(self) -> None:
        """Reload on SIGHUP; what is asked several times meanwhile is done once."""
        while True:
            await self._asked_to_reload.wait()
            self._asked_to_reload.clear()
            try:
                await self.reload()
            except ConfigError as error:
                log.error("the new configuration is bad, the old one stays in force:\n%s", error)

    async def reload(self) -> None:
        """Read the configuration again and swap. Raises ConfigError when it is bad, and then nothing has changed."""
        async with self._reloading:
            try:
                wanted = await asyncio.to_thread(self._load)
            except ConfigError:
                self._metrics.program.reloaded(succeeded=False)
                raise
            config = within_reach(wanted, running=self._config)
            fixed = [name for name in FIXED if getattr(config, name) != getattr(wanted, name)]
            if fixed:
                log.warning("%s changed: that takes effect at the next start", ", ".join(fixed))
            self._swap(config)
            self._metrics.program.reloaded(succeeded=True)
            log.info("reloaded: %d points", len(config.points))
            await quietly(self._keeping.catch_up())

    def _swap(self, config: Config) -> None:
        """Let every room take over the configuration."""
        self._config = config
        rows = self._board.reload(config)
        self._register.reload(config)
        self._herald.reload(config)
        self._pipeline.decide(rows)
        self._keeping.plan()
        self._dispatcher.reload(config)
        self._investigator.reload(config)
        self._runner.retain(config.endpoints())
        self._metrics.load(config)
        self._schedule.load(config.endpoints())

    def _likely(self, fault: Fault) -> Sequence[str]:
        """Whom a fault touches in all likelihood, but for those who are troubled otherwise."""
        found = likely(fault, self._config, self._board.points())
        return [point for point in found if self._incidents.of_point(point) is None]

    def _is_well(self) -> bool:
        """Whether it does what it is for: results come, and what is decided is kept."""
        paces = [endpoint.interval for endpoint in self._config.endpoints() if endpoint.declared]
        if not self._ready or self._recording().unwritten:
            return False
        newest = self._hub.newest or self._board.started
        return not paces or now() - newest <= max(QUIET_AT_MOST, 3 * min(paces))

    def _on_gap(self, begin: datetime, end: datetime) -> None:
        self._presence.gap(begin, end)
        if end < begin:
            self._periodic.run_all()
        else:
            self._board.bridge(begin, end)

    def _recording(self) -> RecorderState:
        state = self._recorder.state
        return replace(state, unwritten=state.unwritten or self._pipeline.unwritten)

    def _banners(self) -> Sequence[str]:
        state = self._recording()
        said = {
            "unwritten": state.unwritten,
            "spooling": state.failing_since is not None,
            "simulated": self._simulated,
        }
        return [name for name, holds in said.items() if holds]
