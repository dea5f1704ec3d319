"""Điểm: one point, from its present state down to each phase of its probes, with what history says of it."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    Panel,
    QueryVariable,
)
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from dashboards import point_history as past
from dashboards.colours import (
    BAD,
    GOOD,
    LATE,
    bucket_mappings,
    bucket_steps,
    named,
    steps,
    words,
    yes_no,
)
from dashboards.frame import frame, query, section, several
from dashboards.panels import field, figure, lines, rows, timeline, transform
from dashboards.queries import JOB, of, prom, state
from monitor.language.words import PHASES

POINT: Final = 'point=~"$point"'
ENDPOINT: Final = 'endpoint=~"$endpoint"'
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
    for mark in past.marks():
        made = made.annotation(mark)
    made = section(
        made,
        "",
        _now(),
        _kept("connectivity", "Kết nối"),
        _kept("service", "Dịch vụ"),
        _coverage(),
        _timeline(),
        _probes(),
    )
    made = section(made, "Điểm cuối", _endpoints(), _duration())
    made = section(made, "Thời gian từng pha", _phases())
    made = section(made, "Chất lượng đường truyền", _loss(), _round_trip())
    made = section(made, "HTTP, tên miền và chứng chỉ", _codes(), _lookups(), _expiry(), _certificates())
    return section(made, "Lịch sử", past.incidents(), past.transitions(), past.days(), past.burn())


def _point() -> QueryVariable:
    asked = f"query_result(lienthong_point_info{{{JOB}}} and on (point) lienthong_point_status{{{JOB}}})"
    regex = '/[{,]name="(?<text>[^"]+)".*[{,]point="(?<value>[^"]+)"/'
    return query("point", "Điểm", asked, regex=regex)


def _endpoint() -> QueryVariable:
    asked = f"label_values(probe_success{{{JOB}, {POINT}}}, endpoint)"
    return several(query("endpoint", "Điểm cuối", asked), all_value=".*")


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
        "Phần gói ICMP không có trả lời trong mỗi lượt dò; chỉ có ở điểm cuối dò bằng nhiều gói ICMP.",
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
    seen = of("probe_ssl_earliest_cert_expiry", POINT, ENDPOINT)
    left = f"min by (endpoint) (last_over_time({seen}[$__range])) - time()"
    return figure(
        "Chứng chỉ còn hạn",
        "Thời gian đến khi chứng chỉ đầu tiên của chuỗi hết hạn, theo lần thấy cuối cùng trong khoảng đang xem.",
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
