"""The program's own health, through prometheus_client: read from those who know when a scrape asks."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.incidents.model import DeliveryOutcome, Incident, Severity
from monitor.metrics.catalogue import FAMILIES
from monitor.metrics.machine import Discipline, read_discipline
from monitor.model import FaultKind

ALERTING = ("monitor", "prometheus")
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class ScheduleStats(Protocol):
    """Counts since the start."""

    started: int
    missed: int
    accept_failures: int


class Schedule(Protocol):
    """Who starts probes."""

    @property
    def in_flight(self) -> int: ...

    @property
    def stats(self) -> ScheduleStats: ...


class PulseStats(Protocol):
    """How the event loop lived."""

    stalled_seconds: float
    stalls: int
    longest_seconds: float
    set_back: int


class Pulse(Protocol):
    """Who watches the event loop."""

    @property
    def stats(self) -> PulseStats: ...


class RecorderState(Protocol):
    """How writing goes."""

    @property
    def queued(self) -> int: ...

    @property
    def spooled_results(self) -> int: ...

    @property
    def spooled_transitions(self) -> int: ...

    @property
    def write_seconds(self) -> float: ...

    @property
    def failing_since(self) -> datetime | None: ...

    @property
    def lost_results(self) -> int: ...

    @property
    def unwritten(self) -> bool: ...


class Endings(Protocol):
    """How attempts to deliver a message ended since the start, by channel."""

    @property
    def delivered(self) -> Mapping[str, int]: ...

    @property
    def failed(self) -> Mapping[str, int]: ...

    @property
    def given_up(self) -> Mapping[str, int]: ...

    @property
    def dropped(self) -> Mapping[str, int]: ...


class Outbox(Protocol):
    """What waits to be told, by channel, and how telling ended."""

    @property
    def pending(self) -> Mapping[str, int]: ...

    @property
    def oldest_seconds(self) -> Mapping[str, float]: ...

    @property
    def counts(self) -> Endings: ...


class Space(Protocol):
    """Room on a disk."""

    @property
    def free_bytes(self) -> int: ...

    @property
    def size_bytes(self) -> int: ...


class Program(Collector):
    """The program's own families. Those whose source hasn't been given (``watch``) are absent.

    ``discipline`` asks the kernel how well its clock is kept. ``alerting`` is the configuration's word for who tells.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        version: str,
        discipline: Callable[[], Discipline | None] = read_discipline,
    ) -> None:
        self.alerting = ALERTING[0]
        self._discipline = discipline
        self._heard: datetime | None = None
        self._clock = clock
        self._version = version
        self._readers: list[Callable[[], Iterator[Metric]]] = []
        self._lag = Histogram(
            "lienthong_schedule_lag_seconds",
            FAMILIES["lienthong_schedule_lag_seconds"].help,
            buckets=LAG_BUCKETS,
            registry=None,
        )
        self._reload_succeeded = True
        self._reloaded = clock()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def observe(self, amount: float) -> None:
        """A probe started ``amount`` seconds late."""
        self._lag.observe(amount)

    def watch(
        self,
        *,
        schedule: Schedule,
        pulse: Pulse,
        recorder: Callable[[], RecorderState],
        pending_transitions: Callable[[], int],
        listeners: Callable[[], int],
        incidents: Callable[[], Sequence[Incident]],
        outbox: Callable[[], Outbox],
        disks: Callable[[], Mapping[str, Space]],
    ) -> None:
        """Say whom to ask at a scrape. ``incidents`` are those that are open, ``disks`` by what lies there."""
        self._readers = [
            lambda: _of_incidents(incidents()),
            lambda: _of_outbox(outbox()),
            lambda: _of_disks(disks()),
            lambda: _of_schedule(schedule),
            lambda: _of_pulse(pulse.stats),
            lambda: _of_recorder(recorder(), self._clock()),
            lambda: iter(
                (
                    _gauge("lienthong_transitions_pending", pending_transitions()),
                    _gauge("lienthong_stream_listeners", listeners()),
                )
            ),
        ]

    def reloaded(self, *, succeeded: bool) -> None:
        """The configuration was read again, with or without success."""
        self._reload_succeeded = succeeded
        if succeeded:
            self._reloaded = self._clock()

    def heard(self) -> None:
        """A result came."""
        self._heard = self._clock()

    def text(self) -> bytes:
        """Every family in the text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client's registry asks for."""
        for metric in self._lag.collect():
            # The client adds a gauge for the time of creation, which nothing needs.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        build = GaugeMetricFamily(
            "lienthong_build_info", FAMILIES["lienthong_build_info"].help, labels=("version", "python_version")
        )
        build.add_metric((self._version, platform.python_version()), 1)
        yield build
        yield _gauge("lienthong_config_last_reload_successful", self._reload_succeeded)
        yield _gauge("lienthong_config_last_reload_success_timestamp_seconds", self._reloaded.timestamp())
        alerting = _family("lienthong_alerting_info")
        for by in ALERTING:
            alerting.add_metric((by,), by == self.alerting)
        yield alerting
        if self._heard is not None:
            yield _gauge("lienthong_last_result_timestamp_seconds", self._heard.timestamp())
        if (discipline := self._discipline()) is not None:
            yield _gauge("lienthong_clock_synchronized", discipline.synchronized)
            yield _gauge("lienthong_clock_max_error_seconds", discipline.max_error_seconds)
        for read in self._readers:
            yield from read()


