"""The composition root: the only place that builds and wires. One task group owns every task of the program."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from monitor import __version__
from monitor.board import Applied, Board
from monitor.config import ConfigError
from monitor.config.model import Config, Endpoint
from monitor.config.reach import FIXED, within_reach
from monitor.metrics import Metrics
from monitor.model import Resume
from monitor.pipeline import Pipeline
from monitor.probes import find_probers
from monitor.probes.network import Network
from monitor.runner import Runner
from monitor.schedule import Periodic, Pulse, Schedule
from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.presence import Presence, RunsFirst
from monitor.storage.recorder import Recorder, RecorderState
from monitor.storage.spool import Spool
from monitor.storage.store import Store
from monitor.web import build
from monitor.web.stream import BEAT_EVERY, Hub
from monitor.web.uptimes import Uptimes

log = logging.getLogger(__name__)

Program = Callable[[], Coroutine[Any, Any, None]]
Load = Callable[[], Config]
Announce = Callable[[Config, str], None]

MARK_EVERY = timedelta(seconds=5)
UPTIMES_EVERY = timedelta(seconds=20)
PACK_EVERY = timedelta(minutes=1)
PACK_AFTER = timedelta(minutes=5)
PRUNE_EVERY = timedelta(hours=1)


class CannotStart(Exception):
    """What keeps the program from starting, in a line for operators."""


def now() -> datetime:
    """The program's clock."""
    return datetime.now(UTC)


async def serve(*, load: Load, announce: Announce, simulated: bool = False) -> None:
    """Run until SIGINT or SIGTERM. SIGHUP reads the configuration again.

    ``announce(config, url)`` is called once the wall is there; ``simulated`` makes the wall say that its network is.
    Raises ConfigError or CannotStart.
    """
    config = load()
    async with Network(servers=config.resolution.servers, ca_file=config.ca_file) as network:
        store = Store(config.storage.url)
        try:
            await Assembly(config, load=load, network=network, store=store, simulated=simulated).run(announce)
        finally:
            await store.close()


