"""The program's own families, from sources that say what they say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from monitor.incidents.model import Incident, Severity
from monitor.metrics.catalogue import PROGRAM_FAMILIES
from monitor.metrics.machine import Discipline, read_discipline
from monitor.metrics.program import Program
from monitor.model import Fault, FaultKind

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@dataclass
class Counts:
    started: int = 7
    missed: int = 2
    accept_failures: int = 1


@dataclass
class Starts:
    in_flight: int = 3
    stats: Counts = field(default_factory=Counts)


@dataclass
class Beats:
    stalled_seconds: float = 1.5
    stalls: int = 2
    longest_seconds: float = 1.25
    set_back: int = 1


@dataclass
class Heart:
    stats: Beats = field(default_factory=Beats)


@dataclass
class Writing:
    queued: int = 5
    spooled_results: int = 6
    spooled_transitions: int = 7
    write_seconds: float = 0.5
    failing_since: datetime | None = NOW - timedelta(seconds=30)
    lost_results: int = 8
    unwritten: bool = True


@dataclass
class Ends:
    delivered: dict[str, int] = field(default_factory=lambda: {"mail": 5, "pager": 1})
    failed: dict[str, int] = field(default_factory=lambda: {"mail": 3})
    given_up: dict[str, int] = field(default_factory=lambda: {"mail": 2})
    dropped: dict[str, int] = field(default_factory=lambda: {"pager": 4})


@dataclass
class Waiting:
    pending: dict[str, int] = field(default_factory=lambda: {"mail": 2, "pager": 0})
    oldest_seconds: dict[str, float] = field(default_factory=lambda: {"mail": 90.0, "pager": 0.0})
    counts: Ends = field(default_factory=Ends)


def incident(number: int, fault: Fault, severity: Severity) -> Incident:
    return Incident(uid=f"u{number}", number=number, fault=fault, severity=severity, began=NOW, opened=NOW)


@dataclass
class Disk:
    free_bytes: int
    size_bytes: int


OPEN = (
    incident(1, Fault(FaultKind.POINT, "hub"), Severity.CRITICAL),
    incident(2, Fault(FaultKind.POINT, "mot"), Severity.CRITICAL),
    incident(3, Fault(FaultKind.MONITOR, "resolver"), Severity.WARNING),
)


def watched(writing: Writing, incidents: Sequence[Incident] = OPEN, waiting: Waiting | None = None) -> Program:
    program = Program(clock=lambda: NOW, version="1.2", discipline=lambda: Discipline(True, 0.25))
    outbox = waiting or Waiting()
    program.heard()
    program.watch(
        schedule=Starts(), pulse=Heart(), recorder=lambda: writing, pending_transitions=lambda: 4, listeners=lambda: 9,
        incidents=lambda: incidents, outbox=lambda: outbox,
        disks=lambda: {"spool": Disk(30, 100), "database": Disk(40, 80)},
    )  # fmt: skip
    return program


def read(program: Program) -> dict[str, float]:
    families = text_string_to_metric_families(program.text().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def labelled(program: Program, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The samples of a family that are not 0, by their labels."""
    families = {family.name: family for family in text_string_to_metric_families(program.text().decode())}
    samples = families[name].samples
    return {tuple(each.labels[label] for label in labels): each.value for each in samples if each.value}


LABELLED = (
    "lienthong_alert_messages_total", "lienthong_alert_pending", "lienthong_alerting_info", "lienthong_disk_free_bytes",
    "lienthong_disk_size_bytes", "lienthong_incidents",
)  # fmt: skip


def shown(name: str) -> bool:
    return name.startswith("lienthong_") and "lag" not in name and name not in LABELLED


def test_everything_comes_from_those_who_know() -> None:
    values = read(watched(Writing()))
    assert {name: value for name, value in values.items() if shown(name)} == {
        "lienthong_isolated": 0,
        "lienthong_alert_oldest_pending_seconds": 90,
        "lienthong_build_info": 1,
        "lienthong_last_result_timestamp_seconds": NOW.timestamp(),
        "lienthong_clock_synchronized": 1,
        "lienthong_clock_max_error_seconds": 0.25,
        "lienthong_config_last_reload_successful": 1,
        "lienthong_config_last_reload_success_timestamp_seconds": NOW.timestamp(),
        "lienthong_probes_in_flight": 3,
        "lienthong_probes_started_total": 7,
        "lienthong_probes_missed_total": 2,
        "lienthong_results_refused_total": 1,
        "lienthong_loop_stalls_total": 2,
        "lienthong_loop_stall_seconds_total": 1.5,
        "lienthong_loop_stall_longest_seconds": 1.25,
        "lienthong_clock_set_back_total": 1,
        "lienthong_recorder_queued_results": 5,
        "lienthong_recorder_last_write_seconds": 0.5,
        "lienthong_recorder_failing_seconds": 30,
        "lienthong_recorder_lost_results_total": 8,
        "lienthong_spool_results": 6,
        "lienthong_spool_transitions": 7,
        "lienthong_unwritten": 1,
        "lienthong_transitions_pending": 4,
        "lienthong_stream_listeners": 9,
    }


