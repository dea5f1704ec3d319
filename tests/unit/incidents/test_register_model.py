"""Whatever rows come: no point in two incidents, nothing lost, and the same whether cut in pieces or restarted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.incidents.fold import apply, fold
from monitor.incidents.model import Decision, EventKind, Incident, IncidentEvent
from monitor.incidents.shown import Incidents
from monitor.model import Reason, Row, Status, Transition
from tests.unit.incidents.desk import Desk, as_told, flag, moment, row

LONG = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
ENDS = (EventKind.CLOSED, EventKind.TAKEN_OVER)
POINTS = ("circuit-1", "a", "b", "c")
KINDS = (
    ("up", "", Reason.OK),
    ("up", "", Reason.OK),
    ("down", "", Reason.TIMEOUT),
    ("down", "", Reason.REFUSED),
    ("faulty", "", Reason.HTTP_STATUS),
    ("faulty", "label:endpoint=exchange", Reason.CONTENT),
    ("degraded", "", Reason.LATENCY),
    ("degraded", "point:circuit-1", Reason.REDUNDANCY),
    ("unreachable", "point:circuit-1", Reason.TIMEOUT),
    ("unreachable", "label:provider=VNPT", Reason.TIMEOUT),
    ("unknown", "", Reason.STALE),
    ("unknown", "vantage:", Reason.ISOLATED),
    ("unknown", "monitor:resolver", Reason.RESOLVER),
    ("unobserved", "", Reason.CONFIG),
)


@st.composite
def rows(draw: st.DrawFn, *, firsts: bool = False, flags: bool = True, most: int = 25) -> list[Row]:
    """Rows as a board could decide them: time goes on, and now and then a row reaches back over earlier ones."""
    seconds = 0
    found: list[Row] = []
    for _ in range(draw(st.integers(0, most))):
        seconds += draw(st.integers(0, 90))
        point = draw(st.sampled_from(POINTS))
        if flags and draw(st.integers(0, 5)) == 0:
            kind = draw(st.sampled_from(["maintenance", "flapping"]))
            found.append(flag(point, seconds, kind, draw(st.booleans())))
            continue
        status, fault, reason = draw(st.sampled_from(KINDS))
        back = draw(st.sampled_from([0, 0, 0, 5, 60]))
        first = firsts and draw(st.booleans())
        found.append(row(point, max(0, seconds - back), status, fault, reason=reason, first=first))
    return found


def now_of(each: Row) -> float:
    return (each.recorded_at - moment(0)).total_seconds()


def by_one(taken: Sequence[Row]) -> Desk:
    desk = Desk()
    latest = 0.0
    for each in taken:
        latest = max(latest, now_of(each))
        desk.take(each, now=latest)
        desk.age(latest)
    return desk


@LONG
@given(rows(firsts=True))
def test_after_every_event_a_point_is_in_one_incident_and_a_fault_has_one(taken: list[Row]) -> None:
    incidents: dict[str, Incident] = {}
    for event in by_one(taken).story:
        incidents[event.incident] = apply(incidents.get(event.incident), event)
        ongoing = [incident for incident in incidents.values() if incident.is_open]
        troubled = Counter(each.point for incident in ongoing for each in incident.troubled)
        assert max(troubled.values(), default=1) == 1
        assert len({incident.fault for incident in ongoing}) == len(ongoing)


@LONG
@given(rows(firsts=True))
def test_the_events_add_up_to_what_the_register_holds(taken: list[Row]) -> None:
    desk = by_one(taken)
    held = {incident.uid: incident for incident in desk.incidents() if incident.is_open}
    assert {incident.uid: incident for incident in desk.register.open()} == held
    assert all(desk.register.incident(incident.uid) == incident for incident in desk.incidents())
    shown = Incidents()
    shown.on_decision(Decision(events=tuple(desk.story)))
    assert {incident.uid: incident for incident in shown.open()} == held
    for incident in held.values():
        assert incident.troubled
        assert all(shown.of_point(each.point) == incident for each in incident.troubled)


@LONG
@given(rows(firsts=True))
def test_every_story_begins_with_its_opening_and_has_one_end_at_most(taken: list[Row]) -> None:
    desk = by_one(taken)
    for events in desk.stories().values():
        kinds = [event.kind for event in events]
        assert kinds[0] is EventKind.OPENED
        assert kinds.count(EventKind.OPENED) == 1
        ended = [kind for kind in kinds if kind in ENDS]
        incident = fold(events)
        assert incident is not None
        assert len(ended) == (0 if incident.is_open else 1)
        assert not ended or kinds[-1] is ended[0]
    numbers = [event.data["number"] for event in desk.story if event.kind is EventKind.OPENED]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len({event.id for event in desk.story}) == len(desk.story)


@LONG
@given(rows(firsts=True))
def test_nothing_ends_before_it_began(taken: list[Row]) -> None:
    for incident in by_one(taken).incidents():
        for each in incident.affected.values():
            assert each.until is None or each.until >= each.since >= incident.began
        assert incident.recovered is None or incident.recovered >= incident.began


@LONG
@given(rows(flags=False))
def test_whoever_is_bad_in_the_end_is_in_an_incident_and_whoever_is_up_is_not(taken: list[Row]) -> None:
    desk = by_one(taken)
    last = {each.key.point: each for each in taken if isinstance(each, Transition)}
    troubled = {each.point for incident in desk.register.open() for each in incident.troubled}
    for point, each in last.items():
        if each.status in (Status.UP, Status.UNOBSERVED):
            assert point not in troubled
        elif each.status is not Status.UNKNOWN or each.fault:
            assert point in troubled


@LONG
@given(rows(flags=False), st.data())
def test_in_pieces_or_at_once(taken: list[Row], data: st.DataObject) -> None:
    end = max(map(now_of, taken), default=0.0)
    pieces, whole = Desk(), Desk()
    position = 0
    while position < len(taken):
        size = data.draw(st.integers(1, 10))
        pieces.take(*taken[position : position + size], now=end)
        position += size
    whole.take(*taken, now=end)
    assert list(map(as_told, pieces.incidents())) == list(map(as_told, whole.incidents()))


@LONG
@given(rows(), st.integers(0, 25))
def test_a_restart_at_any_step_changes_nothing(taken: list[Row], step: int) -> None:
    before, after = taken[:step], taken[step:]
    latest = max(map(now_of, before), default=0.0)
    desk, told = by_one(before).restarted(now=latest)
    assert told == []
    for each in after:
        latest = max(latest, now_of(each))
        desk.take(each, now=latest)
    assert list(map(as_told, desk.incidents())) == list(map(as_told, by_one(taken).incidents()))


@LONG
@given(rows(firsts=True))
def test_what_is_loaded_is_what_was_shown(taken: list[Row]) -> None:
    desk = by_one(taken)
    stories: dict[str, list[IncidentEvent]] = desk.stories()
    shown = Incidents()
    shown.load(stories)
    assert {incident.uid for incident in shown.open()} == {incident.uid for incident in desk.register.open()}
    for incident in desk.incidents():
        assert shown.get(incident.uid) == shown.by_number(incident.number) == incident
