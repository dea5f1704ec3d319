"""Everything that is kept, by verbs named for their purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import insert, select, text, update

from monitor.calendar.model import Window
from monitor.incidents.model import Delivery, Entry, IncidentEvent, Message
from monitor.model import EndpointKey, Flag, FlagChange, History, Observation, Result, Resume, StoredResult, Transition
from monitor.storage.archive import Archive
from monitor.storage.database import Database
from monitor.storage.days import ClosedDay, Days
from monitor.storage.errors import StorageError
from monitor.storage.incidents import Incidents, State
from monitor.storage.journal import Journal, TransitionPage
from monitor.storage.names import Names
from monitor.storage.operators import Operators
from monitor.storage.outbox import Outbox
from monitor.storage.records import AuditRow, IncidentResume, Letter, Token
from monitor.storage.tables import batches, runs, subjects

_RECENT: Final = timedelta(minutes=2)


class Store:
    """A database at ``url``: ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.

    Every verb raises :class:`StorageError` when the database cannot do it, within ``patience``, and works again as soon
    as the database does. What a writing verb wrote is on the disk when it returns, whole or not at all.
    """

    def __init__(self, url: str, *, patience: timedelta = timedelta(seconds=10)) -> None:
        self._database = Database(url, patience=patience)
        self._names = Names(self._database)
        self._archive = Archive(self._database, self._names)
        self._journal = Journal(self._database, self._names)
        self._incidents = Incidents(self._database)
        self._outbox = Outbox(self._database)
        self._operators = Operators(self._database)
        self._days = Days(self._database, self._names)
        self._begun: dict[str, datetime] = {}

    @property
    def write_seconds(self) -> float:
        """How long the last writing transaction took."""
        return self._database.write_seconds

    @property
    def missing(self) -> str:
        """The file that opening would make; "" when it is there, or is a server's business."""
        return self._database.missing

    @property
    def file(self) -> str:
        """The file that holds everything; "" when that is a server's business."""
        return self._database.name if self._database.is_sqlite else ""

    async def open(self) -> None:
        """Make the file and its directory, bring the schema up to date. Where it is not done, the other verbs do it."""
        await self._database.open()

    async def close(self) -> None:
        """Let every connection go."""
        await self._database.close()

    async def ping(self) -> None:
        """Return if the database answers."""
        async with self._database.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def register(self, endpoints: Iterable[tuple[EndpointKey, str]]) -> None:
        """Keep each endpoint's fingerprint, in place of the one before."""
        fingerprints = dict(endpoints)
        if not fingerprints:
            return
        async with self._caution():
            numbers = await self._names.make_subjects(fingerprints)
            statement = self._database.insert(subjects)
            rows = [
                {"id": numbers[key], "point": key.point, "endpoint": key.endpoint, "fingerprint": fingerprint}
                for key, fingerprint in fingerprints.items()
            ]
            async with self._database.writing() as connection:
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=[subjects.c.id], set_={"fingerprint": statement.excluded.fingerprint}
                    ),
                    rows,
                )

    async def begin_run(self, vantage: str, begun: datetime) -> int:
        """Begin a time in which ``vantage`` is observing; what lies between it and the last mark before is unobserved.

        To be called at a start, after :meth:`resume`, and when a suspended machine has woken. Returns the run's number.
        """
        async with self._database.writing() as connection:
            values = {"vantage": vantage, "begun": begun, "alive": begun}
            inserted = await connection.execute(insert(runs).values(values).returning(runs.c.id))
            number: int = inserted.scalar_one()
        self._begun[vantage] = begun
        return number

    async def mark_alive(self, run: int, at: datetime) -> None:
        """Note that the run's program runs at ``at``."""
        async with self._database.writing() as connection:
            await connection.execute(update(runs).where(runs.c.id == run, runs.c.alive < at).values(alive=at))

    async def write_results(self, results: Sequence[Result]) -> None:
        """Append results. Written again, they are still kept once. They are signs of life of the run they began in."""
        if not results:
            return
        async with self._caution():
            rows = await self._archive.encode(results)
            async with self._database.writing() as connection:
                await connection.execute(insert(batches), rows)
                for (vantage, _), last in self._last(results).items():
                    latest = select(runs.c.id).where(runs.c.vantage == vantage, runs.c.begun <= last)
                    number = latest.order_by(runs.c.begun.desc(), runs.c.id.desc()).limit(1).scalar_subquery()
                    mark = update(runs).where(runs.c.id == number, runs.c.alive < last).values(alive=last)
                    await connection.execute(mark)

    def _last(self, results: Iterable[Result]) -> Mapping[tuple[str, bool], datetime]:
        """The last begin by vantage and by whether it lies in the run under way: a drained spool mixes them."""
        last: dict[tuple[str, bool], datetime] = {}
        for result in results:
            begun = self._begun.get(result.vantage)
            place = result.vantage, begun is not None and result.begun >= begun
            last[place] = max(last.get(place, result.begun), result.begun)
        return last

    async def write_entries(self, entries: Sequence[Entry]) -> None:
        """Append entries in one transaction, all or none. One that is there already is left out."""
        if not entries:
            return
        rows = [entry for entry in entries if isinstance(entry, Transition | FlagChange)]
        events = [entry for entry in entries if isinstance(entry, IncidentEvent)]
        messages = [entry for entry in entries if isinstance(entry, Message)]
        deliveries = [entry for entry in entries if isinstance(entry, Delivery)]
        async with self._caution():
            numbers = await self._names.make_subjects([row.key for row in rows])
            async with self._database.writing() as connection:
                await self._journal.write(connection, rows, numbers)
                await self._incidents.write(connection, events)
                await self._outbox.write(connection, messages, deliveries)

    async def resume(self, vantage: str, now: datetime) -> Resume:
        """What was true when ``vantage`` was last alive, up to ``now``."""
        statuses = await self._journal.in_force()
        flags = await self._journal.flags_in_force()
        async with self._database.reading() as connection:
            columns = subjects.c.point, subjects.c.endpoint, subjects.c.fingerprint
            known = await connection.execute(select(*columns).where(subjects.c.fingerprint.is_not(None)))
            fingerprints = {EndpointKey(point, endpoint): fingerprint for point, endpoint, fingerprint in known}
            alive = select(runs.c.alive).where(runs.c.vantage == vantage).order_by(runs.c.alive.desc()).limit(1)
            last_alive = await connection.scalar(alive)
        if last_alive is None:
            return Resume(statuses=statuses, flags=flags, fingerprints=fingerprints)
        last_alive = min(last_alive, now)
        found = await self._archive.read(fingerprints, last_alive - _RECENT, now)
        recent: dict[EndpointKey, Sequence[StoredResult]] = {}
        for key, results in found.items():
            own = [result for result in results if result.vantage == vantage]
            if own:
                recent[key] = own
            await asyncio.sleep(0)
        return Resume(statuses=statuses, flags=flags, fingerprints=fingerprints, recent=recent, last_alive=last_alive)

    async def results(self, key: EndpointKey, begin: datetime, end: datetime) -> Sequence[StoredResult]:
        """The results of one endpoint that began within [begin, end), oldest first, of every vantage."""
        return (await self._archive.read((key,), begin, end))[key]

    async def results_of(
        self, keys: Collection[EndpointKey], begin: datetime, end: datetime
    ) -> Mapping[EndpointKey, Sequence[StoredResult]]:
        """The same for several endpoints by one question: a point's page asks for all of its own."""
        return await self._archive.read(keys, begin, end)

    async def transitions(
        self, begin: datetime, end: datetime, *, point: str | None = None, limit: int = 500
    ) -> Sequence[Transition]:
        """The transitions with ``at`` within [begin, end), newest first; of a point: its own and its endpoints'."""
        return (await self._journal.page(begin, end, point=point, limit=limit, cursor="")).transitions

    async def page_transitions(
        self, begin: datetime, end: datetime, *, point: str | None = None, limit: int = 100, cursor: str = ""
    ) -> TransitionPage:
        """The same, page by page: a page's ``cursor`` gets the next. Raises ValueError on one that is not ours."""
        return await self._journal.page(begin, end, point=point, limit=limit, cursor=cursor)

    async def history(self, key: EndpointKey, begin: datetime, end: datetime) -> History:
        """What the ledger needs for [begin, end) of an endpoint, or of a point: ``EndpointKey(point, "")``."""
        return (await self.histories((key,), begin, end))[key]

    async def histories(
        self, keys: Collection[EndpointKey], begin: datetime, end: datetime
    ) -> Mapping[EndpointKey, History]:
        """The same for many subjects by one question. A point's maintenance is that of its endpoints too."""
        rows = await self._journal.rows_since(keys, begin, end)
        flags = await self._journal.flags_since(Flag.MAINTENANCE, {key.point for key in keys}, begin, end)
        observations = await self.observations(begin, end)
        return {key: History(rows.get(key, ()), observations, flags.get(key.point, ())) for key in keys}

    async def observations(self, begin: datetime, end: datetime) -> Sequence[Observation]:
        """The times that touch [begin, end) in which a vantage's program ran, whole, in the order of their begins."""
        query = select(runs.c.vantage, runs.c.begun, runs.c.alive).where(runs.c.alive >= begin, runs.c.begun < end)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(runs.c.begun, runs.c.id))
            return tuple(Observation(*row) for row in rows)

    async def resume_incidents(self) -> IncidentResume:
        """The open incidents' events, and the last number that was given."""
        return await self._incidents.resume()

    async def incident_page(
        self,
        begin: datetime,
        end: datetime,
        *,
        state: State = "all",
        point: str | None = None,
        limit: int = 100,
        cursor: str = "",
    ) -> tuple[Sequence[str], str]:
        """The uids of the incidents that lasted at some time of [begin, end), latest opened first, and where the next
        page begins ("": this is the last). ``point``: only those that ever touched it. Raises ValueError on a cursor
        that is none of ours.
        """
        return await self._incidents.page(begin, end, state=state, point=point, limit=limit, cursor=cursor)

    async def incident_events(self, uids: Collection[str]) -> Mapping[str, Sequence[IncidentEvent]]:
        """The events of these incidents in the order of recording; one that is unknown is left out."""
        return await self._incidents.events(uids)

    async def incident_uid(self, number: int) -> str | None:
        """The incident that has this number."""
        return await self._incidents.uid(number)

    async def outbox(self) -> Sequence[Letter]:
        """Everything about the incidents that are open or of which something is still to be sent, in the order of
        recording."""
        return await self._outbox.pending()

    async def letters(
        self, *, incident: str | None = None, limit: int = 100, cursor: str = ""
    ) -> tuple[Sequence[Letter], str]:
        """Messages with their attempts, newest first, and where the next page begins. ValueError as above."""
        return await self._outbox.page(incident=incident, limit=limit, cursor=cursor)

    async def put_window(self, window: Window) -> None:
        """Keep a maintenance window, in place of one with the same id."""
        await self._operators.put_window(window)

    async def cancel_window(self, identity: str, at: datetime) -> bool:
        """From ``at`` on the window covers nothing. False: there is none, or it is cancelled already."""
        return await self._operators.cancel_window(identity, at)

    async def windows(self) -> Sequence[Window]:
        """All windows that were ever put, cancelled ones too, in the order of their begins."""
        return await self._operators.windows()

    async def add_token(self, token: Token) -> None:
        """Keep a new token. StorageError when its id or digest is there already."""
        await self._operators.add_token(token)

    async def tokens(self) -> Sequence[Token]:
        """All tokens, those that hold no more too, in the order of creation."""
        return await self._operators.tokens()

    async def revoke_token(self, identity: str, at: datetime) -> bool:
        """From ``at`` on the token lets nobody in. False: there is none, or it is revoked already."""
        return await self._operators.revoke_token(identity, at)

    async def write_audit(self, row: AuditRow) -> None:
        """Append to the record of who did what."""
        await self._operators.write_audit(row)

    async def audit(self, *, limit: int = 100, cursor: str = "") -> tuple[Sequence[AuditRow], str]:
        """Who did what, newest first, and where the next page begins. ValueError as above."""
        return await self._operators.audit(limit=limit, cursor=cursor)

    async def close_days(self, days: Sequence[ClosedDay]) -> None:
        """Append the sums of closed days, all or none; a day that is there already then has these. What is there from
        the same moment is left out."""
        if days:
            async with self._caution():
                await self._days.write(days)

    async def closed_days(
        self, begin: date, end: date, *, points: Collection[str] | None = None, as_of: datetime | None = None
    ) -> Sequence[ClosedDay]:
        """The sums in force of the days within [begin, end), by day and point; ``as_of`` an earlier moment: as they
        were then."""
        return await self._days.read(begin, end, points=points, as_of=as_of)

    async def last_closed_days(self) -> Mapping[str, date]:
        """Each point's last closed day; a point that has none is left out."""
        return await self._days.last()

    async def pack(self, before: datetime) -> int:
        """Pack the quarters of an hour that ended by ``before``, in small steps. Returns how many batches it packed."""
        return await self._archive.pack(before)

    async def prune(self, before: datetime) -> int:
        """Drop the results of the quarters of an hour that ended by ``before``, in small steps.

        Everything else stays for ever: rows, events, messages, the audit log. Returns how many blocks and batches were
        dropped.
        """
        return await self._archive.prune(before)

    @asynccontextmanager
    async def _caution(self) -> AsyncIterator[None]:
        """After a failed write nothing remembered is relied on: another database may stand in the old one's place."""
        try:
            yield
        except StorageError:
            self._names.forget()
            raise
