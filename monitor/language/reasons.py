"""Why something is wrong, in a plain sentence without codes: (reason, phase that failed, detail) -> words. Pure."""

from __future__ import annotations

import re

from monitor.language import N_
from monitor.language.words import Words
from monitor.model import Reason

SENTENCES = {
    Reason.OK: N_("mọi lượt dò đều thành công"),
    Reason.TIMEOUT: N_("hết thời gian chờ trả lời"),
    Reason.DNS: N_("không phân giải được tên miền"),
    Reason.REFUSED: N_("máy chủ từ chối kết nối"),
    Reason.UNREACHABLE: N_("không có đường tới máy chủ"),
    Reason.RESET: N_("máy chủ ngắt kết nối giữa chừng"),
    Reason.TLS: N_("không lập được kênh mã hóa TLS"),
    Reason.HTTP_STATUS: N_("máy chủ trả lời báo lỗi"),
    Reason.CONTENT: N_("nội dung trả lời không đúng"),
    Reason.PROTOCOL: N_("máy chủ trả lời sai giao thức"),
    Reason.LATENCY: N_("trả lời chậm hơn ngưỡng"),
    Reason.LOSS: N_("mất gói vượt ngưỡng"),
    Reason.CERTIFICATE: N_("chứng thư sắp hết hạn"),
    Reason.RESOLVER: N_("không máy chủ tên miền nào trả lời máy giám sát"),
    Reason.RESOURCES: N_("máy giám sát cạn tài nguyên để dò"),
    Reason.PERMISSION: N_("máy giám sát thiếu quyền để dò"),
    Reason.STALLED: N_("máy giám sát bị khựng trong lúc dò"),
    Reason.STALE: N_("không có kết quả dò mới"),
    Reason.INTERNAL: N_("lỗi trong chương trình giám sát"),
    Reason.ISOLATED: N_("máy giám sát mất mạng phía mình"),
    Reason.REDUNDANCY: N_("mất một đường dự phòng"),
    Reason.CONFIG: N_("đổi cấu hình"),
}

PHASE_SENTENCES = {
    (Reason.TIMEOUT, "resolve"): N_("hết thời gian chờ phân giải tên miền"),
    (Reason.TIMEOUT, "connect"): N_("hết thời gian chờ kết nối TCP"),
    (Reason.TIMEOUT, "tls"): N_("hết thời gian chờ bắt tay TLS"),
    (Reason.TIMEOUT, "processing"): N_("kết nối được nhưng hết thời gian chờ trả lời"),
    (Reason.TIMEOUT, "transfer"): N_("hết thời gian chờ nhận nội dung"),
    (Reason.TIMEOUT, "setup"): N_("hết thời gian chờ trả lời ping"),
    (Reason.TIMEOUT, "rtt"): N_("hết thời gian chờ trả lời ping"),
    (Reason.TIMEOUT, "request"): N_("máy chủ tên miền không trả lời"),
    (Reason.DNS, "request"): N_("máy chủ tên miền không có tên này"),
    (Reason.REFUSED, "connect"): N_("máy chủ từ chối kết nối TCP"),
    (Reason.REFUSED, "request"): N_("máy chủ tên miền từ chối trả lời"),
    (Reason.RESET, "connect"): N_("máy chủ ngắt kết nối ngay khi vừa mở"),
    (Reason.RESET, "tls"): N_("máy chủ ngắt kết nối khi bắt tay TLS"),
    (Reason.RESET, "processing"): N_("máy chủ ngắt kết nối thay vì trả lời"),
    (Reason.RESET, "transfer"): N_("máy chủ ngắt kết nối khi đang gửi nội dung"),
    (Reason.UNREACHABLE, "rtt"): N_("thiết bị dọc đường báo không tới được máy chủ"),
    (Reason.CONTENT, "request"): N_("máy chủ tên miền trả lời không đúng"),
}

TLS_SENTENCES = (
    (re.compile(r"expired", re.IGNORECASE), N_("chứng thư đã hết hạn")),
    (re.compile(r"not yet valid", re.IGNORECASE), N_("chứng thư chưa có hiệu lực")),
    (
        re.compile(r"hostname|host name|doesn't match|ip address mismatch", re.IGNORECASE),
        N_("chứng thư không đúng tên máy chủ"),
    ),
    (re.compile(r"self.?signed|issuer|unknown ca|authority", re.IGNORECASE), N_("chứng thư không được tin cậy")),
)
"""OpenSSL's words for what is wrong with a certificate, and ours."""


def explain(words: Words, reason: Reason, failed_phase: str = "", detail: str = "") -> str:
    """The sentence, in lower case and without a full stop."""
    if reason is Reason.TLS:
        for pattern, text in TLS_SENTENCES:
            if pattern.search(detail):
                return words.gettext(text)
    return words.gettext(PHASE_SENTENCES.get((reason, failed_phase), SENTENCES[reason]))
