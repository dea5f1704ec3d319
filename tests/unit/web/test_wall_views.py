"""What the wall, its headline, its panel and the list say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.board import PointView
from monitor.config.model import Area, Config, Location
from monitor.incidents.model import Incident
from monitor.language.words import Words
from monitor.ledger import Uptime
from monitor.model import Fault, FaultKind, Reason, Status
from monitor.web import listing, wall
from monitor.web.headline import Headline, headline
from tests.unit.web.samples import (
    NOW,
    config,
    down,
    endpoint,
    incident,
    point,
    result,
    service,
    setting,
    touched,
    verdict,
    view,
)

VI, EN = Words("vi"), Words("en")


def wards(count: int, *, broken: int = 0, **values: object) -> list[PointView]:
    return [
        (down if number < broken else view)(point(f"Xã {number}", id=f"xa-{number}", **values))
        for number in range(count)
    ]


def said(
    *views: PointView,
    tone: str = "stable",
    words: Words = VI,
    started: timedelta = timedelta(hours=3),
    incidents: Sequence[Incident] = (),
) -> Headline:
    return headline(verdict(*views, tone=tone, started=started), incidents, setting(*views, words=words))


def test_all_stable() -> None:
    services = [service(f"Dịch vụ {number}", f"s{number}") for number in range(7)]
    line = said(*wards(156), *services)
    assert (line.icon, line.text, line.rest) == ("stable", "Tất cả 156 điểm hoạt động ổn định", "")
    assert line.below == "Không có sự cố. Bảy dịch vụ dùng chung đều ổn định."
    assert line.title == "156/156 ổn định"
    assert said(*wards(156), words=EN).text == "All 156 points stable"


def test_trouble_counts_and_names_the_worst() -> None:
    line = said(*wards(10, broken=1), tone="down")
    assert (line.text, line.rest) == ("9/10 điểm hoạt động ổn định", "1 cần xử lý")
    assert line.below == "Nặng nhất: Xã 0 mất kết nối từ 10:02, hết thời gian chờ kết nối TCP"
    assert line.title == "(1) 9/10 ổn định"
    assert not line.long


AREA_FAULT = Fault(FaultKind.LABEL, "area=ba-vi")


def cut(count: int, fault: Fault, status: Status = Status.UNREACHABLE) -> Incident:
    return incident(412, fault, *(touched(f"xa-{number}", status) for number in range(count)))


@pytest.mark.parametrize(
    ("broken", "below"),
    [
        (4, "Nặng nhất: cả 4 xã khu vực Ba Vì mất kết nối từ 10:02, do đường truyền khu vực"),
        (3, "Nặng nhất: 3 xã khu vực Ba Vì mất kết nối từ 10:02, do đường truyền khu vực"),
        (2, "Nặng nhất: Khu vực Ba Vì mất kết nối từ 10:02, 2 xã bị ảnh hưởng"),
    ],
)
def test_several_of_an_area_are_named_together(broken: int, below: str) -> None:
    branch = view(point("Chi nhánh", id="cn", kind="branch"))
    line = said(*wards(4, broken=broken, unit_type="xa"), branch, tone="down", incidents=[cut(broken, AREA_FAULT)])
    assert (line.rest, line.below) == ("1 sự cố", below)


def test_a_hub_that_is_down_concerns_the_whole_network() -> None:
    hub = down(point("Hub Trung tâm", kind="hub", id="hub"))
    fault = incident(7, Fault(FaultKind.POINT, "hub"), touched("hub"), *cut(4, AREA_FAULT).affected.values())
    line = said(*wards(4, broken=4), hub, tone="down", incidents=[fault])
    assert line.below == "Toàn mạng: Hub Trung tâm mất kết nối từ 10:02, 4 phường, xã bị ảnh hưởng"
    assert line.title == "(1) 0/4 ổn định"


def test_nearly_all_are_cut_off() -> None:
    line = said(*wards(4, broken=4), tone="down", incidents=[cut(4, Fault(FaultKind.NETWORK))])
    assert line.below == "Toàn mạng mất kết nối từ 10:02, 4 phường, xã bị ảnh hưởng"


def test_a_monitor_that_is_cut_off_says_nothing_of_anybody() -> None:
    ours = cut(4, Fault(FaultKind.VANTAGE), Status.UNKNOWN)
    line = said(*wards(4, broken=4), tone="down", incidents=[ours])
    assert (line.icon, line.rest) == ("unknown", "")
    assert line.text == "Chưa xác định: máy giám sát mất mạng phía mình từ 10:02"
    assert line.title == "(1) Chưa xác định"


def test_an_incident_of_one_point_says_why() -> None:
    own = incident(9, Fault(FaultKind.POINT, "xa-0"), touched("xa-0", Status.DOWN))
    line = said(*wards(4, broken=1), tone="down", incidents=[own])
    assert line.below == "Nặng nhất: Xã 0 mất kết nối từ 10:02, hết thời gian chờ kết nối TCP"
    flaps = replace(own, flapping=frozenset({"xa-0"}))
    assert said(*wards(4, broken=1), tone="down", incidents=[flaps]).below == "Nặng nhất: Xã 0 chập chờn từ 10:02"


def test_only_a_shared_service() -> None:
    slow = service("tổng đài 19001009", "hotline", Status.DEGRADED, reason=Reason.LATENCY)
    slow = replace(
        slow, endpoints=tuple(replace(each, last=result(each.endpoint.key, latency=3.2)) for each in slow.endpoints)
    )
    line = said(*wards(5), slow, tone="amber")
    assert line.text == "Tất cả 5 điểm hoạt động ổn định"
    assert line.rest == "tổng đài 19001009 chậm 3,2 giây"
    assert line.icon == "degraded"


@pytest.mark.parametrize(
    ("fresh", "started", "text"),
    [
        (5, timedelta(minutes=1), "5 điểm đang hoạt động, chưa đủ 5 phút"),
        (2, timedelta(minutes=1), "5 điểm đang hoạt động, chưa đủ 5 phút"),
        (2, timedelta(hours=1), "3/5 điểm hoạt động ổn định"),
    ],
)
def test_after_a_start_and_after_a_recovery(fresh: int, started: timedelta, text: str) -> None:
    views = [replace(each, stable=number >= fresh) for number, each in enumerate(wards(5))]
    line = said(*views, tone="fresh", started=started)
    assert line.text == text
    assert (f"{fresh} điểm hoạt động chưa đủ 5 phút." in line.below) == (fresh < 5)


def test_nothing_known_and_nothing_declared() -> None:
    unknown = [replace(each, status=Status.UNKNOWN, stable=False) for each in wards(3)]
    line = said(*unknown, tone="unknown")
    assert (line.text, line.rest) == ("Chưa xác định: chưa có kết quả dò của 3 điểm", "")
    assert line.below == "Đang chờ kết quả dò đầu tiên."
    assert said(view(point(declared=False)), tone="unknown").text == "Chưa có điểm nào được khai báo"


def test_some_services_are_not_well() -> None:
    views = [*wards(2), service("A", "a"), service("B", "b", Status.UNOBSERVED, stable=False)]
    calm = replace(verdict(*views), troubled=())
    assert headline(calm, (), setting(*views)).below.endswith("1/2 dịch vụ dùng chung ổn định.")


def test_counts_are_exclusive_and_sum_to_n() -> None:
    views = [*wards(6, broken=2), view(point(id="u", declared=False)), service("A", "a")]
    counts = wall.counts(views, VI, config(*views))
    assert sum(count.number for count in counts) == 6
    assert [count.key for count in counts] == list("12345678")
    assert "fresh" not in [count.bucket for count in counts]
    views[5] = replace(views[5], stable=False)
    assert [count.bucket for count in wall.counts(views, VI, config(*views))][:2] == ["stable", "fresh"]


def test_a_cell_reads_from_north_to_south_and_west_to_east() -> None:
    def ward(name: str, latitude: float, longitude: float) -> PointView:
        return view(point(f"Phường {name}", id=name, location=Location(latitude=latitude, longitude=longitude)))

    views = [
        ward("Láng", 21.0211, 105.806),
        ward("Ô Chợ Dừa", 21.0243, 105.826),
        ward("Văn Miếu - Quốc Tử Giám", 21.0199, 105.837),
        ward("Đống Đa", 21.0119, 105.822),
        ward("Kim Liên", 21.0057, 105.832),
    ]
    (cell,) = wall.cells({each.point.id: each for each in views}, VI, config(*views), NOW, {})
    assert [tile.name for tile in cell.tiles] == ["Láng", "Ô Chợ Dừa", "Văn Miếu - Quốc Tử Giám", "Đống Đa", "Kim Liên"]
    assert [tile.wide for tile in cell.tiles] == [False, False, True, False, False]
    assert not cell.tall


def test_a_cell_shows_its_worst_and_how_many() -> None:
    views = [*wards(8, broken=2), view(point("Chi nhánh khu vực Ba Vì", id="cn", kind="branch"))]
    (cell,) = wall.cells({each.point.id: each for each in views}, VI, config(*views), NOW, {})
    assert (cell.frame, cell.troubled, cell.alarm, cell.tall) == ("down", "2/9", False, True)
    assert cell.branches[0].label == "CN, Chi nhánh khu vực Ba Vì, ổn định"
    assert len(cell.all_tiles) == 9
    views = [*wards(8, broken=8)]
    (cell,) = wall.cells({each.point.id: each for each in views}, VI, config(*views), NOW, {})
    assert (cell.troubled, cell.alarm) == ("", True)
    assert cell.tiles[0].label == "Xã 0, mất kết nối, từ 10:02"


def test_names_that_need_small_type() -> None:
    def tile(name: str, **values: object) -> wall.Tile:
        views = [view(point(f"Xã {name}"), **values)]  # type: ignore[arg-type]
        (cell,) = wall.cells({"x": views[0]}, VI, config(*views), NOW, {})
        return cell.tiles[0]

    assert not tile("Tiến Thắng").long
    assert tile("Tiến Thắng", status=Status.DOWN).long
    assert tile("Chương Dương").long
    assert "chuong duong ba vi" in tile("Chương Dương").words


def test_lines() -> None:
    well = service("iHanoi", "i")
    well = replace(well, endpoints=tuple(replace(each, last=result(each.endpoint.key)) for each in well.endpoints))
    assert wall.line(well, VI, NOW).value == "ổn định · 20 ms"
    assert wall.line(replace(well, stable=False), VI, NOW).value == "hoạt động · 20 ms"
    assert wall.line(service("iHanoi", "i"), VI, NOW).value == "ổn định"
    broken = wall.line(down(point("Hub", kind="hub", id="hub")), VI, NOW)
    assert (broken.value, broken.since) == ("mất kết nối", NOW - timedelta(minutes=12))
    assert wall.line(view(point("Hub", kind="hub", declared=False)), VI, NOW).value == "chưa khai báo"


@pytest.mark.parametrize(
    ("status", "values", "bucket"),
    [
        (Status.UP, {}, "stable"),
        (Status.UP, {"stable": False}, "fresh"),
        (Status.UP, {"flapping": True}, "flapping"),
        (Status.DOWN, {"maintenance": True}, "maintenance"),
        (Status.UNREACHABLE, {}, "unreachable"),
        (Status.DEGRADED, {}, "degraded"),
        (Status.UNKNOWN, {}, "unknown"),
    ],
)
def test_buckets(status: Status, values: dict[str, object], bucket: str) -> None:
    assert wall.bucket(view(None, status, **values)) == bucket  # type: ignore[arg-type]


def test_the_picture_is_late_after_ten_seconds_and_later_where_little_is_due() -> None:
    one = config(view())
    assert wall.late_after(one) == timedelta(seconds=10 + 45)
    assert wall.late_after(Config()) == timedelta(seconds=10)


def test_uptimes_together_weigh_by_time() -> None:
    def uptime(**hours: float) -> Uptime:
        by_status = {Status(name): timedelta(hours=each) for name, each in hours.items()}
        total = sum(by_status.values(), timedelta())
        return Uptime(connectivity=None, service=None, coverage=0.5, observed=total, by_status=by_status)

    both = wall.together([uptime(up=9, down=1), uptime(up=80, faulty=10, unknown=50)])
    assert both is not None
    assert both.connectivity == pytest.approx(0.99)
    assert both.service == pytest.approx(0.89)
    assert both.coverage == 0.5
    assert wall.together([]) is None
    nothing = wall.together([uptime(unknown=1)])
    assert nothing is not None
    assert nothing.connectivity is None


def test_an_incident_s_number_is_on_the_area_and_in_the_tile_s_name() -> None:
    views = [*wards(3, broken=2)]
    (cell,) = wall.cells({each.point.id: each for each in views}, VI, config(*views), NOW, {"xa-1": 412, "xa-0": 409})
    assert (cell.number, [tile.number for tile in cell.tiles]) == (412, [409, 412, 0])
    assert cell.tiles[1].label == "Xã 1, mất kết nối, sự cố 412, từ 10:02"


def test_time_in_maintenance_counts_for_no_uptime() -> None:
    spent = {Status.UP: timedelta(hours=9), Status.DOWN: timedelta(hours=2)}
    each = Uptime(
        connectivity=None, service=None, coverage=1.0, observed=timedelta(hours=11), by_status=spent,
        in_maintenance={Status.DOWN: timedelta(hours=1)},
    )  # fmt: skip
    both = wall.together([each])
    assert both is not None
    assert both.connectivity == pytest.approx(0.9)


def listed(*views: PointView, **query: str) -> listing.Listing:
    return listing.listing({each.point.id: each for each in views}, config(*views), VI, query, NOW)


def test_the_list_is_worst_first_and_narrows() -> None:
    views = [
        view(point("Phường Cửa Nam", id="phuong-cua-nam", code="00082", area="")),
        down(point("Xã Cũ", id="cu"), since=timedelta(hours=2)),
        down(point("Xã Mới", id="moi"), since=timedelta(minutes=1)),
        view(point("Xã Chưa", id="chua", declared=False)),
    ]
    assert [row.id for row in listed(*views).rows] == ["moi", "cu", "phuong-cua-nam", "chua"]
    assert [row.id for row in listed(*views, q="cua nam").rows] == ["phuong-cua-nam"]
    assert [row.id for row in listed(*views, status="trouble").rows] == ["moi", "cu"]
    assert [row.id for row in listed(*views, status="undeclared").rows] == ["chua"]
    assert listed(*views, status="undeclared").rows[0].hosts == ("chua.lienthong.example:7443",)
    found = listed(*views, area="ba-vi")
    assert found.area == "Ba Vì"
    assert [(choice.value, choice.number) for choice in found.choices] == [
        ("", 3),
        ("trouble", 2),
        ("down", 2),
        ("undeclared", 1),
    ]


def test_an_area_without_points_is_an_empty_cell() -> None:
    empty = Config(areas=(Area(id="x", name="X", column=1, row=1),))
    (cell,) = wall.cells({}, VI, empty, NOW, {})
    assert (cell.tiles, cell.frame, cell.troubled) == ((), "", "")


def test_an_endpoint_that_is_not_the_link_says_nothing_of_the_line() -> None:
    subject = replace(point(), endpoints=(endpoint("xa-minh-chau", "portal"),))
    assert wall.link_latency(view(subject, last=[result(subject.endpoints[0].key)])) is None
