"""The simulated network's name server: A records of the hosts over UDP and TCP, NXDOMAIN for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from monitor.field.answers import Connection
from monitor.field.hosts import Conduct, Host

TTL_SECONDS = 300
Reply = Callable[[bytes], None]


class NameServer:
    """Answers queries about the hosts. ``host`` is the machine that it runs on, whose conduct it follows."""

    def __init__(self, host: Host, port: int, hosts: Mapping[str, Host]) -> None:
        self._host = host
        self._port = port
        self._hosts = hosts

    def ask(self, wire: bytes, reply: Reply) -> None:
        """Answer one query, now, later or (when it hangs) never."""
        conduct = self._host.state.on(self._port)
        if conduct is Conduct.HANG:
            return
        try:
            answer = self._answer(dns.message.from_wire(wire), conduct)
        except dns.exception.DNSException:
            return
        if conduct is Conduct.SLOW:
            asyncio.get_running_loop().call_later(self._host.state.delay_seconds, reply, answer)
        else:
            reply(answer)

    def _answer(self, query: dns.message.Message, conduct: Conduct) -> bytes:
        response = dns.message.make_response(query, recursion_available=True)
        if conduct is Conduct.ERROR:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        for question in query.question:
            host = self._hosts.get(question.name.to_text(omit_final_dot=True).lower())
            if host is None or host.state.conduct is Conduct.NAMELESS:
                response.set_rcode(dns.rcode.NXDOMAIN)
            elif question.rdtype in (dns.rdatatype.A, dns.rdatatype.ANY):
                response.answer.append(
                    dns.rrset.from_text(
                        question.name, TTL_SECONDS, dns.rdataclass.IN, dns.rdatatype.A, str(host.address)
                    )
                )
        return response.to_wire()


class DatagramNames(asyncio.DatagramProtocol):
    """DNS over UDP."""

    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        def reply(answer: bytes) -> None:
            if self._transport is not None:
                self._transport.sendto(answer, addr)

        self._server.ask(data, reply)


class StreamNames(Connection):
    """DNS over TCP: each message behind two bytes of length (RFC 1035, 4.2.2)."""

    def __init__(self, server: NameServer, opened: set[asyncio.Transport]) -> None:
        super().__init__(opened)
        self._server = server
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 2 and len(self._buffer) >= 2 + (size := int.from_bytes(self._buffer[:2])):
            wire, self._buffer = self._buffer[2 : 2 + size], self._buffer[2 + size :]
            self._server.ask(wire, self._reply)

    def _reply(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(len(answer).to_bytes(2) + answer)
