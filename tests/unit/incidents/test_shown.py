"""The incidents as shown: which comes first, and how they are found."""

from __future__ import annotations

import pytest

from monitor.incidents.fold import FOR_EVER, apply, fold
from monitor.incidents.model import Decision, EventKind, IncidentEvent, Severity
from monitor.incidents.severity import is_worse
from monitor.incidents.shown import KEPT, Incidents
from monitor.model import EndpointKey, Reason, Result
from tests.unit.incidents.desk import Desk, flag, moment, row

CIRCUIT = "point:circuit-1"


def shown(desk: Desk) -> Incidents:
    incidents = Incidents()
    incidents.on_decision(Decision(events=tuple(desk.story)))
    return incidents


def order(desk: Desk) -> list[str]:
    return [str(incident.fault) for incident in shown(desk).open()]


def test_worst_first() -> None:
    desk = Desk()
    desk.take(row("never", 0, "down", first=True), row("y", 1, "unknown", "monitor:resolver", reason=Reason.RESOLVER))
    desk.age(600)
    desk.take(row("p", 610, "up"), flag("p", 620, "flapping", True))
    desk.take(row("d", 630, "degraded"), row("f", 640, "faulty"), row("alone", 650, "down"))
    desk.take(*(row(f"v{number}", 660, "unreachable", "label:provider=VNPT") for number in range(9)))
    desk.take(row("circuit-1", 661, "down"), row("w", 661, "degraded", CIRCUIT, reason=Reason.REDUNDANCY))
    desk.take(row("n", 600, "unreachable", "network:"))
    assert order(desk) == [
        "network:",
        "label:provider=VNPT",
        "point:circuit-1",
        "point:alone",
        "point:f",
        "point:p",
        "point:d",
        "monitor:resolver",
        "never:2",
    ]


def test_the_newest_first_within_a_rank() -> None:
    desk = Desk()
    desk.take(row("a", 10, "down"), row("b", 30, "down"), row("c", 20, "down"), row("d", 30, "down"))
    assert order(desk) == ["point:d", "point:b", "point:c", "point:a"]


def test_an_acknowledgement_does_not_reorder() -> None:
    desk = Desk()
    desk.take(row("a", 10, "down"), row("b", 30, "down"))
    before = order(desk)
    taken = IncidentEvent(
        id="x",
        incident=desk.register.open()[1].uid,
        kind=EventKind.ACKNOWLEDGED,
        at=moment(40),
        recorded_at=moment(40),
        actor="An",
    )
    desk.learn(taken)
    assert order(desk) == before


def test_found_by_point_number_and_uid() -> None:
    desk = Desk()
    desk.take(row("a", 0, "unreachable", CIRCUIT), row("b", 0, "unreachable", CIRCUIT))
    desk.take(row("a", 60, "up"))
    incidents = shown(desk)
    uid = desk.register.open()[0].uid
    assert incidents.get(uid) == incidents.by_number(1) == incidents.of_point("b")
    assert incidents.of_point("a") is None
    assert incidents.by_number(2) is None
    assert incidents.get("x") is None


def test_taken_over_within_one_decision() -> None:
    desk = Desk()
    desk.take(row("a", 0, "down"))
    incidents = shown(desk)
    begin = len(desk.story)
    desk.take(row("a", 0, "unreachable", CIRCUIT))
    incidents.on_decision(Decision(events=tuple(desk.story[begin:])))
    found = incidents.of_point("a")
    assert found is not None
    assert found.number == 2
    assert [incident.number for incident in incidents.open()] == [2]


def test_an_empty_story_is_none() -> None:
    incidents = Incidents()
    incidents.load({"f" * 32: []})
    assert incidents.open() == []


