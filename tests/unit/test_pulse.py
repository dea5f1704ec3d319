from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from monitor.schedule.pulse import Pulse

BEGIN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MS = 0.001


@dataclass
class Machine:
    """A machine's two clocks, and what the pulse tells about them."""

    now: float = 1000.0
    wall: datetime = BEGIN
    gaps: list[tuple[float, float]] = field(default_factory=list)

    def pulse(self) -> Pulse:
        return Pulse(clock=lambda: self.wall, monotonic=lambda: self.now, on_gap=self.gap)

    def gap(self, begin: datetime, end: datetime) -> None:
        self.gaps.append(((begin - BEGIN).total_seconds(), (end - BEGIN).total_seconds()))

    def run(self, seconds: float) -> None:
        self.now += seconds
        self.wall += timedelta(seconds=seconds)

    def suspend(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


def test_a_steady_beat_is_no_stall() -> None:
    machine = Machine()
    pulse = machine.pulse()
    for _ in range(1000):
        machine.run(6 * MS)
        assert pulse.beat() == machine.now
    assert pulse.stalled_between(1000.0, machine.now) == 0
    assert pulse.stats.stalls == 0
    assert machine.gaps == []


def test_a_stall_is_counted_where_it_overlaps() -> None:
    machine = Machine()
    pulse = machine.pulse()
    machine.run(0.5)
    pulse.beat()
    assert pulse.stalled_between(999.0, 1000.5) == pytest.approx(0.5)
    assert pulse.stalled_between(1000.2, 1000.5) == pytest.approx(0.3)
    assert pulse.stalled_between(999.0, 1000.1) == pytest.approx(0.1)
    assert pulse.stalled_between(1000.5, 1000.51) == 0
    assert pulse.stats.stalled_seconds == pytest.approx(0.5)
    assert machine.gaps == [], "half a second hides no observation"


def test_the_stall_that_is_under_way_counts_before_the_next_beat() -> None:
    """After SIGCONT a probe's timer may run before the beat that notices."""
    machine = Machine()
    pulse = machine.pulse()
    machine.run(4.0)
    assert pulse.stalled_between(999.0, machine.now) == pytest.approx(4.0)
    assert pulse.stalled_between(1003.0, machine.now) == pytest.approx(1.0)


def test_a_stopped_process_leaves_a_gap() -> None:
    machine = Machine()
    pulse = machine.pulse()
    machine.run(10)
    pulse.beat()
    assert machine.gaps == [(0, 10)]
    assert pulse.stats.longest_seconds == pytest.approx(10)


def test_a_suspended_machine_leaves_a_gap_and_a_stall_that_its_clock_did_not_count() -> None:
    machine = Machine()
    pulse = machine.pulse()
    machine.run(5 * MS)
    begun = machine.now
    pulse.beat()
    machine.suspend(3600)
    machine.run(5 * MS)
    pulse.beat()
    assert machine.gaps == [(0.005, 3600.01)]
    assert pulse.stalled_between(begun, machine.now) == pytest.approx(3600 + 5 * MS)
    machine.run(5 * MS)
    pulse.beat()
    assert pulse.stalled_between(machine.now - 5 * MS, machine.now) == 0, "a probe begun afterwards is well"


def test_a_clock_set_back_is_told_and_is_no_stall() -> None:
    machine = Machine()
    pulse = machine.pulse()
    machine.suspend(-60)
    machine.run(5 * MS)
    pulse.beat()
    assert machine.gaps == [(0, pytest.approx(-60 + 5 * MS))]
    assert pulse.stats.set_back == 1
    assert pulse.stats.stalled_seconds == pytest.approx(5 * MS)


def test_a_pulse_without_a_listener_for_gaps() -> None:
    machine = Machine()
    pulse = Pulse(clock=lambda: machine.wall, monotonic=lambda: machine.now)
    machine.run(10)
    pulse.beat()
    assert pulse.stats.stalls == 1


def test_an_overload_of_minutes_is_remembered_whole() -> None:
    machine = Machine()
    pulse = machine.pulse()
    for _ in range(5000):
        machine.run(50 * MS)
        pulse.beat()
    assert pulse.stalled_between(1000.0, machine.now) == pytest.approx(250)


def test_stalls_apart_are_summed() -> None:
    machine = Machine()
    pulse = machine.pulse()
    for _ in range(3):
        machine.run(100 * MS)
        pulse.beat()
        machine.run(5 * MS)
        pulse.beat()
    assert pulse.stalled_between(1000.0, machine.now) == pytest.approx(0.3)
    assert pulse.stalled_between(1000.15, machine.now) == pytest.approx(0.1 + 0.055)
