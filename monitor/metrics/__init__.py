"""Prometheus exposition: an observer of the pipeline that has its text ready when a scrape comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from monitor.board import PointView, Verdict
from monitor.config.model import Config
from monitor.health.stability import Bucket
from monitor.incidents.model import Decision, EventKind
from monitor.ledger import Uptime
from monitor.metrics.catalogue import FAMILIES
from monitor.metrics.endpoints import EndpointSamples
from monitor.metrics.points import PointSamples
from monitor.metrics.program import Program
from monitor.metrics.text import sample
from monitor.model import Fault, FaultKind, Reason, Result, Status
from monitor.probes.base import Prober

__all__ = ["Metrics"]

LINES_AT_ONCE = 1000


class Views(Protocol):
    """What is true now (the board)."""

    def points(self) -> Mapping[str, PointView]: ...

    def verdict(self, now: datetime) -> Verdict: ...


class Metrics:
    """Every metric of the program. ``probers`` is :func:`monitor.probes.find_probers`' answer.

    ``program`` holds the program's own health: lateness is observed there, and its sources are named there.
    """

    def __init__(
        self,
        config: Config,
        *,
        board: Views,
        probers: Mapping[str, type[Prober]],
        clock: Callable[[], datetime],
        version: str,
    ) -> None:
        self._board = board
        self._clock = clock
        self._kinds: dict[str, str] = {}
        self._endpoints = EndpointSamples(probers=probers)
        self._points = PointSamples()
        self._results: Counter[tuple[str, Reason]] = Counter()
        self._transitions: Counter[tuple[str, str, Status]] = Counter()
        self._opened: Counter[FaultKind] = Counter()
        self.program = Program(clock=clock, version=version)
        self.load(config)

    def load(self, config: Config) -> None:
        """Take a configuration over: series of what is gone disappear."""
        self._kinds = {point.id: point.kind for point in config.points}
        self._endpoints.load(config)
        self._points.load(config)
        self.program.alerting = config.alerting

    def on_result(self, result: Result) -> None:
        """Count a result and rewrite its endpoint's lines."""
        kind = self._kinds.get(result.key.point)
        self.program.heard()
        if kind is not None:
            self._results[kind, result.reason] += 1
            self._endpoints.on_result(result)

    def on_decision(self, decision: Decision) -> None:
        """Count transitions and incidents; an endpoint that became unknown shows nothing more."""
        for transition in decision.transitions:
            key = transition.key
            kind = self._kinds.get(key.point)
            if kind is not None:
                self._transitions["point" if key.is_point else "endpoint", kind, transition.status] += 1
            if not key.is_point and transition.status in (Status.UNKNOWN, Status.UNOBSERVED):
                self._endpoints.on_stale(transition)
        for event in decision.events:
            if event.kind is EventKind.OPENED:
                self._opened[Fault.parse(event.data["fault"]).kind] += 1

    def on_uptime(self, point: str, windows: Mapping[str, Uptime]) -> None:
        """Take a point's uptimes by window, reckoned elsewhere."""
        self._points.on_uptime(point, windows)

    async def render(self) -> AsyncIterator[bytes]:
        """The whole text, in slices between which others run; no slice takes more than some milliseconds."""
        self._endpoints.expire(self._clock())
        await asyncio.sleep(0)
        counts = self._board.verdict(self._clock()).counts
        await asyncio.sleep(0)
        views = list(self._board.points().values())
        await asyncio.sleep(0)
        gathered: list[str] = []
        for lines in self._slices(views, counts):
            gathered += lines
            if len(gathered) >= LINES_AT_ONCE:
                yield "".join(gathered).encode()
                gathered = []
                await asyncio.sleep(0)
        yield "".join(gathered).encode()

    def _slices(self, views: Sequence[PointView], counts: Mapping[Bucket, int]) -> Iterator[Iterable[str]]:
        yield (self.program.text().decode(),)
        yield self._counters()
        yield from self._points.slices(views, counts, self._clock())
        for head, lines in self._endpoints.families():
            yield (head,)
            for begin in range(0, len(lines), LINES_AT_ONCE):
                yield lines[begin : begin + LINES_AT_ONCE]

    def _counters(self) -> Iterator[str]:
        yield FAMILIES["lienthong_results_total"].head
        for (kind, reason), count in sorted(self._results.items()):
            labels = {"kind": kind, "outcome": reason.outcome, "reason": reason}
            yield sample("lienthong_results_total", labels, count)
        yield FAMILIES["lienthong_transitions_total"].head
        for (subject, kind, status), count in sorted(self._transitions.items()):
            labels = {"subject": subject, "kind": kind, "status": status}
            yield sample("lienthong_transitions_total", labels, count)
        yield FAMILIES["lienthong_incidents_opened_total"].head
        for fault in FaultKind:
            yield sample("lienthong_incidents_opened_total", {"fault": fault}, self._opened[fault])
