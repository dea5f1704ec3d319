"""Facts of every fault and every kind of message, and how they are said: what the golden files hold.

``python -m tests.unit.alerts.rendering_facts`` writes the golden files anew; read what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monitor.alerts.rendering import Renderer

GOLDEN = Path(__file__).parent / "golden"

WARDS = (
    "Phường Cửa Nam",
    "Phường Hoàn Kiếm",
    "Xã Sóc Sơn",
    "Phường Láng",
    "Xã Ba Vì",
    "Phường Tây Hồ",
    "Phường Hà Đông",
    "Xã Gia Lâm",
    "Phường Kim Liên",
    "Xã Thanh Oai",
)

EVIDENCE = {
    "samples": [
        {
            "resolution": [{"ok": True}],
            "ping": {"reason": "timeout", "sent": 4, "received": 0, "rtt_seconds": None},
            "tcp": [],
            "tls": [],
            "path": {"hops": [{"hop": 2, "address": "10.1.2.1"}], "reached": False},
        }
    ]
}


def point(name: str, **values: Any) -> dict[str, Any]:
    """A point as alerts/facts.py lists it."""
    return {
        "id": name.lower().replace(" ", "-"),
        "name": name,
        "kind": "ward",
        "area": "Ba Đình",
        "status": "down",
        "reason": "timeout",
        "failed_phase": "connect",
        "endpoint": "link",
        "since": "2026-11-23T03:05:12+00:00",
        "until": None,
        **values,
    }


def wards(count: int, **values: Any) -> list[dict[str, Any]]:
    """The first of ``count`` wards, as far as names go."""
    return [point(name, **values) for name in WARDS[:count]]


def facts(kind: str = "opened", **values: Any) -> dict[str, Any]:
    """A part of a message: one ward cut off, unless ``values`` say otherwise."""
    points = values.get("points", [point("Phường Ba Đình")])
    own = values.get("fault") or {"kind": "point", "subject": points[0]["id"], "name": points[0]["name"]}
    return {
        "uid": "5d0c0f0e",
        "number": 12,
        "severity": "critical",
        "fault": own,
        "began": "2026-11-23T03:05:12+00:00",
        "opened": "2026-11-23T03:05:20+00:00",
        "recovered": None,
        "not_before": None,
        "duration_seconds": 130.0,
        "affected": len(points),
        "troubled": len(points),
        "points": points,
        "contact": {
            "name": "Nguyễn Văn An",
            "phone": "0912 345 678",
            "provider": "VNPT",
            "provider_hotline": "1800 1166",
            "circuit_id": "HNI-0417",
        },
        "evidence": EVIDENCE,
        "acknowledged": None,
        "flapping": [],
        "resolution": "",
        "url": "https://wall.example/incidents/12",
        "labels": {"alertname": "PointTroubled", "kind": "ward"},
        "kind": kind,
        **values,
    }


NOBODY = {"name": "", "phone": "", "provider": "", "provider_hotline": "", "circuit_id": ""}
CARRIER = {"name": "", "phone": "", "provider": "VNPT", "provider_hotline": "1800 1166", "circuit_id": ""}


def _point_fault(name: str, kind: str, points: list[dict[str, Any]], affected: int) -> dict[str, Any]:
    fault = {"kind": "point", "subject": name.lower().replace(" ", "-"), "name": name}
    return {"fault": fault, "points": points, "affected": affected, "labels": {"kind": kind}}


def _label_fault(label: str, value: str, name: str, affected: int, **values: Any) -> dict[str, Any]:
    fault = {"kind": "label", "subject": f"{label}={value}", "name": name}
    return {
        "fault": fault,
        "points": wards(min(10, affected), **values),
        "affected": affected,
        "labels": {label: value},
    }


def _whole_fault(kind: str, subject: str, points: list[dict[str, Any]], affected: int) -> dict[str, Any]:
    fault = {"kind": kind, "subject": subject, "name": subject}
    return {"fault": fault, "points": points, "affected": affected, "labels": {}, "contact": NOBODY, "evidence": None}


_CUT_OFF = wards(10, status="unreachable")

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "a ward down": {},
    "a ward's portal": {
        "severity": "warning",
        "points": [point("Phường Ba Đình", status="faulty", reason="http_status", endpoint="Cổng dịch vụ công")],
    },
    "a ward slow": {
        "severity": "info",
        "points": [
            point("Phường Ba Đình", status="degraded", reason="latency", failed_phase="", endpoint="Đường truyền")
        ],
    },
    "a circuit": _point_fault("Tuyến chính", "circuit", [point("Tuyến chính", kind="circuit"), *_CUT_OFF], 41),
    "a circuit seen by its wards alone": _point_fault("Tuyến chính", "circuit", _CUT_OFF[:3], 3),
    "the spare circuit": _point_fault(
        "Tuyến dự phòng",
        "circuit",
        [point("Tuyến dự phòng", kind="circuit"), *wards(10, status="degraded", reason="redundancy", failed_phase="")],
        127,
    ),
    "the hub": _point_fault("Hub Trung tâm", "hub", [point("Hub Trung tâm", kind="hub"), *_CUT_OFF], 157),
    "a shared service": _point_fault(
        "Trục liên thông",
        "service",
        [point("Trục liên thông", kind="service", status="faulty", reason="content", endpoint="API")],
        1,
    )
    | {"severity": "warning", "contact": NOBODY},
    "a provider": _label_fault("provider", "VNPT", "VNPT", 40) | {"contact": CARRIER},
    "a circuit by label": _label_fault("circuit", "HN-7", "HN-7", 9),
    "an exchange": _label_fault("exchange", "Nghĩa Tân", "Nghĩa Tân", 12),
    "an area": _label_fault("area", "ba-dinh", "Ba Đình", 6) | {"contact": NOBODY},
    "an endpoint everywhere": _label_fault(
        "endpoint", "exchange", "Trục liên thông", 126, status="faulty", reason="content", endpoint="Trục liên thông"
    )
    | {"severity": "warning", "contact": NOBODY},
    "another label": _label_fault("contract", "2026-17", "2026-17", 4),
    "the network": _whole_fault("network", "", wards(10), 156),
    "the vantage": _whole_fault("vantage", "", wards(10, status="unknown", reason="isolated", failed_phase=""), 163),
    "no resolver": _whole_fault("monitor", "resolver", wards(10, status="unknown", reason="resolver"), 163)
    | {"severity": "warning"},
    "a bug of ours": _whole_fault("monitor", "internal", wards(1, status="unknown", reason="internal"), 1)
    | {"severity": "warning"},
    "never up": _whole_fault("never", "", wards(3), 3) | {"severity": "info"},
}

_ENDED = {"recovered": "2026-11-23T03:17:40+00:00", "duration_seconds": 748.0, "troubled": 0}
_ACKNOWLEDGED = {"actor": "Trần Thị Bình", "at": "2026-11-23T03:09:00+00:00", "ticket": "VNPT-88213"}

KINDS: Mapping[str, Mapping[str, Any]] = {
    "opened": {},
    "opened, late": {"kind": "opened", "late_seconds": 720.0},
    "worsened": {},
    "flapping": {"flapping": ["phường-ba-đình"]},
    "some of them flapping": {"kind": "flapping", "flapping": ["xã-sóc-sơn"]},
    "steady, up": {"kind": "steady", **_ENDED},
    "steady, down": {"kind": "steady"},
    "reminder": {"nth": 2, "duration_seconds": 28800.0},
    "reminder, acknowledged": {
        "kind": "reminder",
        "nth": 1,
        "duration_seconds": 14400.0,
        "acknowledged": _ACKNOWLEDGED,
    },
    "escalation": {"after_seconds": 900.0, "duration_seconds": 900.0},
    "recovered": _ENDED,
    "recovered while nobody looked": {
        "kind": "recovered",
        **_ENDED,
        "not_before": "2026-11-23T03:10:00+00:00",
        "resolution": "power",
    },
    "test": {},
}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every fault in every kind of message, by its name."""
    for fault, says in FAULTS.items():
        for kind, adds in KINDS.items():
            yield f"{fault}: {kind}", facts(**{"kind": kind, **says, **adds})


DIGEST = (
    facts(number=14, severity="info", began="2026-11-23T03:06:40+00:00", kind="opened", late_seconds=40.0),
    facts(**{**FAULTS["a circuit"], "uid": "5d0c0f0f", "number": 13, "kind": "opened"}),
    facts(**{**FAULTS["a shared service"], "uid": "5d0c0f10", "number": 11, "kind": "recovered", **_ENDED}),
)


def golden(language: str) -> str:
    """All of them in words."""
    renderer = Renderer(language, "https://wall.example")
    said = []
    for name, parts in [*((name, [part]) for name, part in cases()), ("a digest", DIGEST)]:
        envelope = renderer.envelope("1f", parts, form="long", digest=len(parts) > 1)
        said.append(f"##### {name}\n{envelope.title}\n\n{envelope.text}\n\nSMS: {envelope.short}\n")
    return "\n".join(said)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for spoken in ("vi", "en"):
        (GOLDEN / f"{spoken}.txt").write_text(golden(spoken), encoding="utf-8")
