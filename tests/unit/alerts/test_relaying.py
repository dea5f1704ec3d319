"""What an Alertmanager posts that it told: of which incident it is, and what is new in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.relaying import Relayed, is_of, pick, told
from monitor.incidents.fold import apply
from monitor.incidents.model import Affected, EventKind, Incident, Severity
from monitor.model import Fault, FaultKind, Reason, Status

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LABELS = {"alertname": "PointTroubled", "incident": "12", "fault": "point", "point": "minh-chau"}


def alert(**changes: Any) -> Relayed:
    made = Relayed(
        receiver="duty", group_key='{}:{incident="12"}', group={"incident": "12"}, fingerprint="f0", labels=LABELS,
        status="firing", begins=T0, ends=None,
    )  # fmt: skip
    return replace(made, **changes)


def incident(kind: FaultKind = FaultKind.POINT, subject: str = "minh-chau", number: int = 12) -> Incident:
    return Incident(
        uid="u1", number=number, fault=Fault(kind, subject), severity=Severity.CRITICAL, began=T0, opened=T0
    )


RESOLVED = alert(status="resolved", ends=T0 + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("labels", "number"),
    [({"incident": "12"}, 12), ({}, None)] + [({"incident": text}, None) for text in ("", "x", "٣", "-1", "9" * 40)],
)
def test_the_number_is_a_label(labels: dict[str, str], number: int | None) -> None:
    assert alert(labels=labels).number == number


@pytest.mark.parametrize(
    ("labels", "of", "expected"),
    [
        (LABELS, incident(), True),
        (LABELS, incident(number=13), False),
        (LABELS, incident(subject="ba-vi"), False),
        (LABELS, incident(FaultKind.NETWORK, ""), False),
        ({"incident": "12", "fault": "label", "provider": "VNPT"}, incident(FaultKind.LABEL, "provider=VNPT"), True),
        ({"alertname": "LinkDown", "point": "minh-chau"}, incident(), False),
    ],
)
def test_a_number_alone_may_be_another_monitors(labels: dict[str, str], of: Incident, expected: bool) -> None:
    assert is_of(labels, of) is expected


def troubled(kind: FaultKind, subject: str, *points: str) -> Incident:
    affected = {
        name: Affected(point=name, since=T0, status=Status.DOWN, reason=Reason.TIMEOUT) for name in (*points, "gone")
    }
    affected["gone"] = replace(affected["gone"], until=T0)
    return replace(incident(kind, subject), uid=f"{kind}:{subject}", affected=affected)


OPEN = (
    troubled(FaultKind.LABEL, "area=ba-vi", "minh-chau"),
    troubled(FaultKind.POINT, "hub", "hub"),
    troubled(FaultKind.NETWORK, "", "cua-nam"),
)


@pytest.mark.parametrize(
    ("labels", "picked"),
    [
        ({"point": "minh-chau", "fault": "point"}, "label:area=ba-vi"),
        ({"point": "hub"}, "point:hub"),
        ({"point": "gone"}, None),
        ({"point": "x", "fault": "network"}, None),
        ({"area": "ba-vi", "fault": "label"}, "label:area=ba-vi"),
        ({"area": "hoan-kiem", "fault": "label"}, None),
        ({"area": "ba-vi"}, None),
        ({"fault": "network"}, "network:"),
        ({"fault": "vantage"}, None),
        ({"fault": "point"}, None),
        ({}, None),
    ],
)
def test_an_alert_of_other_rules_goes_by_its_point_else_by_its_fault(labels: dict[str, str], picked: str) -> None:
    found = pick(alert(labels=labels), OPEN)
    assert (found and found.uid) == picked


def test_its_end_belongs_where_its_begin_stands() -> None:
    other = alert(labels={"point": "hub"})
    event = told(other, OPEN[1], now=T0)
    assert event is not None
    over = apply(OPEN[1], event)
    ended = replace(other, status="resolved", ends=T0)
    assert pick(ended, [OPEN[0], over]) == over
    assert pick(ended, OPEN) is None
    assert pick(replace(ended, begins=T0 - timedelta(hours=1)), [over]) is None, "that was another time"


def test_a_delivery_is_one_event_however_often_it_is_posted() -> None:
    event = told(alert(), incident(), now=T0 + timedelta(seconds=7))
    assert event is not None
    assert (event.kind, event.at, event.actor) == (EventKind.TOLD_ELSEWHERE, T0 + timedelta(seconds=7), "")
    assert {name: event.data[name] for name in ("receiver", "status", "group")} == {
        "receiver": "duty", "status": "firing", "group": {"incident": "12"},
    }  # fmt: skip
    again = told(alert(), incident(), now=T0 + timedelta(seconds=8))
    assert again is not None
    assert again.id == event.id, "two at the same time are one"
    seen = apply(incident(), event)
    assert told(alert(), seen, now=T0 + timedelta(hours=4)) is None
    assert told(alert(group={"incident": "12", "more": "x"}), seen, now=T0) is None, "the group's key names it"


def test_what_differs_is_another_event() -> None:
    event = told(alert(), incident(), now=T0)
    assert event is not None
    seen = apply(incident(), event)
    others = [
        told(each, seen, now=T0)
        for each in (alert(receiver="boss"), alert(group_key="g"), alert(fingerprint="f1"), RESOLVED)
    ]
    assert len({each.id for each in others if each is not None} - {event.id}) == 4


@given(st.lists(st.sampled_from([alert(), RESOLVED]), max_size=12))
def test_every_change_is_told_and_no_repetition(posts: list[Relayed]) -> None:
    seen, events = incident(), []
    for each in posts:
        event = told(each, seen, now=T0)
        if event is not None:
            seen = apply(seen, event)
            events.append(event)
    changes = [each for before, each in zip([None, *posts], posts, strict=False) if each != before]
    assert [event.data["status"] for event in events] == [each.status for each in changes]
    assert len({event.id for event in events}) == len(events)
