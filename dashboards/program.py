"""Sức khỏe máy giám sát: the program itself, for those who look after it."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel

from dashboards import queries
from dashboards.colours import BAD, GOOD, LATE, PALE, named, steps, yes_no
from dashboards.frame import frame, query, row, several
from dashboards.panels import field, figure, lines, rows, transform
from dashboards.queries import JOB, prom

RATE: Final = "[$__rate_interval]"
OUTCOMES: Final = {"up": ("Trả lời", GOOD), "down": ("Lỗi", BAD), "unknown": ("Không hỏi được", PALE)}
ENDINGS: Final = {"delivered": "Đã gửi", "failed": "Gửi lại", "given_up": "Bỏ cuộc", "dropped": "Không cần nữa"}


def of(name: str, *matchers: str) -> str:
    """A metric of the program, of the chosen instances of it."""
    return queries.of(name, "instance=~`$instance`", *matchers)


def results() -> str:
    """Results a second, by outcome."""
    return f"sum by (outcome) (rate({of('lienthong_results_total')}{RATE}))"


def dashboard() -> Dashboard:
    """The watcher watched."""
    made = frame(
        "lienthong-suc-khoe",
        "Liên thông: Sức khỏe máy giám sát",
        "Bản thân máy giám sát: nhịp dò, độ trễ, việc ghi cơ sở dữ liệu, gửi tin, cấu hình và tài nguyên.",
        begin="now-3h",
    )
    asked = f"label_values(lienthong_build_info{{{JOB}}}, instance)"
    made = made.with_variable(several(query("instance", "Máy giám sát", asked), all_value=".+"))
    for panel in (_scraped(), _isolated(), _reloaded(), _written(), _age(), _version()):
        made = made.with_panel(panel)
    made = made.with_row(row("Lượt dò")).with_panel(_results()).with_panel(_reasons()).with_panel(_lag())
    made = made.with_panel(_probes()).with_panel(_missed()).with_panel(_stalls())
    made = made.with_row(row("Ghi cơ sở dữ liệu")).with_panel(_waiting()).with_panel(_writing()).with_panel(_failing())
    made = (
        made.with_row(row("Sự cố và tin báo")).with_panel(_incidents()).with_panel(_messages()).with_panel(_pending())
    )
    made = made.with_row(row("Tài nguyên"))
    for panel in (_cpu(), _memory(), _files(), _listeners()):
        made = made.with_panel(panel)
    return made


def _yes(title: str, description: str, expression: str, yes: str, no: str, *, good: bool = True) -> Panel:
    return figure(
        title,
        description,
        [prom(expression, title, kind="instant")],
        unit="none",
        thresholds=steps(BAD, (1, GOOD)) if good else steps(GOOD, (1, BAD)),
        mappings=yes_no(yes, no, good=good),
        ground=True,
    )


def _scraped() -> Panel:
    return _yes(
        "Prometheus đọc được", "Prometheus có đọc được số đo của máy giám sát không.", f"min({of('up')})", "Có", "Không"
    )


def _isolated() -> Panel:
    return _yes(
        "Mạng của máy giám sát",
        "Mạng phía máy giám sát có còn không: khi mọi mốc đều lỗi thì không kết luận được gì về các điểm.",
        f"max({of('lienthong_isolated')})",
        "Bị cô lập",
        "Bình thường",
        good=False,
    )


def _reloaded() -> Panel:
    return _yes(
        "Cấu hình",
        "Lần đọc cấu hình gần nhất có thành công không; nếu không, cấu hình cũ vẫn có hiệu lực.",
        f"min({of('lienthong_config_last_reload_successful')})",
        "Đọc được",
        "Bị từ chối",
    )


def _written() -> Panel:
    return _yes(
        "Lưu giữ",
        "Những gì đang hiển thị có được ghi lại không, vào cơ sở dữ liệu hoặc bộ đệm trên đĩa.",
        f"max({of('lienthong_unwritten')})",
        "Không ghi được",
        "Ghi được",
        good=False,
    )


def _age() -> Panel:
    return figure(
        "Chạy liên tục",
        "Thời gian từ lúc chương trình khởi động.",
        [prom(f"time() - min({of('process_start_time_seconds')})", "Chạy liên tục", kind="instant")],
        unit="s",
    )


def _version() -> Panel:
    return rows(
        "Phiên bản",
        "Phiên bản của chương trình và của Python.",
        [prom(f"max by (instance, version, python_version) ({of('lienthong_build_info')})", kind="table")],
        width=4,
        height=4,
        transformations=[
            transform("organize", excludeByName={"Time": True, "Value": True}, indexByName={}, renameByName={})
        ],
        overrides=[
            field("instance", displayName="Máy"),
            field("version", displayName="Phiên bản"),
            field("python_version", displayName="Python"),
        ],
    )


def _results() -> Panel:
    return lines(
        "Kết quả mỗi giây",
        "Số kết quả nhận vào mỗi giây, theo điều tìm thấy.",
        [prom(results(), "{{outcome}}")],
        unit="ops",
        width=8,
        stacked=True,
        overrides=[named(outcome, *said) for outcome, said in OUTCOMES.items()],
    )


def _reasons() -> Panel:
    reasons = f"sum by (reason) (rate({of('lienthong_results_total', 'outcome!=`up`')}{RATE})) > 0"
    return lines(
        "Vì sao không trả lời",
        "Số kết quả lỗi hoặc không hỏi được mỗi giây, theo lý do.",
        [prom(reasons, "{{reason}}")],
        unit="ops",
        width=8,
    )


def _lag() -> Panel:
    buckets = f"sum by (le) (rate({of('lienthong_schedule_lag_seconds_bucket')}{RATE}))"
    return lines(
        "Lượt dò bắt đầu muộn",
        "Một nửa, 95 % và 99 % số lượt dò bắt đầu muộn không quá chừng này.",
        [prom(f"histogram_quantile({share}, {buckets})", said) for share, said in QUANTILES.items()],
        unit="s",
        width=8,
        thresholds=steps(GOOD, (1, BAD)),
    )


QUANTILES: Final = {0.5: "50 %", 0.95: "95 %", 0.99: "99 %"}


def _probes() -> Panel:
    return lines(
        "Lượt dò đang chạy và đã bắt đầu",
        "Số lượt dò đang chạy cùng lúc, và số lượt dò được bắt đầu mỗi giây.",
        [
            prom(f"sum({of('lienthong_probes_in_flight')})", "đang chạy"),
            prom(f"sum(rate({of('lienthong_probes_started_total')}{RATE}))", "bắt đầu mỗi giây"),
        ],
        unit="short",
        width=8,
    )


def _missed() -> Panel:
    return lines(
        "Lượt dò bị lỡ, kết quả bị từ chối",
        "Số lần đến hạn mà không có lượt dò, và số kết quả không nhận được vì lỗi của chương trình, trong mỗi khoảng.",
        [
            prom(f"sum(increase({of('lienthong_probes_missed_total')}{RATE}))", "bị lỡ"),
            prom(f"sum(increase({of('lienthong_results_refused_total')}{RATE}))", "bị từ chối"),
        ],
        unit="short",
        width=8,
    )


def _stalls() -> Panel:
    return lines(
        "Chương trình đứng",
        "Phần thời gian vòng lặp đứng yên, và lần đứng lâu nhất từ lúc khởi động.",
        [
            prom(f"sum(rate({of('lienthong_loop_stall_seconds_total')}{RATE}))", "mỗi giây"),
            prom(f"max({of('lienthong_loop_stall_longest_seconds')})", "lâu nhất"),
        ],
        unit="s",
        width=8,
    )


def _waiting() -> Panel:
    return lines(
        "Đang chờ ghi",
        "Kết quả và quyết định đang chờ trong bộ nhớ hoặc trong bộ đệm trên đĩa; bộ đệm phải vơi dần sau sự cố.",
        [
            prom(f"sum({of('lienthong_recorder_queued_results')})", "kết quả trong bộ nhớ"),
            prom(f"sum({of('lienthong_transitions_pending')})", "quyết định trong bộ nhớ"),
            prom(f"sum({of('lienthong_spool_results')})", "kết quả trong bộ đệm"),
            prom(f"sum({of('lienthong_spool_transitions')})", "quyết định trong bộ đệm"),
        ],
        unit="short",
        width=8,
    )


def _writing() -> Panel:
    return lines(
        "Thời gian một lần ghi",
        "Lần ghi gần nhất vào cơ sở dữ liệu mất bao lâu.",
        [prom(f"max({of('lienthong_recorder_last_write_seconds')})", "một lần ghi")],
        unit="s",
        width=8,
    )


def _failing() -> Panel:
    return lines(
        "Cơ sở dữ liệu từ chối, kết quả bị mất",
        "Cơ sở dữ liệu đã không nhận trong bao lâu (giây), và số kết quả bị mất vì cả bộ nhớ lẫn bộ đệm đều đầy.",
        [
            prom(f"max({of('lienthong_recorder_failing_seconds')})", "không nhận (giây)"),
            prom(f"sum(increase({of('lienthong_recorder_lost_results_total')}{RATE}))", "kết quả bị mất"),
        ],
        unit="short",
        width=8,
    )


def _incidents() -> Panel:
    return lines(
        "Sự cố đang mở theo mức độ",
        "Số sự cố đang mở, theo mức độ.",
        [prom(f"sum by (severity) ({of('lienthong_incidents')})", "{{severity}}")],
        unit="short",
        width=8,
        overrides=[
            named("critical", "nghiêm trọng", BAD),
            named("warning", "cảnh báo", LATE),
            named("info", "lưu ý", PALE),
        ],
    )


def _messages() -> Panel:
    ended = f"sum by (channel, outcome) (increase({of('lienthong_alert_messages_total')}{RATE}))"
    return lines(
        "Tin báo theo kênh",
        "Số lần gửi tin trong mỗi khoảng, theo kênh và kết quả: delivered là đã gửi, failed là sẽ gửi lại, given_up "
        "là bỏ cuộc, dropped là không cần nữa.",
        [prom(ended, "{{channel}}: {{outcome}}")],
        unit="short",
        width=8,
    )


def _pending() -> Panel:
    return lines(
        "Tin báo đang chờ",
        "Số tin đang chờ gửi theo kênh, và tin chờ lâu nhất đã chờ bao lâu (giây).",
        [
            prom(f"sum by (channel) ({of('lienthong_alert_pending')})", "{{channel}}"),
            prom(f"max({of('lienthong_alert_oldest_pending_seconds')})", "lâu nhất (giây)"),
        ],
        unit="short",
        width=8,
    )


def _cpu() -> Panel:
    return lines(
        "Bộ xử lý",
        "Thời gian bộ xử lý mà chương trình dùng; 100 % là trọn một nhân.",
        [prom(f"sum by (instance) (rate({of('process_cpu_seconds_total')}{RATE}))", "{{instance}}")],
        unit="percentunit",
        width=6,
    )


def _memory() -> Panel:
    return lines(
        "Bộ nhớ",
        "Bộ nhớ thường trú của chương trình.",
        [prom(f"sum by (instance) ({of('process_resident_memory_bytes')})", "{{instance}}")],
        unit="bytes",
        width=6,
    )


def _files() -> Panel:
    return lines(
        "Tệp đang mở",
        "Số mô tả tệp đang mở và giới hạn của chúng.",
        [
            prom(f"sum({of('process_open_fds')})", "đang mở"),
            prom(f"sum({of('process_max_fds')})", "giới hạn"),
        ],
        unit="short",
        width=6,
    )


def _listeners() -> Panel:
    return lines(
        "Trang đang nghe",
        "Số trang của màn hình trực đang nhận cập nhật trực tiếp.",
        [prom(f"sum({of('lienthong_stream_listeners')})", "trang")],
        unit="short",
        width=6,
    )