def _of_incidents(open_ones: Sequence[Incident]) -> Iterator[Metric]:
    numbers = Counter((incident.severity, incident.fault.kind) for incident in open_ones)
    family = _family("lienthong_incidents")
    for severity in Severity:
        for kind in FaultKind:
            family.add_metric((severity, kind), numbers[severity, kind])
    yield family
    yield _gauge("lienthong_isolated", any(incident.fault.kind is FaultKind.VANTAGE for incident in open_ones))


def _of_outbox(outbox: Outbox) -> Iterator[Metric]:
    pending = _family("lienthong_alert_pending")
    for channel, number in sorted(outbox.pending.items()):
        pending.add_metric((channel,), number)
    yield pending
    yield _gauge("lienthong_alert_oldest_pending_seconds", max(outbox.oldest_seconds.values(), default=0.0))
    name, counts = "lienthong_alert_messages_total", outbox.counts
    ended = CounterMetricFamily(name.removesuffix("_total"), FAMILIES[name].help, labels=FAMILIES[name].labels)
    for outcome, numbers in (
        (DeliveryOutcome.DELIVERED, counts.delivered),
        (DeliveryOutcome.FAILED, counts.failed),
        (DeliveryOutcome.GIVEN_UP, counts.given_up),
        (DeliveryOutcome.DROPPED, counts.dropped),
    ):
        for channel, number in sorted(numbers.items()):
            ended.add_metric((channel, outcome), number)
    yield ended


def _of_disks(disks: Mapping[str, Space]) -> Iterator[Metric]:
    free, size = _family("lienthong_disk_free_bytes"), _family("lienthong_disk_size_bytes")
    for name, space in sorted(disks.items()):
        free.add_metric((name,), space.free_bytes)
        size.add_metric((name,), space.size_bytes)
    yield free
    yield size


def _of_schedule(schedule: Schedule) -> Iterator[Metric]:
    yield _gauge("lienthong_probes_in_flight", schedule.in_flight)
    yield _counter("lienthong_probes_started_total", schedule.stats.started)
    yield _counter("lienthong_probes_missed_total", schedule.stats.missed)
    yield _counter("lienthong_results_refused_total", schedule.stats.accept_failures)


def _of_pulse(stats: PulseStats) -> Iterator[Metric]:
    yield _counter("lienthong_loop_stalls_total", stats.stalls)
    yield _counter("lienthong_loop_stall_seconds_total", stats.stalled_seconds)
    yield _gauge("lienthong_loop_stall_longest_seconds", stats.longest_seconds)
    yield _counter("lienthong_clock_set_back_total", stats.set_back)


def _of_recorder(state: RecorderState, now: datetime) -> Iterator[Metric]:
    failing = 0.0 if state.failing_since is None else max(0.0, (now - state.failing_since).total_seconds())
    yield _gauge("lienthong_recorder_queued_results", state.queued)
    yield _gauge("lienthong_recorder_last_write_seconds", state.write_seconds)
    yield _gauge("lienthong_recorder_failing_seconds", failing)
    yield _counter("lienthong_recorder_lost_results_total", state.lost_results)
    yield _gauge("lienthong_spool_results", state.spooled_results)
    yield _gauge("lienthong_spool_transitions", state.spooled_transitions)
    yield _gauge("lienthong_unwritten", state.unwritten)


def _family(name: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, FAMILIES[name].help, labels=FAMILIES[name].labels)


def _gauge(name: str, value: float) -> Metric:
    return GaugeMetricFamily(name, FAMILIES[name].help, value=value)


def _counter(name: str, value: float) -> Metric:
    return CounterMetricFamily(name.removesuffix("_total"), FAMILIES[name].help, value=value)
