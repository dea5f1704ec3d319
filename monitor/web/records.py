"""The JSON of what was: transitions, results, uptime, days. See :mod:`monitor.web.documents`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.model import Outcome, Reason, Status, StoredResult, Transition
from monitor.web.documents import Document, Ratio, Seconds, Time

if TYPE_CHECKING:
    from monitor.ledger import Uptime
    from monitor.storage.journal import TransitionPage as StoredPage


class TransitionDocument(Document):
    """A change of status. ``endpoint`` is empty for the point itself; ``not_before``: it happened between the two.

    ``fault`` says whose fault it is (``point:circuit-1``, ``label:provider=VNPT``), empty: the point's own.
    """

    point: str
    endpoint: str
    at: Time
    recorded_at: Time
    status: Status
    previous: Status
    reason: Reason
    failed_phase: str
    detail: str
    culprit: str
    fault: str
    not_before: Time | None
    first: bool

    @classmethod
    def of(cls, transition: Transition) -> TransitionDocument:
        return cls(
            point=transition.key.point, endpoint=transition.key.endpoint, at=transition.at,
            recorded_at=transition.recorded_at, status=transition.status, previous=transition.previous,
            reason=transition.reason, failed_phase=transition.failed_phase, detail=transition.detail,
            culprit=transition.culprit, fault=transition.fault, not_before=transition.not_before,
            first=transition.first,
        )  # fmt: skip


class TransitionPage(Document):
    """Transitions, newest first. ``next`` is the cursor of the following page, null on the last."""

    transitions: list[TransitionDocument]
    next: str | None

    @classmethod
    def of(cls, page: StoredPage) -> TransitionPage:
        return cls(transitions=[TransitionDocument.of(row) for row in page.transitions], next=page.cursor or None)


class ResultDocument(Document):
    begun: Time
    outcome: Outcome
    reason: Reason
    latency_seconds: Seconds
    vantage: str

    @classmethod
    def of(cls, row: StoredResult) -> ResultDocument:
        return cls(
            begun=row.begun, outcome=row.outcome, reason=row.reason, latency_seconds=row.latency_seconds,
            vantage=row.vantage,
        )  # fmt: skip


class ResultBucket(Document):
    """Results that began in [begin, begin + step): latencies of those that were up, counts by outcome."""

    begin: Time
    median_seconds: Seconds | None
    max_seconds: Seconds | None
    up: int
    down: int
    unknown: int


class ResultSeries(Document):
    """Results of one endpoint, oldest first: one by one, or in buckets when ``step_seconds`` is set."""

    point: str
    endpoint: str
    begin: Time
    end: Time
    step_seconds: Seconds | None
    results: list[ResultDocument]
    buckets: list[ResultBucket]


class UptimeDocument(Document):
    """Uptime by time. Ratios are null when nothing was observed; ``by_status_seconds`` sums to the window.

    The ``own_`` ratios leave out the time in which the point was unreachable through somebody else's fault. Time in
    maintenance (``maintenance_seconds``) counts in no ratio and not as covered.
    """

    window: str
    begin: Time
    end: Time
    connectivity_ratio: Ratio | None
    service_ratio: Ratio | None
    own_connectivity_ratio: Ratio | None
    own_service_ratio: Ratio | None
    coverage_ratio: Ratio
    observed_seconds: Seconds
    maintenance_seconds: Seconds
    by_status_seconds: dict[Status, Seconds]

    @classmethod
    def of(cls, window: str, begin: datetime, end: datetime, up: Uptime) -> UptimeDocument:
        return cls(
            window=window, begin=begin, end=end, connectivity_ratio=up.connectivity, service_ratio=up.service,
            own_connectivity_ratio=up.own_connectivity, own_service_ratio=up.own_service,
            coverage_ratio=up.coverage, observed_seconds=up.observed.total_seconds(),
            maintenance_seconds=up.maintenance.total_seconds(), by_status_seconds=_seconds(up),
        )  # fmt: skip


class UptimeAnswer(Document):
    """The uptime of a point (``endpoint`` empty) and of each endpoint."""

    point: str
    subjects: list[UptimeSubject]


class UptimeSubject(Document):
    endpoint: str
    windows: list[UptimeDocument]


class DayDocument(Document):
    """One calendar day of the Centre's time zone; the last day ends now.

    ``worst`` is the worst status outside maintenance. The rest is as in the uptime of a window.
    """

    day: date
    worst: Status
    connectivity_ratio: Ratio | None
    service_ratio: Ratio | None
    own_connectivity_ratio: Ratio | None
    own_service_ratio: Ratio | None
    coverage_ratio: Ratio
    maintenance_seconds: Seconds
    by_status_seconds: dict[Status, Seconds]

    @classmethod
    def of(cls, day: date, up: Uptime) -> DayDocument:
        seen = [status for status, span in up.by_status.items() if span > up.in_maintenance.get(status, timedelta())]
        return cls(
            day=day, worst=min(seen, key=list(Status).index, default=Status.UNOBSERVED),
            connectivity_ratio=up.connectivity, service_ratio=up.service,
            own_connectivity_ratio=up.own_connectivity, own_service_ratio=up.own_service,
            coverage_ratio=up.coverage, maintenance_seconds=up.maintenance.total_seconds(),
            by_status_seconds=_seconds(up),
        )  # fmt: skip


class DaysAnswer(Document):
    """Days of a point, oldest first."""

    point: str
    time_zone: str
    days: list[DayDocument]


def _seconds(up: Uptime) -> dict[Status, float]:
    return {status: span.total_seconds() for status, span in up.by_status.items()}
