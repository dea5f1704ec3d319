"""Evidence in a sentence, in both languages."""

from typing import Any

import pytest

from monitor.evidence.sentence import sentence
from monitor.language.words import Words


def said(ok: bool = True, reason: str = "ok", **more: Any) -> dict[str, Any]:
    return {"ok": ok, "seconds": 0.01, "reason": reason, "detail": "", **more}


def sample(**parts: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"point": "a", "resolution": [], "tcp": [], "ping": None, "tls": [], "path": None}
    return {"samples": [{**nothing, **parts}]}


PING = {"sent": 5, "received": 5, "loss_ratio": 0.0, "rtt_seconds": 0.012, **said()}
STOPPED: dict[str, Any] = {
    "hops": [
        {"hop": 1, "address": "10.1.1.1", "seconds": 0.001},
        {"hop": 2, "address": "10.1.2.1", "seconds": 0.002},
        {"hop": 3, "address": "", "seconds": None},
    ],
    "reached": False,
    "trouble": "",
}
DEAD = {**PING, "received": 0, "rtt_seconds": None, **said(False, "timeout")}


def test_the_sentence_of_the_house() -> None:
    evidence = sample(resolution=[said()], ping=DEAD, path=STOPPED)
    assert sentence(Words("vi"), evidence) == "DNS tốt, ping mất 100 %, đường đi dừng ở 10.1.2.1 (vòng 2)"
    assert sentence(Words("en"), evidence) == "DNS good, ping loses 100 %, path stops at 10.1.2.1 (hop 2)"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, ""),
        ({"resolution": [said(), said(False, "timeout")]}, "1/2 máy chủ DNS trả lời"),
        ({"resolution": [said(False, "dns"), said(False, "dns")]}, "DNS không có tên này"),
        ({"resolution": [said(False, "timeout"), said(False, "dns")]}, "không máy chủ DNS nào trả lời được"),
        ({"ping": PING}, "ping tốt (12 ms)"),
        ({"ping": {**PING, "received": 3}}, "ping mất 40 %"),
        ({"ping": {**DEAD, **said(False, "permission")}}, "không có quyền ping"),
        ({"tcp": [said(port=443), said(port=80)]}, "cổng mở"),
        ({"tcp": [said(port=443), said(False, "refused", port=80)]}, "cổng 80 từ chối"),
        ({"tcp": [said(False, "timeout", port=7443)]}, "cổng 7443 không trả lời"),
        ({"tcp": [said(False, "reset", port=7443)]}, "cổng 7443 không mở được"),
        ({"tcp": [said(False, "resolver", port=443), said(False, "refused", port=80)]}, "cổng 80 từ chối"),
        ({"tcp": [said(False, "resolver", port=443)]}, ""),
        ({"ping": {**DEAD, **said(False, "resources")}}, ""),
        ({"tls": [said(False, "tls", port=443)]}, "TLS hỏng"),
        ({"tls": [said(False, "timeout", port=443)]}, ""),
        ({"path": {**STOPPED, "reached": True}}, "đường đi tới nơi (2 vòng)"),
        ({"path": {"hops": [], "reached": False, "trouble": "network is unreachable"}}, "không dò được đường đi"),
        ({"path": {"hops": [], "reached": False, "trouble": ""}}, "không thiết bị nào dọc đường trả lời"),
    ],
)
def test_each_part(parts: dict[str, Any], words: str) -> None:
    assert sentence(Words("vi"), sample(**parts)) == words


@pytest.mark.parametrize(("hops", "words"), [(1, "path complete (1 hop)"), (2, "path complete (2 hops)")])
def test_english_counts_the_hops(hops: int, words: str) -> None:
    path = {**STOPPED, "hops": STOPPED["hops"][:hops], "reached": True}
    assert sentence(Words("en"), sample(path=path)) == words


def test_without_samples() -> None:
    assert sentence(Words("vi"), {"samples": []}) == ""
    assert sentence(Words("vi"), {}) == ""
