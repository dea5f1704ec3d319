"""Facts become what an operator can act on, in both languages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.rendering import LISTED, LONGEST_TITLE, Renderer
from monitor.alerts.short import LONGEST, cut, fit, plain
from monitor.alerts.view import NAMED
from monitor.incidents.model import MessageKind, Severity
from monitor.language import LANGUAGES
from monitor.model import FaultKind, Reason, Status
from tests.unit.alerts.rendering_facts import (
    DIGEST,
    FAULTS,
    GOLDEN,
    KINDS,
    NOBODY,
    cases,
    facts,
    golden,
    point,
    wards,
)

GSM_7 = set("\n !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
"""What ASCII and the basic alphabet of 3GPP TS 23.038 share."""

RENDERERS = {language: Renderer(language, "https://wall.example/") for language in LANGUAGES}


def say(part: dict[str, Any], language: str = "vi", form: Any = "long") -> Any:
    return RENDERERS[language].envelope("1f", [part], form=form, digest=False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_in_every_kind_of_message_is_said_as_it_was_read_and_approved(language: str) -> None:
    assert golden(language) == (GOLDEN / f"{language}.txt").read_text(encoding="utf-8")


def test_every_kind_of_fault_and_of_message_is_among_them() -> None:
    said = [part for _, part in cases()]
    assert {part["kind"] for part in said} == set(MessageKind)
    assert {part["fault"]["kind"] for part in said} == set(FaultKind)
    assert len(said) == len(FAULTS) * len(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "part"), list(cases()))
def test_titles_and_short_forms_have_their_length_and_letters(name: str, part: dict[str, Any], language: str) -> None:
    envelope = say(part, language)
    assert 0 < len(envelope.title) < 120
    assert 0 < len(envelope.short) <= 160
    assert set(envelope.short) <= GSM_7
    assert not {"None", "{", "}", "¶"} & set(envelope.text.split())


@pytest.mark.parametrize(("name", "part"), [(name, part) for name, part in cases() if part["kind"] == "opened"])
def test_who_must_act_reads_the_essentials(name: str, part: dict[str, Any]) -> None:
    text = say(part).text
    assert "10:05:12" in text
    assert part["url"] in text
    assert "Việc cần làm: " in text
    for field in ("phone", "name"):
        assert part["contact"][field] in text


class TestFacts:
    def test_an_envelope_carries_what_programs_need(self) -> None:
        part = facts(labels={"alertname": "PointTroubled", "severity": "critical"})
        envelope = say(part)
        (item,) = envelope.items
        assert (envelope.id, envelope.kind, envelope.severity, envelope.url) == (
            "1f",
            "opened",
            "critical",
            "https://wall.example/incidents/12",
        )
        assert (item.incident, item.number, item.kind) == ("5d0c0f0e", 12, "opened")
        assert (item.begins, item.ends) == (datetime(2026, 11, 23, 3, 5, 12, tzinfo=UTC), None)
        assert item.labels == part["labels"]
        assert item.annotations == {"summary": envelope.title, "description": envelope.text, "url": envelope.url}
        assert json.loads(json.dumps(item.data)) == part

    def test_what_is_over_has_an_end(self) -> None:
        (item,) = say(facts("recovered", recovered="2026-11-23T03:17:40+00:00")).items
        assert item.ends == datetime(2026, 11, 23, 3, 17, 40, tzinfo=UTC)

    def test_a_short_channel_gets_the_short_form(self) -> None:
        envelope = say(facts(), form="short")
        assert envelope.text == envelope.short == say(facts()).short

    def test_names_are_bounded_and_all_are_counted(self) -> None:
        part = facts(fault={"kind": "label", "subject": "provider=VNPT", "name": "VNPT"}, points=wards(10), affected=40)
        text = say(part).text
        assert text.count("Phường") + text.count("Xã") == NAMED
        assert f"và {40 - NAMED} điểm khác" in text

    def test_evidence_is_said_by_who_knows_it(self) -> None:
        renderer = Renderer("vi", "", evidence_sentence=lambda words, evidence: f"{words.language}: {evidence['x']}")
        envelope = renderer.envelope("1f", [facts(evidence={"x": 7})], form="long", digest=False)
        assert "vi: 7" in envelope.text

    def test_a_day_is_always_named(self) -> None:
        """What is read later or elsewhere can't rely on today."""
        part = facts("recovered", recovered="2026-11-23T20:00:00+00:00", not_before="2026-11-23T16:30:00+00:00")
        assert "giữa 23:30 ngày 23/11 và 03:00 ngày 24/11" in say(part).text

    def test_a_closed_incident_without_an_end_is_not_given_one(self) -> None:
        assert "kéo dài" not in say(facts("recovered")).text

    def test_what_is_over_is_called_by_its_worst(self) -> None:
        """It was told as cut off; that its portal came back a second later than its link is no news."""
        last = point("Phường Ba Đình", status="faulty", reason="refused", endpoint="Cổng một cửa")
        over = say(facts("recovered", points=[last], recovered="2026-11-23T03:17:40+00:00"))
        assert over.title == "Đã hết sau 2 phút: Phường Ba Đình mất kết nối"
        assert "Cổng một cửa" not in over.text
        assert "Lý do" not in over.text
        goes_on = say(facts("reminder", points=[last]))
        assert "Phường Ba Đình lỗi dịch vụ" in goes_on.title
        assert "Cổng một cửa" in goes_on.text

    def test_without_contacts_the_message_says_so(self) -> None:
        assert "chưa khai báo người liên hệ" in say(facts(contact=NOBODY)).text

    @pytest.mark.parametrize(
        ("contact", "line"),
        [
            ({"provider": "VNPT"}, "Nhà mạng: VNPT."),
            ({"circuit_id": "HN-1"}, "Mã kênh HN-1."),
            ({"phone": "0912"}, "Liên hệ: 0912."),
        ],
    )
    def test_what_is_known_of_a_contact_is_said(self, contact: dict[str, str], line: str) -> None:
        assert line in say(facts(contact={**NOBODY, **contact})).text.split("\n")

    def test_a_service_behind_a_good_line_is_not_the_providers(self) -> None:
        envelope = say(facts(points=[point("Phường Láng", status="faulty", reason="http_status", endpoint="")]))
        assert "1800 1166" not in envelope.text + envelope.short
        assert "dịch vụ phía sau" in envelope.text

    def test_a_slow_link_with_no_endpoint_named(self) -> None:
        assert "Điểm vẫn kết nối.\n" in say(facts(points=[point("Phường Láng", status="degraded", endpoint="")])).text

    def test_a_test_of_no_incident_names_none(self) -> None:
        envelope = say(facts("test", number=0, url=""))
        assert envelope.title.startswith("TIN THỬ")
        assert "Sự cố 0" not in envelope.text
        assert "SC0" not in envelope.short

    def test_many_that_flap_are_cut_short_in_the_title(self) -> None:
        part = facts(
            "flapping",
            fault={"kind": "network", "subject": "", "name": ""},
            points=wards(5),
            flapping=[each["id"] for each in wards(5)],
        )
        assert say(part).title.startswith("Phường Cửa Nam, Phường Hoàn Kiếm, Xã Sóc Sơn, … chập chờn")


