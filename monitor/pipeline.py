"""The one path: every result, from here or from an agent, changes what is true only through here.

A result is applied at once and without waiting. What it decides (rows), the incident events that these cause and the
messages that are to tell of them become durable together, are then shown, then told to the observers, one decision
after the other, by the loop that :meth:`Pipeline.run` is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from monitor.board import Applied
from monitor.incidents.model import Decision, Delivery, Entry, IncidentEvent, Message
from monitor.model import Result, Row

log = logging.getLogger(__name__)


class Board(Protocol):
    """What is true now."""

    def apply(self, result: Result) -> Applied:
        """Take a result in; the rows that it decides are not shown yet."""
        ...

    def age(self, now: datetime) -> Sequence[Row]:
        """What time alone decides: what has become stale, a cause that can wait no longer, a window's begin."""
        ...

    def show(self, rows: Sequence[Row]) -> None:
        """Make decided rows visible."""
        ...


class Register(Protocol):
    """Which incidents there are."""

    def take(self, rows: Sequence[Row], now: datetime) -> Sequence[IncidentEvent]:
        """What decided rows mean for the incidents."""
        ...

    def age(self, now: datetime) -> Sequence[IncidentEvent]:
        """What time alone means for them."""
        ...

    def learn(self, events: Sequence[IncidentEvent]) -> None:
        """Take note of events that came from elsewhere: operators, evidence, deliveries."""
        ...


class Herald(Protocol):
    """Who is to be told of what."""

    def tell(self, events: Sequence[IncidentEvent], now: datetime) -> Sequence[Message]:
        """The messages that these events call for."""
        ...

    def age(self, now: datetime) -> Sequence[Message]:
        """Those that time alone calls for: reminders, escalations, what waited for opening hours."""
        ...


class ResultSink(Protocol):
    """Where results are kept."""

    def add(self, result: Result) -> None:
        """Take it without waiting: it is written later, in a batch."""
        ...


class Journal(Protocol):
    """Where decisions are kept."""

    async def write(self, entries: Sequence[Entry]) -> bool:
        """True when they are durable, all or none; False when nothing could be written: the journal keeps them and
        tries again."""
        ...


class Observer(Protocol):
    """Hears of every result at once, and of decisions when they are visible."""

    def on_result(self, result: Result) -> None:
        """A result was applied."""
        ...

    def on_decision(self, decision: Decision) -> None:
        """This is durable, and its rows are visible on the board now."""
        ...


class Pipeline:
    """See the module. An observer or a journal that fails is logged and stops nothing."""

    def __init__(
        self,
        *,
        board: Board,
        register: Register,
        herald: Herald,
        results: ResultSink,
        journal: Journal,
        clock: Callable[[], datetime],
        observers: Iterable[Observer] = (),
    ) -> None:
        self._board = board
        self._register = register
        self._herald = herald
        self._results = results
        self._journal = journal
        self._clock = clock
        self._observers = list(observers)
        self._decided: list[Decision] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self.unwritten = False
        """Whether the last decision was shown without being durable: a banner and a metric say so."""

    def observe(self, observer: Observer) -> None:
        """Let ``observer`` hear of everything from now on, after those that were there before."""
        self._observers.append(observer)

    @property
    def pending(self) -> int:
        """How many entries are decided and not yet shown."""
        return sum(len(decision.entries) for decision in self._decided)

    def accept(self, result: Result) -> Applied:
        """Take a result in: board, store's queue, observers. Never waits."""
        applied = self._board.apply(result)
        self._results.add(result)
        for observer in self._observers:
            try:
                observer.on_result(result)
            except Exception:
                log.exception("%s failed over a result of %s", type(observer).__name__, result.key)
        if applied.rows:
            self.decide(applied.rows)
        return applied

    def age(self, now: datetime) -> None:
        """Let time do its work: to be called about every second."""
        rows = tuple(self._board.age(now))
        events = (*self._register.take(rows, now), *self._register.age(now))
        messages = (*self._herald.tell(events, now), *self._herald.age(now))
        self._put(Decision(rows=rows, events=events, messages=messages))

    def decide(self, rows: Sequence[Row]) -> None:
        """Queue rows that the board decided, with what they cause."""
        if rows:
            now = self._clock()
            events = tuple(self._register.take(rows, now))
            self._put(Decision(rows=tuple(rows), events=events, messages=tuple(self._herald.tell(events, now))))

    def record(
        self,
        *,
        events: Sequence[IncidentEvent] = (),
        messages: Sequence[Message] = (),
        deliveries: Sequence[Delivery] = (),
    ) -> None:
        """Queue what operators did, what was found out, and what came of telling: deliveries, and the messages that
        go to the last resort instead."""
        self._register.learn(events)
        told = self._herald.tell(events, self._clock())
        self._put(Decision(events=tuple(events), messages=(*told, *messages), deliveries=tuple(deliveries)))

    def resume(self, events: Sequence[IncidentEvent]) -> None:
        """Queue what the register found when it took up the open incidents after a restart."""
        messages = self._herald.tell(events, self._clock())
        self._put(Decision(events=tuple(events), messages=tuple(messages)))

    async def settled(self) -> None:
        """Wait until everything that was decided so far is durable (or held, see ``unwritten``) and shown."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write, then show, then tell, in order; returns after :meth:`close`, when all that was decided is shown."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while waiting := tuple(self._decided):
                batch = _joined(waiting)
                self.unwritten = not await self._written(batch.entries)
                del self._decided[: len(waiting)]
                self._board.show(batch.rows)
                self._announce(batch)
            self._idle.set()
            if self._closing:
                return

    def close(self) -> None:
        """Let :meth:`run` return once everything decided is shown. The journal must still be open then."""
        self._closing = True
        self._wake.set()

    def _put(self, decision: Decision) -> None:
        if decision:
            self._decided.append(decision)
            self._idle.clear()
            self._wake.set()

    async def _written(self, entries: Sequence[Entry]) -> bool:
        try:
            return await self._journal.write(entries)
        except Exception:
            log.exception("%d entries could not be written", len(entries))
            return False

    def _announce(self, decision: Decision) -> None:
        for observer in self._observers:
            try:
                observer.on_decision(decision)
            except Exception:
                log.exception("%s failed over %d entries", type(observer).__name__, len(decision.entries))


def _joined(decisions: Sequence[Decision]) -> Decision:
    """Several decisions as one, in the order of deciding."""
    if len(decisions) == 1:
        return decisions[0]
    return Decision(
        rows=tuple(row for decision in decisions for row in decision.rows),
        events=tuple(event for decision in decisions for event in decision.events),
        messages=tuple(message for decision in decisions for message in decision.messages),
        deliveries=tuple(delivery for decision in decisions for delivery in decision.deliveries),
    )
