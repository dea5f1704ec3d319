"""When: probes by a tick over a heap, the loop's pulse, and what is periodic and rare."""

from monitor.schedule.grid import next_due, phase
from monitor.schedule.periodic import Periodic
from monitor.schedule.pulse import TICK, Pulse, PulseStats
from monitor.schedule.starter import Lateness, Schedule, ScheduleStats, probes_at_once

__all__ = [
    "TICK",
    "Lateness",
    "Periodic",
    "Pulse",
    "PulseStats",
    "Schedule",
    "ScheduleStats",
    "next_due",
    "phase",
    "probes_at_once",
]
