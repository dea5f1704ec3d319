"""A simulated network with a schedule, in virtual time: the board as it is driven in earnest, without waiting."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from monitor.board import Applied
from monitor.config.model import CommonFate, Config, Dependency, Point
from monitor.model import EndpointKey, Reason, Resume, Row, Transition
from tests.unit.board_world import World, endpoint, moment, seconds


@dataclass(frozen=True)
class Outage:
    """From ``begin`` to ``end`` (seconds) probes of these points fail: refused at once, or after the timeout.

    ``endpoints``: only those of that name.
    """

    points: frozenset[str]
    begin: float
    end: float = float("inf")
    hangs: bool = False
    name: str = ""
    reason: Reason | None = None

    def hits(self, key: EndpointKey, second: float) -> bool:
        return key.point in self.points and self.name in ("", key.endpoint) and self.begin <= second < self.end


def cut(points: Iterable[str] | str, begin: float, end: float = float("inf"), **changes: object) -> Outage:
    names = frozenset([points] if isinstance(points, str) else points)
    return Outage(names, begin, end, **changes)  # type: ignore[arg-type]


def place(
    name: str,
    *,
    kind: str = "ward",
    needs: Sequence[Sequence[str] | str] = (),
    endpoints: Sequence[str] = ("link",),
    platform: Mapping[str, str] | None = None,
    area: str = "",
    **labels: str,
) -> Point:
    """A point; ``platform`` says on which point an endpoint depends."""
    made = []
    for each in endpoints:
        on = (platform or {}).get(each)
        made.append(endpoint(each, point=name, depends_on=(Dependency(any_of=(on,)),) if on else ()))
    dependencies = tuple(Dependency(any_of=(each,) if isinstance(each, str) else tuple(each)) for each in needs)
    return Point(
        id=name, name=name, kind=kind, endpoints=tuple(made), depends_on=dependencies, area=area, labels=labels
    )


def anchors(number: int = 2) -> list[Point]:
    return [place(f"anchor{position}", kind="anchor") for position in range(number)]


def config(points: Iterable[Point], **changes: object) -> Config:
    return Config(points=tuple(points), common_fate=CommonFate(), **changes)  # type: ignore[arg-type]


class Network(World):
    """The board under its schedule; ``outages`` are the truth."""

    def __init__(
        self, config: Config, outages: Iterable[Outage] = (), *, started: float = 0, resume: Resume | None = None
    ) -> None:
        super().__init__(config, started=started, resume=resume)
        self.outages = list(outages)
        self.probes = 0
        self.seen: list[tuple[float, EndpointKey, str]] = []
        self._begun: dict[EndpointKey, tuple[float, Outage | None]] = {}
        self._order = count()
        self._agenda: list[tuple[float, int, str, EndpointKey | None]] = []
        self._extra: dict[EndpointKey, float] = {}
        self._busy: dict[EndpointKey, bool] = {}
        self._ended: dict[EndpointKey, float] = {}
        self._endpoints = {each.key: each for each in config.endpoints() if each.declared}
        for position, key in enumerate(self._endpoints):
            interval = self._endpoints[key].interval.total_seconds()
            self._put(started + interval * (position * 0.618 % 1), "grid", key)
        self._put(started, "age", None)

    def run(self, until: float) -> Network:
        while self._agenda and self._agenda[0][0] <= until:
            second, _, what, key = heapq.heappop(self._agenda)
            self.now = max(self.now, moment(second))
            if key is None:
                self.grow_old(second)
                self._put(second + 1, "age", None)
            elif key not in self._endpoints:
                continue
            elif what == "end":
                self._end(second, key)
            elif what == "grid":
                self._put(second + self._endpoints[key].interval.total_seconds(), "grid", key)
                if key not in self._extra:
                    self._start(second, key)
            elif self._extra.get(key) == second:
                self._start(second, key)
        self.now = max(self.now, moment(until))
        return self

    def restarted(self, second: float) -> Network:
        return Network(self.config, self.outages, started=second, resume=self.resume())

    def swap(self, config: Config) -> list[Row]:
        self._endpoints = {each.key: each for each in config.endpoints() if each.declared}
        return self.reload(config)

    def _put(self, second: float, what: str, key: EndpointKey | None) -> None:
        heapq.heappush(self._agenda, (second, next(self._order), what, key))

    def _start(self, second: float, key: EndpointKey) -> None:
        if key in self._busy:
            return
        self._extra.pop(key, None)
        self._busy[key] = False
        self.probes += 1
        hit = next((each for each in self.outages if each.hits(key, second)), None)
        self._begun[key] = (second, hit)
        hangs = hit is not None and hit.hangs
        self._put(second + (self._endpoints[key].timeout.total_seconds() if hangs else 0.01), "end", key)

    def _end(self, second: float, key: EndpointKey) -> None:
        again = self._busy.pop(key)
        self._ended[key] = second
        begun, hit = self._begun[key]
        letter = "U" if hit is None else "?" if hit.reason is not None else "D"
        self.seen.append((begun, key, letter))
        applied = self.see(begun, key.endpoint, letter, of=key.point)
        endpoint = self._endpoints[key]
        if again or applied.suspect:
            self._want(key, second + endpoint.retry_every.total_seconds())
        for other in applied.hasten:
            self._hasten(other, second)

    def _hasten(self, key: EndpointKey, second: float) -> None:
        if key in self._busy:
            self._busy[key] = True
        elif key in self._endpoints:
            retry = self._endpoints[key].retry_every.total_seconds()
            self._want(key, max(second, self._ended.get(key, -1e9) + retry))

    def _want(self, key: EndpointKey, second: float) -> None:
        if key not in self._extra or second < self._extra[key]:
            self._extra[key] = second
            self._put(second, "extra", key)

    # -- what came of it ----------------------------------------------------------------------------------------------

    def of(self, name: str) -> list[tuple[float | None, str, str]]:
        """A point's rows as (second, status, fault), rounded to the second."""
        return [
            (round(seconds(row.at) or 0, 1), row.status.value, row.fault)
            for row in self.rows
            if isinstance(row, Transition) and row.key == EndpointKey(name, "")
        ]

    def bad(self, name: str) -> list[tuple[str, str]]:
        """A point's statuses after the first that it was up, with their faults."""
        return [(status, fault) for _, status, fault in self.of(name)][1:]


__all__ = ["Applied", "Network", "Outage", "anchors", "config", "cut", "place", "replace", "timedelta"]
