"""What rows mean for incidents, by table: the events in the order in which they are to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from monitor.config.model import Dependency, Point
from monitor.incidents.fold import fold
from monitor.incidents.model import EventKind, IncidentEvent, Severity
from monitor.model import EndpointKey, Fault, FaultKind, Reason, Resume, Transition
from tests.unit.incidents.desk import Desk, config, flag, moment, row

CIRCUIT = "point:circuit-1"
REDUNDANCY = Reason.REDUNDANCY


def test_one_ward_down_and_back() -> None:
    desk = Desk()
    assert desk.take(row("ba-vi", 0, "down")) == [
        "#1 opened fault=point:ba-vi severity=critical",
        "#1 joined ba-vi status=down",
    ]
    assert desk.take(row("ba-vi", 60, "up")) == [
        "#1 released ba-vi why=recovered",
        "#1 recovered why=recovered",
        "#1 closed why=recovered",
    ]
    incident = desk.incident(1)
    assert (incident.began, incident.opened) == (moment(0), moment(3))
    assert (incident.recovered, incident.closed, incident.closed_why) == (moment(60), moment(63), "recovered")
    assert desk.register.incident(incident.uid) == incident
    assert desk.register.open() == []


def test_a_point_that_was_well_all_along_is_no_business() -> None:
    desk = Desk()
    assert desk.take(row("ba-vi", 0, "up", first=True)) == []
    assert desk.take(row("ba-vi", 60, "unknown", reason=Reason.STALE)) == []
    assert desk.take(row("ba-vi", 90, "up")) == []


def test_rows_of_endpoints_are_no_business() -> None:
    desk = Desk()
    assert desk.take(replace(row("ba-vi", 0, "down"), key=EndpointKey("ba-vi", "link"))) == []


def test_two_causes_are_two_incidents() -> None:
    desk = Desk()
    desk.take(row("ba-vi", 0, "down"), row("cua-nam", 1, "faulty"))
    assert [str(incident.fault) for incident in desk.register.open()] == ["point:ba-vi", "point:cua-nam"]
    assert [incident.severity for incident in desk.register.open()] == [Severity.CRITICAL, Severity.WARNING]


def test_a_shared_cause_is_one_incident_with_all_its_points() -> None:
    desk = Desk()
    told = desk.take(*(row(f"w{number}", 5 - number, "unreachable", "label:provider=VNPT") for number in range(5)))
    assert told[0] == "#1 opened fault=label:provider=VNPT severity=critical"
    assert told[1:] == [f"#1 joined w{number} status=unreachable" for number in range(5)]
    assert desk.story[0].data["began"] == moment(1).isoformat()
    assert desk.take(row("w9", 20, "unreachable", "label:provider=VNPT")) == ["#1 joined w9 status=unreachable"]
    desk.take(*(row(f"w{number}", 60 + number, "up") for number in (0, 1, 2, 3, 9)))
    assert [each.point for each in desk.incident(1).troubled] == ["w4"]
    assert desk.take(row("w4", 64, "up"))[-2:] == ["#1 recovered why=recovered", "#1 closed why=recovered"]
    assert desk.incident(1).recovered == moment(69)


def test_a_child_opens_its_parents_incident_before_the_parent_is_confirmed() -> None:
    desk = Desk()
    desk.take(row("ba-vi", 0, "unreachable", CIRCUIT))
    assert desk.take(row("circuit-1", 1, "down")) == ["#1 joined circuit-1 status=down"]
    assert desk.register.open()[0].began == moment(0)


def test_a_late_parent_takes_its_children_over() -> None:
    desk = Desk()
    desk.take(row("a", 0, "down"), row("b", 1, "down"))
    told = desk.take(
        row("circuit-1", 2, "down"), row("a", 0, "unreachable", CIRCUIT), row("b", 1, "unreachable", CIRCUIT)
    )
    assert told == [
        "#3 opened fault=point:circuit-1 severity=critical",
        "#3 joined circuit-1 status=down",
        "#1 released a why=moved to=3",
        "#3 joined a status=unreachable taken_from=1",
        "#1 taken_over number=3",
        "#2 released b why=moved to=3",
        "#3 joined b status=unreachable taken_from=2",
        "#2 taken_over number=3",
    ]
    parent, child = desk.incident(3), desk.incident(1)
    assert parent.began == moment(0)
    assert parent.took_over == (child.uid, desk.incident(2).uid)
    assert (child.into, child.closed_why, child.is_open) == (parent.uid, "superseded", False)
    assert [incident.number for incident in desk.register.open()] == [3]


def test_taken_over_by_children_first() -> None:
    """The parent's own row needn't come first: whichever does opens its incident."""
    desk = Desk()
    desk.take(row("a", 0, "down"))
    assert desk.take(row("a", 0, "unreachable", CIRCUIT), row("circuit-1", 2, "down")) == [
        "#2 opened fault=point:circuit-1 severity=critical",
        "#1 released a why=moved to=2",
        "#2 joined a status=unreachable taken_from=1",
        "#1 taken_over number=2",
        "#2 joined circuit-1 status=down",
    ]


def test_a_wider_cause_found_later_takes_over_what_is_no_better() -> None:
    desk = Desk()
    desk.take(row("a", 0, "faulty"))
    assert desk.take(row("a", 600, "unreachable", CIRCUIT))[1:] == [
        "#1 released a why=moved to=2",
        "#2 joined a status=unreachable taken_from=1",
        "#1 taken_over number=2",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (row("a", 0, "unknown", "monitor:resolver"), row("a", 0, "unknown", "vantage:")),
        (row("a", 0, "unreachable", CIRCUIT), row("a", 0, "down")),
        (row("a", 0, "down"), row("a", 0, "faulty", "point:exchange-platform")),
    ],
)
def test_whatever_overrules_from_the_beginning_takes_over(before: Transition, after: Transition) -> None:
    desk = Desk()
    desk.take(before)
    told = desk.take(after)
    assert told[2].endswith("taken_from=1")
    assert told[3:] == ["#1 taken_over number=2"]


def test_what_overrules_only_since_later_does_not() -> None:
    desk = Desk()
    desk.take(row("a", 0, "down"))
    assert desk.take(row("a", 60, "faulty", "point:exchange-platform"))[2:] == [
        "#2 joined a status=faulty",
        "#1 recovered why=recovered",
        "#1 closed why=recovered",
    ]


@pytest.mark.parametrize("parent_first", [True, False])
def test_the_parent_recovers_and_a_child_does_not(parent_first: bool) -> None:
    desk = Desk()
    desk.take(row("circuit-1", 0, "down"), *(row(name, 0, "unreachable", CIRCUIT) for name in "abc"))
    back = [row("circuit-1", 60, "up"), row("a", 60, "up")]
    behind = [row("b", 60, "down"), row("c", 60, "down")]
    told = desk.take(*(back + behind if parent_first else behind + back))
    assert sorted(line for line in told if line.startswith("#1")) == [
        "#1 closed why=recovered",
        "#1 recovered why=recovered",
        "#1 released a why=recovered",
        "#1 released b why=moved to=2",
        "#1 released c why=moved to=3",
        "#1 released circuit-1 why=recovered",
    ]
    assert "#2 joined b status=down" in told
    assert desk.incident(1).closed_why == "recovered"
    assert desk.incident(2).began == moment(60)
    assert [str(incident.fault) for incident in desk.register.open()] == ["point:b", "point:c"]


def test_a_lost_spare_joins_the_circuits_incident() -> None:
    desk = Desk()
    told = desk.take(row("circuit-1", 0, "down"), row("a", 0, "degraded", CIRCUIT, reason=REDUNDANCY))
    assert told[-1] == "#1 joined a status=degraded"
    assert desk.take(row("a", 30, "unreachable", CIRCUIT)) == ["#1 changed a status=unreachable"]
    desk.take(row("a", 60, "degraded", CIRCUIT, reason=REDUNDANCY))
    desk.take(row("a", 90, "up"), row("circuit-1", 90, "up"))
    assert desk.incident(1).closed_why == "recovered"


def test_an_outage_that_ends_with_a_spare_lost_has_recovered() -> None:
    desk = Desk()
    desk.take(row("a", 0, "down"))
    desk.take(row("circuit-1", 10, "down"))
    assert desk.take(row("a", 60, "degraded", CIRCUIT, reason=REDUNDANCY)) == [
        "#1 released a why=moved to=2",
        "#2 joined a status=degraded",
        "#1 recovered why=recovered",
        "#1 closed why=recovered",
    ]


def test_severity_rises_and_never_falls() -> None:
    desk = Desk()
    assert desk.take(row("a", 0, "degraded"))[0] == "#1 opened fault=point:a severity=info"
    assert desk.take(row("a", 60, "faulty")) == ["#1 changed a status=faulty", "#1 worsened severity=warning"]
    assert desk.take(row("a", 90, "down")) == ["#1 changed a status=down", "#1 worsened severity=critical"]
    assert desk.take(row("a", 120, "degraded")) == ["#1 changed a status=degraded"]
    assert desk.incident(1).severity is Severity.CRITICAL


def test_opened_with_the_severity_that_it_has_by_the_end_of_the_decision() -> None:
    desk = Desk()
    told = desk.take(row("a", 0, "degraded", CIRCUIT, reason=REDUNDANCY), row("circuit-1", 0, "down"))
    assert told[0] == "#1 opened fault=point:circuit-1 severity=critical"
    assert not any("worsened" in line for line in told)


@pytest.mark.parametrize(
    ("status", "fault", "severity"),
    [
        ("down", "", "critical"),
        ("unreachable", "network:", "critical"),
        ("unknown", "vantage:", "critical"),
        ("faulty", "label:endpoint=exchange", "warning"),
        ("unknown", "monitor:resolver", "warning"),
        ("degraded", "", "info"),
    ],
)
def test_severity(status: str, fault: str, severity: str) -> None:
    assert Desk().take(row("a", 0, status, fault))[0].endswith(f"severity={severity}")


def test_the_same_row_again_says_nothing_new() -> None:
    desk = Desk()
    desk.take(row("a", 10, "down"))
    assert desk.take(row("a", 20, "down")) == []
    assert desk.take(row("a", 5, "down")) == ["#1 changed a status=down"]
    assert desk.incident(1).began == desk.incident(1).affected["a"].since == moment(5)
    assert desk.take(row("a", 30, "down", reason=Reason.REFUSED)) == ["#1 changed a status=down"]


class TestUnknown:
    def test_unknown_closes_nothing(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        assert desk.take(row("a", 60, "unknown", reason=Reason.STALE)) == ["#1 changed a status=unknown"]
        assert desk.take(row("a", 90, "unknown", "monitor:resolver", reason=Reason.RESOLVER)) == [
            "#1 changed a status=unknown"
        ]
        assert desk.take(row("a", 120, "down")) == ["#1 changed a status=down"]
        assert len(desk.incidents()) == 1

    def test_what_is_in_no_incident_joins_ours(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        told = desk.take(*(row(name, 60, "unknown", "vantage:", reason=Reason.ISOLATED) for name in "abc"))
        assert told == [
            "#1 changed a status=unknown",
            "#2 opened fault=vantage: severity=critical",
            "#2 joined b status=unknown",
            "#2 joined c status=unknown",
        ]
        assert desk.take(row("b", 90, "up"), row("c", 90, "up"))[-1] == "#2 closed why=recovered"

    def test_isolated_from_the_first_failure_on(self) -> None:
        """Wards that had been blamed before the anchors answered are blamed no more."""
        desk = Desk()
        desk.take(row("a", 0, "down"))
        assert desk.take(row("a", 0, "unknown", "vantage:", reason=Reason.ISOLATED)) == [
            "#2 opened fault=vantage: severity=critical",
            "#1 released a why=moved to=2",
            "#2 joined a status=unknown taken_from=1",
            "#1 taken_over number=2",
        ]

    def test_whoever_is_down_after_our_own_fault_has_an_incident_of_its_own(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "unknown", "vantage:", reason=Reason.ISOLATED))
        assert desk.take(row("a", 60, "down")) == [
            "#2 opened fault=point:a severity=critical",
            "#1 released a why=moved to=2",
            "#2 joined a status=down",
            "#1 recovered why=recovered",
            "#1 closed why=recovered",
        ]

    def test_unknown_by_nobodys_fault(self) -> None:
        assert Desk().take(row("a", 0, "unknown", reason=Reason.STALE)) == []


class TestMaintenance:
    def test_a_failure_inside_has_no_incident_until_the_window_ends(self) -> None:
        desk = Desk()
        assert desk.take(flag("a", 0, "maintenance", True)) == []
        assert desk.take(row("a", 10, "down")) == []
        assert desk.take(flag("a", 600, "maintenance", False)) == [
            "#1 opened fault=point:a severity=critical",
            "#1 joined a status=down",
        ]
        assert desk.incident(1).began == moment(10)
        assert desk.incident(1).opened == moment(600)

    def test_began_and_ended_inside(self) -> None:
        desk = Desk()
        desk.take(flag("a", 0, "maintenance", True))
        assert desk.take(row("a", 10, "down")) == []
        assert desk.take(row("a", 60, "up")) == []
        assert desk.take(flag("a", 600, "maintenance", False)) == []

    def test_what_was_open_before_stays_open(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        assert desk.take(flag("a", 60, "maintenance", True)) == []
        assert desk.take(row("a", 70, "unreachable", CIRCUIT)) == ["#1 changed a status=unreachable"]
        assert desk.take(row("a", 90, "up"))[-1] == "#1 closed why=recovered"
        assert desk.take(row("a", 95, "down")) == []

    def test_what_is_still_open_at_the_end_goes_on(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        desk.take(flag("a", 60, "maintenance", True))
        assert desk.take(flag("a", 600, "maintenance", False)) == []
        assert [incident.number for incident in desk.register.open()] == [1]

    def test_cut_off_by_a_circuit_under_maintenance(self) -> None:
        """The flag of a ward that is only concerned by another's maintenance comes with its row."""
        desk = Desk()
        desk.take(flag("circuit-1", 0, "maintenance", True))
        assert desk.take(row("a", 10, "unreachable", CIRCUIT), flag("a", 10, "maintenance", True)) == []
        assert desk.take(flag("a", 60, "maintenance", False), row("a", 60, "up")) == []

    def test_maintenance_that_is_found_after_somebody_was_told(self) -> None:
        """Whoever heard of the fault hears of its end."""
        desk = Desk()
        desk.take(row("a", 10, "down"))
        desk.learn(
            IncidentEvent(
                id="t", incident=desk.register.open()[0].uid, kind=EventKind.TOLD,
                at=moment(14), recorded_at=moment(14), data={"channel": "inbox"},
            )
        )  # fmt: skip
        assert desk.take(flag("a", 0, "maintenance", True)) == []
        assert desk.take(row("a", 60, "up"))[1] == "#1 recovered why=recovered"

    def test_maintenance_that_is_found_to_have_covered_the_failure(self) -> None:
        desk = Desk()
        desk.take(row("a", 10, "down"))
        assert desk.take(flag("a", 0, "maintenance", True)) == [
            "#1 released a why=maintenance",
            "#1 closed why=maintenance",
        ]

    def test_the_end_under_an_incident_of_the_same_cause(self) -> None:
        desk = Desk()
        desk.take(flag("a", 0, "maintenance", True))
        desk.take(row("a", 10, "unreachable", CIRCUIT), row("b", 10, "unreachable", CIRCUIT))
        assert desk.take(flag("a", 60, "maintenance", False)) == ["#1 joined a status=unreachable"]

    def test_a_flapping_point_opens_its_incident_at_the_end(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "up"), flag("a", 0, "maintenance", True))
        assert desk.take(flag("a", 10, "flapping", True)) == []
        assert desk.take(flag("a", 60, "maintenance", False))[1:] == [
            "#1 joined a status=up",
            "#1 flapping a",
        ]

    def test_of_a_point_that_was_never_seen(self) -> None:
        assert Desk().take(flag("a", 0, "maintenance", True), flag("b", 0, "maintenance", False)) == []


