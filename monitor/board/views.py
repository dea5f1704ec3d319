"""What is visible of the board: values for the wall, the API and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.config.model import Endpoint, Point
from monitor.health.stability import Bucket, bucket
from monitor.model import EndpointKey, Reason, Result, Row, Status

Tone = Literal["stable", "fresh", "amber", "faulty", "down", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a result did: the rows that it decided (not yet shown), whether its endpoint is to be probed again after
    ``retry_every``, and the endpoints to probe now because of it."""

    rows: tuple[Row, ...] = ()
    suspect: bool = False
    hasten: tuple[EndpointKey, ...] = ()


@dataclass(slots=True, kw_only=True)
class EndpointView:
    """An endpoint as shown. ``since`` is None before anything is known of it.

    ``suspect`` says that a change is pending; ``last`` is the latest result, shown at once, so it may be ahead of
    ``status``. It alone is live: the board sets it as results come, for most change nothing else, and to make every
    view anew a thousand times a second would cost more than all other judgement.
    """

    endpoint: Endpoint
    status: Status
    since: datetime | None
    reason: Reason
    failed_phase: str
    detail: str
    suspect: bool
    last: Result | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointView:
    """A point as shown. ``since`` is None before anything is known of it.

    ``culprit`` names the endpoint that the status comes from ("" when up), ``reason``, ``failed_phase`` and ``detail``
    are that endpoint's; ``fault`` says where the fault lies (a Fault as text, "" in the point itself).
    ``not_before``: the status began between it and ``since``, nobody looked meanwhile.
    ``stable``: up, not flapping, for at least ``stable_after``, reckoned from ``steady_since``: None when it isn't up,
    later than ``since`` when nobody looked for a while. ``first_seen``: this is the first status that was ever seen of
    it; ``never``: it was never seen up ("chưa từng kết nối"), and its status is known.
    """

    point: Point
    status: Status
    since: datetime | None
    reason: Reason
    failed_phase: str
    detail: str
    culprit: str
    not_before: datetime | None
    stable: bool
    first_seen: bool
    never: bool
    steady_since: datetime | None = None
    fault: str = ""
    flapping: bool = False
    maintenance: bool = False
    endpoints: tuple[EndpointView, ...]

    @property
    def bucket(self) -> Bucket:
        """The one word that it is counted under."""
        return bucket(self.status, stable=self.stable, flapping=self.flapping, maintenance=self.maintenance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The sentence above the wall, in figures.

    ``total`` is N: declared wards and branches. ``counts`` has every bucket in the wall's order and sums to N;
    ``stable`` and ``fresh`` (up for less than ``stable_after``) are two of them. ``troubled`` holds every declared
    point that isn't up (wards, branches, infrastructure, shared services), worst first, then newest first.
    ``undeclared`` is work to do.
    ``started`` is when the program began to look.
    """

    total: int
    stable: int
    fresh: int
    counts: Mapping[Bucket, int]
    troubled: tuple[PointView, ...]
    services: tuple[PointView, ...]
    infrastructure: tuple[PointView, ...]
    undeclared: tuple[Point, ...]
    started: datetime
    tone: Tone