def test_open_incidents_are_counted_by_severity_and_fault() -> None:
    program = watched(Writing())
    assert labelled(program, "lienthong_incidents", "severity", "fault") == {
        ("critical", "point"): 2, ("warning", "monitor"): 1,
    }  # fmt: skip
    families = {family.name: family for family in text_string_to_metric_families(program.text().decode())}
    assert len(families["lienthong_incidents"].samples) == len(Severity) * len(FaultKind), "0 is said, not left out"


def test_isolation_is_an_incident_of_the_vantage() -> None:
    gone = incident(4, Fault(FaultKind.VANTAGE), Severity.CRITICAL)
    assert read(watched(Writing(), (*OPEN, gone)))["lienthong_isolated"] == 1


def test_what_waits_is_told_by_channel() -> None:
    assert labelled(watched(Writing()), "lienthong_alert_pending", "channel") == {("mail",): 2}
    calm = watched(Writing(), waiting=Waiting({"mail": 0}, {"mail": 0.0}))
    assert labelled(calm, "lienthong_alert_pending", "channel") == {}
    assert read(calm)["lienthong_alert_oldest_pending_seconds"] == 0


def test_how_telling_ended_is_told_by_channel() -> None:
    assert labelled(watched(Writing()), "lienthong_alert_messages", "channel", "outcome") == {
        ("mail", "delivered"): 5, ("pager", "delivered"): 1, ("mail", "failed"): 3, ("mail", "given_up"): 2,
        ("pager", "dropped"): 4,
    }  # fmt: skip


def test_a_healthy_recorder_has_not_been_failing() -> None:
    assert read(watched(Writing(failing_since=None)))["lienthong_recorder_failing_seconds"] == 0


def test_lag_is_a_histogram_without_a_time_of_creation() -> None:
    program = Program(clock=lambda: NOW, version="1.2")
    for lag in (0.002, 0.02, 20):
        program.observe(lag)
    values = read(program)
    assert values["lienthong_schedule_lag_seconds_count"] == 3
    assert values["lienthong_schedule_lag_seconds_sum"] == 20.022
    assert not [name for name in values if name.endswith("_created")]


def test_a_failed_reload_keeps_the_time_of_the_last_good_one() -> None:
    times = iter([NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)])
    program = Program(clock=lambda: next(times), version="1.2")
    program.reloaded(succeeded=True)
    program.reloaded(succeeded=False)
    values = read(program)
    assert values["lienthong_config_last_reload_successful"] == 0
    assert values["lienthong_config_last_reload_success_timestamp_seconds"] == (NOW + timedelta(hours=1)).timestamp()


def test_who_tells_is_said_of_both() -> None:
    program = watched(Writing())
    assert labelled(program, "lienthong_alerting_info", "by") == {("monitor",): 1}
    program.alerting = "prometheus"
    assert labelled(program, "lienthong_alerting_info", "by") == {("prometheus",): 1}
    assert program.text().count(b"lienthong_alerting_info{") == 2


def test_room_is_told_by_what_lies_there() -> None:
    program = watched(Writing())
    assert labelled(program, "lienthong_disk_free_bytes", "of") == {("spool",): 30, ("database",): 40}
    assert labelled(program, "lienthong_disk_size_bytes", "of") == {("spool",): 100, ("database",): 80}


def test_before_the_first_result_and_without_the_kernels_word_nothing_is_said() -> None:
    values = read(Program(clock=lambda: NOW, version="1.2", discipline=lambda: None))
    unsaid = ("lienthong_last_result_timestamp_seconds", "lienthong_clock_synchronized")
    assert not {*unsaid, "lienthong_clock_max_error_seconds"} & values.keys()


def test_this_machines_kernel_tells_of_its_clock() -> None:
    told = read_discipline()
    assert told is not None
    assert 0 <= told.max_error_seconds < 3600


def test_the_catalogue_has_exactly_these() -> None:
    program = watched(Writing())
    shown = {}
    for family in text_string_to_metric_families(program.text().decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        shown[name] = (family.type, {label for each in family.samples for label in each.labels} - {"le"})
    assert shown == {family.name: (family.kind, set(family.labels)) for family in PROGRAM_FAMILIES}
