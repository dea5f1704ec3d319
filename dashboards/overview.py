"""Tổng quan: how everything is, and what is worst."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel
from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import ValueMapping

from dashboards import sql
from dashboards.colours import BAD, COLOURS, GOOD, LATE, WORDS, bucket_mappings, named, steps, words
from dashboards.frame import area, frame, kind, section
from dashboards.panels import (
    bars,
    field,
    figure,
    history,
    lines,
    map_of_points,
    rows,
    timeline,
    to_point,
    transform,
)
from dashboards.queries import POINTS, Sql, of, prom, state, with_area_names, with_names
from monitor.language.words import KINDS

WORST = 25
CHOSEN = of("lienthong_point_info", POINTS)
STATUS_NAMES = {"up": WORDS["stable"], **{name: WORDS[name] for name in ("degraded", "faulty", "unreachable", "down")}}
PROMISED = steps(BAD, (0.99, LATE), (0.995, GOOD))
SPENDING = steps(GOOD, (1, LATE), (6, COLOURS["faulty"]), (14.4, BAD))


def dashboard() -> Dashboard:
    """The home dashboard."""
    made = frame(
        "lienthong-tong-quan",
        "Liên thông: Tổng quan",
        "Tình trạng kết nối của mọi điểm: kết luận chung, các điểm xấu nhất, bản đồ, sự cố đang mở và mức sẵn sàng.",
        begin="now-6h",
    )
    made = made.with_variable(kind()).with_variable(area())
    made = section(made, "", _verdict(), _by_status(), _uptime("24h", "24 giờ"), _uptime("30d", "30 ngày"), _open())
    made = section(made, "Điểm xấu nhất và sự cố đang mở", _worst(), _incidents())
    kinds = _by("kind", "Theo loại điểm", "loại điểm")
    made = section(made, "Bản đồ, loại điểm và khu vực", _map(), kinds, _by_area())
    made = section(made, "Mức sẵn sàng và tốc độ tiêu hao ngân sách lỗi", _availability(), _burn(), _burning_areas())
    return section(made, "Mọi điểm", _all())


def _verdict() -> Panel:
    counted = f"sum({of('lienthong_points')})"
    stable = f"sum({of('lienthong_points', 'status=`stable`')})"
    bad = f"sum({of('lienthong_points', 'status=~`down|unreachable|faulty`')})"
    other = f"sum({of('lienthong_points', 'status!~`stable|maintenance`')})"
    level = (
        f"(clamp_max({bad}, 1) + clamp_max({other}, 1))\n"
        f'* on () group_left (stable) count_values("stable", {stable})\n'
        f'* on () group_left (total) count_values("total", {counted})'
    )
    return figure(
        "Kết luận",
        "Bao nhiêu phường, xã và chi nhánh hoạt động ổn định trên tổng số đang được đo. Xanh: không điểm nào có "
        "vấn đề ngoài kế hoạch bảo trì; vàng: có điểm suy giảm, chập chờn hoặc chưa rõ; đỏ: có điểm mất kết nối, bị "
        "ảnh hưởng hoặc lỗi dịch vụ.",
        [prom(level, "{{stable}}/{{total}} ổn định", kind="instant")],
        unit="none",
        thresholds=steps(GOOD, (1, LATE), (2, BAD)),
        width=6,
        text=BigValueTextMode.NAME,
        ground=True,
    )


def _by_status() -> Panel:
    return figure(
        "Theo trạng thái",
        "Số phường, xã và chi nhánh theo cách màn hình trực đếm: mỗi điểm đúng một trạng thái.",
        [prom(f"sum by (status) ({of('lienthong_points')})", "{{status}}", kind="instant")],
        unit="short",
        width=9,
        text=BigValueTextMode.VALUE_AND_NAME,
        overrides=[named(bucket, WORDS[bucket], COLOURS[bucket]) for bucket in WORDS],
    )


def _uptime(window: str, said: str) -> Panel:
    ratio = of("lienthong_point_uptime_ratio", "measure=`connectivity`", f"window=`{window}`")
    return figure(
        f"Kết nối {said}",
        f"Tỷ lệ kết nối trung bình của các điểm đã chọn trong {said} qua, theo sổ thời gian của máy giám sát; thời "
        "gian bảo trì và thời gian không đo được không tính.",
        [prom(f"avg({ratio} and on (point) {CHOSEN})", said, kind="instant")],
        unit="percentunit",
        thresholds=PROMISED,
        width=3,
        decimals=3,
    )


def _open() -> Panel:
    return figure(
        "Sự cố đang mở",
        "Số sự cố chưa khép lại, mọi mức độ.",
        [prom(f"sum({of('lienthong_incidents')})", "Sự cố", kind="instant")],
        unit="short",
        thresholds=steps(GOOD, (1, BAD)),
        width=3,
    )


def _worst() -> Panel:
    stable = of("lienthong_point_stable", POINTS)
    worst = f"bottomk({WORST}, avg_over_time({stable}[$__range] @ end()))"
    return timeline(
        "Diễn biến của các điểm xấu nhất",
        f"Trạng thái theo thời gian của {WORST} điểm kém ổn định nhất trong khoảng đang xem; bấm vào dải để mở điểm.",
        [prom(with_names(f"({state(POINTS)})\nand on (point) {worst}"), "{{name}}")],
        mappings=bucket_mappings(),
        links=to_point("${__field.labels.point}"),
        width=14,
        height=14,
    )


def _incidents() -> Panel:
    page = [{"title": "Xem sự cố", "url": "${wall_url}/incidents/${__data.fields.number}", "targetBlank": True}]
    return rows(
        "Danh sách sự cố đang mở",
        "Các sự cố chưa khép lại, mới nhất trước; bấm vào số để xem trên màn hình trực.",
        [Sql(sql.OPEN_INCIDENTS)],
        width=10,
        height=14,
        overrides=[
            field("number", displayName="Số", links=page, custom__width=70),
            field("severity", displayName="Mức độ", mappings=words(sql.SEVERITIES), custom__width=110),
            field("fault", displayName="Nguyên nhân nằm ở", mappings=words(sql.FAULTS)),
            field("subject", displayName="Đối tượng"),
            field("points", displayName="Số điểm"),
            field("began", displayName="Bắt đầu", unit="dateTimeAsIso", custom__width=170),
        ],
    )


def _map() -> Panel:
    placed = with_names(state(POINTS), "latitude", "longitude", of_those="latitude!=``")
    query = prom(placed, kind="table")
    return map_of_points(
        "Bản đồ các điểm",
        "Mỗi điểm ở đúng tọa độ của nó, theo màu của màn hình trực. Điểm chưa khai tọa độ không có trên bản đồ.",
        query,
        value="Value",
        width=10,
    )


def _by(label: str, title: str, said: str) -> Panel:
    counted = f"sum by ({label}, status) ({of('lienthong_point_status', POINTS)})"
    return _matrix(title, said, prom(counted, kind="table"), label, words(KINDS))


def _by_area() -> Panel:
    counted = with_area_names(f"sum by (area, status) ({of('lienthong_point_status', POINTS, 'area!=``')})")
    return _matrix("Theo khu vực", "khu vực", prom(counted, kind="table"), "name", [])


def _matrix(title: str, said: str, query: PrometheusQuery, label: str, mappings: list[ValueMapping]) -> Panel:
    return rows(
        title,
        f"Số điểm theo {said} và trạng thái.",
        [query],
        unit="short",
        width=7,
        height=16,
        transformations=[transform("groupingToMatrix", rowField=label, columnField="status", valueField="Value")],
        overrides=[
            *(named(status, text, COLOURS.get(status, GOOD)) for status, text in STATUS_NAMES.items()),
            named("unknown", WORDS["unknown"], COLOURS["unknown"]),
            field(f"{label}\\status", displayName=said.capitalize(), mappings=mappings),
        ],
    )


def _availability() -> Panel:
    windows = {"1h": "1 giờ", "1d": "1 ngày", "3d": "3 ngày"}
    return lines(
        "Mức sẵn sàng",
        "Phần thời gian quan sát được mà phường, xã và chi nhánh không mất kết nối, tính trượt theo các cửa sổ thời "
        "gian (luật ghi của Prometheus).",
        [prom(f"lienthong:availability_overall:ratio_rate{window}", said) for window, said in windows.items()],
        unit="percentunit",
        width=8,
        least=None,
        most=1,
    )


def _burn() -> Panel:
    windows = {"1h": "1 giờ (báo động từ 14,4)", "6h": "6 giờ (từ 6)", "1d": "1 ngày (từ 3)", "3d": "3 ngày (từ 1)"}
    return lines(
        "Tốc độ tiêu hao ngân sách lỗi",
        "Ngân sách lỗi của mục tiêu kết nối đang bị tiêu nhanh gấp mấy lần mức cho phép. Bằng 1: vừa hết vào cuối "
        "kỳ 30 ngày; 14,4 trong một giờ: hết 2 % ngân sách tháng.",
        [prom(f"lienthong:burnrate_overall:ratio_rate{window}", said) for window, said in windows.items()],
        unit="none",
        width=8,
        thresholds=SPENDING,
    )


def _burning_areas() -> Panel:
    return bars(
        "Khu vực tiêu hao nhanh nhất",
        "Mười khu vực có tốc độ tiêu hao ngân sách lỗi cao nhất trong một giờ qua.",
        [
            prom(
                with_area_names('topk(10, lienthong:burnrate_by_area:ratio_rate1h{area=~"$area"})'),
                "{{name}}",
                kind="instant",
            )
        ],
        unit="none",
        thresholds=SPENDING,
        decimals=1,
    )


def _all() -> Panel:
    return history(
        "Lịch sử trạng thái của mọi điểm",
        "Trạng thái của từng điểm đã chọn tại các mốc thời gian đều nhau; bấm vào một ô để mở điểm.",
        [prom(with_names(state(POINTS)), "{{name}}")],
        height=40,
    )
