"""Điểm: one point, from its present state down to each phase of its probes, with what history says of it."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    Panel,
    QueryVariable,
)
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from dashboards import sql
from dashboards.colours import (
    BAD,
    COLOURS,
    GOOD,
    LATE,
    bucket_mappings,
    bucket_steps,
    named,
    said_mappings,
    steps,
    words,
    yes_no,
)
from dashboards.frame import frame, query, row, several
from dashboards.panels import field, figure, lines, rows, timeline, transform
from dashboards.queries import JOB, POSTGRES, Sql, of, prom, state
from monitor.language.words import PHASES

POINT: Final = "point=~`$point`"
ENDPOINT: Final = "endpoint=~`$endpoint`"
PHASE_FAMILIES: Final = "__name__=~`probe_(http|icmp|dns)_duration_seconds|lienthong_probe_tcp_duration_seconds`"
WINDOWS: Final = {"1h": "1 giờ", "24h": "24 giờ", "7d": "7 ngày", "30d": "30 ngày"}
PROMISED: Final = steps(BAD, (0.99, LATE), (0.995, GOOD))
DAY_SECONDS: Final = 86_400


def dashboard() -> Dashboard:
    """One point."""
    made = frame(
        "lienthong-diem",
        "Liên thông: Điểm",
        "Một điểm: trạng thái, các điểm cuối, thời gian từng pha, mất gói, chứng chỉ, mức kết nối và lịch sử. Các "
        "lần chuyển trạng thái và sự cố được đánh dấu trên mọi đồ thị.",
        begin="now-24h",
    )
    made = made.with_variable(_point()).with_variable(_endpoint())
    page = DashboardLink("Điểm này trên màn hình trực").type(DashboardLinkType.LINK).icon("external link")
    made = made.link(page.url("${wall_url}/points/${point}").target_blank(True))
    for mark in _marks():
        made = made.annotation(mark)
    for panel in (_now(), _kept("connectivity", "Kết nối"), _kept("service", "Dịch vụ"), _coverage()):
        made = made.with_panel(panel)
    made = made.with_panel(_timeline()).with_panel(_probes())
    made = made.with_row(row("Điểm cuối")).with_panel(_endpoints()).with_panel(_duration())
    made = made.with_row(row("Thời gian từng pha")).with_panel(_phases())
    made = made.with_row(row("Chất lượng đường truyền")).with_panel(_loss()).with_panel(_round_trip())
    made = made.with_row(row("HTTP, tên miền và chứng chỉ"))
    for panel in (_codes(), _lookups(), _expiry(), _certificates()):
        made = made.with_panel(panel)
    made = made.with_row(row("Lịch sử")).with_panel(_incidents()).with_panel(_transitions()).with_panel(_days())
    return made.with_panel(_burn())


def _point() -> QueryVariable:
    asked = f"query_result(lienthong_point_info{{{JOB}}} and on (point) lienthong_point_status{{{JOB}}})"
    regex = '/[{,]name="(?<text>[^"]+)".*[{,]point="(?<value>[^"]+)"/'
    return query("point", "Điểm", asked, regex=regex)


def _endpoint() -> QueryVariable:
    asked = f"label_values(probe_success{{{JOB}, point=~`$point`}}, endpoint)"
    return several(query("endpoint", "Điểm cuối", asked), all_value=".*")


def _marks() -> list[AnnotationQuery]:
    made = []
    for name, question, colour in (
        ("Chuyển trạng thái", sql.TRANSITIONS_MARKED, COLOURS["maintenance"]),
        ("Sự cố", sql.INCIDENTS_MARKED, BAD),
    ):
        mark = AnnotationQuery().name(name).datasource(POSTGRES).enable(True).icon_color(colour)
        made.append(mark.target(Sql(question).ref_id(name)))
    return made


def _now() -> Panel:
    return figure(
        "Trạng thái",
        "Trạng thái hiện tại của điểm, như trên màn hình trực.",
        [prom(state(POINT), "{{point}}", kind="instant")],
        unit="none",
        thresholds=bucket_steps(),
        mappings=bucket_mappings(),
        ground=True,
    )


def _kept(measure: str, said: str) -> Panel:
    ratio = f"max by (window) ({of('lienthong_point_uptime_ratio', POINT, f'measure=`{measure}`')})"
    return figure(
        f"{said} theo cửa sổ",
        f"Tỷ lệ {said.lower()} của điểm trong 1 giờ, 24 giờ, 7 ngày và 30 ngày qua, theo sổ thời gian.",
        [prom(ratio, "{{window}}", kind="instant")],
        unit="percentunit",
        thresholds=PROMISED,
        width=8,
        decimals=3,
        text=BigValueTextMode.VALUE_AND_NAME,
        overrides=[named(window, text) for window, text in WINDOWS.items()],
    )


def _coverage() -> Panel:
    ratio = of("lienthong_point_uptime_coverage_ratio", POINT, "window=`30d`")
    return figure(
        "Độ phủ 30 ngày",
        "Phần của 30 ngày qua đã được đo và tính; các tỷ lệ bên cạnh chỉ nói về phần này.",
        [prom(f"max({ratio})", "Độ phủ", kind="instant")],
        unit="percentunit",
        decimals=1,
    )


def _timeline() -> Panel:
    return timeline(
        "Diễn biến trạng thái",
        "Trạng thái của điểm theo thời gian.",
        [prom(state(POINT), "Trạng thái")],
        mappings=bucket_mappings(),
        height=4,
    )


def _probes() -> Panel:
    return timeline(
        "Diễn biến từng điểm cuối",
        "Kết quả lượt dò của từng điểm cuối; khoảng trống là lúc máy giám sát không hỏi được.",
        [prom(f"max by (endpoint) ({of('probe_success', POINT, ENDPOINT)})", "{{endpoint}}")],
        mappings=yes_no("Trả lời", "Lỗi"),
        thresholds=steps(BAD, (1, GOOD)),
        height=6,
    )


def _endpoints() -> Panel:
    by = "max by (endpoint, module, instance)"
    return rows(
        "Các điểm cuối",
        "Mỗi điểm cuối một dòng: mô-đun, địa chỉ, kết quả và thời gian của lượt dò gần nhất.",
        [
            prom(f"{by} ({of('probe_success', POINT, ENDPOINT)})", kind="table"),
            prom(f"{by} ({of('probe_duration_seconds', POINT, ENDPOINT)})", kind="table"),
        ],
        width=12,
        height=9,
        transformations=[
            transform("merge"),
            transform("organize", excludeByName={"Time": True}, indexByName={}, renameByName={}),
        ],
        overrides=[
            field("endpoint", displayName="Điểm cuối"),
            field("module", displayName="Mô-đun"),
            field("instance", displayName="Địa chỉ"),
            field(
                "Value #A",
                displayName="Kết quả",
                mappings=yes_no("Trả lời", "Lỗi"),
                custom__cellOptions={"type": "color-text"},
            ),
            field("Value #B", displayName="Thời gian", unit="s"),
        ],
    )


def _duration() -> Panel:
    return lines(
        "Thời gian lượt dò",
        "Thời gian của cả lượt dò, theo điểm cuối.",
        [prom(f"max by (endpoint) ({of('probe_duration_seconds', POINT, ENDPOINT)})", "{{endpoint}}")],
        unit="s",
        height=9,
    )


def _phases() -> Panel:
    phases = f"sum by (phase) ({{{JOB}, {PHASE_FAMILIES}, {POINT}, {ENDPOINT}}})"
    panel = lines(
        "Các pha của $endpoint",
        "Thời gian của từng pha trong lượt dò, chồng lên nhau thành cả lượt dò.",
        [prom(phases, "{{phase}}")],
        unit="s",
        stacked=True,
        overrides=[named(phase, text) for phase, text in PHASES.items()],
    )
    return panel.repeat("endpoint").repeat_direction("h").max_per_row(3)


def _loss() -> Panel:
    return lines(
        "Mất gói",
        "Phần gói ICMP không có trả lời trong mỗi lượt dò; chỉ có ở điểm cuối dò bằng ICMP.",
        [prom(f"max by (endpoint) ({of('lienthong_probe_icmp_loss_ratio', POINT, ENDPOINT)})", "{{endpoint}}")],
        unit="percentunit",
        most=1,
    )


def _round_trip() -> Panel:
    def by(name: str) -> str:
        return f"max by (endpoint) ({of(name, POINT, ENDPOINT)})"

    return lines(
        "Thời gian đi và về, độ rung",
        "Thời gian đi và về trung bình của ICMP, độ rung giữa các gói, và thời gian đi và về của TCP do nhân đo.",
        [
            prom(by("lienthong_probe_icmp_rtt_mean_seconds"), "{{endpoint}}: ICMP"),
            prom(by("lienthong_probe_icmp_jitter_seconds"), "{{endpoint}}: độ rung"),
            prom(by("lienthong_probe_tcp_rtt_seconds"), "{{endpoint}}: TCP"),
        ],
        unit="s",
    )


def _codes() -> Panel:
    return timeline(
        "Mã trả lời HTTP",
        "Mã trạng thái của lần trả lời gần nhất; 0 khi không có trả lời.",
        [prom(f"max by (endpoint) ({of('probe_http_status_code', POINT, ENDPOINT)})", "{{endpoint}}")],
        mappings=words({"0": "không trả lời"}),
        thresholds=steps(BAD, (200, GOOD), (400, LATE), (500, BAD)),
        width=12,
        height=6,
    )


def _lookups() -> Panel:
    return lines(
        "Thời gian phân giải tên",
        "Thời gian tìm địa chỉ của tên máy, theo điểm cuối.",
        [prom(f"max by (endpoint) ({of('probe_dns_lookup_time_seconds', POINT, ENDPOINT)})", "{{endpoint}}")],
        unit="s",
        height=6,
    )


def _expiry() -> Panel:
    left = f"min by (endpoint) ({of('probe_ssl_earliest_cert_expiry', POINT, ENDPOINT)}) - time()"
    return figure(
        "Chứng chỉ còn hạn",
        "Thời gian đến khi chứng chỉ đầu tiên của chuỗi hết hạn.",
        [prom(left, "{{endpoint}}", kind="instant")],
        unit="s",
        thresholds=steps(BAD, (7 * DAY_SECONDS, LATE), (30 * DAY_SECONDS, GOOD)),
        width=8,
        height=6,
        text=BigValueTextMode.VALUE_AND_NAME,
    )


def _certificates() -> Panel:
    leaf = of("probe_ssl_last_chain_info", POINT, ENDPOINT)
    version = of("probe_tls_version_info", POINT, ENDPOINT)
    joined = (
        f"max by (endpoint, subject, issuer, subjectalternative, fingerprint_sha256) ({leaf})\n"
        f"* on (endpoint) group_left (version) max by (endpoint, version) ({version})"
    )
    return rows(
        "Chứng chỉ và TLS",
        "Chứng chỉ mà máy chủ đưa ra và phiên bản TLS đã thỏa thuận.",
        [prom(joined, kind="table")],
        width=16,
        height=6,
        transformations=[
            transform("organize", excludeByName={"Time": True, "Value": True}, indexByName={}, renameByName={})
        ],
        overrides=[
            field("endpoint", displayName="Điểm cuối"),
            field("subject", displayName="Chủ thể"),
            field("issuer", displayName="Nơi cấp"),
            field("subjectalternative", displayName="Tên khác"),
            field("fingerprint_sha256", displayName="Dấu vân tay SHA-256"),
            field("version", displayName="Phiên bản TLS"),
        ],
    )


def _incidents() -> Panel:
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


def _transitions() -> Panel:
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


def _days() -> Panel:
    return lines(
        "Từng ngày đã chốt",
        "Tỷ lệ kết nối, dịch vụ và độ phủ của mỗi ngày đã chốt; hãy chọn khoảng dài hơn một ngày.",
        [Sql(sql.DAYS_OF_POINT, "time_series")],
        unit="percentunit",
        least=None,
        most=1,
    )


def _burn() -> Panel:
    windows = {"5m": "5 phút", "1h": "1 giờ", "6h": "6 giờ", "1d": "1 ngày"}
    return lines(
        "Tốc độ tiêu hao ngân sách lỗi của điểm",
        "Ngân sách lỗi của mục tiêu kết nối đang bị tiêu nhanh gấp mấy lần mức cho phép, theo các cửa sổ thời gian.",
        [prom(f"lienthong:burnrate:ratio_rate{window}{{{POINT}}}", text) for window, text in windows.items()],
        unit="none",
    )
