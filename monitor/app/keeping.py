"""What the program remembers over a restart: taken up at the start, caught up with when the database comes late."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime

from monitor.alerts.dispatcher import Dispatcher
from monitor.alerts.herald import Herald
from monitor.board import Board
from monitor.calendar.model import Window
from monitor.config.model import Config
from monitor.incidents.register import Register
from monitor.incidents.shown import Incidents
from monitor.model import EndpointKey, Resume, Status
from monitor.pipeline import Pipeline
from monitor.storage.errors import StorageError
from monitor.storage.presence import Presence
from monitor.storage.recorder import Recorder
from monitor.storage.store import Store

log = logging.getLogger(__name__)


class Keeping:
    """Brings each room its part of the history. ``config`` gives the configuration in force."""

    def __init__(
        self,
        *,
        config: Callable[[], Config],
        store: Store,
        recorder: Recorder,
        presence: Presence,
        board: Board,
        register: Register,
        incidents: Incidents,
        herald: Herald,
        dispatcher: Dispatcher,
        pipeline: Pipeline,
        clock: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._store = store
        self._recorder = recorder
        self._presence = presence
        self._board = board
        self._register = register
        self._incidents = incidents
        self._herald = herald
        self._dispatcher = dispatcher
        self._pipeline = pipeline
        self._clock = clock
        self._has_history = False
        self._registered: Config | None = None
        self._windows: Sequence[Window] = ()

    async def resume(self) -> None:
        """Take up what was true when the program last ran; without its database it begins anew and says so."""
        try:
            await self._take_up(await self._read())
            self._has_history = True
        except StorageError as error:
            log.error("starting without history, results and transitions go to the spool: %s", error)
        self._plan()
        self._presence.begin(self._clock())
        await quietly(self._presence.mark(self._clock()))

    async def mark(self) -> None:
        """A sign of life, and what is still owed to the database."""
        await quietly(self._presence.mark(self._clock()))
        await quietly(self.catch_up())

    async def catch_up(self) -> None:
        """What the database was away for when it was due: the fingerprints, and the history that the start lacked."""
        if not self._has_history:
            await self._inherit()
        windows = await self._store.windows()
        if windows != self._windows:
            self._plan(windows)
        if self._registered is not self._config():
            config = self._config()
            await self._store.register((endpoint.key, endpoint.fingerprint) for endpoint in config.endpoints())
            self._registered = config

    async def replan(self) -> None:
        """Let the maintenance windows take effect as they are in the file and in the database now; those that cannot
        be read do so with the next sign of life for which they can."""
        try:
            self._plan(await self._store.windows())
        except StorageError as error:
            log.warning("the maintenance windows cannot be read, they take effect later: %s", error)
        self._pipeline.age(self._clock())

    def plan(self) -> None:
        """The same with the database's windows as last read: after a reload."""
        self._plan()

    def _plan(self, windows: Sequence[Window] | None = None) -> None:
        if windows is not None:
            self._windows = windows
        planned = (*self._config().maintenance, *self._windows)
        self._board.plan(planned)
        self._herald.plan(planned)

    async def _take_up(self, resume: Resume) -> None:
        casebook = await self._store.resume_incidents()
        letters = await self._store.outbox()
        self._windows = await self._store.windows()
        now = self._clock()
        self._board.restore(resume)
        self._incidents.load(casebook.events)
        events = self._register.resume(casebook.events, casebook.last_number, resume, now)
        self._herald.resume(letters, now, open_incidents=self._register.open())
        self._dispatcher.load(letters)
        self._pipeline.resume(events)

    async def _inherit(self) -> None:
        """Take up what the start lacked. What was decided meanwhile stands, and where nothing was, that is written."""
        resume = await self._read()
        casebook = await self._store.resume_incidents()
        letters = await self._store.outbox()
        seen_up = await self._seen_up_before(self._register.never)
        if self._has_history:
            return
        self._has_history = True
        now = self._clock()
        earlier = {uid: events for uid, events in casebook.events.items() if self._register.incident(uid) is None}
        self._incidents.load(earlier)
        events = self._register.inherit(earlier, casebook.last_number, now, seen_up=seen_up)
        self._herald.resume(
            [letter for letter in letters if letter.message.incident in earlier],
            now,
            open_incidents=[incident for uid in earlier if (incident := self._register.incident(uid)) is not None],
        )
        self._dispatcher.load(letters)
        self._pipeline.resume(events)
        self._pipeline.decide(self._board.disown(resume))
        log.warning("the history can be read again: what was open goes on, what nothing is known of is written down")

    async def _seen_up_before(self, points: Collection[str]) -> Collection[str]:
        """Those of ``points`` that the history before the start says were up at some time."""
        keys = [EndpointKey(point, "") for point in points]
        begin = self._board.started
        histories = await self._store.histories(keys, begin, self._clock())
        return {
            key.point
            for key, history in histories.items()
            for row in history.transitions
            if row.at < begin and (row.status is Status.UP or not row.first)
        }

    async def _read(self) -> Resume:
        if self._recorder.state.spooled_transitions:
            raise StorageError("the last decisions still wait in the spool")
        return await self._store.resume(self._config().vantage, self._clock())


async def quietly(work: Awaitable[object], level: int = logging.DEBUG) -> None:
    """Work on the database that is made up for later: that it is away is told by the recorder, damage is not."""
    try:
        await work
    except StorageError as error:
        log.log(level, "put off: %s", error)
