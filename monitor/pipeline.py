"""The one path: every result, from here or from an agent, changes what is true only through here.

A result is applied at once and without waiting. A transition that it decides is first made durable, then shown, then
told to the observers, one after the other in the order of decision, by the loop that :meth:`Pipeline.run` is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from monitor.board import Applied
from monitor.model import Result, Transition

log = logging.getLogger(__name__)


class Board(Protocol):
    """What is true now."""

    def apply(self, result: Result) -> Applied:
        """Take a result in; the transitions that it decides are not shown yet."""
        ...

    def age(self, now: datetime) -> Sequence[Transition]:
        """The transitions of what has become stale."""
        ...

    def show(self, transitions: Sequence[Transition]) -> None:
        """Make decided transitions visible."""
        ...


class ResultSink(Protocol):
    """Where results are kept."""

    def add(self, result: Result) -> None:
        """Take it without waiting: it is written later, in a batch."""
        ...


class Journal(Protocol):
    """Where transitions are kept."""

    async def write(self, transitions: Sequence[Transition]) -> bool:
        """True when they are durable; False when nothing could be written: the journal keeps them and tries again."""
        ...


class Observer(Protocol):
    """Hears of every result at once, and of transitions when they are visible."""

    def on_result(self, result: Result) -> None:
        """A result was applied."""
        ...

    def on_transitions(self, transitions: Sequence[Transition]) -> None:
        """These are visible on the board now."""
        ...


class Pipeline:
    """See the module. An observer or a journal that fails is logged and stops nothing."""

    def __init__(
        self, *, board: Board, results: ResultSink, journal: Journal, observers: Sequence[Observer] = ()
    ) -> None:
        self._board = board
        self._results = results
        self._journal = journal
        self._observers = tuple(observers)
        self._decided: list[Transition] = []
        self._wake = asyncio.Event()
        self._closing = False
        self.unwritten = False
        """Whether the last transitions were shown without being durable: a banner and a metric say so."""

    @property
    def pending(self) -> int:
        """How many transitions are decided and not yet shown."""
        return len(self._decided)

    def accept(self, result: Result) -> Applied:
        """Take a result in: board, store's queue, observers. Never waits."""
        applied = self._board.apply(result)
        self._results.add(result)
        for observer in self._observers:
            try:
                observer.on_result(result)
            except Exception:
                log.exception("%s failed over a result of %s", type(observer).__name__, result.key)
        if applied.transitions:
            self.decide(applied.transitions)
        return applied

    def age(self, now: datetime) -> None:
        """Let statuses without results go stale; to be called about every second."""
        self.decide(self._board.age(now))

    def decide(self, transitions: Sequence[Transition]) -> None:
        """Queue transitions that the board decided outside a result: of a reload, of a restart."""
        if transitions:
            self._decided.extend(transitions)
            self._wake.set()

    async def run(self) -> None:
        """Write, then show, then tell, in order; returns after :meth:`close`, when all that was decided is shown."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := tuple(self._decided):
                self.unwritten = not await self._written(batch)
                del self._decided[: len(batch)]
                self._board.show(batch)
                self._tell(batch)
            if self._closing:
                return

    def close(self) -> None:
        """Let :meth:`run` return once everything decided is shown. The journal must still be open then."""
        self._closing = True
        self._wake.set()

    async def _written(self, transitions: Sequence[Transition]) -> bool:
        try:
            return await self._journal.write(transitions)
        except Exception:
            log.exception("%d transitions could not be written", len(transitions))
            return False

    def _tell(self, transitions: Sequence[Transition]) -> None:
        for observer in self._observers:
            try:
                observer.on_transitions(transitions)
            except Exception:
                log.exception("%s failed over %d transitions", type(observer).__name__, len(transitions))