def test_the_version_grows_with_each_change() -> None:
    desk = Desk()
    incidents = Incidents()
    before = incidents.version
    incidents.on_decision(Decision(rows=(row("a", 0, "up"),)))
    incidents.on_result(
        Result(
            key=EndpointKey("a", "link"), vantage="local", begun=moment(0), latency_seconds=0.1, reason=Reason.TIMEOUT
        )
    )
    assert incidents.version == before
    desk.take(row("a", 0, "down"))
    incidents.on_decision(Decision(events=tuple(desk.story)))
    assert incidents.version > before


def test_events_of_what_is_not_at_hand_are_passed_over() -> None:
    incidents = Incidents()
    note = IncidentEvent(id="x", incident="old", kind=EventKind.NOTED, at=moment(0), recorded_at=moment(0), text="?")
    incidents.on_decision(Decision(events=(note,)))
    assert incidents.get("old") is None
    assert incidents.version == 0


def test_closed_ones_are_kept_for_long_and_not_for_ever() -> None:
    desk = Desk()
    incidents = Incidents()
    for number in range(KEPT + 5):
        begin = len(desk.story)
        desk.take(row("a", 10 * number, "down"), row("a", 10 * number + 5, "up"))
        incidents.on_decision(Decision(events=tuple(desk.story[begin:])))
    assert incidents.by_number(5) is None
    assert incidents.by_number(6) is not None
    assert incidents.open() == []


class TestFold:
    OPENED = IncidentEvent(
        id="1",
        incident="u",
        kind=EventKind.OPENED,
        at=moment(3),
        recorded_at=moment(3),
        data={"number": 7, "fault": CIRCUIT, "severity": "warning", "began": moment(0).isoformat()},
    )

    def event(self, kind: EventKind, **data: object) -> IncidentEvent:
        return IncidentEvent(
            id="2", incident="u", kind=kind, at=moment(9), recorded_at=moment(9), actor="An", text="gọi rồi", data=data
        )

    def test_nothing(self) -> None:
        assert fold([]) is None

    def test_it_begins_with_its_opening(self) -> None:
        with pytest.raises(ValueError, match="begins with noted"):
            apply(None, self.event(EventKind.NOTED))

    def test_opened(self) -> None:
        incident = fold([self.OPENED])
        assert incident is not None
        assert (incident.uid, incident.number, str(incident.fault)) == ("u", 7, CIRCUIT)
        assert (incident.began, incident.opened, incident.is_open) == (moment(0), moment(3), True)

    @pytest.mark.parametrize(
        ("kind", "data", "name", "value"),
        [
            (EventKind.WORSENED, {"severity": "critical"}, "severity", Severity.CRITICAL),
            (EventKind.EVIDENCE, {"evidence": {"ping": {"loss": 1}}}, "evidence", {"ping": {"loss": 1}}),
            (EventKind.TOLD, {"channel": "zalo"}, "told", frozenset({"zalo"})),
            (EventKind.SILENCED, {"until": ""}, "silenced_until", FOR_EVER),
            (EventKind.SILENCED, {"until": moment(60).isoformat()}, "silenced_until", moment(60)),
            (EventKind.SILENCED, {"until": "", "lifted": True}, "silenced_until", None),
            (EventKind.CLASSIFIED, {"resolution": "power"}, "resolution", "power"),
            (EventKind.NOTED, {}, "number", 7),
            (EventKind.TAKEN_OVER, {"into": "v", "number": 8}, "into", "v"),
            (EventKind.RECOVERED, {}, "recovered", moment(9)),
            (EventKind.CLOSED, {"why": "removed"}, "closed_why", "removed"),
            (EventKind.CLOSED, {"why": "removed"}, "closed", moment(9)),
        ],
    )
    def test_each_event(self, kind: EventKind, data: dict[str, object], name: str, value: object) -> None:
        assert getattr(fold([self.OPENED, self.event(kind, **data)]), name) == value


def test_severities_are_ordered() -> None:
    assert is_worse(Severity.CRITICAL, Severity.WARNING)
    assert is_worse(Severity.WARNING, Severity.INFO)
    assert not is_worse(Severity.INFO, Severity.INFO)
