"""What holds of the herald whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config.model import Escalation, Matcher, Route
from monitor.incidents.model import EventKind, IncidentEvent, Message, MessageKind
from tests.unit.alerts.told_world import Story, config, is_said

ROUTES = (
    Route(
        name="critical",
        channels=("boss",),
        match=(Matcher(label="severity", values=("critical",)),),
        go_on=True,
        remind_every=timedelta(minutes=45),
    ),
    Route(name="west", channels=("night",), match=(Matcher(label="area", values=("west",)),), go_on=True),
    Route(
        name="all",
        channels=("duty",),
        remind_every=timedelta(hours=1),
        escalate=(Escalation(after=timedelta(minutes=20), channels=("last", "boss")),),
    ),
)
FAULTS = ("point:a", "point:b", "point:c", "point:circuit", "label:provider=VNPT")
TELLING = frozenset({MessageKind.OPENED, MessageKind.FLAPPING, MessageKind.ESCALATION})
HELD_BACK = frozenset({MessageKind.OPENED, MessageKind.WORSENED, MessageKind.REMINDER, MessageKind.ESCALATION})

ACTS = (
    *("open", "join", "close", "worsen", "flap", "steady", "silence", "lift"),
    *("acknowledge", "take_over", "deliver", "wait"),
)
Act = tuple[str, int, int]
acts = st.lists(
    st.tuples(
        st.sampled_from(
            # Twice what makes the rest happen.
            (*ACTS, "open", "wait")
        ),
        st.integers(0, 5),
        st.integers(0, 4),
    ),
    max_size=25,
)


class Player:
    """Plays acts on a story, as far as they make sense in it."""

    def __init__(self) -> None:
        self.story = Story(config(*ROUTES))
        self.held: list[Message] = []
        """What was said of what was silenced then."""

    def play(self, act: Act) -> None:
        name, one, other = act
        before = len(self.story.messages)
        events = getattr(self, f"_{name}")(one, other)
        if events:
            self.story.tell(*events)
        self.story.age(seconds=10)
        for message in self.story.messages[before:]:
            until = self.story.incidents[message.incident].silenced_until
            # What takes the place of a message that was on its way when its incident was taken over is none of these.
            if until is not None and self.story.now < until and is_said(message):
                self.held.append(message)

    def _live(self, number: int) -> str | None:
        live = [uid for uid, incident in self.story.incidents.items() if incident.is_open]
        return live[number % len(live)] if live else None

    def _of(self, number: int, make: Callable[[str], Sequence[IncidentEvent]]) -> Sequence[IncidentEvent]:
        uid = self._live(number)
        return make(uid) if uid else ()

    def _open(self, one: int, other: int) -> Sequence[IncidentEvent]:
        number = len(self.story.incidents) + 1
        severity = ("critical", "warning", "info")[other % 3]
        points = (("a",), ("b",), ("c",), ("circuit", "a"), ("a", "b", "c"))[one % 5]
        return self.story.opened(f"i{number}", FAULTS[one % 5], *points, severity=severity)

    def _join(self, one: int, other: int) -> Sequence[IncidentEvent]:
        return self._of(one, lambda uid: [self.story.joined(uid, ("a", "b", "c", "circuit", "hub")[other])])

    def _close(self, one: int, other: int) -> Sequence[IncidentEvent]:
        return self._of(one, lambda uid: self.story.closed(uid, "recovered" if other else "removed"))

    def _worsen(self, one: int, other: int) -> Sequence[IncidentEvent]:
        return self._of(one, lambda uid: [self.story.event(uid, EventKind.WORSENED, severity="critical")])

    def _flap(self, one: int, other: int) -> Sequence[IncidentEvent]:
        return self._of(one, lambda uid: [self.story.event(uid, EventKind.FLAPPING, self._point(uid))])

    def _steady(self, one: int, other: int) -> Sequence[IncidentEvent]:
        return self._of(one, lambda uid: [self.story.event(uid, EventKind.STEADY, self._point(uid), status="down")])

    def _point(self, uid: str) -> str:
        return next(iter(self.story.incidents[uid].affected))

    def _silence(self, one: int, other: int) -> Sequence[IncidentEvent]:
        until = (self.story.now + timedelta(minutes=30)).isoformat() if other % 2 else ""
        return self._of(one, lambda uid: [self.story.event(uid, EventKind.SILENCED, until=until)])

    def _lift(self, one: int, other: int) -> Sequence[IncidentEvent]:
        return self._of(one, lambda uid: [self.story.event(uid, EventKind.SILENCED, lifted=True)])

    def _acknowledge(self, one: int, other: int) -> Sequence[IncidentEvent]:
        return self._of(one, lambda uid: [self.story.event(uid, EventKind.ACKNOWLEDGED)])

    def _take_over(self, one: int, other: int) -> Sequence[IncidentEvent]:
        old, into = self._live(one), self._live(other)
        return [self.story.taken_over(old, into)] if old and into and old != into else ()

    def _deliver(self, one: int, other: int) -> Sequence[IncidentEvent]:
        self.story.deliver()
        return ()

    def _wait(self, one: int, other: int) -> Sequence[IncidentEvent]:
        self.story.wait(minutes=20 * one + 7 * other)
        return ()


def played(sequence: Sequence[Act]) -> Player:
    player = Player()
    for act in sequence:
        player.play(act)
    return player


@given(acts)
@settings(deadline=None)
def test_an_incident_opens_once_for_a_channel(sequence: list[Act]) -> None:
    messages = played(sequence).story.messages
    opened = Counter((each.incident, each.channel) for each in messages if each.kind is MessageKind.OPENED)
    assert all(times == 1 for times in opened.values())


@given(acts)
@settings(deadline=None)
def test_only_who_was_told_hears_of_the_end_and_once(sequence: list[Act]) -> None:
    told: set[tuple[str, str]] = set()
    ended: set[tuple[str, str]] = set()
    for message in played(sequence).story.messages:
        heard = (message.incident, message.channel)
        assert heard not in ended
        if message.kind in TELLING:
            told.add(heard)
        else:
            assert heard in told
        if message.kind is MessageKind.RECOVERED:
            ended.add(heard)


@given(acts)
@settings(deadline=None)
def test_whoever_was_told_hears_of_the_end(sequence: list[Act]) -> None:
    story = played(sequence).story
    for incident in story.incidents.values():
        mine = [message for message in story.messages if message.incident == incident.uid]
        told = {message.channel for message in mine if message.kind in TELLING}
        ends = {each.channel for each in mine if each.kind in (MessageKind.RECOVERED, MessageKind.STEADY)}
        if incident.closed_why == "recovered":
            assert told <= ends


@given(acts)
@settings(deadline=None)
def test_what_counts_as_told_was_told_of_every_point(sequence: list[Act]) -> None:
    story = played(sequence).story
    for message in story.messages:
        if is_said(message):
            continue
        known = {point for uid in message.payload["taken_from"] for point in story.incidents[uid].affected}
        names = {each["id"] for each in message.payload["points"] if each["until"] is None}
        assert names <= known | {message.payload["fault"]["subject"]}


@given(acts)
@settings(deadline=None)
def test_nobody_is_told_of_what_is_silenced(sequence: list[Act]) -> None:
    assert not [message for message in played(sequence).held if message.kind in HELD_BACK]


@given(acts)
@settings(deadline=None)
def test_flapping_is_told_in_pairs(sequence: list[Act]) -> None:
    flapping: set[tuple[str, str]] = set()
    for message in played(sequence).story.messages:
        heard = (message.incident, message.channel)
        if message.kind is MessageKind.FLAPPING:
            assert heard not in flapping
            flapping.add(heard)
        elif message.kind is MessageKind.STEADY:
            flapping.remove(heard)


@given(acts, st.integers(0, 25))
@settings(deadline=None)
def test_a_restart_changes_nothing_that_is_told(sequence: list[Act], moment: int) -> None:
    calm = played(sequence).story
    player = Player()
    for number, act in enumerate(sequence):
        if number == moment:
            player.story.restart()
        player.play(act)
    assert [_said(each) for each in player.story.messages] == [_said(each) for each in calm.messages]


def _said(message: Message) -> tuple[object, ...]:
    """All but its own id and when it leaves: the digest under way is not remembered."""
    return message.incident, message.kind, message.channel, message.route, message.created_at, message.payload
