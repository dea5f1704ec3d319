"""Evidence in one sentence: "DNS tốt, ping mất 100 %, đường đi dừng ở 10.1.2.1 (vòng 2)". Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.language import N_
from monitor.language.words import Words
from monitor.model import OUR_REASONS, Reason

_PORT_TROUBLE = {
    Reason.REFUSED: N_("cổng %d từ chối"),
    Reason.TIMEOUT: N_("cổng %d không trả lời"),
}
_PORT_SHUT = N_("cổng %d không mở được")


def sentence(words: Words, evidence: Mapping[str, Any]) -> str:
    """What the first point looked into shows, in lower case and without a full stop; "" when there is nothing."""
    samples = evidence.get("samples") or ()
    return ", ".join(part for part in _parts(words, samples[0]) if part) if samples else ""


def _parts(words: Words, sample: Mapping[str, Any]) -> Iterator[str]:
    yield _resolution(words, sample["resolution"])
    yield _ping(words, sample["ping"])
    yield _ports(words, sample["tcp"])
    yield _certificates(words, sample["tls"])
    yield _path(words, sample["path"])


def _resolution(words: Words, asked: Sequence[Mapping[str, Any]]) -> str:
    _ = words.gettext
    good = sum(each["ok"] for each in asked)
    if not asked:
        return ""
    if good == len(asked):
        return _("DNS tốt")
    if good:
        return _("%(good)d/%(all)d máy chủ DNS trả lời") % {"good": good, "all": len(asked)}
    if all(each["reason"] == Reason.DNS for each in asked):
        return _("DNS không có tên này")
    return _("không máy chủ DNS nào trả lời được")


def _ping(words: Words, ping: Mapping[str, Any] | None) -> str:
    _ = words.gettext
    if ping is None:
        return ""
    if ping["reason"] == Reason.PERMISSION:
        return _("không có quyền ping")
    if ping["reason"] in OUR_REASONS:  # what could not be asked says nothing of the other side
        return ""
    if ping["received"] == ping["sent"] and ping["rtt_seconds"] is not None:
        return _("ping tốt (%s)") % words.latency(ping["rtt_seconds"])
    return _("ping mất %s %%") % words.ratio(1 - ping["received"] / ping["sent"], 0)


def _ports(words: Words, tcp: Sequence[Mapping[str, Any]]) -> str:
    _ = words.gettext
    asked = [each for each in tcp if each["reason"] not in OUR_REASONS]
    shut = [each for each in asked if not each["ok"]]
    if not asked:
        return ""
    if not shut:
        return _("cổng mở")
    port: int = shut[0]["port"]
    return _(_PORT_TROUBLE.get(Reason(shut[0]["reason"]), _PORT_SHUT)) % port


def _certificates(words: Words, tls: Sequence[Mapping[str, Any]]) -> str:
    return words.gettext("TLS hỏng") if any(each["reason"] == Reason.TLS for each in tls) else ""


def _path(words: Words, path: Mapping[str, Any] | None) -> str:
    _ = words.gettext
    if path is None:
        return ""
    hops = [hop for hop in path["hops"] if hop["address"]]
    if not hops:
        return _("không dò được đường đi") if path["trouble"] else _("không thiết bị nào dọc đường trả lời")
    number: int = hops[-1]["hop"]
    if path["reached"]:
        return words.ngettext("đường đi tới nơi (%d vòng)", "đường đi tới nơi (%d vòng)", number) % number
    return _("đường đi dừng ở %(address)s (vòng %(hop)d)") % {"address": hops[-1]["address"], "hop": number}
