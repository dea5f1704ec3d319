"""SLA: what was promised and what was kept, by area and month, from the ledger's closed days."""

from __future__ import annotations

from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel
from grafana_foundation_sdk.models.common import BigValueTextMode

from dashboards import sql
from dashboards.colours import BAD, GOOD, LATE, named, steps, yes_no
from dashboards.frame import frame, promised, section, several, stored
from dashboards.panels import POINT, field, figure, lines, rows, transform
from dashboards.queries import Sql, of, prom

PROMISED: Final = steps(BAD, (0.99, LATE), (0.995, GOOD))
RATIO: Final[dict[str, Any]] = {"unit": "percentunit", "decimals": 3}
_STEPS: Final = {
    "mode": "absolute",
    "steps": [{"color": BAD, "value": None}, {"color": LATE, "value": 0.99}, {"color": GOOD, "value": 0.995}],
}
COLOURED: Final[dict[str, Any]] = {**RATIO, "thresholds": _STEPS, "custom__cellOptions": {"type": "color-text"}}
FIGURES: Final = (
    field("connectivity", displayName="Kết nối", **COLOURED),
    field("service", displayName="Dịch vụ", **COLOURED),
    field("own_connectivity", displayName="Kết nối, trừ lỗi nơi khác", **RATIO),
    field("coverage", displayName="Độ phủ", unit="percentunit", decimals=1),
    field("cut", displayName="Mất kết nối", unit="s"),
    field("budget", displayName="Ngân sách lỗi còn lại", unit="percentunit", decimals=1),
    field(
        "met", displayName="Cam kết", mappings=yes_no("Đạt", "Không đạt"), custom__cellOptions={"type": "color-text"}
    ),
    field("points", displayName="Số điểm"),
    field("area", displayName="Khu vực"),
    field("month", displayName="Tháng"),
)


def dashboard() -> Dashboard:
    """Figures that the API gives as well: a test holds the two together."""
    made = frame(
        "lienthong-sla",
        "Liên thông: SLA",
        "Tỷ lệ kết nối và dịch vụ theo khu vực và tháng so với mục tiêu trong cấu hình. Cộng từ các ngày đã chốt "
        "trong sổ thời gian; ngày chưa kết thúc chưa có ở đây.",
        begin="now-2M/M",
        refresh="5m",
    )
    for variable in (
        several(stored("kind", "Loại điểm", sql.KINDS)),
        several(stored("area", "Khu vực", sql.AREAS.strip())),
        promised("connectivity", "Mục tiêu kết nối"),
        promised("service", "Mục tiêu dịch vụ"),
    ):
        made = made.with_variable(variable)
    made = section(made, "", _promise(), _kept(), _looked_at())
    made = section(made, "Theo khu vực và tháng", _table(), _matrix(), _daily())
    return section(made, "Theo điểm", _points())


def _promise() -> Panel:
    said = {"connectivity": "Kết nối", "service": "Dịch vụ"}
    ratio = f"max by (measure) ({of('lienthong_slo_ratio')})"
    return figure(
        "Mục tiêu",
        "Mục tiêu kết nối và dịch vụ đang có hiệu lực, lấy từ mục slo trong cấu hình của máy giám sát.",
        [prom(ratio, "{{measure}}", kind="instant")],
        unit="percentunit",
        width=8,
        decimals=2,
        text=BigValueTextMode.VALUE_AND_NAME,
        overrides=[named(measure, text) for measure, text in said.items()],
    )


def _kept() -> Panel:
    return figure(
        "Thực hiện trong khoảng đang xem",
        "Tỷ lệ kết nối và dịch vụ của mọi điểm đã chọn, cộng thời gian của tất cả các ngày đã chốt. Thời gian bảo "
        "trì, chưa xác định và không được đo không tính.",
        [Sql(sql.KEPT)],
        unit="percentunit",
        thresholds=PROMISED,
        width=8,
        decimals=3,
        text=BigValueTextMode.VALUE_AND_NAME,
        overrides=[named("connectivity", "Kết nối"), named("service", "Dịch vụ")],
    )


def _looked_at() -> Panel:
    return figure(
        "Cơ sở của số liệu",
        "Phần thời gian đã được đo và tính, số điểm và số ngày đã chốt trong khoảng đang xem.",
        [Sql(sql.LOOKED_AT)],
        unit="short",
        width=8,
        text=BigValueTextMode.VALUE_AND_NAME,
        overrides=[
            field("coverage", displayName="Độ phủ", unit="percentunit", decimals=1),
            field("points", displayName="Số điểm"),
            field("days", displayName="Số ngày đã chốt"),
        ],
    )


def _table() -> Panel:
    return rows(
        "Khu vực và tháng",
        "Mỗi dòng là một khu vực trong một tháng: tỷ lệ, thời gian mất kết nối cộng của các điểm, phần ngân sách lỗi "
        "còn lại và có đạt cả hai mục tiêu hay không. Tháng này chỉ gồm các ngày đã chốt.",
        [Sql(sql.BY_AREA_AND_MONTH)],
        width=24,
        height=14,
        overrides=FIGURES,
    )


def _matrix() -> Panel:
    return rows(
        "Kết nối: khu vực theo tháng",
        "Cùng tỷ lệ kết nối, mỗi tháng một cột. Màu theo mục tiêu: xanh từ 99,5 %, vàng từ 99 %, đỏ khi thấp hơn.",
        [Sql(sql.MONTHS_BY_AREA)],
        unit="percentunit",
        width=12,
        height=14,
        transformations=[
            transform("groupingToMatrix", rowField="area", columnField="month", valueField="connectivity")
        ],
        overrides=[field("area\\month", displayName="Khu vực")],
        regexps=[field("/^\\d{4}-\\d{2}$/", **{**COLOURED, "custom__cellOptions": {"type": "color-background"}})],
    )


def _daily() -> Panel:
    return lines(
        "Kết nối từng ngày theo khu vực",
        "Tỷ lệ kết nối của mỗi ngày đã chốt, theo khu vực.",
        [Sql(sql.BY_DAY, "time_series")],
        unit="percentunit",
        width=12,
        height=14,
        least=None,
        most=1,
    )


def _points() -> Panel:
    page = [
        {"title": "Mở điểm này", "url": POINT.format("${__data.fields.point}")},
        {"title": "Xem trên màn hình trực", "url": "${wall_url}/points/${__data.fields.point}", "targetBlank": True},
    ]
    return rows(
        "Điểm, thấp nhất trước",
        "Các điểm đã chọn xếp theo tỷ lệ kết nối trong khoảng đang xem; bấm vào tên để mở điểm.",
        [Sql(sql.BY_POINT)],
        width=24,
        height=16,
        overrides=[
            *FIGURES,
            field("point", displayName="Mã điểm", custom__width=180),
            field("name", displayName="Điểm", links=page),
        ],
    )
