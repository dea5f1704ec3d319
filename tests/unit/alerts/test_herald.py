"""Who is told of what, when: the herald's rules, one story each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.alerts.herald import EVIDENCE_WAIT, keeps_standing
from monitor.calendar.model import Window
from monitor.config.model import Escalation, Matcher, Route
from monitor.incidents.model import EventKind, MessageKind
from tests.unit.alerts.told_world import NIGHT, START, Letter, Story, channel, config

WARDS_AT_NIGHT = "point:a"
AREAS = (
    Route(name="west", channels=("night",), match=(Matcher(label="area", values=("west",)),)),
    Route(name="rest", channels=("duty",)),
)


def test_one_fault_is_told_once_and_so_is_its_end() -> None:
    story = Story()
    assert story.tell(*story.opened("i1", "point:a", "a")) == [("opened", 1, "duty")]
    assert story.age(minutes=1) == []
    assert story.tell(*story.closed("i1")) == [("recovered", 1, "duty")]
    assert story.age(days=1) == []


def test_the_message_can_be_rendered_when_nothing_else_is_known() -> None:
    story = Story()
    story.tell(*story.opened("i1", "point:a", "a"))
    [message] = story.messages
    assert message.payload["kind"] == "opened"
    assert message.payload["url"] == "https://wall.example/incidents/1"
    assert message.payload["fault"] == {"kind": "point", "subject": "a", "name": "A"}
    assert message.payload["points"][0]["area"] == "Đông"
    assert message.payload["contact"]["name"] == "An"


def test_where_prometheus_tells_nobody_is_told_but_of_the_end_of_what_was() -> None:
    """Another tells of faults from then on; changed back, what is open is told."""
    ours, theirs = config(), replace(config(), alerting="prometheus")
    story = Story(ours, standing=frozenset({"duty"}))
    story.tell(*story.opened("i1", "point:a", "a"))
    story.deliver()
    story.herald.reload(theirs)
    assert story.tell(*story.opened("i2", "point:b", "b"), story.joined("i1", "c")) == []
    assert story.age(days=1) == []
    assert story.tell(*story.closed("i1")) == [("recovered", 1, "duty")]
    assert story.tell(*story.opened("i3", "point:hub", "b"), story.taken_over("i2", "i3")) == []
    story.herald.reload(ours)
    assert story.age(minutes=1) == [("opened", 3, "duty")]


def test_what_opens_and_closes_at_once_is_not_told() -> None:
    story = Story()
    events = story.opened("i1", "point:a", "a")
    assert story.tell(*events, *story.closed("i1")) == []


def test_a_channel_that_two_routes_name_is_told_once() -> None:
    story = Story(
        config(
            Route(name="first", channels=("duty", "boss"), go_on=True),
            Route(name="second", channels=("boss", "night")),
            Route(name="third", channels=("last",)),
        )
    )
    assert story.tell(*story.opened("i1", "point:a", "a")) == [
        ("opened", 1, "duty"),
        ("opened", 1, "boss"),
        ("opened", 1, "night"),
    ]
    assert [message.route for message in story.messages] == ["first", "first", "second"]


def test_a_point_that_joins_brings_in_those_who_care_for_it() -> None:
    story = Story(config(*AREAS))
    assert story.tell(*story.opened("i1", "label:provider=VNPT", "a")) == [("opened", 1, "duty")]
    assert story.tell(story.joined("i1", "c")) == [("opened", 1, "night")]
    assert story.tell(story.joined("i1", "b")) == []


def test_whom_the_hour_leaves_out_is_told_when_nobody_was_and_the_hour_comes() -> None:
    story = Story(config(Route(name="day", channels=("duty",), when="office_hours")), now=NIGHT)
    assert story.tell(*story.opened("i1", "point:hub", "hub")) == []
    assert story.age(hours=1) == []
    assert story.age(hours=9.5) == [("opened", 1, "duty")]


def test_worse_tells_those_told_and_whoever_fits_now() -> None:
    story = Story(
        config(
            Route(name="bad", channels=("boss",), match=(Matcher(label="severity", values=("critical",)),), go_on=True),
            Route(name="all", channels=("duty",)),
        )
    )
    assert story.tell(*story.opened("i1", "point:a", "a", severity="warning")) == [("opened", 1, "duty")]
    worse = story.event("i1", EventKind.WORSENED, severity="critical")
    assert story.tell(worse) == [("opened", 1, "boss"), ("worsened", 1, "duty")]
    assert story.tell(story.joined("i1", "c")) == []


def test_reminders_until_somebody_is_on_it() -> None:
    story = Story(config(Route(name="all", channels=("duty",), remind_every=timedelta(hours=1))))
    story.tell(*story.opened("i1", "point:hub", "hub"))
    assert story.age(minutes=59) == []
    assert story.age(minutes=1) == [("reminder", 1, "duty")]
    assert story.age(minutes=59) == []
    assert story.age(minutes=1) == [("reminder", 1, "duty")]
    assert [each.payload["nth"] for each in story.messages if each.kind is MessageKind.REMINDER] == [1, 2]
    story.tell(story.event("i1", EventKind.ACKNOWLEDGED, ticket="T-1"))
    assert story.age(hours=5) == []
    assert story.tell(*story.closed("i1")) == [("recovered", 1, "duty")]


def test_no_reminder_in_maintenance_nor_outside_the_hours() -> None:
    story = Story(config(Route(name="all", channels=("duty",), remind_every=timedelta(hours=1))))
    window = Window(id="w", name="w", begin=START, duration=timedelta(hours=3), points=("hub",))
    story.herald.plan([window])
    story.tell(*story.opened("i1", "point:hub", "hub"), *story.opened("i2", "point:a", "a"))
    assert story.age(hours=1) == [("reminder", 2, "duty")]
    assert story.age(hours=2) == [("reminder", 1, "duty"), ("reminder", 2, "duty")]
    assert story.age(hours=8) == [("reminder", 1, "duty")]


def test_escalation_when_nobody_is_on_it() -> None:
    steps = (
        Escalation(after=timedelta(minutes=10), channels=("boss", "duty")),
        Escalation(after=timedelta(minutes=30), channels=("last",)),
    )
    story = Story(config(Route(name="all", channels=("duty",), remind_every=None, escalate=steps)))
    story.tell(*story.opened("i1", "point:a", "a"))
    assert story.age(minutes=9) == []
    assert story.age(minutes=1) == [("escalation", 1, "boss")]
    assert story.messages[-1].payload["after_seconds"] == 600
    story.tell(story.event("i1", EventKind.ACKNOWLEDGED))
    assert story.age(minutes=30) == []
    assert story.tell(*story.closed("i1")) == [("recovered", 1, "duty"), ("recovered", 1, "boss")]


def test_flapping_is_told_once_in_and_once_out() -> None:
    story = Story()
    story.tell(*story.opened("i1", "point:a", "a"))
    assert story.tell(story.event("i1", EventKind.FLAPPING, "a")) == [("flapping", 1, "duty")]
    assert story.tell(story.event("i1", EventKind.CHANGED, "a", status="up", reason="ok")) == []
    assert story.age(days=1) == []
    steady = story.event("i1", EventKind.STEADY, "a", status="up")
    assert story.tell(steady, *story.closed("i1")) == [("steady", 1, "duty")]


def test_what_opens_because_it_flaps_says_that_alone() -> None:
    story = Story()
    events = [*story.opened("i1", "point:a", "a", severity="warning"), story.event("i1", EventKind.FLAPPING, "a")]
    assert story.tell(*events) == [("flapping", 1, "duty")]
    assert story.tell(story.event("i1", EventKind.STEADY, "a", status="down")) == [("steady", 1, "duty")]
    assert story.tell(*story.closed("i1")) == [("recovered", 1, "duty")]


def test_one_of_many_that_flaps_does_not_silence_the_rest() -> None:
    story = Story(config(*AREAS))
    story.tell(*story.opened("i1", "label:provider=VNPT", "a", "circuit"))
    assert story.tell(story.event("i1", EventKind.FLAPPING, "a")) == []
    assert story.tell(story.joined("i1", "c")) == [("opened", 1, "night")]


def test_silence_holds_back_everything_but_the_end() -> None:
    route = Route(name="all", channels=("duty",), remind_every=timedelta(minutes=5))
    story = Story(config(route))
    events = story.opened("i1", "point:a", "a", severity="warning")
    until = (START + timedelta(hours=1)).isoformat()
    assert story.tell(*events, story.event("i1", EventKind.SILENCED, until=until)) == []
    assert story.tell(story.event("i1", EventKind.WORSENED, severity="critical")) == []
    assert story.age(minutes=59) == []
    assert story.age(minutes=1) == [("opened", 1, "duty")]
    story.tell(story.event("i1", EventKind.SILENCED, until=""))
    assert story.age(days=1) == []
    assert story.tell(*story.closed("i1")) == [("recovered", 1, "duty")]


def test_what_got_worse_in_silence_is_told_when_that_is_lifted() -> None:
    story = Story()
    story.tell(*story.opened("i1", "point:a", "a", severity="warning"))
    story.tell(story.event("i1", EventKind.SILENCED, until=""))
    assert story.tell(story.event("i1", EventKind.WORSENED, severity="critical")) == []
    assert story.tell(story.event("i1", EventKind.SILENCED, lifted=True)) == [("worsened", 1, "duty")]


@pytest.mark.parametrize(
    ("fault", "points", "told"),
    [
        ("point:a", ("a",), False),
        ("point:c", ("c",), True),
        ("point:circuit", ("a", "b"), True),
        ("label:provider=VNPT", ("a", "b"), False),
        ("label:provider=VNPT", ("a", "c"), True),
        ("network:", ("a", "hub"), True),
        ("point:a", ("a", "c"), True),
        ("point:removed", ("removed",), True),
    ],
)
def test_nobody_is_called_for_what_is_closed(fault: str, points: tuple[str, ...], told: bool) -> None:
    story = Story(now=NIGHT)
    assert story.tell(*story.opened("i1", fault, *points)) == ([("opened", 1, "duty")] if told else [])


def test_what_is_still_down_at_the_opening_is_told_then() -> None:
    story = Story(now=NIGHT)
    story.tell(*story.opened("i1", "point:a", "a"), *story.opened("i2", "point:b", "b"))
    story.wait(hours=1)
    assert story.tell(*story.closed("i2")) == []
    assert story.age(hours=8.9) == []
    assert story.age(hours=0.1) == [("opened", 1, "duty")]


def test_points_that_were_never_up_are_told_of_without_nagging() -> None:
    story = Story(
        config(
            Route(
                name="all",
                channels=("duty",),
                remind_every=timedelta(minutes=1),
                escalate=(Escalation(after=timedelta(minutes=1), channels=("boss",)),),
            )
        )
    )
    assert story.tell(*story.opened("i1", "never:", "a", "c", severity="info")) == [("opened", 1, "duty")]
    assert story.tell(story.joined("i1", "b")) == []
    assert story.age(hours=1) == []


@pytest.mark.parametrize("why", ["removed", "configuration"])
def test_what_ends_without_recovery_is_only_taken_down(why: str) -> None:
    standing = channel("am", kind="standing")
    routes = Route(name="all", channels=("duty", "am"))
    story = Story(config(routes, channels=[standing]), standing=frozenset({"am"}))
    story.tell(*story.opened("i1", "point:a", "a"))
    assert story.tell(*story.closed("i1", why)) == [("recovered", 1, "am")]
    assert story.messages[-1].payload["recovered"] == START.isoformat()


class TestTakingOver:
    """A parent takes its child's incident over."""

    def test_who_was_told_of_the_child_is_not_told_again(self) -> None:
        story = Story(
            config(
                Route(
                    name="all",
                    channels=("duty",),
                    remind_every=timedelta(hours=1),
                    escalate=(Escalation(after=timedelta(minutes=10), channels=("boss",)),),
                )
            )
        )
        story.tell(*story.opened("i1", "point:a", "a"))
        story.deliver()
        story.wait(seconds=30)
        events = [*story.opened("i2", "point:circuit", "circuit", "a", since=START), story.taken_over("i1", "i2")]
        assert story.tell(*events) == []
        assert story.messages[-1].payload["already_told"] is True
        assert story.age(minutes=9, seconds=29) == []
        assert story.age(seconds=1) == [("escalation", 2, "boss")]
        assert story.age(minutes=50) == []
        assert story.age(minutes=1) == [("reminder", 2, "duty")]
        assert story.tell(*story.closed("i2")) == [("recovered", 2, "duty"), ("recovered", 2, "boss")]

    def test_what_arrived_before_a_restart_counts_after_it(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        story.deliver()
        story.restart()
        story.tell(*story.opened("i2", "point:circuit", "circuit"), story.taken_over("i1", "i2"))
        assert story.messages[-1].payload["already_told"] is True

    def test_what_had_not_arrived_is_replaced(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        first = story.messages[-1]
        story.wait(seconds=0.2)
        story.tell(*story.opened("i2", "point:circuit", "circuit"), story.taken_over("i1", "i2"))
        heir = story.messages[-1]
        assert (heir.kind, heir.incident, heir.channel) == (MessageKind.OPENED, "i2", "duty")
        assert heir.payload["taken_from"] == ["i1"]
        assert heir.payload["already_told"] is False
        assert heir.due_at == first.due_at

    def test_those_who_were_not_told_of_the_child_are_told_of_the_parent(self) -> None:
        story = Story(
            config(
                Route(
                    name="circuits", channels=("boss",), match=(Matcher(label="kind", values=("circuit",)),), go_on=True
                ),
                Route(name="all", channels=("duty",)),
            )
        )
        story.tell(*story.opened("i1", "point:a", "a"))
        events = [*story.opened("i2", "point:circuit", "circuit"), story.taken_over("i1", "i2")]
        assert story.tell(*events) == [("opened", 2, "boss")]

    def test_more_points_than_were_told_of_are_an_opening(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        story.deliver()
        events = [*story.opened("i2", "point:circuit", "circuit", "a", "b"), story.taken_over("i1", "i2")]
        assert story.tell(*events) == [("opened", 2, "duty")]
        assert story.messages[-1].due_at == story.now + EVIDENCE_WAIT
        assert story.tell(*story.closed("i2")) == [("recovered", 2, "duty")]

    def test_two_children_that_were_told_leave_nothing_to_say(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"), *story.opened("i2", "point:b", "b"))
        story.deliver()
        events = story.opened("i3", "point:circuit", "circuit", "a", "b")
        assert story.tell(*events, story.taken_over("i1", "i3"), story.taken_over("i2", "i3")) == []
        assert story.messages[-1].payload["taken_from"] == ["i1", "i2"]
        assert story.tell(*story.closed("i3")) == [("recovered", 3, "duty")]

    def test_one_of_two_that_had_not_arrived_is_said_in_their_place(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        story.deliver()
        story.tell(*story.opened("i2", "point:b", "b"))
        events = story.opened("i3", "point:circuit", "circuit", "a", "b")
        story.tell(*events, story.taken_over("i1", "i3"), story.taken_over("i2", "i3"))
        assert story.messages[-1].payload["already_told"] is False

    def test_each_channel_by_what_it_was_told(self) -> None:
        west = Route(name="west", channels=("night",), match=(Matcher(label="area", values=("west",)),), go_on=True)
        story = Story(config(west, Route(name="all", channels=("duty",))))
        story.tell(*story.opened("i1", "point:a", "a"), *story.opened("i2", "point:b", "b"))
        story.deliver()
        events = story.opened("i3", "point:circuit", "circuit", "a", "b")
        taken = [story.taken_over("i1", "i3"), story.taken_over("i2", "i3")]
        assert story.tell(*events, *taken) == [("opened", 3, "night")]
        assert story.tell(*story.closed("i3")) == [("recovered", 3, "duty"), ("recovered", 3, "night")]

    def test_what_failed_later_by_another_fault_was_not_told(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a", severity="info"))
        story.deliver()
        story.wait(hours=1)
        events = [*story.opened("i2", "point:circuit", "circuit", "a"), story.taken_over("i1", "i2")]
        assert story.tell(*events) == [("opened", 2, "duty")]

    def test_who_knows_it_as_flapping_was_not_told(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"), story.event("i1", EventKind.FLAPPING, "a"))
        story.deliver()
        events = [*story.opened("i2", "point:circuit", "circuit", "a"), story.taken_over("i1", "i2")]
        assert story.tell(*events) == [("opened", 2, "duty")]

    def test_what_is_silenced_is_not_told_anew(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        events = [*story.opened("i2", "point:circuit", "circuit", "a", "b"), story.taken_over("i1", "i2")]
        silenced = story.event("i2", EventKind.SILENCED, until=(story.now + timedelta(minutes=30)).isoformat())
        assert story.tell(*events, silenced) == []
        assert story.age(minutes=31) == [("opened", 2, "duty")]

    def test_a_chain_of_them(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        story.tell(*story.opened("i2", "point:circuit", "circuit"), story.taken_over("i1", "i2"))
        assert story.tell(*story.opened("i3", "network:", "circuit"), story.taken_over("i2", "i3")) == []
        assert story.messages[-1].payload["taken_from"] == ["i2", "i1"]
        assert story.tell(*story.closed("i3")) == [("recovered", 3, "duty")]

    def test_standing_alerts_end_and_are_raised_anew(self) -> None:
        routes = Route(name="all", channels=("am",))
        story = Story(config(routes, channels=[channel("am", kind="standing")]), standing=frozenset({"am"}))
        story.tell(*story.opened("i1", "point:a", "a"))
        events = [*story.opened("i2", "point:circuit", "circuit"), story.taken_over("i1", "i2")]
        assert story.tell(*events) == [("opened", 2, "am"), ("recovered", 1, "am")]

    def test_several_into_one_that_was_told_already(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:circuit", "circuit"), *story.opened("i2", "point:a", "a"))
        assert story.tell(story.joined("i1", "a"), story.taken_over("i2", "i1")) == []
        assert [message.incident for message in story.messages] == ["i1", "i2"]


class TestWhenItLeaves:
    """``due_at``: at once, or at the end of ``group_wait``."""

    def test_the_first_leaves_at_once_and_those_that_follow_together(self) -> None:
        story = Story()
        for number, seconds in enumerate((0, 5, 10, 20), 1):
            story.now = START + timedelta(seconds=seconds)
            story.tell(*story.opened(f"i{number}", "point:c", "c"))
        wait = timedelta(seconds=30)
        assert [each.due_at - START for each in story.messages] == [EVIDENCE_WAIT, wait, wait, wait]

    def test_what_is_decided_together_leaves_together(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"), *story.opened("i2", "point:b", "b"))
        assert {each.due_at for each in story.messages} == {START + EVIDENCE_WAIT}

    def test_after_group_wait_one_is_the_first_again(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        story.wait(seconds=30)
        story.tell(*story.opened("i2", "point:b", "b"))
        assert story.messages[-1].due_at == story.now + EVIDENCE_WAIT

    def test_no_recovery_holds_a_fault_up_nor_goes_before_its_own(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        story.wait(seconds=40)
        story.tell(*story.closed("i1"))
        assert story.messages[-1].due_at == story.now
        story.wait(seconds=1)
        story.tell(*story.opened("i2", "point:b", "b"))
        assert story.messages[-1].due_at == story.now + EVIDENCE_WAIT
        story.wait(seconds=1)
        story.tell(*story.opened("i3", "point:c", "c"), *story.closed("i2"))
        due = [each.due_at for each in story.messages]
        assert due[-2:] == [story.now + timedelta(seconds=29), story.now + timedelta(seconds=28)]
        story.wait(seconds=1)
        story.tell(*story.closed("i3"))
        assert story.messages[-1].due_at == due[-2]

    def test_a_clock_set_back_holds_nothing_up(self) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        story.now = START - timedelta(hours=1)
        story.tell(*story.opened("i2", "point:b", "b"))
        assert story.messages[-1].due_at == story.now + EVIDENCE_WAIT

    @pytest.mark.parametrize("arrived", [True, False])
    def test_an_end_after_a_clock_set_back_waits_no_longer_than_a_digest(self, arrived: bool) -> None:
        story = Story()
        story.tell(*story.opened("i1", "point:a", "a"))
        if arrived:
            story.deliver()
        story.now = START - timedelta(hours=1)
        story.tell(*story.closed("i1"))
        longest = timedelta(0) if arrived else timedelta(seconds=30) + EVIDENCE_WAIT
        assert story.messages[-1].due_at <= story.now + longest

    def test_alerts_that_stand_are_grouped_where_they_stand(self) -> None:
        routes = Route(name="all", channels=("am",))
        story = Story(config(routes, channels=[channel("am", kind="standing")]), standing=frozenset({"am"}))
        story.tell(*story.opened("i1", "point:a", "a"))
        story.wait(seconds=5)
        story.tell(*story.opened("i2", "point:b", "b"))
        assert story.messages[-1].due_at == story.now + EVIDENCE_WAIT


def test_the_last_resort_that_was_told_hears_of_the_end_too() -> None:
    story = Story()
    story.tell(*story.opened("i1", "point:a", "a"))
    told = {"message": "copy", "what": "opened", "channel": "last", "route": "all", "late_seconds": 900}
    assert story.tell(story.event("i1", EventKind.TOLD, **told)) == []
    assert story.age(seconds=1) == [], "it was told how bad it is"
    assert story.tell(*story.closed("i1")) == [("recovered", 1, "duty"), ("recovered", 1, "last")]


def test_an_end_that_was_told_before_a_restart_is_not_told_again() -> None:
    story = Story()
    story.tell(*story.opened("i1", "point:a", "a"))
    story.tell(*story.closed("i1"))
    story.herald.resume([Letter(message) for message in story.messages], story.now)
    assert story.age(seconds=1) == []


def test_a_reload_tells_nobody_and_a_channel_that_is_gone_is_not_told() -> None:
    story = Story()
    story.tell(*story.opened("i1", "point:a", "a"))
    story.herald.reload(config(Route(name="other", channels=("boss",))))
    assert story.age(days=2) == []
    bare = config(Route(name="other", channels=("boss",)))
    channels = {name: each for name, each in bare.alerts.channels.items() if name != "duty"}
    story.herald.reload(replace(bare, alerts=replace(bare.alerts, channels=channels)))
    assert story.tell(*story.closed("i1")) == []


def test_an_incident_that_nobody_knows_any_more_is_forgotten() -> None:
    story = Story()
    story.tell(*story.opened("i1", "point:a", "a"))
    del story.incidents["i1"]
    assert story.age(days=1) == []


def test_only_alertmanager_keeps_alerts_standing() -> None:
    assert keeps_standing("alertmanager")
    assert not keeps_standing("inbox")
    assert not keeps_standing("no such kind")
