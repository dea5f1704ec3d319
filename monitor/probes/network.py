"""What all probes share: name resolution, the sockets of connectionless protocols, TLS contexts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from socket import AddressFamily
from time import monotonic
from types import TracebackType
from typing import Self

from monitor.model import Reason
from monitor.probes import dnsstream
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.datagram import Exchanges, Server, open_exchanges
from monitor.probes.icmp_socket import Echoes, open_echoes
from monitor.probes.names import Settings, Watched, literal, parse_resolv_conf, protocol_and_hash, read_hosts, settled
from monitor.probes.resolver import Resolver
from monitor.probes.shared_socket import SharedSocket, family_of
from monitor.probes.tcp_socket import Wires
from monitor.probes.tls import TlsOptions, build_context

REMEMBERED_FACT = "lienthong_probe_address_remembered"
"""1 when no name server answered and the probe went to the address that the name had before."""


class Network:
    """Shared by the probers of one event loop; ``async with`` closes its sockets in the end.

    ``servers`` are the DNS servers to ask, as (address, port), and names are then taken as they are; without any,
    resolv.conf has the say. ``ca_file`` is trusted beside the system's authorities.
    """

    def __init__(
        self,
        *,
        servers: Sequence[Server] = (),
        ca_file: Path | None = None,
        resolv_conf: Path = Path("/etc/resolv.conf"),
        hosts: Path = Path("/etc/hosts"),
    ) -> None:
        configured = Settings(tuple((literal(address) or address, port) for address, port in servers))
        system = Watched(resolv_conf, parse_resolv_conf, monotonic)
        self._ca_file = ca_file
        self._contexts: dict[TlsOptions, tuple[tuple[int, ...], ssl.SSLContext]] = {}
        self._exchanges: dict[tuple[AddressFamily, str], Exchanges] = {}
        self._echoes: dict[tuple[AddressFamily, str, bool], Echoes] = {}
        self._wires: Wires | None = None
        self._resolver = Resolver(
            settings=(lambda: configured) if servers else system,
            hosts=Watched(hosts, read_hosts, monotonic),
            exchanges=self.exchanges,
            over_tcp=dnsstream.ask,
        )

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that this is used in. Asking Python each time is a call of the kernel (getpid) up to 3.11."""
        return asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every shared socket. Probes under way wait for ever then: cancel them first."""
        sockets: list[SharedSocket] = [*self._exchanges.values(), *self._echoes.values()]
        self._exchanges.clear()
        self._echoes.clear()
        for shared in sockets:
            shared.close()
        if self._wires is not None:
            self._wires.close()
            self._wires = None

    async def resolve(self, host: str, preferred: str = "", fallback: bool = True) -> str:
        """One address of ``host``, chosen as blackbox_exporter does; ``preferred`` is "ip4", "ip6" or "" (ip6).

        Raises ProbeFailed: DNS when the name does not exist or has no such address, RESOLVER when no server says
        either (SERVFAIL included) and there is no last good address.
        """
        return (await self._resolver.resolve(host, preferred, fallback)).address

    async def resolve_for(self, trace: Trace, host: str, preferred: str = "", fallback: bool = True) -> str:
        """:meth:`resolve` as a probe's phase ``resolve``; notes the address, its family and hash and the time taken.

        The phase is still ``resolve`` on return and on failure; the caller enters the next.
        """
        facts = trace.facts
        before = trace.phases.get("resolve", 0.0)
        trace.enter("resolve")
        try:
            address = settled(host, preferred, fallback) or await self._look_up(trace, host, preferred, fallback)
        finally:
            trace.enter("resolve")
            facts["probe_dns_lookup_time_seconds"] = trace.phases["resolve"] - before
        trace.address = address
        facts["probe_ip_protocol"], facts["probe_ip_addr_hash"] = protocol_and_hash(address)
        return address

    async def _look_up(self, trace: Trace, host: str, preferred: str, fallback: bool) -> str:
        trace.facts["probe_ip_protocol"] = trace.facts["probe_ip_addr_hash"] = 0
        resolved = await self._resolver.resolve(host, preferred, fallback)
        if resolved.remembered:
            trace.facts[REMEMBERED_FACT] = 1
        return resolved.address

    def wires(self) -> Wires:
        """The TCP connections that need no transport."""
        if self._wires is None:
            self._wires = Wires()
        return self._wires

    def exchanges(self, server: str, source: str = "") -> Exchanges:
        """The socket for DNS over UDP with servers of ``server``'s family, from ``source``. Raises OSError."""
        key = (family_of(server), source)
        found = self._exchanges.get(key)
        if found is None:
            found = self._exchanges[key] = open_exchanges(server, source)
        return found

    def echoes(self, address: str, source: str = "", dont_fragment: bool = False) -> Echoes:
        """The ICMP socket for ``address``'s family, from ``source``. Raises ProbeFailed (PERMISSION and the like)."""
        key = (family_of(address), source, dont_fragment)
        found = self._echoes.get(key)
        if found is None:
            found = self._echoes[key] = open_echoes(address, source, dont_fragment)
        return found

    def tls_context(self, options: TlsOptions) -> ssl.SSLContext:
        """The context of these options, made again when one of its files has changed.

        Raises ProbeFailed (INTERNAL: it is our own fault) if a file can't be read or isn't what it should be.
        """
        files = (*options.files(), *((self._ca_file,) if self._ca_file else ()))
        try:
            stamps = tuple(file.stat().st_mtime_ns for file in files)
            known = self._contexts.get(options)
            if known is None or known[0] != stamps:
                known = self._contexts[options] = (stamps, build_context(options, self._ca_file))
        except (OSError, ValueError) as error:
            raise ProbeFailed(Reason.INTERNAL, f"the TLS options can't be used: {error}") from error
        return known[1]
