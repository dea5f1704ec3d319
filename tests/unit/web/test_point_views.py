"""What a point's page says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from monitor.config.model import Dependency
from monitor.language.words import Words
from monitor.ledger import Uptime
from monitor.model import Reason, Status
from monitor.web import daybar
from monitor.web import point as pages
from tests.unit.web.samples import CONTACT, NOW, config, down, endpoint, point, result, transition, view

VI = Words("vi")
PHASES = {"transfer": 0.012, "resolve": 0.002, "connect": 0.019, "tls": 0.041, "processing": 0.128}


def test_the_upper_part() -> None:
    hub = view(point("Hub Trung tâm", kind="hub", id="hub"))
    subject = point(
        code="00328",
        unit_type="xa",
        contact=CONTACT,
        hours="Sat 07:30-11:00",
        depends_on=(Dependency(any_of=("hub",)), Dependency(any_of=("gone",))),
    )
    broken = down(subject)
    made = pages.page(broken, {"hub": hub, subject.id: broken}, config(broken, hub), VI, NOW)
    assert made.place == "Xã · khu vực Ba Vì · mã 00328"
    assert (made.bucket, made.status, made.when, made.lasted) == ("down", "Mất kết nối", "từ 10:02:26", "12 phút")
    assert (made.reason, made.culprit) == ("Hết thời gian chờ kết nối TCP", "Đường truyền")
    assert [[parent.name for parent in group] for group in made.parents] == [["Hub Trung tâm"], []]
    assert made.hours == "Thứ Bảy 07:30–11:00"


def test_phases_stand_on_one_scale_in_their_order() -> None:
    portal = endpoint("xa-minh-chau", "portal", prober="http")
    subject = replace(point(), endpoints=(*point().endpoints, portal))
    expiry = (NOW + timedelta(days=61)).timestamp()
    good = result(
        portal.key,
        latency=0.202,
        phases=PHASES,
        facts={"probe_http_status_code": 200.0, "probe_ssl_earliest_cert_expiry": expiry},
        address="127.0.0.9",
    )
    link = result(subject.endpoints[0].key, latency=0.018, phases={"connect": 0.018, "resolve": 0.0}, lagged=True)
    seen = view(subject, last=[link, good])
    made = pages.page(seen, {}, config(seen), VI, NOW)
    rows = made.rows
    assert [segment.phase for segment in rows[1].segments] == ["resolve", "connect", "tls", "processing", "transfer"]
    assert abs(sum(segment.percent for segment in rows[1].segments) - 72) < 0.1
    assert rows[0].segments[0].percent < 10
    assert [segment.label for segment in rows[1].segments] == ["", "19", "41", "128", ""]
    assert (rows[1].total, rows[1].note) == ("202 ms", "mã trả lời 200 · chứng thư còn 61 ngày")
    assert rows[1].address == "portal · http · 127.0.0.9"
    assert (rows[0].lagged, rows[0].age, rows[0].note) == (True, "2 giây trước", "trả lời tốt")
    assert made.phases == (
        ("resolve", "phân giải"),
        ("connect", "TCP"),
        ("tls", "TLS"),
        ("processing", "chờ trả lời"),
        ("transfer", "nhận"),
    )
    assert pages.charted(seen) == "portal"


def test_notes() -> None:
    subject = point()
    key = subject.endpoints[0].key

    def note(**values: object) -> str:
        seen = view(subject, last=[result(key, **values)])  # type: ignore[arg-type]
        return pages.page(seen, {}, config(seen), VI, NOW).rows[0].note

    assert note(facts={"probe_dns_answer_rrs": 2.0}) == "2 bản ghi"
    assert note(facts={"lienthong_probe_icmp_loss_ratio": 0.25}) == "mất gói 25,0 %"
    assert note(reason=Reason.REFUSED, failed_phase="connect") == "máy chủ từ chối kết nối TCP"
    silent = view(subject)
    assert pages.page(silent, {}, config(silent), VI, NOW).rows[0].note == "chưa có kết quả"


def test_an_undeclared_point() -> None:
    seen = replace(view(point(declared=False), Status.UNKNOWN), since=None)
    made = pages.page(seen, {}, config(seen), VI, NOW)
    assert (made.status, made.reason, made.when, made.lasted) == ("Chưa khai báo", "", "", "")
    assert made.rows[0].note == "địa chỉ còn là chỗ giữ: xa-minh-chau.lienthong.example:7443"
    assert pages.charted(seen) == ""


def test_the_bar_of_days_shows_short_trouble() -> None:
    spent = {Status.UP: timedelta(hours=23, minutes=55), Status.DOWN: timedelta(minutes=5)}
    day = Uptime(connectivity=0.9965, service=0.9965, coverage=1.0, observed=timedelta(days=1), by_status=spent)
    unseen = Uptime(
        connectivity=None,
        service=None,
        coverage=0.0,
        observed=timedelta(),
        by_status={Status.UNOBSERVED: timedelta(days=1)},
    )
    first, second = daybar.days({date(2026, 11, 23): day, date(2026, 11, 22): unseen}, VI)
    assert [(piece.kind, piece.height) for piece in first.pieces] == [("unmeasured", 44)]
    assert [(piece.kind, piece.height) for piece in second.pieces] == [("down", 8), ("up", 36)]
    assert second.label == "23/11/2026: kết nối 99,65 %, đo được 100 %"
    assert first.label == "22/11/2026: kết nối – %, đo được 0 %"


def test_changes_in_words() -> None:
    rows = [
        transition(timedelta(seconds=40), Status.UP, Status.DEGRADED),
        transition(timedelta(seconds=41), Status.DEGRADED, Status.DOWN),
        transition(
            timedelta(seconds=46),
            Status.DOWN,
            Status.UP,
            reason=Reason.REFUSED,
            failed_phase="connect",
            culprit="link",
            not_before=NOW - timedelta(minutes=9),
        ),
        transition(timedelta(hours=1), Status.UP, Status.UNOBSERVED, first=True),
        transition(timedelta(hours=2), Status.UNOBSERVED, Status.UP, reason=Reason.CONFIG),
    ]
    back, _, bad, first, closed = pages.changes(rows, view(), VI, NOW)
    assert (back.title, back.note, back.bucket) == ("Hoạt động trở lại", "sau 6 giây", "stable")
    assert bad.note == "Đường truyền: máy chủ từ chối kết nối TCP"
    assert bad.when == "giữa 10:05 và 10:13"
    assert (first.title, first.note) == ("Hoạt động", "lần đầu được đo")
    assert (closed.title, closed.note, closed.bucket) == ("Không được đo", "đổi cấu hình", "unknown")
