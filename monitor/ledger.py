"""Time in each status, exactly: the ledger counts time, not probes.

All of it is reckoned in whole microseconds; a ratio is divided once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from monitor.model import Flag, FlagChange, Observation, Reason, Status, Transition

CUT: Final = frozenset({Status.DOWN, Status.UNREACHABLE})
"""What counts against connectivity."""

FAILING: Final = CUT | {Status.FAULTY}
"""What counts against service. An endpoint has no ``faulty``: its ``down`` counts against both."""

LEFT_OUT: Final = frozenset({Status.UNKNOWN, Status.UNOBSERVED})
"""What counts for neither; time in maintenance does not either, whatever was seen."""

_MICROSECOND: Final = timedelta(microseconds=1)

Row = TypeVar("Row", Transition, FlagChange)


class Interval(NamedTuple):
    """From ``begin`` up to ``end`` the subject had ``status``. Where nobody looked: ``UNOBSERVED``, reason stale.

    ``maintenance``: that was within a maintenance window that covered it.
    """

    begin: datetime
    end: datetime
    status: Status
    reason: Reason
    maintenance: bool = False

    @property
    def length(self) -> timedelta:
        return self.end - self.begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """The two figures of a window with their coverage, as ratios from 0 to 1.

    ``connectivity`` is the share of the counted time that was neither down nor unreachable, ``service`` of that which
    wasn't faulty either; None when no time counts. ``own_connectivity`` and ``own_service`` are the same by the
    subject's own fault: time in which it was unreachable is left out of what is counted. ``coverage`` is the share of
    the window that counts: neither unknown, nor unobserved, nor in maintenance. ``observed`` is the time in which the
    program looked, unknown and maintenance included. ``by_status`` adds up to the window, ``in_maintenance`` is that
    part of it which was in maintenance.
    """

    connectivity: float | None
    service: float | None
    coverage: float
    observed: timedelta
    by_status: Mapping[Status, timedelta]
    own_connectivity: float | None = None
    own_service: float | None = None
    in_maintenance: Mapping[Status, timedelta] = field(default_factory=dict)

    @property
    def maintenance(self) -> timedelta:
        """The time in maintenance, whatever was seen in it."""
        return sum(self.in_maintenance.values(), timedelta())


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day's part of a window; ``begin`` and ``end`` are where the window cuts it."""

    date: date
    begin: datetime
    end: datetime
    uptime: Uptime


def timeline(
    transitions: Sequence[Transition],
    observations: Sequence[Observation],
    begin: datetime,
    end: datetime,
    flags: Sequence[FlagChange] = (),
) -> list[Interval]:
    """What one subject's status was at every moment of [``begin``, ``end``), without gaps.

    ``transitions`` are the subject's rows in the order in which they were recorded: a later row overrules earlier ones
    from its ``at`` on. So are ``flags`` those of its point; other flags than maintenance among them mean nothing here.
    Time before the first row, and outside ``observations`` (in any order, of any vantage), is unobserved. A row that
    says it is the ``first`` was written without knowing those before it: they held until that run began, and what was
    true from then on up to it is unknown. Neighbours differ in status, reason or maintenance.
    """
    intervals: list[Interval] = []
    covered = _cover(_disowned(_standing(transitions), observations), _observed(observations, begin, end), begin, end)
    changes = _standing([row for row in flags if row.flag is Flag.MAINTENANCE])
    for interval in _flagged(covered, changes):
        last = intervals[-1] if intervals else None
        if last is not None and last[2:] == interval[2:]:
            intervals[-1] = last._replace(end=interval.end)
        else:
            intervals.append(interval)
    return intervals


def uptime(intervals: Iterable[Interval]) -> Uptime:
    """The two figures and their coverage over ``intervals``."""
    spent, planned = dict.fromkeys(Status, 0), dict.fromkeys(Status, 0)
    for interval in intervals:
        (planned if interval.maintenance else spent)[interval.status] += interval.length // _MICROSECOND
    window = sum(spent.values()) + sum(planned.values())
    counted = sum(spent[status] for status in Status if status not in LEFT_OUT)
    connected = counted - sum(spent[status] for status in CUT)
    serving = counted - sum(spent[status] for status in FAILING)
    answerable = counted - spent[Status.UNREACHABLE]
    unobserved = spent[Status.UNOBSERVED] + planned[Status.UNOBSERVED]
    return Uptime(
        connectivity=_share(connected, counted),
        service=_share(serving, counted),
        own_connectivity=_share(connected, answerable),
        own_service=_share(serving, answerable),
        coverage=_share(counted, window) or 0.0,
        observed=timedelta(microseconds=window - unobserved),
        by_status=_lengths({status: spent[status] + planned[status] for status in Status}),
        in_maintenance=_lengths(planned),
    )