class TestDigest:
    def test_what_lasts_and_is_worst_comes_first(self) -> None:
        envelope = RENDERERS["vi"].envelope("1f", DIGEST, form="long", digest=True)
        assert [item.number for item in envelope.items] == [13, 14, 11]
        assert (envelope.kind, envelope.severity) == ("digest", "critical")
        assert envelope.url == "https://wall.example/incidents"
        assert envelope.title.startswith("2 sự cố, 1 sự cố đã hết: Tuyến chính mất kết nối")

    def test_all_are_counted_when_not_all_are_written(self) -> None:
        parts = [facts(number=number, uid=str(number)) for number in range(1, LISTED + 6)]
        envelope = RENDERERS["en"].envelope("1f", parts, form="long", digest=True)
        assert len(envelope.items) == LISTED + 5
        assert envelope.title.startswith(f"{LISTED + 5} incidents: ")
        assert "5 more messages are on the incidents page." in envelope.text
        assert len(envelope.title) <= LONGEST_TITLE
        assert len(envelope.short) <= LONGEST

    def test_a_digest_of_one_reads_as_its_message(self) -> None:
        envelope = RENDERERS["vi"].envelope("1f", [facts()], form="long", digest=True)
        assert (envelope.kind, envelope.text) == ("digest", say(facts()).text)

    def test_without_a_wall_there_is_no_link(self) -> None:
        parts = [facts(number=number, url="") for number in (1, 2)]
        envelope = Renderer("vi", "").envelope("1f", parts, form="long", digest=True)
        assert envelope.url == ""
        assert "http" not in envelope.text


