"""ICMP echo: blackbox_exporter's icmp prober, and ours on top: several echoes a probe, with loss and jitter."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import fmean
from typing import ClassVar

from pydantic import Field

from monitor.model import Reason
from monitor.probes.base import Options, ProbeFailed, Trace
from monitor.probes.icmp_socket import Echoes, EchoReply
from monitor.probes.names import SourceAddress, parse_host
from monitor.probes.network import Network
from monitor.probes.shared_socket import Rejected
from monitor.probes.types import Flag, GoDuration, IpProtocol, Whole

LOSS_FACT = "lienthong_probe_icmp_loss_ratio"
JITTER_FACT = "lienthong_probe_icmp_jitter_seconds"
_DEFAULT_PAYLOAD_BYTES = 28
_LARGEST_PAYLOAD_BYTES = 65_507


class IcmpOptions(Options):
    """blackbox_exporter's ``icmp`` section; ``count``, ``interval`` and ``wait`` are ours.

    With ``count`` above 1 that many echoes leave ``interval`` apart, each is waited for until ``wait`` after the last;
    the probe is good if any is answered, and loss and jitter are facts.
    """

    preferred_ip_protocol: IpProtocol = ""
    ip_protocol_fallback: Flag = True
    source_ip_address: SourceAddress = ""
    payload_size: Whole = Field(0, ge=0, le=_LARGEST_PAYLOAD_BYTES)
    dont_fragment: Flag = False
    ttl: Whole = Field(64, ge=0, le=255)
    count: Whole = Field(1, ge=1, le=100)
    interval: GoDuration = Field(timedelta(milliseconds=200), gt=timedelta(0))
    wait: GoDuration = Field(timedelta(seconds=1), gt=timedelta(0))

    @property
    def span(self) -> timedelta:
        """The time that a probe of several echoes may take by itself; the timeout must be longer. 0 for one echo."""
        return (self.count - 1) * self.interval + self.wait if self.count > 1 else timedelta(0)


def jitter_seconds(rtts: Sequence[float]) -> float:
    """The mean difference between round-trip times that follow one another (cf. RFC 3550, 6.4.1, unsmoothed)."""
    return fmean(abs(after - before) for before, after in pairwise(rtts)) if len(rtts) > 1 else 0.0


class IcmpProber:
    """Pings a host, given by name or address."""

    name: ClassVar[str] = "icmp"
    options: ClassVar[type[Options]] = IcmpOptions
    phase_metric: ClassVar[str] = "probe_icmp_duration_seconds"
    phases: ClassVar[tuple[str, ...]] = ("resolve", "setup", "rtt")

    def __init__(self, target: str, options: IcmpOptions, *, network: Network) -> None:
        self._host = parse_host(target)
        self._options = options
        self._network = network
        self._size = options.payload_size or _DEFAULT_PAYLOAD_BYTES

    async def probe(self, trace: Trace) -> None:
        """Raises ProbeFailed: UNREACHABLE when an ICMP message or our routes say so, PERMISSION without a socket."""
        options = self._options
        address = await self._network.resolve_for(
            trace, self._host, options.preferred_ip_protocol, options.ip_protocol_fallback
        )
        trace.enter("setup")
        echoes = self._network.echoes(address, options.source_ip_address, options.dont_fragment)
        trace.enter("rtt")
        if options.count == 1:
            try:
                replies = [await echoes.ask(address, self._size, options.ttl)]
            except Rejected as error:
                raise ProbeFailed(Reason.UNREACHABLE, error.text) from error
        else:
            replies = await self._several(echoes, address, trace)
        trace.leave()
        rtts = [reply.rtt_seconds for reply in replies]
        trace.phases["rtt"] = sum(rtts) / len(rtts)
        if replies[-1].hop_limit >= 0:
            trace.facts["probe_icmp_reply_hop_limit"] = replies[-1].hop_limit

    async def _several(self, echoes: Echoes, address: str, trace: Trace) -> list[EchoReply]:
        """Send the echoes, wait, note loss and jitter; return the replies in the order of the echoes."""
        options = self._options
        trace.facts[LOSS_FACT] = 1
        under_way: dict[int, asyncio.Future[EchoReply]] = {}
        failure = ProbeFailed(Reason.TIMEOUT, f"none of {options.count} echoes was answered")
        try:
            for number in range(options.count):
                if number:
                    await asyncio.sleep(options.interval.total_seconds())
                try:
                    sequence, reply = echoes.begin(address, self._size, options.ttl)
                    under_way[sequence] = reply
                except ProbeFailed as error:
                    failure = error
            if under_way:
                await asyncio.wait(under_way.values(), timeout=options.wait.total_seconds())
            replies = []
            for reply in under_way.values():
                rejection = reply.exception() if reply.done() else None
                if isinstance(rejection, Rejected):
                    failure = ProbeFailed(Reason.UNREACHABLE, rejection.text)
                elif reply.done():
                    replies.append(reply.result())
        finally:
            for sequence in under_way:
                echoes.forget(sequence)
        if not replies:
            raise failure
        self._note(trace, replies)
        return replies

    def _note(self, trace: Trace, replies: Sequence[EchoReply]) -> None:
        rtts = [reply.rtt_seconds for reply in replies]
        trace.facts[LOSS_FACT] = 1 - len(replies) / self._options.count
        trace.facts[JITTER_FACT] = jitter_seconds(rtts)
        trace.facts["lienthong_probe_icmp_rtt_min_seconds"] = min(rtts)
        trace.facts["lienthong_probe_icmp_rtt_mean_seconds"] = fmean(rtts)
        trace.facts["lienthong_probe_icmp_rtt_max_seconds"] = max(rtts)
