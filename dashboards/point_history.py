"""Điểm: what history says of one point."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Panel

from dashboards import sql
from dashboards.colours import BAD, COLOURS, said_mappings, words
from dashboards.panels import field, lines, rows
from dashboards.queries import POSTGRES, Sql, prom


def marks() -> list[AnnotationQuery]:
    made = []
    for name, question, colour in (
        ("Mốc trạng thái", sql.TRANSITIONS_MARKED, COLOURS["maintenance"]),
        ("Mốc sự cố", sql.INCIDENTS_MARKED, BAD),
    ):
        mark = AnnotationQuery().name(name).datasource(POSTGRES).enable(True).icon_color(colour)
        made.append(mark.target(Sql(question).ref_id(name)))
    return made


def incidents() -> Panel:
    page = [{"title": "Xem sự cố", "url": "${wall_url}/incidents/${__data.fields.number}", "targetBlank": True}]
    return rows(
        "Sự cố của điểm",
        "Các sự cố từng chạm đến điểm trong khoảng đang xem, mới nhất trước.",
        [Sql(sql.INCIDENTS_OF_POINT)],
        width=10,
        height=10,
        overrides=[
            field("number", displayName="Số", links=page, custom__width=70),
            field("severity", displayName="Mức độ", mappings=words(sql.SEVERITIES)),
            field("fault", displayName="Nguyên nhân nằm ở", mappings=words(sql.FAULTS)),
            field("began", displayName="Bắt đầu", unit="dateTimeAsIso"),
            field("closed", displayName="Khép lại", unit="dateTimeAsIso"),
            field("lasted", displayName="Kéo dài", unit="s"),
        ],
    )


def transitions() -> Panel:
    return rows(
        "Chuyển trạng thái",
        "Các lần chuyển trạng thái của điểm và các điểm cuối trong khoảng đang xem, mới nhất trước.",
        [Sql(sql.TRANSITIONS_OF_POINT)],
        width=14,
        height=10,
        overrides=[
            field("at", displayName="Lúc", unit="dateTimeAsIso"),
            field("endpoint", displayName="Điểm cuối", mappings=words({"": "cả điểm"})),
            field("previous", displayName="Trước đó", mappings=said_mappings()),
            field(
                "status",
                displayName="Trạng thái",
                mappings=said_mappings(),
                custom__cellOptions={"type": "color-text"},
            ),
            field("reason", displayName="Lý do"),
            field("detail", displayName="Chi tiết"),
        ],
    )


def days() -> Panel:
    return lines(
        "Từng ngày đã chốt",
        "Tỷ lệ kết nối, dịch vụ và độ phủ của mỗi ngày đã chốt; hãy chọn khoảng dài hơn một ngày.",
        [Sql(sql.DAYS_OF_POINT, "time_series")],
        unit="percentunit",
        least=None,
        most=1,
    )


def burn() -> Panel:
    windows = {"5m": "5 phút", "1h": "1 giờ", "6h": "6 giờ", "1d": "1 ngày"}
    return lines(
        "Tốc độ tiêu hao ngân sách lỗi của điểm",
        "Ngân sách lỗi của mục tiêu kết nối đang bị tiêu nhanh gấp mấy lần mức cho phép, theo các cửa sổ thời gian.",
        [prom(f'lienthong:burnrate:ratio_rate{window}{{point=~"$point"}}', text) for window, text in windows.items()],
        unit="none",
    )
