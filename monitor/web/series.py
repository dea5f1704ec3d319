"""Time cut in pieces for people's eyes: buckets of a chart, days of a bar. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from statistics import median

from monitor.calendar import ZONE
from monitor.model import Outcome, StoredResult
from monitor.web.records import ResultBucket


def bucketed(results: Iterable[StoredResult], begin: datetime, step: timedelta) -> list[ResultBucket]:
    """Results (oldest first, from ``begin`` on) in buckets of ``step``; empty buckets are left out."""
    return [
        _bucket(begin + number * step, list(members))
        for number, members in groupby(results, lambda result: (result.begun - begin) // step)
    ]


def _bucket(begin: datetime, members: Sequence[StoredResult]) -> ResultBucket:
    outcomes = [member.outcome for member in members]
    latencies = [
        member.latency_seconds for member, outcome in zip(members, outcomes, strict=True) if outcome is Outcome.UP
    ]
    return ResultBucket(
        begin=begin,
        median_seconds=median(latencies) if latencies else None,
        max_seconds=max(latencies, default=None),
        up=outcomes.count(Outcome.UP),
        down=outcomes.count(Outcome.DOWN),
        unknown=outcomes.count(Outcome.UNKNOWN),
    )


def day_begin(day: date) -> datetime:
    """Midnight in the Centre's time zone."""
    return datetime.combine(day, time(), ZONE)
