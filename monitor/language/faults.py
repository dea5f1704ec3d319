"""Where a fault lies, in words: what an incident is called, and whom it clears. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.language import N_
from monitor.language.words import TITLES, Words
from monitor.model import Fault, FaultKind

LABEL_NAMES = {
    "provider": N_("Nhà mạng %s"),
    "circuit": N_("Tuyến %s"),
    "exchange": N_("Trạm %s"),
    "area": N_("Khu vực %s"),
}
"""What points that share the value of a label have in common; a label of another name is shown as it is."""

LABEL_PLACES = {
    "provider": N_("nhà mạng"),
    "circuit": N_("tuyến truyền dẫn"),
    "exchange": N_("trạm chuyển mạch"),
    "area": N_("đường truyền khu vực"),
    "endpoint": N_("phần dùng chung"),
}

KIND_PLACES = {
    "circuit": N_("tuyến truyền dẫn"),
    "hub": N_("Hub Trung tâm"),
    "service": N_("dịch vụ dùng chung"),
    "anchor": N_("mạng phía máy giám sát"),
    "branch": N_("chi nhánh"),
}

FAULT_PLACES = {
    FaultKind.POINT: N_("điểm"),
    FaultKind.LABEL: N_("phần dùng chung"),
    FaultKind.NETWORK: N_("phần chung của toàn mạng"),
    FaultKind.VANTAGE: N_("mạng phía máy giám sát"),
    FaultKind.MONITOR: N_("máy giám sát"),
    FaultKind.NEVER: N_("chưa rõ: chưa lần nào kết nối được"),
}
"""Where the fault lies, to follow "Lỗi ở"."""

RESOLUTION_NAMES = {
    "power": N_("Mất điện"),
    "cable": N_("Đứt cáp"),
    "device": N_("Thiết bị"),
    "provider": N_("Nhà cung cấp"),
    "configuration": N_("Cấu hình"),
    "other": N_("Khác"),
}
"""What an operator may say that it was."""


def fault_name(words: Words, fault: Fault, names: Mapping[str, str], areas: Mapping[str, str]) -> str:
    """What the fault lies in. ``names`` are points' and endpoints' by id, ``areas`` areas' by id."""
    if fault.kind is FaultKind.POINT:
        return names.get(fault.subject, fault.subject)
    if fault.kind is FaultKind.LABEL:
        label, _, value = fault.subject.partition("=")
        if label == "endpoint":
            return names.get(value, value)
        shown = areas.get(value, value) if label == "area" else value
        return words.gettext(LABEL_NAMES[label]) % shown if label in LABEL_NAMES else f"{label} {shown}"
    if fault.kind is FaultKind.NETWORK:
        return words.gettext("Toàn mạng")
    return words.gettext("Máy giám sát")


def fault_title(words: Words, fault: Fault, name: str, bucket: str) -> str:
    """What an incident is called: "Tuyến chính mất kết nối". ``bucket`` is how bad it is, ``name`` fault_name's."""
    if fault.kind is FaultKind.VANTAGE:
        return words.gettext("Máy giám sát mất mạng phía mình")
    if fault.kind is FaultKind.MONITOR:
        return words.gettext("Máy giám sát không dò được")
    if fault.kind is FaultKind.NEVER:
        return words.gettext("Chưa từng kết nối được")
    if fault.kind is not FaultKind.POINT and bucket == "unreachable":
        bucket = "down"
    return words.gettext(TITLES[bucket]) % {"name": name}


def fault_place(words: Words, fault: Fault, kind: str) -> str:
    """Where the fault lies, to follow "Lỗi ở". ``kind`` is the kind of the point that is at fault, else ""."""
    if fault.kind is FaultKind.POINT and kind in KIND_PLACES:
        return words.gettext(KIND_PLACES[kind])
    if fault.kind is FaultKind.LABEL:
        label = fault.subject.partition("=")[0]
        return words.gettext(LABEL_PLACES.get(label, FAULT_PLACES[fault.kind]))
    return words.gettext(FAULT_PLACES[fault.kind])


def resolution(words: Words, name: str) -> str:
    """What an operator said that it was; its own name when it is another."""
    return words.gettext(RESOLUTION_NAMES[name]) if name in RESOLUTION_NAMES else name
