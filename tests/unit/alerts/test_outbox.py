"""Which messages leave together, when, and which need not leave any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import Any

import pytest

from monitor.alerts.herald import EVIDENCE_WAIT
from monitor.alerts.outbox import Outbox
from monitor.incidents.model import Acknowledgement, Delivery, DeliveryOutcome, Incident, Message, MessageKind
from tests.unit.alerts.told_world import START, Letter, incident, message

DELIVERED, FAILED = DeliveryOutcome.DELIVERED, DeliveryOutcome.FAILED
GIVEN_UP, DROPPED = DeliveryOutcome.GIVEN_UP, DeliveryOutcome.DROPPED
RECOVERED, REMINDER, STEADY = MessageKind.RECOVERED, MessageKind.REMINDER, MessageKind.STEADY
ESCALATION, WORSENED = MessageKind.ESCALATION, MessageKind.WORSENED
GROUPED = timedelta(seconds=30)


class Box:
    """An outbox with its incidents; its clocks begin at START and at 0."""

    def __init__(self, *messages: Message, incidents: Sequence[Incident] | None = None) -> None:
        self.incidents = {each.uid: each for each in (incidents if incidents is not None else [incident()])}
        self.outbox = Outbox(incidents=self.incidents.get)
        for each in messages:
            self.put(each)

    def put(self, message: Message, at: float = 0.0) -> None:
        self.outbox.put(message, START + timedelta(seconds=at), at)

    def ready(self, at: float = 0.0, channel: str = "duty", settle: float | None = None) -> list[str]:
        batch = self.outbox.batch(channel, at, settle_seconds=settle)
        return [each.message.id for each in batch.send]

    def dropped(self, at: float = 0.0) -> list[str]:
        return [each.message.id for each in self.outbox.batch("duty", at).dropped]

    def settle(self, identity: str, outcome: DeliveryOutcome, at: float = 0.0, channel: str = "duty") -> None:
        parcel = next(each for each in self.outbox.of(channel) if each.message.id == identity)
        self.outbox.settle(parcel, outcome, at)


def letter(message: Message, *outcomes: DeliveryOutcome, ago: float = 0.0) -> Letter:
    at = START - timedelta(seconds=ago)
    return Letter(
        message,
        [Delivery(message=message.id, at=at, outcome=each, attempt=number) for number, each in enumerate(outcomes, 1)],
    )


def test_those_due_together_leave_together_and_later_ones_later() -> None:
    box = Box(message("1"), message("2"), message("3", due_at=START + GROUPED))
    assert box.ready() == ["1", "2"]
    box.settle("1", DELIVERED)
    box.settle("2", DELIVERED)
    assert box.ready(29.9) == []
    assert box.outbox.next_at("duty") == 30
    assert box.ready(30) == ["3"]


def test_a_channel_has_its_own_and_a_route_its_own_envelope() -> None:
    box = Box(message("1"), message("2", channel="boss"), message("3", route="other"), message("4"))
    assert box.ready() == ["1", "4"]
    assert box.ready(channel="boss") == ["2"]
    assert box.ready(channel="nobody") == []
    assert list(box.outbox.channels()) == ["duty", "boss"]
    assert len(box.outbox) == 4


def test_the_first_message_leaves_when_the_evidence_is_there() -> None:
    first, second = (message(each, incident=f"i{each}", due_at=START + EVIDENCE_WAIT) for each in "12")
    known = {uid: incident(uid=uid) for uid in ("i1", "i2")}
    box = Box(first, second, incidents=list(known.values()))
    assert box.ready() == []
    box.incidents["i1"] = replace(known["i1"], evidence={})
    assert box.ready() == []
    box.incidents["i2"] = replace(known["i2"], evidence={})
    assert box.outbox.next_at("duty") == -inf
    assert box.ready() == ["1", "2"]


def test_evidence_hastens_no_digest() -> None:
    box = Box(message("1", due_at=START + GROUPED), incidents=[incident(evidence={})])
    assert box.ready(29) == []
    assert box.ready(30) == ["1"]


def test_neither_a_clock_set_back_nor_one_set_forward_holds_up_or_makes_late() -> None:
    box = Box()
    box.outbox.put(message("1", due_at=START + GROUPED), START - timedelta(hours=1), 100.0)
    box.outbox.put(message("2"), START, 100.0)
    assert box.ready(130.0) == ["1", "2"]
    assert [each.late_seconds(130.0) for each in box.outbox.of("duty")] == [0, 30]


def test_what_was_there_before_the_restart_is_as_late_as_it_is() -> None:
    box = Box()
    box.outbox.load([letter(message("1"), FAILED, FAILED)], START + timedelta(minutes=12), 5.0)
    [parcel] = box.outbox.of("duty")
    assert parcel.attempts == 2
    assert parcel.late_seconds(6.0) == 721
    assert parcel.waited_seconds(6.0) == 721
    assert box.outbox.oldest("duty", 6.0) == 721
    assert box.outbox.oldest("boss", 6.0) == 0


def test_what_is_read_late_is_not_sent_again() -> None:
    box = Box(message("1"), message("2"))
    box.settle("1", DELIVERED)
    parcels = box.outbox.of("duty")
    box.outbox.load([letter(message(each)) for each in "123"], START, 0.0)
    assert box.ready() == ["2", "3"]
    assert box.outbox.of("duty")[:1] == parcels


def test_what_went_to_the_last_resort_is_late_but_new_there() -> None:
    box = Box()
    now = START + timedelta(hours=6)
    box.outbox.put(message("1", created_at=now), now, 0.0)
    [parcel] = box.outbox.of("duty")
    assert parcel.late_seconds(1.0) == 6 * 3600 + 1
    assert parcel.waited_seconds(1.0) == 1


class TestEndings:
    """No end is told before its fault, nor to whom the fault was not."""

    def test_a_fault_under_way_goes_first_or_together_with_its_end(self) -> None:
        box = Box(message("1", due_at=START + GROUPED), message("2", kind=RECOVERED))
        assert box.ready(0) == []
        assert box.outbox.next_at("duty") == 30
        assert box.ready(30) == ["1", "2"]

    def test_not_before_what_another_route_says_of_the_fault(self) -> None:
        box = Box(message("1", kind=RECOVERED), message("2", route="other", kind=ESCALATION))
        assert box.ready() == ["2"]
        box.settle("2", DELIVERED)
        assert box.ready() == ["1"]

    def test_it_goes_to_the_last_resort_where_the_fault_went(self) -> None:
        box = Box(message("1"), message("2", kind=RECOVERED))
        box.settle("1", GIVEN_UP)
        batch = box.outbox.batch("duty", 0.0)
        assert [each.message.id for each in batch.unheard] == ["2"]
        assert batch.send == []

    def test_it_is_dropped_where_the_fault_was(self) -> None:
        box = Box(message("1", kind=ESCALATION), message("2", kind=RECOVERED))
        box.settle("1", DROPPED)
        assert box.dropped() == ["2"]

    def test_it_is_told_when_nothing_is_known_of_before(self) -> None:
        box = Box(message("2", kind=RECOVERED), incidents=[])
        assert box.ready() == ["2"]

    def test_where_alerts_stand_they_stand_for_a_while(self) -> None:
        box = Box(message("1"), message("2", kind=RECOVERED))
        assert box.ready(settle=60) == ["1"]
        box.settle("1", DELIVERED, 5.0)
        assert box.ready(64, settle=60) == []
        assert box.outbox.next_at("duty", settle_seconds=60) == 65
        assert box.ready(65, settle=60) == ["2"]
        assert list(box.outbox.standing("duty")) == ["i1"]
        box.settle("2", DELIVERED, 65)
        assert box.outbox.standing("duty") == {}

    def test_they_stood_for_a_while_before_the_restart(self) -> None:
        box = Box()
        box.outbox.load([letter(message("1"), DELIVERED, ago=50), letter(message("2", kind=RECOVERED))], START, 0.0)
        assert box.ready(9, settle=60) == []
        assert box.ready(10, settle=60) == ["2"]


class TestTakenOver:
    """What a taken-over incident had to say."""

    def heir(self, **more: Any) -> Message:
        payload = {"taken_from": ["i1"], "already_told": False, **more}
        return message("2", incident="i2", payload=payload)

    def test_it_need_not_be_said_any_more(self) -> None:
        box = Box(message("1"), self.heir(), incidents=[incident(), incident(uid="i2")])
        assert box.dropped() == ["1"]
        assert box.ready() == ["2"]

    def test_not_even_where_the_parent_has_nothing_to_say(self) -> None:
        box = Box(message("1"), message("e", kind=STEADY))
        box.outbox.supersede("i1")
        assert box.dropped() == ["1", "e"]

    def test_who_heard_of_it_counts_as_told(self) -> None:
        box = Box(self.heir(already_told=True), incidents=[incident(uid="i2")])
        assert box.dropped() == ["2"]
        box.settle("2", DROPPED)
        box.put(message("3", incident="i2", kind=RECOVERED))
        assert box.ready() == ["3"]

    def test_one_of_two_that_arrived_is_not_enough(self) -> None:
        heir = self.heir(taken_from=["i1", "i0"])
        box = Box(message("1"), heir, incidents=[incident(), incident(uid="i2")])
        box.settle("1", DELIVERED)
        assert box.dropped() == []
        assert box.ready() == ["2"]

    def test_what_is_told_anew_is_sent_whatever_arrived(self) -> None:
        box = Box(message("1"), incidents=[incident(), incident(uid="i2")])
        box.settle("1", DELIVERED)
        box.put(message("2", incident="i2", payload={"taken_from": ["i1"], "anew": True}))
        assert box.dropped() == []
        assert box.ready() == ["2"]

    def test_what_was_under_way_and_arrived_counts_too(self) -> None:
        box = Box(message("1"), self.heir(), incidents=[incident(), incident(uid="i2")])
        [under_way, _] = box.outbox.of("duty")
        assert not box.outbox.still_wanted(under_way)
        box.settle("1", DELIVERED)
        assert box.dropped() == ["2"]

    def test_after_a_restart_too(self) -> None:
        box = Box(incidents=[incident(uid="i2")])
        box.outbox.load([letter(message("1")), letter(self.heir(already_told=True), DROPPED)], START, 0.0)
        box.put(message("3", incident="i2", kind=RECOVERED))
        assert box.dropped() == ["1"]
        assert box.ready() == ["3"]


@pytest.mark.parametrize(
    ("kind", "state", "moot"),
    [
        (REMINDER, {}, False),
        (REMINDER, {"acknowledged": Acknowledgement(actor="lan", at=START)}, True),
        (REMINDER, {"closed": START}, True),
        (ESCALATION, {}, False),
        (ESCALATION, {"acknowledged": Acknowledgement(actor="lan", at=START)}, True),
        (ESCALATION, {"closed": START}, False),
        (WORSENED, {"closed": START}, False),
        (MessageKind.OPENED, {"acknowledged": Acknowledgement(actor="lan", at=START)}, False),
    ],
)
def test_nobody_is_nagged_in_vain(kind: MessageKind, state: dict[str, Any], moot: bool) -> None:
    box = Box(message("1", kind=kind), incidents=[incident(**state)])
    assert bool(box.dropped()) is moot
    assert bool(box.ready()) is not moot


def test_the_last_resort_is_told_nothing_twice() -> None:
    box = Box(message("1", channel="last"))
    assert box.outbox.knows("i1", MessageKind.OPENED, "last")
    box.settle("1", DELIVERED, channel="last")
    assert box.outbox.knows("i1", MessageKind.OPENED, "last")
    assert not box.outbox.knows("i1", RECOVERED, "last")
    assert not box.outbox.knows("i1", MessageKind.OPENED, "duty")
    box.put(message("2", channel="last", kind=REMINDER))
    assert box.outbox.knows("i1", REMINDER, "last")
    box.settle("2", DELIVERED, channel="last")
    assert not box.outbox.knows("i1", REMINDER, "last")


def test_what_is_over_is_forgotten_once_nothing_waits() -> None:
    box = Box(message("1"), message("2", kind=RECOVERED))
    box.settle("1", GIVEN_UP)
    box.outbox.forget("i1")
    assert box.outbox.batch("duty", 0.0).unheard
    box.incidents.clear()
    box.settle("2", GIVEN_UP)
    box.put(message("3", kind=RECOVERED))
    assert box.ready() == ["3"]


def test_nobody_is_reminded_of_what_is_still_on_its_way_there() -> None:
    box = Box(message("1"), message("other", channel="boss"))
    box.put(message("2", kind=REMINDER), at=60)
    assert box.dropped(60) == ["2"]
    box.settle("2", DROPPED)
    box.settle("1", GIVEN_UP)
    box.put(message("3", kind=REMINDER), at=120)
    box.put(message("4", kind=REMINDER), at=180)
    assert (box.dropped(180), box.ready(180)) == (["4"], ["3"])
