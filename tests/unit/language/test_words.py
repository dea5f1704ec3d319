"""Numbers, times and reasons in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.language.reasons import PHASE_SENTENCES, explain
from monitor.language.words import BUCKETS, Words, sentence
from monitor.model import Reason, Status
from tests.unit.web.samples import NOW

VI, EN = Words("vi"), Words("en")


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (-5, "0 giây", "0 s"),
        (0.9, "0 giây", "0 s"),
        (40, "40 giây", "40 s"),
        (60, "1 phút", "1 min"),
        (719, "11 phút", "11 min"),
        (3600, "1 giờ", "1 h"),
        (11520, "3 giờ 12 phút", "3 h 12 min"),
        (86400, "1 ngày", "1 d"),
        (93600, "1 ngày 2 giờ", "1 d 2 h"),
    ],
)
def test_durations(seconds: float, vietnamese: str, english: str) -> None:
    assert VI.duration(timedelta(seconds=seconds)) == vietnamese
    assert EN.duration(timedelta(seconds=seconds)) == english


@pytest.mark.parametrize(
    ("ratio", "digits", "text"),
    [
        (None, 2, "–"),
        (1.0, 2, "100"),
        (0.0, 2, "0"),
        (0.0004, 1, "< 0,1"),
        (0.99998, 2, "99,99"),
        (0.9994, 2, "99,94"),
        (0.5, 1, "50,0"),
        (0.29, 2, "29,00"),
        (0.996, 1, "99,6"),
    ],
)
def test_ratios_are_cut_and_never_rounded_up(ratio: float | None, digits: int, text: str) -> None:
    assert VI.ratio(ratio, digits) == text


@given(some.floats(0, 1, exclude_max=True))
def test_less_than_all_is_never_shown_as_all(ratio: float) -> None:
    if ratio < 1 - 1e-8:
        assert EN.ratio(ratio) != "100"


def test_numbers() -> None:
    assert VI.number(1234567.891, 2) == "1.234.567,89"
    assert EN.number(1234567.891, 2) == "1,234,567.89"
    assert (VI.numeral(7), EN.numeral(7), VI.numeral(11)) == ("Bảy", "Seven", "11")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "dưới 1 ms"),
        (0.038, "38 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 giây"),
        (1.24, "1,2 giây"),
        (3.0, "3 giây"),
    ],
)
def test_latencies(seconds: float, text: str) -> None:
    assert VI.latency(seconds) == text


def test_times_are_hanoi_s() -> None:
    assert VI.clock(NOW) == "10:14:26"
    assert VI.day(NOW) == "Thứ Hai, 23/11/2026"
    assert EN.day(NOW) == "Monday, 23/11/2026"
    assert VI.moment(NOW - timedelta(minutes=12), NOW) == "10:02:26"
    assert VI.moment(NOW - timedelta(hours=12), NOW, seconds=False) == "hôm qua 22:14"
    assert VI.moment(NOW - timedelta(days=3), NOW) == "20/11 10:14:26"


def test_what_happened_while_nobody_looked_lies_between() -> None:
    begin, end = NOW - timedelta(minutes=9), NOW - timedelta(minutes=4)
    assert VI.between(begin, end, NOW) == "giữa 10:05 và 10:10"
    assert EN.between(begin, end, NOW) == "between 10:05 and 10:10"
    assert VI.between(None, end, NOW) == "10:10:26"


def test_hours_and_units() -> None:
    assert VI.hours("Mon-Fri 08:00-11:30,13:30-17:00") == "Thứ Hai–thứ Sáu 08:00–11:30, 13:30–17:00"
    assert EN.hours("24/7") == "24/7"
    assert (VI.unit("xa"), EN.unit("phuong"), VI.unit("thon")) == ("Xã", "Ward", "thon")
    assert (VI.kind("hub"), VI.kind("kho"), VI.phase("tls"), VI.phase("ring")) == ("Hub", "kho", "TLS", "ring")


def test_every_bucket_and_status_has_a_name() -> None:
    for words in (VI, EN):
        names = [words.bucket(bucket, timedelta(minutes=5)) for bucket in BUCKETS]
        assert len(set(names)) == len(BUCKETS)
        assert all(words.status(status) and words.endpoint_status(status) for status in Status)
    assert VI.bucket("fresh", timedelta(minutes=1)) == "Chưa đủ 1 phút"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_a_plain_sentence(reason: Reason) -> None:
    for phase in ("", "resolve", "connect", "tls", "processing", "transfer", "setup", "rtt", "request"):
        vietnamese, english = explain(VI, reason, phase), explain(EN, reason, phase)
        assert vietnamese
        assert not vietnamese.isascii()
        assert english.replace("’", "'").isascii()
        for text in (vietnamese, english):
            assert "_" not in text
            assert not text.endswith(".")


def test_reasons_name_the_phase() -> None:
    assert explain(VI, Reason.TIMEOUT, "connect") == "hết thời gian chờ kết nối TCP"
    assert explain(VI, Reason.REFUSED, "connect", "ECONNREFUSED") == "máy chủ từ chối kết nối TCP"
    assert len({explain(VI, *case) for case in PHASE_SENTENCES}) >= 15


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("certificate has expired", "chứng thư đã hết hạn"),
        ("certificate is not yet valid", "chứng thư chưa có hiệu lực"),
        ("Hostname mismatch, certificate is not valid for 'x'", "chứng thư không đúng tên máy chủ"),
        ("self-signed certificate", "chứng thư không được tin cậy"),
        ("unable to get local issuer certificate", "chứng thư không được tin cậy"),
        ("wrong version number", "không lập được kênh mã hóa TLS"),
    ],
)
def test_certificates(detail: str, text: str) -> None:
    assert explain(VI, Reason.TLS, "tls", detail) == text


def test_sentences_begin_large() -> None:
    assert sentence("ổn định") == "Ổn định"
    assert sentence("") == ""
