"""How an incident is told: on the panel's cards, in its timeline, its evidence and its letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.board import PointView
from monitor.calendar.model import Window
from monitor.config.model import Alerts, Contact
from monitor.incidents.model import (
    Acknowledgement,
    Delivery,
    DeliveryOutcome,
    EventKind,
    IncidentEvent,
    Message,
    MessageKind,
    Severity,
)
from monitor.language.words import Words
from monitor.model import Fault, FaultKind, Reason, Status
from monitor.storage.records import Letter
from monitor.web import letters, panel, planned, proof, timeline
from monitor.web.incident import bucket_of, case, contact, numbers, ranked
from monitor.web.reading import as_it_was
from monitor.web.short_form import ShortForms
from tests.unit.alerts.rendering_facts import facts
from tests.unit.web.samples import (
    CONTACT,
    NOW,
    down,
    incident,
    point,
    result,
    service,
    setting,
    touched,
    view,
)

EN = Words("en")
CIRCUIT = Fault(FaultKind.POINT, "c")
WARD = Fault(FaultKind.POINT, "xa-minh-chau")


def circuit() -> PointView:
    return down(point("Tuyến Ba Vì", kind="circuit", id="c", contact=replace(CONTACT, name="", phone="")))


def communes(count: int, **values: object) -> list[PointView]:
    return [view(point(f"Xã {number}", id=f"xa-{number}", unit_type="xa", **values)) for number in range(count)]


def cut_off(count: int, status: Status = Status.UNREACHABLE, **values: object) -> list[Any]:
    return [touched(f"xa-{number}", status, **values) for number in range(count)]


def test_a_circuit_s_incident_clears_the_communes() -> None:
    fault = incident(412, CIRCUIT, touched("c"), *cut_off(8), evidence={"said": "DNS tốt"})
    told = case(fault, setting(circuit(), *communes(8)))
    assert (told.title, told.bucket, told.number) == ("Tuyến Ba Vì mất kết nối", "down", 412)
    assert (told.affected, told.where) == ("8 xã bị ảnh hưởng", "tuyến truyền dẫn, không ở xã")
    assert (told.since_text, told.lasted) == ("từ 10:02:26", "12 phút")
    assert (told.reason, told.evidence) == ("Hết thời gian chờ kết nối TCP", "DNS tốt")
    assert [each.name for each in told.touched][:2] == ["Tuyến Ba Vì", "Xã 0"]
    assert (told.taken, told.callers[0].name, told.callers[0].note) == ("", "Nhà mạng A", "kênh TD-1")
    english = case(fault, setting(circuit(), *communes(8), words=EN))
    assert (english.affected, english.where) == ("8 communes affected", "the circuit, not the communes")


def test_who_took_it_and_the_ticket() -> None:
    taken = Acknowledgement(actor="Trần Thu Hà", at=NOW - timedelta(minutes=9), ticket="NM-88213")
    told = case(incident(412, WARD, touched("xa-minh-chau"), acknowledged=taken), setting(down()))
    assert (told.taken, told.ticket) == ("Trần Thu Hà nhận 10:05", "phiếu NM-88213")


def test_a_point_s_own_incident_names_its_place_and_endpoint() -> None:
    told = case(incident(9, WARD, touched("xa-minh-chau")), setting(down(point(contact=CONTACT))))
    assert (told.affected, told.where) == ("1 điểm · khu vực Ba Vì", "Đường truyền")
    assert [caller.name for caller in told.callers] == ["Đỗ Văn Long", "Nhà mạng A"]
    gone = case(incident(9, Fault(FaultKind.POINT, "gone"), touched("gone")), setting(down()))
    assert (gone.title, gone.affected, gone.touched[0].id) == ("gone mất kết nối", "1 điểm", "")
    hotline = service("Tổng đài", "h", Status.DEGRADED, reason=Reason.LATENCY)
    slow = touched("h", Status.DEGRADED, reason=Reason.LATENCY)
    last = result(hotline.point.endpoints[0].key, latency=3.2)
    hotline = replace(hotline, endpoints=tuple(replace(each, last=last) for each in hotline.endpoints))
    told = case(incident(411, Fault(FaultKind.POINT, "h"), slow), setting(hotline))
    assert (told.affected, told.reason) == ("Dịch vụ dùng chung", "Trả lời sau 3,2 giây, ngưỡng 1 giây")


@pytest.mark.parametrize(
    ("fault", "members", "title", "bucket", "where"),
    [
        (
            Fault(FaultKind.LABEL, "provider=VNPT"),
            cut_off(3),
            "Nhà mạng VNPT mất kết nối",
            "down",
            "nhà mạng, không ở xã",
        ),
        (
            Fault(FaultKind.LABEL, "area=ba-vi"),
            cut_off(3),
            "Khu vực Ba Vì mất kết nối",
            "down",
            "đường truyền khu vực, không ở xã",
        ),
        (Fault(FaultKind.LABEL, "rack=7"), cut_off(3), "rack 7 mất kết nối", "down", "phần dùng chung, không ở xã"),
        (
            Fault(FaultKind.LABEL, "endpoint=link"),
            cut_off(3, Status.FAULTY),
            "Đường truyền lỗi dịch vụ",
            "faulty",
            "phần dùng chung, không ở xã",
        ),
        (Fault(FaultKind.NETWORK), cut_off(3), "Toàn mạng mất kết nối", "down", "phần chung của toàn mạng, không ở xã"),
        (
            Fault(FaultKind.VANTAGE),
            cut_off(3, Status.UNKNOWN),
            "Máy giám sát mất mạng phía mình",
            "unknown",
            "mạng phía máy giám sát, không ở xã",
        ),
        (
            Fault(FaultKind.MONITOR, "resolver"),
            cut_off(3, Status.UNKNOWN),
            "Máy giám sát không dò được",
            "unknown",
            "máy giám sát, không ở xã",
        ),
        (
            Fault(FaultKind.NEVER),
            cut_off(3, Status.DOWN),
            "Chưa từng kết nối được",
            "down",
            "chưa rõ: chưa lần nào kết nối được",
        ),
    ],
)
def test_causes_in_words(fault: Fault, members: list[Any], title: str, bucket: str, where: str) -> None:
    told = case(incident(1, fault, *members), setting(*communes(3)))
    assert (told.title, told.bucket, told.where) == (title, bucket, where)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"status": Status.DEGRADED, "reason": Reason.REDUNDANCY}, "3 xã mất dự phòng"),
        ({"status": Status.UNKNOWN, "reason": Reason.ISOLATED}, "3 xã chưa xác định"),
        ({"status": Status.FAULTY}, "3 xã lỗi dịch vụ"),
        ({}, "3 xã bị ảnh hưởng"),
    ],
)
def test_what_it_does_to_those_that_it_touches(values: dict[str, Any], text: str) -> None:
    fault = incident(1, CIRCUIT, touched("c"), *(replace(each, **values) for each in cut_off(3)))
    assert case(fault, setting(circuit(), *communes(3))).affected == text


def test_points_of_several_sorts_are_counted_as_points() -> None:
    branch = view(point("Chi nhánh", kind="branch", id="b"))
    ward = view(point("Phường X", id="p", unit_type="phuong"))

    def told(*names: str) -> str:
        fault = incident(1, Fault(FaultKind.NETWORK), *(touched(name, Status.UNREACHABLE) for name in names))
        return case(fault, setting(*communes(2), ward, branch)).affected

    assert told("xa-0", "p") == "2 phường, xã bị ảnh hưởng"
    assert told("p") == "1 phường bị ảnh hưởng"
    assert told("b") == "1 chi nhánh bị ảnh hưởng"
    assert told("xa-0", "b") == "2 điểm bị ảnh hưởng"


def test_a_flapping_point_s_incident_says_so_whatever_it_is_just_now() -> None:
    for status in (Status.DOWN, Status.UP):
        reason = Reason.OK if status is Status.UP else Reason.TIMEOUT
        flaps = incident(
            413, WARD, touched("xa-minh-chau", status, reason=reason), flapping=frozenset({"xa-minh-chau"})
        )
        told = case(flaps, setting(view()))
        assert (told.title, told.bucket, told.touched[0].bucket) == ("Xã Minh Châu chập chờn", "flapping", "flapping")
    assert told.reason == "Đổi trạng thái liên tục"


def test_who_flaps_after_the_circuit_is_back_is_named_not_the_circuit() -> None:
    left = incident(
        10, CIRCUIT, touched("c", until=NOW), touched("xa-minh-chau", Status.UP, reason=Reason.OK),
        flapping=frozenset({"xa-minh-chau"}),
    )  # fmt: skip
    told = case(left, setting(circuit(), view()))
    assert (told.title, told.where) == ("Xã Minh Châu chập chờn", "điểm")


def test_the_contact_is_what_all_agree_on() -> None:
    one, other = (replace(CONTACT, name=name, phone=name) for name in "AB")
    views = [view(point(id="xa-0", contact=one)), view(point(id="xa-1", contact=other))]
    fault = incident(1, Fault(FaultKind.LABEL, "provider=A"), *cut_off(2))
    assert contact(fault, setting(*views)) == replace(CONTACT, name="", phone="")
    assert contact(incident(1, Fault(FaultKind.NETWORK)), setting()) == Contact()


def test_the_worst_stands_first() -> None:
    hub = down(point("Hub", kind="hub", id="hub"))
    seen = setting(hub, circuit(), *communes(9))
    later = {"began": NOW - timedelta(minutes=2)}
    own = {name: Fault(FaultKind.POINT, name) for name in ("xa-5", "xa-6", "xa-7", "xa-8")}
    incidents = [
        incident(1, Fault(FaultKind.MONITOR, "resolver"), touched("xa-4", Status.UNKNOWN)),
        incident(2, own["xa-7"], touched("xa-7", Status.DEGRADED)),
        incident(3, own["xa-8"], touched("xa-8"), flapping=frozenset({"xa-8"})),
        incident(4, own["xa-6"], touched("xa-6", Status.FAULTY)),
        incident(5, own["xa-5"], touched("xa-5")),
        incident(6, Fault(FaultKind.POINT, "xa-0"), touched("xa-0"), **later),
        incident(7, CIRCUIT, touched("c"), *cut_off(3)),
        incident(8, Fault(FaultKind.POINT, "hub"), touched("hub")),
        incident(9, Fault(FaultKind.VANTAGE), *cut_off(3, Status.UNKNOWN), **later),
    ]
    order = [each.number for each in ranked(incidents, seen)]
    assert order == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert panel.loud(ranked(incidents, seen)) == (8, 7, 6, 5, 4)
    assert numbers(ranked(incidents, seen))["xa-0"] == 9


def test_a_released_point_is_counted_no_more_until_all_is_over() -> None:
    members = [*cut_off(2), touched("xa-2", Status.UNREACHABLE, until=NOW, left="recovered")]
    fault = incident(7, Fault(FaultKind.NETWORK), *members)
    seen = setting(*communes(3))
    assert case(fault, seen).affected == "2 xã bị ảnh hưởng"
    over = replace(
        fault, closed=NOW, recovered=NOW, closed_why="recovered",
        affected={name: replace(each, until=NOW) for name, each in fault.affected.items()},
    )  # fmt: skip
    assert (case(over, seen).affected, case(over, seen).bucket) == ("3 xã bị ảnh hưởng", "down")
    last = touched("xa-minh-chau", Status.DEGRADED)
    assert bucket_of(incident(1, WARD, last, closed=NOW)) == "down", "it was worse than it was last"
    assert bucket_of(incident(1, WARD, last, closed=NOW, severity=Severity.WARNING)) == "faulty"
    assert bucket_of(incident(1, WARD, touched("xa-minh-chau", Status.UP))) == "fresh"
    assert bucket_of(incident(1, CIRCUIT, touched("xa-0", Status.DEGRADED, reason=Reason.REDUNDANCY))) == "down"


def shown(count: int, *views: PointView, **values: Any) -> panel.Panel:
    incidents = [
        incident(number, Fault(FaultKind.POINT, f"xa-{number}"), touched(f"xa-{number}"), **values)
        for number in range(1, count + 1)
    ]
    return panel.panel(incidents, views, (), setting(*communes(count + 1), *views))


@pytest.mark.parametrize(
    ("number", "sizes", "more"),
    [
        (1, ["large"], 0),
        (4, ["large", "medium", "medium", "medium"], 0),
        (5, ["large", "medium", "row", "row", "row"], 0),
        (17, ["large", "medium", *["row"] * 5], 10),
    ],
)
def test_many_incidents_become_rows(number: int, sizes: list[str], more: int) -> None:
    found = shown(number)
    assert [card.size for card in found.cards] == sizes
    assert (found.more, found.open, found.untaken) == (more, number, number)
    assert found.cards[0].url == "/incidents/1"


def test_a_troubled_point_without_an_incident_is_listed_behind_them() -> None:
    loose, covered = down(never=True), down(point(id="m"), maintenance=True)
    known = down(point("Xã 1", id="xa-1"))
    found = shown(1, known, loose, covered)
    assert [(card.number, card.title) for card in found.cards] == [
        (1, "Xã 1 mất kết nối"),
        (0, "Xã Minh Châu mất kết nối"),
    ]
    assert (found.loose, found.cards[1].since_text, found.cards[1].url) == (
        1,
        "chưa từng kết nối",
        "/points/xa-minh-chau",
    )
    assert (found.cards[1].place, found.cards[1].where) == ("Khu vực Ba Vì", "Đường truyền")
    unknown = replace(view(point(kind="service"), Status.UNKNOWN, reason=Reason.STALE), since=None)
    assert shown(0, unknown).cards[0].place == "Dịch vụ dùng chung"


def test_what_is_over() -> None:
    over = incident(7, WARD, touched("xa-minh-chau", until=NOW), closed=NOW, recovered=NOW - timedelta(minutes=8))
    merged = replace(over, number=8, into="u9")
    (past,) = panel.past([over, merged, incident(9, WARD)], setting(view()))
    assert (past.number, past.when, past.title) == (7, "10:02", "Xã Minh Châu mất kết nối")
    assert past.note == "4 phút · 1 điểm · khu vực Ba Vì"


def event(
    kind: EventKind, *, name: str = "", actor: str = "", text: str = "", ago: int = 0, **data: Any
) -> IncidentEvent:
    at = NOW - timedelta(minutes=ago)
    return IncidentEvent(
        id=f"{kind}{name}{ago}",
        incident="u",
        kind=kind,
        at=at,
        recorded_at=NOW,
        point=name,
        actor=actor,
        text=text,
        data=data,
    )


@pytest.mark.parametrize(
    ("happened", "title", "text"),
    [
        (event(EventKind.OPENED, severity="critical"), "Mở sự cố", "mức nghiêm trọng"),
        (event(EventKind.WORSENED, severity="warning"), "Nặng hơn", "mức cảnh báo"),
        (
            event(
                EventKind.JOINED, name="xa-0", status="down", reason="refused", failed_phase="connect", taken_from=11
            ),
            "Thêm điểm",
            "Xã 0 · mất kết nối · máy chủ từ chối kết nối TCP · chuyển từ sự cố 11",
        ),
        (event(EventKind.CHANGED, name="xa-0", status="up", reason="ok"), "Đổi trạng thái", "Xã 0 · hoạt động"),
        (
            event(EventKind.RELEASED, name="xa-0", why="moved", to=12),
            "Hết bị ảnh hưởng",
            "Xã 0 · chuyển sang sự cố khác · sự cố 12",
        ),
        (event(EventKind.FLAPPING, name="xa-0"), "Bắt đầu chập chờn", "Xã 0"),
        (event(EventKind.EVIDENCE, evidence={"said": "DNS tốt"}), "Thu bằng chứng", "DNS tốt"),
        (
            event(EventKind.TOLD, what="opened", channel="inbox", late_seconds=720),
            "Đã báo",
            "sự cố mới · kênh inbox · gửi muộn 12 phút",
        ),
        (event(EventKind.TOLD, what="else"), "Đã báo", ""),
        (event(EventKind.ACKNOWLEDGED, actor="Hà", ticket="T1"), "Nhận xử lý", "phiếu T1"),
        (event(EventKind.NOTED, actor="Hà", text="Đang nối cáp."), "Ghi chú", "Đang nối cáp."),
        (event(EventKind.SILENCED, until=""), "Tạm ngừng báo", "tới khi phục hồi"),
        (event(EventKind.SILENCED, until="2026-11-24T01:00:00+00:00"), "Tạm ngừng báo", "đến ngày mai 08:00"),
        (event(EventKind.SILENCED, lifted=True), "Tạm ngừng báo", "báo lại như thường"),
        (
            event(
                EventKind.SILENCED_ELSEWHERE,
                actor="Hà",
                text="thay cáp",
                channel="am",
                silence="s",
                until="2026-11-23T05:00:00+00:00",
            ),
            "Im lặng ở Alertmanager",
            "kênh am · đến 12:00 · thay cáp",
        ),
        (
            event(EventKind.SILENCED_ELSEWHERE, channel="am", silence="s", until="", ended=True, why="lifted"),
            "Im lặng ở Alertmanager",
            "kênh am · đã gỡ",
        ),
        (
            event(EventKind.TOLD_ELSEWHERE, receiver="duty", status="firing", group={"incident": "12", "a": "b"}),
            "Alertmanager đã báo",
            "nơi nhận duty · đang xảy ra · nhóm a=b, incident=12",
        ),
        (
            event(EventKind.TOLD_ELSEWHERE, receiver="duty", status="resolved", group={}),
            "Alertmanager đã báo",
            "nơi nhận duty · đã hết",
        ),
        (event(EventKind.CLASSIFIED, resolution="cable"), "Nguyên nhân", "Đứt cáp"),
        (event(EventKind.TAKEN_OVER, into="u", number=12), "Gộp vào sự cố khác", "sự cố 12"),
        (event(EventKind.RECOVERED, not_before="2026-11-23T03:05:00+00:00"), "Phục hồi", ""),
        (event(EventKind.CLOSED, why="superseded"), "Đóng sự cố", "đã gộp vào sự cố khác"),
    ],
)
def test_events_in_words(happened: IncidentEvent, title: str, text: str) -> None:
    (line,) = timeline.timeline([happened], setting(*communes(2)))
    assert (line.title, line.text, line.actor) == (title, text, happened.actor)
    if happened.kind is EventKind.RECOVERED:
        assert line.when == "giữa 10:05 và 10:14"


def test_every_kind_of_event_has_words() -> None:
    assert set(timeline.TITLES) == set(EventKind)
    assert set(MessageKind) <= set(timeline.MESSAGES)


def test_many_points_at_once_are_one_line_and_the_newest_is_first() -> None:
    joined = [
        event(EventKind.JOINED, name=f"xa-{number}", ago=12 - number, status="unreachable") for number in range(4)
    ]
    lines = timeline.timeline(
        [event(EventKind.OPENED), *joined, event(EventKind.NOTED, text="x")], setting(*communes(4))
    )
    assert [line.title for line in lines] == ["Ghi chú", "Mở sự cố", "Thêm điểm"]
    assert (lines[2].text, lines[2].when) == ("4 điểm: Xã 0, Xã 1, Xã 2, Xã 3", "10:02:26")


def test_how_it_ended_and_how_long_it_is_silent() -> None:
    seen = setting(view())
    open_one = incident(1, WARD, touched("xa-minh-chau"))
    assert (timeline.closing(open_one, seen), timeline.silenced(open_one, seen)) == ("", "")
    over = replace(open_one, closed=NOW, recovered=NOW, resolution="power")
    assert timeline.closing(over, seen) == "phục hồi 10:14:26 · Mất điện"
    removed = replace(open_one, closed=NOW, closed_why="removed")
    assert timeline.closing(removed, seen) == "đóng 10:14:26: bị bỏ khỏi cấu hình"
    assert (
        timeline.silenced(replace(open_one, silenced_until=datetime.max.replace(tzinfo=UTC)), seen)
        == "tới khi phục hồi"
    )
    assert timeline.silenced(replace(open_one, silenced_until=NOW + timedelta(hours=1)), seen) == "đến 11:14"
    assert timeline.silenced(replace(open_one, silenced_until=NOW), seen) == ""


def tried(reason: Reason, **values: Any) -> dict[str, Any]:
    return {"ok": reason is Reason.OK, "seconds": 0.002, "reason": reason.value, "detail": "", **values}


def found(**values: Any) -> proof.Sample:
    sample = {"point": "xa-0", "host": "h", "address": "10.0.0.1", "begun": NOW.isoformat(), "seconds": 4.1, **values}
    (made,) = proof.samples({"samples": [sample]}, setting(*communes(1)))
    return made


def test_evidence_as_a_table() -> None:
    made = found(
        resolution=[tried(Reason.OK, server="10.0.0.53:53")],
        tcp=[tried(Reason.REFUSED, endpoint="link", port=443)],
        ping={**tried(Reason.LOSS), "sent": 5, "received": 4, "rtt_seconds": 0.011},
        tls=[
            tried(Reason.OK, endpoint="link", port=443, expires="2027-01-23T00:00:00+00:00"),
            tried(Reason.STALLED, port=8443),
        ],
        path={
            "hops": [{"hop": 1, "address": "10.1.1.1", "seconds": 0.001}, {"hop": 2, "address": "", "seconds": None}],
            "reached": False,
            "trouble": "",
        },
        last_good=[{"endpoint": "link", "begun": NOW.isoformat(), "seconds": 0.018, "address": "10.0.0.1"}],
    )
    assert (made.point, made.name, made.address, made.took) == ("xa-0", "Xã 0", "h · 10.0.0.1", "4,1 giây")
    assert [(each.bucket, each.name, each.text) for each in made.findings] == [
        ("stable", "Phân giải", "2 ms · 10.0.0.53:53"),
        ("degraded", "Ping", "mất 20 % · trung bình 11 ms"),
        ("down", "TCP 443", "máy chủ từ chối kết nối · Đường truyền"),
        ("stable", "TLS 443", "2 ms · chứng thư đến 23/01/2027"),
        ("unknown", "TLS 8443", "máy giám sát bị khựng trong lúc dò"),
        ("down", "Đường đi", "dừng ở 10.1.1.1 (vòng 1)"),
        ("", "Đường truyền", "lần tốt cuối 10:14:26, 18 ms"),
    ]
    assert [(hop.number, hop.address, hop.time) for hop in made.hops] == [(1, "10.1.1.1", "1 ms"), (2, "", "")]


def test_evidence_that_could_not_be_had() -> None:
    denied = {**tried(Reason.PERMISSION), "sent": 0, "received": 0, "rtt_seconds": None}
    lost = {**tried(Reason.LOSS), "sent": 5, "received": 0, "rtt_seconds": None}
    assert found(ping=denied).findings[0].bucket == "unknown"
    assert found(ping=lost).findings[0] == proof.Finding("down", "Ping", "mất 100 %")
    silent = found(path={"hops": [], "reached": False, "trouble": ""}).findings[0]
    assert (silent.bucket, silent.text) == ("unknown", "không thiết bị nào dọc đường trả lời")
    there = found(path={"hops": [{"hop": 5, "address": "10.0.0.1", "seconds": 0.01}], "reached": True, "trouble": ""})
    assert there.findings[0] == proof.Finding("stable", "Đường đi", "tới đích ở vòng 5")
    assert proof.samples(None, setting()) == ()


def letter(*outcomes: tuple[DeliveryOutcome, int, str, str]) -> letters.Note:
    message = Message(
        id="m",
        incident="u",
        kind=MessageKind.OPENED,
        channel="mail",
        route="all",
        created_at=NOW,
        due_at=NOW,
        payload={"number": 412},
    )
    deliveries = [
        Delivery(message="m", at=NOW + timedelta(minutes=late), outcome=outcome, attempt=1, title=title, detail=detail)
        for outcome, late, title, detail in outcomes
    ]
    (note,) = letters.letters([Letter(message=message, deliveries=deliveries)], setting())
    return note


def test_letters() -> None:
    sent = letter((DeliveryOutcome.DELIVERED, 12, "Ba Vì mất kết nối", ""))
    assert (sent.kind, sent.number, sent.channel, sent.outcome) == ("sự cố mới", 412, "mail", "đã gửi")
    assert (sent.late, sent.title, sent.trouble, sent.bucket) == ("gửi muộn 12 phút", "Ba Vì mất kết nối", "", "stable")
    failed = letter((DeliveryOutcome.FAILED, 0, "x", "refused"))
    assert (failed.outcome, failed.trouble, failed.late) == ("chưa gửi được, sẽ gửi lại", "refused", "")
    assert letter().outcome == "đang chờ gửi"
    assert letter((DeliveryOutcome.DELIVERED, 0, "", "")).late == ""


def sent(name: str, text: str, **payload: Any) -> Letter:
    message = Message(
        id=name, incident="u", kind=MessageKind.OPENED, channel="mail", route="all", created_at=NOW, due_at=NOW,
        payload=payload,
    )  # fmt: skip
    at = NOW + timedelta(seconds=2)
    delivery = Delivery(message=name, at=at, outcome=DeliveryOutcome.DELIVERED, attempt=1, text=text)
    return Letter(message=message, deliveries=[delivery])


def test_what_was_said_is_shown_in_its_short_form_too() -> None:
    forms = ShortForms(lambda: Alerts(url="http://wall"))

    def short(*found: Letter) -> list[str]:
        return [each.short for each in letters.letters(found, setting(), short=forms.say)]

    (said,) = short(sent("a", "long", **facts()))
    assert said.startswith("Phuong Ba Dinh")
    assert len(said) <= 160
    assert short(sent("a", said, **facts())) == [""], "it was said so"
    assert short(sent("a", "both", **facts()), sent("b", "both", **facts())) == ["", ""], "a digest's own is not kept"
    assert short(sent("a", "long", number=4)) == [""], "too little is known of it"
    late = forms.say(sent("a", "long", **facts()).message, timedelta(minutes=12))
    assert "gui muon 12 phut" in late.lower()


def window(name: str, begin: timedelta, lasts: timedelta, **values: Any) -> Window:
    return Window(id=name, name=name, begin=NOW + begin, duration=lasts, **values)


def test_planned_work() -> None:
    hour = timedelta(hours=1)
    windows = [
        window("a", -hour, 2 * hour, points=("xa-0",)),
        window("b", -hour, 30 * 24 * hour, points=("xa-0", "xa-1")),
        window("c", 26 * hour, 2 * hour, areas=("ba-vi",)),
        window("d", -3 * hour, hour, points=("xa-0",)),
    ]
    seen = setting(*communes(2))
    assert [(work.name, work.url, work.text) for work in planned.under_way(windows, seen)] == [
        ("Xã 0", "/points/xa-0", "đến 11:14"),
        ("b", "", "còn dài"),
    ]
    coming = planned.coming(windows, seen)
    assert coming is not None
    assert (coming.name, coming.url, coming.text) == (
        "Khu vực Ba Vì",
        "/points?area=ba-vi",
        "ngày mai 12:14, trong 2 giờ",
    )
    assert planned.coming(windows[:1], seen) is None


def joined(status: Status) -> IncidentEvent:
    return event(EventKind.JOINED, name="xa-minh-chau", status=status.value, reason="ok")


@pytest.mark.parametrize(
    ("worst", "title"), [(Status.UP, "Xã Minh Châu chập chờn"), (Status.FAULTY, "Xã Minh Châu lỗi dịch vụ")]
)
def test_an_incident_that_only_flapped_says_so_when_it_is_over(worst: Status, title: str) -> None:
    over = incident(
        7, WARD, touched("xa-minh-chau", Status.UP, reason=Reason.OK, until=NOW), severity=Severity.WARNING, closed=NOW
    )
    events = [joined(Status.UP), event(EventKind.FLAPPING, name="xa-minh-chau"), joined(worst)]
    told = as_it_was(over, events)
    assert told is not None
    assert case(told, setting(view())).title == title
    assert as_it_was(replace(over, closed=None), events) == replace(over, closed=None), "it may yet do anything"
    assert as_it_was(None, ()) is None
