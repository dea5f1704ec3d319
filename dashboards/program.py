"""Sức khỏe máy giám sát: the program itself, for those who look after it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel

from dashboards import program_work as work
from dashboards.colours import BAD, GOOD, steps, yes_no
from dashboards.frame import frame, query, section, several
from dashboards.panels import field, figure, lines, rows, transform
from dashboards.program_work import RATE, of
from dashboards.queries import JOB, prom


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
    made = section(made, "", _scraped(), _isolated(), _reloaded(), _written(), _age(), _version())
    probing = work.results(), work.reasons(), work.lag(), work.probes(), work.missed(), work.stalls()
    made = section(made, "Lượt dò", *probing)
    made = section(made, "Ghi cơ sở dữ liệu", work.waiting(), work.writing(), work.failing())
    made = section(made, "Sự cố và tin báo", work.incidents(), work.messages(), work.pending())
    return section(made, "Tài nguyên", _cpu(), _memory(), _files(), _listeners())


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