words = st.text(max_size=60)
moments = st.integers(1_600_000_000, 2_200_000_000).map(lambda at: datetime.fromtimestamp(at, UTC).isoformat())
listed = st.builds(
    point,
    words,
    kind=st.sampled_from(["ward", "circuit", "hub", "service", "", "sth"]),
    status=st.sampled_from(list(Status)),
    reason=st.sampled_from([*Reason, "a newer one"]),
    failed_phase=st.sampled_from(["", "connect", "tls", "new"]),
    endpoint=words,
)
kinds = st.sampled_from(list(MessageKind)).map(str)
anything = st.builds(
    facts,
    kinds,
    severity=st.sampled_from(list(Severity)).map(str),
    fault=st.fixed_dictionaries(
        {
            "kind": st.sampled_from(list(FaultKind)).map(str),
            "subject": st.one_of(
                words, st.sampled_from(["provider=VNPT", "endpoint=x", "area=y", "resolver", "=", "a"])
            ),
            "name": words,
        }
    ),
    number=st.integers(0, 10**9),
    began=moments,
    recovered=st.none() | moments,
    not_before=st.none() | moments,
    duration_seconds=st.floats(0, 1e9),
    affected=st.integers(0, 10_000),
    points=st.lists(listed, max_size=12),
    contact=st.fixed_dictionaries(dict.fromkeys(NOBODY, words)),
    acknowledged=st.none() | st.fixed_dictionaries({"actor": words, "at": moments, "ticket": words}),
    flapping=st.lists(words, max_size=3),
    evidence=st.none(),
    url=words,
    late_seconds=st.none() | st.floats(0, 1e6),
    nth=st.integers(0, 1000),
    after_seconds=st.floats(0, 1e6),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(st.lists(anything, min_size=1, max_size=4), st.sampled_from(LANGUAGES))
def test_whatever_the_facts_are_something_short_and_plain_is_said(parts: list[dict[str, Any]], language: str) -> None:
    envelope = RENDERERS[language].envelope("1f", parts, form="long", digest=len(parts) > 1)
    assert 0 < len(envelope.title) < 120
    assert 0 < len(envelope.short) <= 160
    assert set(envelope.short) <= GSM_7
    assert "\n" not in envelope.title + envelope.short
    assert envelope.text
    assert len(envelope.items) == len(parts)


@given(st.text())
def test_plain_letters_are_plain(text: str) -> None:
    said = plain(text)
    assert set(said) <= GSM_7
    assert plain(said) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Phường Đống Đa", "Phuong Dong Da"),
        ("đường dây – 10 % …", "duong day - 10 % ..."),
        ("a[1]{2}~3|4\\5^`", "a(1)(2)-3/4/5''"),
        ("Ａ\u00a0\n b", "A b"),
        ("⚠ 中文", ""),
    ],
)
def test_letters_lose_their_marks(text: str, said: str) -> None:
    assert plain(text) == said


@given(st.text(max_size=300), st.integers(20, 200))
def test_a_cut_text_fits(text: str, longest: int) -> None:
    said = cut(text, longest)
    assert len(said) <= longest
    assert said == text or said.endswith("…")


@given(st.lists(st.text(max_size=80), max_size=8))
def test_pieces_are_said_in_order_and_whole(pieces: list[str]) -> None:
    said = fit(pieces)
    assert len(said) <= LONGEST
    whole = [each for each in map(plain, pieces) if each]
    if whole:
        assert said.startswith(whole[0])
        rest = said[len(whole[0]) :]
        assert rest == "" or rest.startswith(". ")


def test_a_piece_too_long_makes_room_for_a_shorter_one() -> None:
    assert fit(["a" * 100, "b" * 100, "c"]) == f"{'a' * 100}. c"


def test_a_first_piece_too_long_is_cut_between_words() -> None:
    said = fit(["mot hai ba " * 20])
    assert said.endswith((" ba...", " hai...", " mot..."))
    assert 100 < len(said) <= LONGEST
