"""Routes, labels and facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.alerts.drill import trial
from monitor.alerts.facts import MOST_POINTS, facts
from monitor.alerts.labels import channel_labels, labels_of
from monitor.alerts.routing import fits, judge, routes_for
from monitor.calendar.model import Calendar
from monitor.config.model import Matcher, Route
from monitor.incidents.model import Acknowledgement, Affected, Incident, Severity
from monitor.model import Fault, Reason, Status
from tests.unit.alerts.told_world import NIGHT, POINTS, START, config, incident, point

BY_ID = {each.id: each for each in POINTS}
AREAS = {"east": "Đông", "west": "Tây"}
LABELS = {"area": frozenset({"east", "west"}), "provider": frozenset({"VNPT"}), "severity": frozenset({"critical"})}


def touching(*points: str, fault: str = "point:a", **more: Any) -> Incident:
    affected = {each: Affected(point=each, since=START, status=Status.DOWN, reason=Reason.TIMEOUT) for each in points}
    return incident(fault=Fault.parse(fault), affected=affected, **more)


@pytest.mark.parametrize(
    ("matcher", "fit"),
    [
        (Matcher(label="area", values=("west",)), True),
        (Matcher(label="area", values=("north", "east")), True),
        (Matcher(label="area", values=("north",)), False),
        (Matcher(label="area", values=("west",), negated=True), False),
        (Matcher(label="area", values=("north",), negated=True), True),
        (Matcher(label="provider", pattern="VN.*"), True),
        (Matcher(label="provider", pattern="VN"), False),
        (Matcher(label="provider", pattern="VN.*", negated=True), False),
        (Matcher(label="circuit", values=("x",)), False),
        (Matcher(label="circuit", values=("x",), negated=True), True),
        (Matcher(label="circuit", values=("",)), True),
        (Matcher(label="circuit", pattern=".+"), False),
    ],
)
def test_matchers(matcher: Matcher, fit: bool) -> None:
    assert fits(matcher, LABELS) is fit


def test_the_first_route_that_fits_and_on_as_long_as_it_says() -> None:
    routes = (
        Route(name="no", channels=("duty",), match=(Matcher(label="area", values=("north",)),)),
        Route(name="on", channels=("duty",), match=(Matcher(label="area", values=("west",)),), go_on=True),
        Route(name="night", channels=("night",), when="outside_office_hours"),
        Route(name="day", channels=("boss",), when="office_hours"),
        Route(name="rest", channels=("last",)),
    )
    alerts = config(*routes).alerts
    assert [(each.taken, each.why) for each in judge(alerts, LABELS, START, Calendar())] == [
        (False, "area is north does not hold: area is east, west"),
        (True, "area is west holds: area is east, west"),
        (False, "it is for outside office hours only"),
        (True, "it takes everything"),
        (False, "day came first and does not go on"),
    ]
    taken = routes_for(alerts, LABELS, NIGHT, Calendar())
    assert [route.name for route, _ in taken] == ["on", "night"]


def test_many_values_and_none_are_said_shortly() -> None:
    many = {"point": frozenset(f"p{number}" for number in range(8))}
    route = Route(
        name="r",
        channels=(),
        match=(Matcher(label="point", pattern="p.", negated=False), Matcher(label="x", pattern="y")),
    )
    [judgement] = judge(config(route).alerts, many, START, Calendar())
    assert judgement.why == "x =~ y does not hold: there is no x"
    [judgement] = judge(config(Route(name="r", channels=(), match=route.match[:1])).alerts, many, START, Calendar())
    assert judgement.why == "point =~ p. holds: point is p0, p1, p2, p3, p4 and 3 more"


@pytest.mark.parametrize(
    ("fault", "points", "label", "values"),
    [
        ("point:a", ("a", "b"), "area", {"east"}),
        ("point:circuit", ("a", "b"), "kind", {"circuit"}),
        ("point:gone", ("a", "b"), "area", {"east", "west"}),
        ("label:provider=VNPT", ("a", "c"), "provider", {"VNPT"}),
        ("label:provider=VNPT", ("a", "c"), "point", {"a", "c"}),
        ("label:exchange=X", ("a",), "exchange", {"X"}),
        ("network:", ("a",), "fault", {"network"}),
        ("network:", ("a", "gone"), "point", {"a"}),
    ],
)
def test_labels_for_routes(fault: str, points: tuple[str, ...], label: str, values: set[str]) -> None:
    assert labels_of(touching(*points, fault=fault), BY_ID)[label] == values


@pytest.mark.parametrize(
    ("fault", "labels"),
    [
        ("point:a", {"alertname": "PointTroubled", "point": "a", "kind": "ward", "area": "east", "provider": "VNPT"}),
        ("point:gone", {"alertname": "PointTroubled", "point": "gone"}),
        ("label:provider=VNPT", {"alertname": "CommonCause", "provider": "VNPT"}),
        ("monitor:resolver", {"alertname": "MonitorCannotAsk", "reason": "resolver"}),
        ("vantage:", {"alertname": "VantageIsolated"}),
    ],
)
def test_labels_for_channels_stay_as_points_come_and_go(fault: str, labels: dict[str, str]) -> None:
    kind = fault.partition(":")[0]
    expected = {**labels, "incident": "1", "fault": kind, "severity": "critical"}
    assert channel_labels(touching("a", fault=fault), BY_ID) == expected
    assert channel_labels(touching("b", "c", fault=fault), BY_ID) == expected


def test_a_points_own_label_never_hides_what_an_incident_is() -> None:
    points = {"a": point("a", labels={"severity": "low", "incident": "x", "point": "y"})}
    labels = channel_labels(touching("a"), points)
    assert (labels["severity"], labels["incident"], labels["point"]) == ("critical", "1", "a")
    assert labels_of(touching("a"), points)["severity"] == {"critical"}


class TestFacts:
    """What a message is made of."""

    def known(self, told: Incident, **more: Any) -> dict[str, Any]:
        return facts(told, BY_ID, AREAS, url="https://wall.example/", now=START + timedelta(minutes=5), **more)

    def test_while_it_lasts(self) -> None:
        known = self.known(touching("a", "b"))
        assert known["duration_seconds"] == 300
        assert (known["affected"], known["troubled"]) == (2, 2)
        assert known["recovered"] is None
        assert known["acknowledged"] is None
        assert known["evidence"] is None
        assert known["url"] == "https://wall.example/incidents/1"

    def test_when_it_is_over(self) -> None:
        ended = START + timedelta(minutes=3)
        told = touching("a", recovered=ended, recovered_not_before=START, closed=ended, evidence={"path": "x"})
        known = self.known(replace(told, acknowledged=Acknowledgement(actor="lan", at=START, ticket="T-1")))
        assert known["duration_seconds"] == 180
        assert known["recovered"] == ended.isoformat()
        assert known["not_before"] == START.isoformat()
        assert known["evidence"] == {"path": "x"}
        assert known["acknowledged"] == {"actor": "lan", "at": START.isoformat(), "ticket": "T-1"}

    def test_the_faults_own_point_comes_first_then_those_still_troubled(self) -> None:
        released = Affected(point="a", since=START, until=START, status=Status.DOWN, reason=Reason.TIMEOUT)
        told = touching("a", "b", "circuit", fault="point:circuit", flapping=frozenset({"b"}))
        affected = {**told.affected, "a": released}
        known = self.known(incident(fault=told.fault, affected=affected, flapping=told.flapping))
        assert [each["id"] for each in known["points"]] == ["circuit", "b", "a"]
        assert [each["area"] for each in known["points"]] == ["", "Tây", "Đông"]
        assert known["troubled"] == 2
        assert known["flapping"] == ["b"]

    def test_no_more_points_than_a_message_can_carry(self) -> None:
        known = self.known(touching(*(f"p{number}" for number in range(300)), fault="network:"))
        assert (known["affected"], len(known["points"])) == (300, MOST_POINTS)
        assert known["points"][0]["name"] == "p0"

    def test_whom_to_call_is_what_all_agree_on(self) -> None:
        assert self.known(touching("a"))["contact"]["name"] == "An"
        contact = self.known(touching("a", "b", fault="network:"))["contact"]
        assert (contact["name"], contact["provider"]) == ("", "VNPT")
        assert self.known(touching("gone", fault="point:gone"))["contact"]["name"] == ""

    @pytest.mark.parametrize(
        ("fault", "name"),
        [
            ("point:a", "A"),
            ("point:gone", "gone"),
            ("label:area=east", "Đông"),
            ("label:provider=VNPT", "VNPT"),
            ("label:endpoint=exchange", "exchange"),
            ("monitor:resolver", "resolver"),
            ("network:", ""),
        ],
    )
    def test_what_the_fault_is_called(self, fault: str, name: str) -> None:
        assert self.known(touching("a", fault=fault))["fault"]["name"] == name

    def test_without_an_address_there_is_no_link(self) -> None:
        assert facts(touching("a"), BY_ID, AREAS, url="", now=START)["url"] == ""


@pytest.mark.parametrize(
    ("fault", "touched"),
    [
        ("point:a", {"a": Status.DOWN}),
        ("point:circuit", {"circuit": Status.DOWN}),
        ("label:area=west", {"b": Status.UNREACHABLE, "c": Status.UNREACHABLE}),
        ("label:provider=Viettel", {"b": Status.UNREACHABLE}),
        ("label:endpoint=exchange", {}),
        ("network:", {}),
        ("vantage:", {}),
    ],
)
def test_what_an_imagined_fault_touches(fault: str, touched: dict[str, Status]) -> None:
    imagined = trial(config(), Fault.parse(fault), Severity.CRITICAL, START)
    assert {each.point: each.status for each in imagined.incident.affected.values()} == touched
