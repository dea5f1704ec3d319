"""What happens at an Alertmanager changes nothing of what we tell ourselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config.model import Escalation, Route
from monitor.incidents.fold import fold
from monitor.incidents.model import EventKind, IncidentEvent
from tests.unit.alerts.told_world import Story, config

ROUTE = Route(
    name="all",
    channels=("duty",),
    remind_every=timedelta(minutes=30),
    escalate=(Escalation(after=timedelta(minutes=20), channels=("boss",)),),
)
POINTS = ("a", "b", "c")
DATA: Mapping[str, tuple[EventKind, Mapping[str, str]]] = {
    "worsen": (EventKind.WORSENED, {"severity": "critical"}),
    "acknowledge": (EventKind.ACKNOWLEDGED, {"ticket": ""}),
    "silence": (EventKind.SILENCED, {"until": ""}),
}
scripts = st.lists(
    st.tuples(
        st.sampled_from(("open", "open", "close", "worsen", "acknowledge", "silence", "deliver", "wait", "wait")),
        st.integers(0, 2),
        st.sampled_from(("", "silenced", "lifted", "told")),
    ),
    max_size=20,
)


def elsewhere(story: Story, uid: str, what: str) -> IncidentEvent:
    if what == "told":
        data = {"receiver": "duty", "status": "firing", "group": {}, "key": "k", "begins": "", "ends": ""}
        return story.event(uid, EventKind.TOLD_ELSEWHERE, **data)
    data = {"channel": "am", "silence": "s", "until": "2026-11-16T12:00:00+00:00"}
    if what == "lifted":
        data |= {"ended": True, "why": "lifted"}
    return story.event(uid, EventKind.SILENCED_ELSEWHERE, **data)


def happen(story: Story, act: str, point: str, number: int) -> None:
    """One act, as far as it makes sense."""
    uid = next((each.uid for each in story.incidents.values() if each.is_open and each.fault.subject == point), "")
    if act == "wait":
        story.age(minutes=7)
    elif act == "deliver":
        story.deliver()
    elif act == "open" and not uid:
        story.tell(*story.opened(f"i{number}", f"point:{point}", point, severity="warning"))
    elif act == "close" and uid:
        story.tell(*story.closed(uid))
    elif act in DATA and uid:
        story.tell(story.event(uid, DATA[act][0], **DATA[act][1]))


def play(script: Sequence[tuple[str, int, str]], *, with_elsewhere: bool) -> list[tuple[object, ...]]:
    """What was told, and when it may leave."""
    story = Story(config(ROUTE))
    for number, (act, which, there) in enumerate(script, 1):
        happen(story, act, POINTS[which], number)
        story.age()
        if with_elsewhere and there:
            before = dict(story.incidents)
            assert story.tell(*(elsewhere(story, uid, there) for uid in before)) == []
            for uid, incident in story.incidents.items():
                assert replace(incident, silences={}, relayed={}) == replace(before[uid], silences={}, relayed={})
    return [(story.line(each), each.created_at, each.due_at) for each in story.messages]


@settings(max_examples=60)
@given(scripts)
def test_what_we_tell_is_the_same_with_it_and_without(script: Sequence[tuple[str, int, str]]) -> None:
    assert play(script, with_elsewhere=True) == play(script, with_elsewhere=False)


def test_only_what_holds_there_is_kept() -> None:
    story = Story()
    opened = story.opened("i1", "point:a", "a")
    begun, told = elsewhere(story, "i1", "silenced"), elsewhere(story, "i1", "told")
    incident = fold([*opened, begun, told])
    assert incident is not None
    assert (incident.silences, incident.relayed) == ({"s": begun}, {"k": told})
    over = fold([*opened, begun, told, elsewhere(story, "i1", "lifted")])
    assert over is not None
    assert (over.silences, over.relayed) == ({}, {"k": told})