def days(intervals: Iterable[Interval], zone: tzinfo) -> list[Day]:
    """The same, for each calendar day of ``zone`` that the intervals (gapless, in order) touch."""
    found: list[Day] = []
    today: list[Interval] = []
    for interval in _by_day(intervals, zone):
        day = interval.begin.astimezone(zone).date()
        if today and today[-1].begin.astimezone(zone).date() != day:
            found.append(_day(today, zone))
            today = []
        today.append(interval)
    return [*found, _day(today, zone)] if today else found


def _standing(rows: Sequence[Row]) -> list[Row]:
    """The rows that have the last word, in the order of their times."""
    standing: list[Row] = []
    for row in rows:
        while standing and standing[-1].at >= row.at:
            standing.pop()
        standing.append(row)
    return standing


def _disowned(standing: Sequence[Transition], observations: Sequence[Observation]) -> list[Transition]:
    """The rows, with unknown from the begin of a run that lacked the history up to the first row that it wrote."""
    rows: list[Transition] = []
    for row in standing:
        before = rows[-1] if rows else None
        if row.first and before is not None and before.status not in LEFT_OUT:
            begun = max((each.begun for each in observations if each.begun <= row.at), default=row.at)
            if before.at < begun < row.at:
                rows.append(replace(before, at=begun, status=Status.UNKNOWN, reason=Reason.STALE))
        rows.append(row)
    return rows


def _observed(observations: Sequence[Observation], begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The union of the observations within the window, in order."""
    spans: list[tuple[datetime, datetime]] = []
    for observation in sorted(observations, key=lambda observation: observation.begun):
        first, last = max(observation.begun, begin), min(observation.ended, end)
        if first >= last:
            continue
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return spans


def _cover(
    standing: Sequence[Transition],
    spans: Sequence[tuple[datetime, datetime]],
    begin: datetime,
    end: datetime,
) -> Iterator[Interval]:
    """The rows' intervals inside the observed spans, and what is unobserved between these."""
    done, position = begin, 0
    for first, last in spans:
        if done < first:
            yield Interval(done, first, Status.UNOBSERVED, Reason.STALE)
        done = first
        while done < last:
            while position < len(standing) and standing[position].at <= done:
                position += 1
            until = min(standing[position].at, last) if position < len(standing) else last
            row = standing[position - 1] if position else None
            if row is None:
                yield Interval(done, until, Status.UNOBSERVED, Reason.STALE)
            else:
                yield Interval(done, until, row.status, row.reason)
            done = until
    if done < end:
        yield Interval(done, end, Status.UNOBSERVED, Reason.STALE)


def _flagged(intervals: Iterable[Interval], changes: Sequence[FlagChange]) -> Iterator[Interval]:
    """The intervals (gapless, in order), cut where maintenance begins and ends."""
    position = 0
    for interval in intervals:
        done = interval.begin
        while done < interval.end:
            while position < len(changes) and changes[position].at <= done:
                position += 1
            until = min(changes[position].at, interval.end) if position < len(changes) else interval.end
            on = position > 0 and changes[position - 1].on
            yield interval._replace(begin=done, end=until, maintenance=on)
            done = until


def _by_day(intervals: Iterable[Interval], zone: tzinfo) -> Iterator[Interval]:
    """The intervals, cut at every midnight of ``zone``."""
    for interval in intervals:
        begin = interval.begin
        while begin < interval.end:
            end = min(_midnight_after(begin, zone), interval.end)
            yield interval._replace(begin=begin, end=end)
            begin = end


def _midnight_after(moment: datetime, zone: tzinfo) -> datetime:
    tomorrow = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)


def _day(intervals: Sequence[Interval], zone: tzinfo) -> Day:
    begin = intervals[0].begin
    return Day(begin.astimezone(zone).date(), begin, intervals[-1].end, uptime(intervals))


def _lengths(microseconds: Mapping[Status, int]) -> Mapping[Status, timedelta]:
    return MappingProxyType({status: timedelta(microseconds=microseconds[status]) for status in Status})


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