class TestFlapping:
    def test_in_the_incident_that_there_is(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        assert desk.take(flag("a", 30, "flapping", True)) == ["#1 flapping a"]
        assert desk.take(row("a", 40, "up")) == ["#1 changed a status=up"]
        assert desk.take(row("a", 50, "down")) == ["#1 changed a status=down"]
        assert desk.take(row("a", 60, "up")) == ["#1 changed a status=up"]
        assert desk.register.open()[0].flapping == {"a"}
        assert desk.take(flag("a", 900, "flapping", False)) == [
            "#1 steady a status=up",
            "#1 released a why=recovered",
            "#1 recovered why=recovered",
            "#1 closed why=recovered",
        ]
        assert desk.incident(1).recovered == moment(60)

    def test_in_one_of_its_own_when_there_is_none(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "up", first=True))
        assert desk.take(flag("a", 30, "flapping", True)) == [
            "#1 opened fault=point:a severity=warning",
            "#1 joined a status=up",
            "#1 flapping a",
        ]
        assert desk.incident(1).began == moment(30)
        assert desk.take(flag("a", 900, "flapping", False))[-1] == "#1 closed why=recovered"
        assert desk.incident(1).recovered == moment(30)

    def test_steady_but_down(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"), flag("a", 30, "flapping", True))
        assert desk.take(flag("a", 900, "flapping", False)) == ["#1 steady a status=down"]
        assert desk.take(row("a", 960, "up"))[-1] == "#1 closed why=recovered"

    @pytest.mark.parametrize("status", ["degraded", "unreachable"])
    def test_it_stays_by_itself_until_it_holds(self, status: str) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"), flag("a", 30, "flapping", True))
        desk.take(row("a", 40, "up"))
        told = desk.take(row("circuit-1", 60, "down"), row("b", 60, status, CIRCUIT), row("a", 60, status, CIRCUIT))
        assert f"#1 changed a status={status}" in told
        assert not [line for line in told if "#2" in line and " a " in line]
        assert desk.take(flag("a", 900, "flapping", False)) == [
            f"#1 steady a status={status}",
            "#1 released a why=moved to=2",
            f"#2 joined a status={status}",
            "#1 recovered why=recovered",
            "#1 closed why=recovered",
        ]
        assert [incident.number for incident in desk.register.open()] == [2]

    def test_what_fails_by_itself_behind_it_is_not_told_apart_until_it_holds(self) -> None:
        points = [Point(id="circuit-1", name="C", kind="circuit", endpoints=())]
        needs = (Dependency(any_of=("circuit-1",)),)
        points += [Point(id=name, name=name, kind="ward", endpoints=(), depends_on=needs) for name in ("a", "b")]
        desk = Desk(replace(config(), points=(*points, Point(id="x", name="x", kind="ward", endpoints=()))))
        desk.take(row("b", 0, "faulty"))
        desk.take(row("circuit-1", 10, "down"), flag("circuit-1", 30, "flapping", True), row("circuit-1", 31, "up"))
        assert desk.take(row("a", 40, "down")) == ["#2 joined a status=down"]
        assert desk.take(row("b", 41, "down"))[0] == "#1 changed b status=down", "it was a fault of its own before"
        assert desk.take(row("x", 42, "down"))[0] == "#3 opened fault=point:x severity=critical"
        desk.take(row("a", 50, "up"))
        assert desk.take(row("a", 60, "faulty")) == ["#2 joined a status=faulty"]
        assert desk.take(flag("circuit-1", 900, "flapping", False)) == [
            "#2 steady circuit-1 status=up",
            "#4 opened fault=point:a severity=warning",
            "#2 released a why=moved to=4",
            "#4 joined a status=faulty taken_from=2",
            "#2 released circuit-1 why=recovered",
            "#2 recovered why=recovered",
            "#2 closed why=recovered",
        ]

    def test_it_takes_its_flapping_along(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"), flag("a", 30, "flapping", True))
        rows = row("a", 0, "unreachable", CIRCUIT), row("circuit-1", 0, "down")
        assert desk.take(*rows, now=60)[1:4] == [
            "#1 released a why=moved to=2",
            "#2 joined a status=unreachable taken_from=1 flapping=True",
            "#1 taken_over number=2",
        ]
        assert desk.take(row("circuit-1", 90, "up"), row("a", 90, "up")) == [
            "#2 released circuit-1 why=recovered",
            "#2 changed a status=up",
        ]
        assert desk.take(flag("a", 900, "flapping", False))[0] == "#2 steady a status=up"
        assert desk.register.open() == []

    def test_worsens_what_was_merely_degraded(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "degraded"))
        assert desk.take(flag("a", 30, "flapping", True)) == ["#1 flapping a", "#1 worsened severity=warning"]

    def test_twice_is_once(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"), flag("a", 30, "flapping", True))
        assert desk.take(flag("a", 31, "flapping", True)) == []
        assert desk.take(flag("b", 31, "flapping", False)) == []


class TestNeverUp:
    def test_one_incident_after_ten_minutes(self) -> None:
        desk = Desk()
        assert desk.take(row("a", 0, "down", first=True), row("b", 60, "faulty", first=True)) == []
        assert desk.age(599) == []
        assert desk.age(600) == [
            "#1 opened fault=never:1 severity=info",
            "#1 joined a status=down",
            "#1 joined b status=faulty",
        ]
        assert desk.age(601) == []
        assert desk.take(row("c", 700, "down", first=True)) == [], "it is gathered, and told of, by itself"
        assert desk.take(row("a", 800, "up")) == ["#1 released a why=recovered"]
        assert desk.take(row("a", 900, "down")) == [
            "#2 opened fault=point:a severity=critical",
            "#2 joined a status=down",
        ]
        assert desk.age(1300) == ["#3 opened fault=never:3 severity=info", "#3 joined c status=down"]

    def test_up_within_ten_minutes_is_no_business(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down", first=True))
        assert desk.take(row("a", 300, "up")) == []
        assert desk.age(600) == []

    def test_unknown_first_is_waited_for(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "unknown", first=True, reason=Reason.STALE))
        assert desk.age(900) == []
        desk.take(row("a", 900, "down"))
        assert desk.age(1500)[0] == "#1 opened fault=never:1 severity=info"

    def test_the_monitors_own_fault_is_told_at_once(self) -> None:
        desk = Desk()
        told = desk.take(row("a", 0, "unknown", "monitor:resolver", first=True, reason=Reason.RESOLVER))
        assert told[0] == "#1 opened fault=monitor:resolver severity=warning"
        assert desk.take(row("a", 60, "down"))[-2:] == ["#1 recovered why=recovered", "#1 closed why=recovered"]

    def test_a_parents_open_incident_goes_first(self) -> None:
        desk = Desk()
        desk.take(row("circuit-1", 0, "down"))
        assert desk.take(row("a", 10, "unreachable", CIRCUIT, first=True)) == ["#1 joined a status=unreachable"]
        desk.take(row("a", 60, "down"))
        assert desk.take(row("circuit-1", 60, "up"))[-1] == "#1 closed why=recovered"
        assert [incident.fault for incident in desk.register.open()] == [Fault(FaultKind.NEVER, "2")]

    def test_a_parents_incident_that_opened_meanwhile_goes_first(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "unreachable", CIRCUIT, first=True), row("b", 1, "down", first=True))
        desk.take(row("circuit-1", 300, "down"))
        assert desk.age(600) == [
            "#1 joined a status=unreachable",
            "#2 opened fault=never:2 severity=info",
            "#2 joined b status=down",
        ]

    def test_not_under_maintenance(self) -> None:
        desk = Desk()
        desk.take(flag("a", 0, "maintenance", True), row("a", 1, "down", first=True))
        assert desk.age(900) == []
        desk.take(flag("a", 901, "maintenance", False))
        assert desk.age(902)[0] == "#1 opened fault=never:1 severity=info"


class TestConfiguration:
    def test_a_point_that_is_removed(self) -> None:
        desk = Desk(config("a", "b"))
        desk.take(row("a", 0, "down"), row("b", 0, "down"))
        desk.register.reload(config("b"))
        assert desk.take(row("a", 60, "unobserved", reason=Reason.CONFIG)) == [
            "#1 released a why=removed",
            "#1 closed why=removed",
        ]
        assert desk.take(row("b", 60, "unobserved", reason=Reason.CONFIG))[-1] == "#2 closed why=configuration"
        assert desk.incident(1).recovered is None
        assert desk.incident(1).affected["a"].left == "removed"

    def test_one_of_many_is_removed(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "unreachable", CIRCUIT), row("b", 0, "unreachable", CIRCUIT))
        assert desk.take(row("a", 60, "unobserved", reason=Reason.CONFIG)) == ["#1 released a why=removed"]
        assert desk.take(row("b", 90, "up"))[-1] == "#1 closed why=recovered"

    def test_it_comes_back_as_if_it_had_never_been(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"), flag("a", 1, "flapping", True))
        desk.take(row("a", 60, "unobserved", reason=Reason.CONFIG), flag("a", 60, "flapping", False))
        assert desk.take(row("a", 90, "down", first=True)) == []
        assert desk.age(690)[0] == "#2 opened fault=never:2 severity=info"


class TestRestart:
    def test_it_goes_on_as_the_same_incident(self) -> None:
        desk = Desk()
        desk.take(row("circuit-1", 0, "down"), row("a", 0, "unreachable", CIRCUIT))
        other, told = desk.restarted(now=100)
        assert told == []
        assert other.register.open() == desk.register.open()
        assert other.take(row("a", 200, "up", not_before=50)) == ["#1 released a why=recovered"]
        other.take(row("circuit-1", 200, "up", not_before=50))
        assert other.incident(1).recovered_not_before == moment(50)
        assert other.take(row("b", 300, "down"))[0] == "#2 opened fault=point:b severity=critical"

    def test_what_was_bad_before_there_were_incidents_gets_one(self) -> None:
        desk = Desk()
        desk.rows.append(row("a", 0, "down"))
        _, told = desk.restarted(now=100)
        assert told == ["#1 opened fault=point:a severity=critical", "#1 joined a status=down"]

    def test_flags_and_the_never_seen_come_back(self) -> None:
        desk = Desk()
        desk.take(
            row("a", 0, "down"),
            flag("a", 1, "flapping", True),
            flag("b", 0, "maintenance", True),
            row("b", 1, "down"),
            row("c", 2, "down", first=True),
        )
        other, told = desk.restarted(now=100)
        assert told == []
        assert other.take(row("a", 110, "up")) == ["#1 changed a status=up"]
        assert other.age(602) == ["#2 opened fault=never:2 severity=info", "#2 joined c status=down"]
        third, told = other.restarted(now=700)
        assert told == []
        assert third.take(row("c", 710, "faulty")) == ["#2 changed c status=faulty"]

    def test_a_point_of_which_nothing_is_known_any_more(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        desk.rows.clear()
        _, told = desk.restarted(now=100)
        assert told == ["#1 released a why=removed", "#1 closed why=removed"]

    def test_stories_that_are_over_or_empty_change_nothing(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"), row("a", 60, "up"), row("b", 70, "down"))
        other = Desk()
        current = {each.key: each for each in desk.rows if isinstance(each, Transition)}
        stories = {**desk.stories(), "f" * 32: []}
        assert other.register.resume(stories, 1, Resume(statuses=current), moment(100)) == []
        assert [incident.number for incident in other.register.open()] == [2]
        assert len([uid for uid in stories if other.register.incident(uid)]) == 2
        other.take(row("c", 110, "down"))
        assert other.story[0].data["number"] == 3


class TestLateHistory:
    """The program started without its database, and can read only by now what was before."""

    def before(self, *rows: Transition) -> Desk:
        desk = Desk()
        desk.take(row("z", 0, "down"), row("z", 1, "up"))
        if rows:
            desk.take(*rows)
        return desk

    def inherit(self, desk: Desk, before: Desk, *, seen_up: Sequence[str] = ()) -> list[str]:
        ongoing = {uid: events for uid, events in before.stories().items() if fold(events).is_open}
        known = desk.stories()
        desk.story = [*before.story, *desk.story]
        last = max(incident.number for incident in before.incidents())
        events = desk.register.inherit({**ongoing, **known}, last, moment(200), seen_up=seen_up)
        return desk.keep(events)

    def start(self) -> Desk:
        desk = Desk()
        desk._ids = count(10**6)
        return desk

    def test_what_is_still_down_goes_on_as_the_incident_that_it_was(self) -> None:
        desk = self.start()
        desk.take(row("a", 100, "down", first=True))
        assert self.inherit(desk, self.before(row("a", 5, "down")), seen_up=["a"]) == []
        assert [(each.number, each.began) for each in desk.register.open()] == [(2, moment(5))]
        assert desk.take(row("a", 300, "up")) == [
            "#2 released a why=recovered",
            "#2 recovered why=recovered",
            "#2 closed why=recovered",
        ]

    def test_what_came_back_meanwhile_has_recovered(self) -> None:
        desk = self.start()
        desk.take(row("a", 100, "up", first=True))
        told = self.inherit(desk, self.before(row("a", 5, "down")))
        assert told == ["#2 released a why=recovered", "#2 recovered why=recovered", "#2 closed why=recovered"]

    def test_what_was_opened_anew_takes_the_old_one_over(self) -> None:
        desk = self.start()
        desk.take(row("circuit-1", 90, "up", first=True), row("b", 90, "up", first=True))
        desk.take(row("circuit-1", 100, "down"), row("b", 100, "unreachable", CIRCUIT))
        before = self.before(row("circuit-1", 5, "down"), row("a", 5, "unreachable", CIRCUIT))
        told = self.inherit(desk, before)
        assert told == [
            "#2 released circuit-1 why=moved to=1",
            "#2 released a why=moved to=1",
            "#2 taken_over number=1",
        ]
        (left,) = desk.register.open()
        assert {each.point for each in left.troubled} == {"circuit-1", "b"}
        assert desk.take(row("circuit-1", 300, "up"))[0] == "#1 released circuit-1 why=recovered"

    def test_its_own_incident_is_no_other(self) -> None:
        desk = self.start()
        desk.take(row("b", 90, "up", first=True), row("b", 100, "down"))
        assert self.inherit(desk, self.before()) == []
        assert [str(each.fault) for each in desk.register.open()] == ["point:b"]

    def test_what_was_up_before_has_not_never_been(self) -> None:
        desk = self.start()
        desk.take(row("a", 100, "down", first=True))
        assert list(desk.register.never) == ["a"]
        assert self.inherit(desk, self.before(), seen_up=["a"]) == [
            "#2 opened fault=point:a severity=critical",
            "#2 joined a status=down",
        ]

    def test_no_number_is_given_again(self) -> None:
        desk = self.start()
        self.inherit(desk, self.before(row("a", 5, "down")))
        desk.take(row("b", 300, "down"))
        assert desk.register.open()[-1].number == 3


class TestLearning:
    def event(self, desk: Desk, kind: EventKind, **data: object) -> IncidentEvent:
        uid = desk.register.open()[0].uid
        return IncidentEvent(
            id="x", incident=uid, kind=kind, at=moment(9), recorded_at=moment(9), actor="An", data=data
        )

    def test_what_operators_do(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        desk.learn(self.event(desk, EventKind.ACKNOWLEDGED, ticket="VT-7"))
        desk.learn(self.event(desk, EventKind.SILENCED, until=""))
        incident = desk.register.open()[0]
        assert incident.acknowledged is not None
        assert (incident.acknowledged.actor, incident.acknowledged.ticket) == ("An", "VT-7")
        assert incident.silenced_until is not None
        assert incident.silenced_until > moment(0) + timedelta(days=36500)
        assert incident == desk.incident(1)

    def test_of_an_incident_that_is_not_at_hand(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        desk.register.learn([replace(self.event(desk, EventKind.NOTED), incident="f" * 32)])
        assert desk.register.incident("f" * 32) is None


def test_closed_ones_stay_at_hand_for_a_while() -> None:
    desk = Desk()
    names = [f"w{number}" for number in range(156)]
    desk.take(*(row(name, 0, "down") for name in names))
    desk.take(*(row(name, 60, "up") for name in names))
    assert all(desk.register.incident(incident.uid) for incident in desk.incidents())
    desk.take(row("a", 100, "up"))
    assert sum(desk.register.incident(incident.uid) is not None for incident in desk.incidents()) == 100


def test_what_others_fail_by_is_critical_from_the_first_of_them_on() -> None:
    desk = Desk()
    opened = desk.take(row("a", 0, "faulty", "point:exchange-platform"))[0]
    assert "severity=critical" in opened
    assert not [line for line in desk.take(row("exchange-platform", 1, "down")) if "worsened" in line]


class TestDecidedTogether:
    """One decision: of a point only where it leaves it counts."""

    def test_what_is_over_within_it_was_no_incident(self) -> None:
        desk = Desk()
        assert desk.decide(row("a", 0, "faulty"), row("a", 3, "up")) == []
        assert desk.register.open() == []

    def test_the_page_that_failed_a_moment_before_its_link_is_no_incident_of_its_own(self) -> None:
        desk = Desk()
        assert desk.decide(row("a", 0, "faulty"), row("a", 1, "unreachable", CIRCUIT)) == [
            "#1 opened fault=point:circuit-1 severity=critical",
            "#1 joined a status=unreachable",
        ]

    def test_nobody_is_blamed_for_what_we_could_not_ask(self) -> None:
        desk = Desk()
        told = desk.decide(row("a", 0, "faulty"), row("a", 1, "unknown", "vantage:", reason=Reason.ISOLATED))
        assert told == ["#1 opened fault=vantage: severity=critical", "#1 joined a status=unknown"]

    def test_an_open_incident_hears_of_the_end(self) -> None:
        desk = Desk()
        desk.take(row("a", 0, "down"))
        assert desk.decide(row("a", 60, "faulty"), row("a", 63, "up"))[-1] == "#1 closed why=recovered"

    def test_a_first_status_stays_one(self) -> None:
        desk = Desk()
        assert desk.decide(row("a", 0, "faulty", first=True), row("a", 1, "down")) == []
        assert desk.age(601)[0] == "#1 opened fault=never:1 severity=info"
