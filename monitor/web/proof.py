"""Evidence as tables for people: resolution, ping, ports, TLS, path, last good values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.language.reasons import explain
from monitor.model import Reason
from monitor.web.incident import Setting


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: how it went ("stable", "down", or "unknown": it could not be tried) and what came."""

    bucket: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One device on the path; without an address it did not answer."""

    number: int
    address: str
    time: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What was found out about one point."""

    point: str
    name: str
    address: str
    when: str
    took: str
    findings: tuple[Finding, ...]
    hops: tuple[Hop, ...]


def samples(evidence: Mapping[str, Any] | None, setting: Setting) -> tuple[Sample, ...]:
    """The samples of an incident's evidence, the fault's own point first (as stored)."""
    return tuple(_sample(each, setting) for each in (evidence or {}).get("samples", ()))


def _sample(sample: Mapping[str, Any], setting: Setting) -> Sample:
    words = setting.words
    path = sample.get("path")
    return Sample(
        point=sample["point"] if sample["point"] in setting.points else "",
        name=setting.names.get(sample["point"], sample["point"]),
        address=" · ".join(dict.fromkeys(part for part in (sample.get("host"), sample.get("address")) if part)),
        when=words.moment(datetime.fromisoformat(sample["begun"]), setting.now) if sample.get("begun") else "",
        took=words.latency(sample["seconds"]) if sample.get("seconds") is not None else "",
        findings=tuple(_findings(sample, setting)),
        hops=tuple(_hop(hop, setting) for hop in path["hops"]) if path else (),
    )


def _hop(hop: Mapping[str, Any], setting: Setting) -> Hop:
    seconds = hop.get("seconds")
    return Hop(hop["hop"], hop.get("address") or "", setting.words.latency(seconds) if seconds is not None else "")


def _findings(sample: Mapping[str, Any], setting: Setting) -> Iterator[Finding]:
    _, words = setting.words.gettext, setting.words
    for each in sample.get("resolution") or ():
        yield _tried(_("Phân giải"), each, setting, extra=each.get("server", ""))
    if ping := sample.get("ping"):
        yield _ping(ping, setting)
    for each in sample.get("tcp") or ():
        yield _tried(_("TCP %s") % each["port"], each, setting, extra=_endpoint(each, setting))
    for each in sample.get("tls") or ():
        expires = each.get("expires")
        until = _("chứng thư đến %s") % words.date(datetime.fromisoformat(expires)) if expires else ""
        yield _tried(_("TLS %s") % each["port"], each, setting, extra=until)
    if path := sample.get("path"):
        yield _path(path, setting)
    for each in sample.get("last_good") or ():
        at = words.moment(datetime.fromisoformat(each["begun"]), setting.now)
        text = _("lần tốt cuối %(at)s, %(latency)s") % {"at": at, "latency": words.latency(each["seconds"])}
        yield Finding("", _endpoint(each, setting), text)


def _tried(name: str, each: Mapping[str, Any], setting: Setting, *, extra: str = "") -> Finding:
    words, ok = setting.words, bool(each["ok"])
    said = words.latency(each["seconds"]) if ok else explain(words, Reason(each["reason"]), "", each.get("detail", ""))
    return Finding(_bucket(each, ok=ok), name, " · ".join(part for part in (said, extra) if part))


def _ping(ping: Mapping[str, Any], setting: Setting) -> Finding:
    _, words = setting.words.gettext, setting.words
    if Reason(ping["reason"]) is Reason.PERMISSION:
        return Finding("unknown", _("Ping"), explain(words, Reason.PERMISSION))
    sent, received, spent = ping["sent"], ping["received"], ping.get("rtt_seconds")
    text = _("mất %s %%") % words.ratio(1 - received / sent if sent else None, 0)
    if received and spent is not None:
        mean = _("trung bình %s") % words.latency(spent)
        text = f"{text} · {mean}"
    return Finding("stable" if received == sent else "degraded" if received else "down", _("Ping"), text)


def _path(path: Mapping[str, Any], setting: Setting) -> Finding:
    _ = setting.words.gettext
    answered: Sequence[Mapping[str, Any]] = [hop for hop in path["hops"] if hop.get("address")]
    if not answered:
        text = _("không thiết bị nào dọc đường trả lời")
    elif path["reached"]:
        text = _("tới đích ở vòng %d") % answered[-1]["hop"]
    else:
        last = answered[-1]
        text = _("dừng ở %(address)s (vòng %(hop)d)") % {"address": last["address"], "hop": last["hop"]}
    bucket = "stable" if path["reached"] else "unknown" if not answered else "down"
    return Finding(bucket, _("Đường đi"), text)


def _endpoint(each: Mapping[str, Any], setting: Setting) -> str:
    return setting.names.get(each.get("endpoint", ""), each.get("endpoint", ""))


def _bucket(each: Mapping[str, Any], *, ok: bool) -> str:
    if ok:
        return "stable"
    return "unknown" if Reason(each["reason"]).outcome == "unknown" else "down"
