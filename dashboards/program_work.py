"""Sức khỏe máy giám sát: its work, from the probe to the message."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Panel

from dashboards import queries
from dashboards.colours import BAD, GOOD, LATE, PALE, named, steps
from dashboards.panels import lines
from dashboards.queries import prom

QUANTILES: Final = {0.5: "50 %", 0.95: "95 %", 0.99: "99 %"}
RATE: Final = "[$__rate_interval]"
OUTCOMES: Final = {"up": ("Trả lời", GOOD), "down": ("Lỗi", BAD), "unknown": ("Không hỏi được", PALE)}
ENDINGS: Final = {"delivered": "Đã gửi", "failed": "Gửi lại", "given_up": "Bỏ cuộc", "dropped": "Không cần nữa"}


def of(name: str, *matchers: str) -> str:
    """A metric of the program, of the chosen instances of it."""
    return queries.of(name, 'instance=~"$instance"', *matchers)


RESULTS: Final = f"sum by (outcome) (rate({of('lienthong_results_total')}{RATE}))"
"""Results a second, by outcome."""


def results() -> Panel:
    return lines(
        "Kết quả mỗi giây",
        "Số kết quả nhận vào mỗi giây, theo điều tìm thấy.",
        [prom(RESULTS, "{{outcome}}")],
        unit="ops",
        width=8,
        stacked=True,
        overrides=[named(outcome, *said) for outcome, said in OUTCOMES.items()],
    )


def reasons() -> Panel:
    reasons = f"sum by (reason) (rate({of('lienthong_results_total', 'outcome!=`up`')}{RATE})) > 0"
    return lines(
        "Vì sao không trả lời",
        "Số kết quả lỗi hoặc không hỏi được mỗi giây, theo lý do.",
        [prom(reasons, "{{reason}}")],
        unit="ops",
        width=8,
    )


def lag() -> Panel:
    buckets = f"sum by (le) (rate({of('lienthong_schedule_lag_seconds_bucket')}{RATE}))"
    return lines(
        "Lượt dò bắt đầu muộn",
        "Một nửa, 95 % và 99 % số lượt dò bắt đầu muộn không quá chừng này.",
        [prom(f"histogram_quantile({share}, {buckets})", said) for share, said in QUANTILES.items()],
        unit="s",
        width=8,
        thresholds=steps(GOOD, (1, BAD)),
    )


def probes() -> Panel:
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


def missed() -> Panel:
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


def stalls() -> Panel:
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


def waiting() -> Panel:
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


def writing() -> Panel:
    return lines(
        "Thời gian một lần ghi",
        "Lần ghi gần nhất vào cơ sở dữ liệu mất bao lâu.",
        [prom(f"max({of('lienthong_recorder_last_write_seconds')})", "một lần ghi")],
        unit="s",
        width=8,
    )


def failing() -> Panel:
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


def incidents() -> Panel:
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


def messages() -> Panel:
    ended = f"sum by (channel, outcome) (increase({of('lienthong_alert_messages_total')}{RATE}))"
    return lines(
        "Tin báo theo kênh",
        "Số lần gửi tin trong mỗi khoảng, theo kênh và kết quả: delivered là đã gửi, failed là sẽ gửi lại, given_up "
        "là bỏ cuộc, dropped là không cần nữa.",
        [prom(ended, "{{channel}}: {{outcome}}")],
        unit="short",
        width=8,
    )


def pending() -> Panel:
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
