"""Silences of an Alertmanager: when one fits, and what of it an incident's timeline is told."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.alerts.silencing import Known, fits, gather, holds, news
from monitor.channels.silences import Heard, LabelMatcher, Silence, parse_muted, parse_silences
from monitor.incidents.fold import apply
from monitor.incidents.model import Affected, EventKind, Incident, IncidentEvent, Severity
from monitor.model import Fault, FaultKind, Reason, Status

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LABELS = {"alertname": "PointTroubled", "point": "minh-chau", "area": "ba-vi", "severity": "critical"}
HOUR = timedelta(hours=1)


def matcher(text: str) -> LabelMatcher:
    """``label=value`` and so on, as amtool takes it."""
    label, sign, value = re.fullmatch(r"(\w+)(=~|!~|!=|=)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    return LabelMatcher(label=label, value=value, regex="~" in sign, equal="!" not in sign)


def silence(*matchers: str, name: str = "s1", **changes: Any) -> Silence:
    made = Silence(
        id=name, active=True, begins=T0, ends=T0 + HOUR, updated=T0, actor="Hà", comment="thay cáp",
        matchers=tuple(map(matcher, matchers or ("point=minh-chau",))),
    )  # fmt: skip
    return replace(made, **changes)


def incident(**changes: Any) -> Incident:
    made = Incident(
        uid="u1", number=12, fault=Fault(FaultKind.POINT, "minh-chau"), severity=Severity.CRITICAL,
        began=T0 - timedelta(minutes=2), opened=T0 - timedelta(minutes=1),
    )  # fmt: skip
    return replace(made, **changes)


def known(*silences: Silence, whole: bool = True, channel: str = "am") -> Known:
    heard = Heard(silences={each.id: each for each in silences}, troubles=() if whole else ("am:9093: refused",))
    return gather({channel: heard})


def look(seen: Incident, heard: Known, at: datetime) -> tuple[Incident, Sequence[IncidentEvent]]:
    """Let the incident learn what is new."""
    numbers = count()
    events = news(seen, LABELS, heard, now=at, make_id=lambda: f"{at}-{next(numbers)}")
    for event in events:
        seen = apply(seen, event)
    return seen, events


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("point=minh-chau", True),
        ("point=minh", False),
        ("point=Minh-chau", False),
        ("point!=minh-chau", False),
        ("point!=ba-vi", True),
        ("point=~minh.*", True),
        ("point=~minh", False),
        ("point=~chau", False),
        ("point=~a|minh-chau", True),
        ("point=~minh-chau|b.+", True),
        ("point=~(?i)MINH-CHAU", True),
        ("point!~minh.*", False),
        ("point!~minh", True),
        ("provider=", True),
        ("provider!=", False),
        ("provider!=VNPT", True),
        ("provider=~.*", True),
        ("provider=~.+", False),
        ("provider!~.+", True),
        ("point=~(", False),
        ("point!~(", False),
        ("point=~minh.chau\n", False),
    ],
)
def test_a_matcher_judges_as_alertmanager_does(text: str, expected: bool) -> None:
    assert fits(matcher(text), LABELS) is expected


def test_all_matchers_must_fit_and_there_must_be_one() -> None:
    assert holds(silence("point=minh-chau", "area=~ba-.*"), LABELS)
    assert not holds(silence("point=minh-chau", "area=hoan-kiem"), LABELS)
    assert not holds(replace(silence(), matchers=()), LABELS)
    assert not holds(silence(active=False), LABELS)


words = st.text("ab-.", max_size=4)
labels = st.dictionaries(st.sampled_from("pqr"), words, max_size=3)


@given(labels, st.sampled_from("pqr"), words, st.booleans())
def test_a_matcher_and_its_negation_never_agree(own: dict[str, str], label: str, value: str, regex: bool) -> None:
    positive = LabelMatcher(label=label, value=re.escape(value) if regex else value, regex=regex)
    assert fits(positive, own) != fits(replace(positive, equal=False), own)
    assert fits(positive, own) == (own.get(label, "") == value)


@given(labels, st.lists(st.tuples(st.sampled_from("pqr"), words, st.booleans()), min_size=1, max_size=3))
def test_another_matcher_never_makes_a_silence_wider(own: dict[str, str], raw: list[tuple[str, str, bool]]) -> None:
    matchers = tuple(LabelMatcher(label=label, value=value, equal=equal) for label, value, equal in raw)
    if holds(silence(matchers=matchers), own):
        assert holds(silence(matchers=matchers[1:] or matchers), own)
    assert holds(silence(matchers=matchers), own) == all(
        (own.get(each.label, "") == each.value) == each.equal for each in matchers
    )


def test_a_silence_is_told_once_with_who_until_when_and_why() -> None:
    seen, (event,) = look(incident(), known(silence()), T0 + timedelta(seconds=9))
    assert (event.kind, event.incident, event.actor, event.text) == (
        EventKind.SILENCED_ELSEWHERE, "u1", "Hà", "thay cáp",
    )  # fmt: skip
    assert (event.at, event.recorded_at) == (T0, T0 + timedelta(seconds=9))
    assert event.data == {"channel": "am", "silence": "s1", "until": "2026-11-23T04:00:00+00:00"}
    assert look(seen, known(silence()), T0 + timedelta(seconds=24))[1] == []
    assert seen.silenced_until is None, "it is not our own silence"


def test_one_that_was_there_before_holds_from_the_opening_on() -> None:
    early = silence(begins=T0 - HOUR, updated=T0 - HOUR)
    assert look(incident(), known(early), T0)[1][0].at == incident().opened
    ahead = silence(begins=T0 + HOUR)
    assert look(incident(), known(ahead), T0)[1][0].at == T0, "its clock may go before ours"


@pytest.mark.parametrize(
    ("after", "at", "why"),
    [
        (silence(active=False, ends=T0 + HOUR), T0 + HOUR, "expired"),
        (silence(active=False, ends=T0 + timedelta(minutes=5)), T0 + timedelta(minutes=5), "lifted"),
        (silence("point=ba-vi"), T0 + 2 * HOUR, "unmatched"),
        (None, T0 + HOUR, "expired"),
    ],
)
def test_its_end_is_told_once(after: Silence | None, at: datetime, why: str) -> None:
    seen, _ = look(incident(), known(silence()), T0)
    heard = known(*([after] if after else []))
    seen, (event,) = look(seen, heard, T0 + 2 * HOUR)
    assert (event.at, event.actor, event.text) == (at, "", "")
    assert (event.data["ended"], event.data["why"], event.data["silence"]) == (True, why, "s1")
    assert look(seen, heard, T0 + 3 * HOUR) == (seen, [])
    assert not seen.silences


def test_what_is_gone_before_its_time_was_lifted() -> None:
    seen, _ = look(incident(), known(silence()), T0)
    _, (event,) = look(seen, known(), T0 + timedelta(minutes=5))
    assert (event.at, event.data["why"]) == (T0 + timedelta(minutes=5), "lifted")


def test_an_end_that_lies_ahead_by_our_clock_is_now_and_no_less_an_end() -> None:
    seen, _ = look(incident(), known(silence()), T0)
    _, (event,) = look(seen, known(silence(active=False)), T0 + timedelta(minutes=59))
    assert (event.at, event.data["why"]) == (T0 + timedelta(minutes=59), "expired")


def test_nothing_is_known_of_what_was_not_heard() -> None:
    seen, _ = look(incident(), known(silence()), T0)
    for nobody in (known(whole=False), known(channel="another"), gather({})):
        assert look(seen, nobody, T0 + timedelta(minutes=5))[1] == []
    _, (event,) = look(seen, known(whole=False), T0 + HOUR)
    assert (event.at, event.data["why"]) == (T0 + HOUR, "expired"), "its time is over whoever answers"


def test_it_fits_too_when_it_holds_back_an_alert_of_other_rules() -> None:
    strange = silence("alertname=PointDown")
    affected = Affected(point="minh-chau", since=T0, status=Status.DOWN, reason=Reason.TIMEOUT)
    of_rules = {"alertname": "PointDown", "point": "minh-chau", "status": "down"}
    seen = incident(affected={"minh-chau": affected})
    heard = gather({"am": Heard(silences={"s1": strange}, muted={"s1": ({"point": "ba-vi"}, of_rules)})})
    seen, (begun,) = look(seen, heard, T0)
    assert begun.data["silence"] == "s1"
    assert look(incident(), heard, T0)[1] == [], "its point is in no trouble here"
    unsure = Heard(silences={"s1": strange}, troubles=("am:9093: no answer in time",))
    assert look(seen, gather({"am": unsure}), T0)[1] == [], "what it holds back was not heard"
    _, (ended,) = look(seen, gather({"am": Heard(silences={"s1": strange})}), T0 + HOUR / 2)
    assert (ended.at, ended.data["why"]) == (T0 + HOUR / 2, "unmatched")


def test_another_end_is_told_and_the_new_one_counts() -> None:
    seen, _ = look(incident(), known(silence()), T0)
    longer = silence(ends=T0 + 3 * HOUR, updated=T0 + timedelta(minutes=30))
    seen, (event,) = look(seen, known(longer), T0 + HOUR)
    assert (event.at, event.data["until"]) == (T0 + timedelta(minutes=30), "2026-11-23T06:00:00+00:00")
    _, (end,) = look(seen, known(replace(longer, active=False)), T0 + 4 * HOUR)
    assert (end.at, end.data["why"]) == (T0 + 3 * HOUR, "expired")


def test_what_several_know_counts_once_and_the_newest_word_holds() -> None:
    old, new = silence(), silence(ends=T0 + 2 * HOUR, updated=T0 + timedelta(minutes=1))
    heard = gather({"a": Heard(silences={"s1": old}), "b": Heard(silences={"s1": new}, troubles=("b: refused",))})
    assert heard.silences == {"s1": ("b", new)}
    assert heard.whole == {"a"}


spans = st.integers(0, 40).map(lambda minutes: timedelta(minutes=minutes))
heard_of = st.lists(
    st.tuples(st.sampled_from(["s1", "s2"]), st.booleans(), spans, st.sampled_from(["point=minh-chau", "point=x"])),
    max_size=2,
    unique_by=lambda each: each[0],
)


@given(st.lists(st.tuples(heard_of, st.booleans()), max_size=8))
def test_begins_and_ends_alternate_whatever_is_heard(story: list[tuple[list[Any], bool]]) -> None:
    seen, told = incident(), []
    for minute, (said, whole) in enumerate(story):
        silences = [
            silence(text, name=name, active=active, ends=T0 + ends, updated=T0 + timedelta(minutes=minute))
            for name, active, ends, text in said
        ]
        now = T0 + timedelta(minutes=minute)
        seen, events = look(seen, known(*silences, whole=whole), now)
        told += events
        assert all(event.at <= now for event in events)
        assert look(seen, known(*silences, whole=whole), now) == (seen, []), "the same again says nothing new"
        if whole:
            assert seen.silences.keys() == {each.id for each in silences if holds(each, LABELS)}
    for name in ("s1", "s2"):
        running = False
        for event in (each for each in told if each.data["silence"] == name):
            assert running or not event.data.get("ended"), "nothing ends that did not begin"
            running = not event.data.get("ended")


def test_the_api_is_read_as_it_is_and_as_it_was() -> None:
    said = {
        "id": "s1", "status": {"state": "active"}, "updatedAt": "2026-11-23T10:00:00.000+07:00", "comment": "thay cáp",
        "createdBy": "Hà", "startsAt": "2026-11-23T03:00:00.000Z", "endsAt": "2026-11-23T04:00:00.000Z", "new": [1],
        "matchers": [
            {"name": "point", "value": "minh.*", "isRegex": True, "isEqual": False},
            {"name": "area", "value": "ba-vi", "isRegex": False},
        ],
    }  # fmt: skip
    pending = {**said, "id": "s2", "status": {"state": "pending"}, "matchers": []}
    assert parse_silences(json.dumps([said, pending]).encode()) == [
        silence("point!~minh.*", "area=ba-vi"),
        silence(name="s2", active=False, matchers=()),
    ]
    alert = {"labels": LABELS, "fingerprint": "f", "status": {"state": "suppressed", "silencedBy": ["s1", "s2"]}}
    assert parse_muted(json.dumps([alert]).encode()) == [(LABELS, ("s1", "s2"))]
    for wrong in (b"{}", b"[{}]", b"", b'[{"id": 1}]'):
        with pytest.raises(ValidationError):
            parse_silences(wrong)
        with pytest.raises(ValidationError):
            parse_muted(wrong)