class Assembly:
    """Everything built and wired; ``run`` sets it going."""

    def __init__(self, config: Config, *, load: Load, network: Network, store: Store, simulated: bool) -> None:
        self._load = load
        self._store = store
        self._simulated = simulated
        self._config = config
        self._stop = asyncio.Event()
        self._asked_to_reload = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._ready = False
        self._has_history = False
        self._registered: Config | None = None
        self._board = Board(config, clock=now)
        self._presence = Presence(runs=store, vantage=config.vantage)
        self._recorder = Recorder(
            store=RunsFirst(store=store, presence=self._presence),
            spool=Spool(config.storage.spool, config.storage.spool_bytes),
            clock=now,
        )
        self._periodic = Periodic()
        self._pulse = Pulse(clock=now, on_gap=self._on_gap)
        self._metrics = Metrics(config, board=self._board, probers=find_probers(), clock=now, version=__version__)
        self._hub = Hub(board=self._board, clock=now, banners=self._banners)
        self._pipeline = Pipeline(
            board=self._board, results=self._recorder, journal=self._recorder, observers=[self._metrics, self._hub]
        )
        self._runner = Runner(network=network, vantage=config.vantage, pulse=self._pulse, clock=now)
        self._schedule = Schedule(
            probe=self._probe, pulse=self._pulse, clock=now, lateness=self._metrics.program, age=self._pipeline.age
        )
        self._uptimes = Uptimes(board=self._board, store=store, clock=now, sink=self._metrics)
        self._metrics.program.watch(
            schedule=self._schedule,
            pulse=self._pulse,
            recorder=self._recording,
            pending_transitions=lambda: self._pipeline.pending,
            listeners=lambda: self._hub.listeners,
        )

    async def run(self, announce: Announce) -> None:
        """Resume, probe and serve until a signal says stop; then write what is gathered."""
        async with AsyncExitStack() as stack:
            self._listen_to_signals(stack)
            await self._open_storage()
            url = await self._serve_web(stack)
            async with asyncio.TaskGroup() as tasks:
                recorder = tasks.create_task(self._recorder.run())
                await self._recorder.ready()
                await self._resume()
                pipeline = tasks.create_task(self._pipeline.run())
                running = [tasks.create_task(each) for each in (self._schedule.run(), self._reload_when_asked())]
                self._start_periodic()
                # What the start built lives as long as the program: the collector need not walk it again and again.
                gc.collect()
                gc.freeze()
                self._ready = True
                announce(self._config, url)
                await self._stop.wait()
                log.info("stopping")
                await self._periodic.stop()
                for task in running:
                    task.cancel()
                # A result that comes while its probe is being cancelled still finds the pipeline open.
                await asyncio.wait(running)
                self._pipeline.close()
                await pipeline
                self._recorder.close()
                await recorder
            await self._quietly(self._presence.mark(now()))

    async def _probe(self, endpoint: Endpoint) -> Applied:
        return self._pipeline.accept(await self._runner.run(endpoint))

    async def _serve_web(self, stack: AsyncExitStack) -> str:
        application = build(
            board=self._board,
            store=self._store,
            metrics=self._metrics,
            hub=self._hub,
            uptimes=self._uptimes,
            reload=self.reload,
            clock=now,
            ready=lambda: self._ready,
        )
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        server = self._config.server
        try:
            await web.TCPSite(runner, server.host, server.port).start()
        except OSError as error:
            raise CannotStart(
                f"cannot listen on {server.host}:{server.port}: {error.strerror}; is another monitor running? "
                f"--listen takes another address"
            ) from error
        host, port = runner.addresses[0][:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def _open_storage(self) -> None:
        try:
            await self._recorder.open()
            await self._store.open()
        except StorageUnusable as error:
            raise CannotStart(str(error)) from error
        except StorageError as error:
            log.warning("%s", error)

    async def _resume(self) -> None:
        """Take up what was true when the program last ran; without its database it begins anew and says so."""
        async with self._reloading:
            try:
                self._board.restore(await self._read_history())
                self._has_history = True
            except StorageError as error:
                log.error("starting without history, results and transitions go to the spool: %s", error)
            self._presence.begin(now())
            await self._quietly(self._presence.mark(now()))
            self._schedule.load(self._config.endpoints())

    async def _read_history(self) -> Resume:
        if self._recorder.state.spooled_transitions:
            raise StorageError("the last transitions still wait in the spool")
        return await self._store.resume(self._config.vantage, now())

    async def _catch_up(self) -> None:
        """What the database was away for when it was due: the fingerprints, and the history that the start lacked."""
        if not self._has_history:
            resume = await self._read_history()
            if not self._has_history:
                self._has_history = True
                self._pipeline.decide(self._board.disown(resume))
                log.warning("the history can be read again; where nothing is known since the start, that is written")
        if self._registered is not self._config:
            config = self._config
            await self._store.register((endpoint.key, endpoint.fingerprint) for endpoint in config.endpoints())
            self._registered = config

    def _listen_to_signals(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        acts = {signal.SIGINT: self._stop, signal.SIGTERM: self._stop, signal.SIGHUP: self._asked_to_reload}
        for number, event in acts.items():
            loop.add_signal_handler(number, event.set)
            stack.callback(loop.remove_signal_handler, number)

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
            self._config = config
            self._pipeline.decide(self._board.reload(config))
            self._runner.retain(config.endpoints())
            self._metrics.load(config)
            self._schedule.load(config.endpoints())
            self._metrics.program.reloaded(succeeded=True)
            log.info("reloaded: %d points", len(config.points))
            await self._quietly(self._catch_up())

    def _start_periodic(self) -> None:
        async def pack() -> None:
            await self._quietly(self._store.pack(now() - PACK_AFTER), logging.WARNING)

        async def prune() -> None:
            await self._quietly(self._store.prune(now() - self._config.storage.keep_results), logging.WARNING)

        async def beat() -> None:
            self._hub.beat()

        self._periodic.every(BEAT_EVERY, beat, "beat", now=True)
        self._periodic.every(UPTIMES_EVERY, self._uptimes.try_refresh, "uptimes", now=True)
        self._periodic.every(MARK_EVERY, self._mark, "mark", now=True)
        self._periodic.every(PACK_EVERY, pack, "pack")
        self._periodic.every(PRUNE_EVERY, prune, "prune")
        self._periodic.start()

    def _on_gap(self, begin: datetime, end: datetime) -> None:
        self._presence.gap(begin, end)
        if end < begin:
            self._periodic.run_all()

    async def _mark(self) -> None:
        await self._quietly(self._presence.mark(now()))
        await self._quietly(self._catch_up())

    async def _quietly(self, work: Awaitable[object], level: int = logging.DEBUG) -> None:
        """Work on the database that is made up for later: that it is away is told by the recorder, damage is not."""
        try:
            await work
        except StorageError as error:
            log.log(level, "put off: %s", error)

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
