"""Real DNS servers on loopback, as good or bad as a test wants them: a function turns a query into datagrams."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Answer = Callable[[dns.message.Message], Iterable[bytes]]


@dataclass(slots=True)
class NameServer:
    """``asked`` holds the questions that came, as (name, type, transport)."""

    address: str
    port: int
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def server(self) -> tuple[str, int]:
        return self.address, self.port

    @property
    def target(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def note(self, wire: bytes, transport: str) -> dns.message.Message:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        self.asked.append((str(question.name), dns.rdatatype.to_text(question.rdtype), transport))
        return query


def respond(
    query: dns.message.Message, *records: str, rcode: str = "NOERROR", **sections: list[str]
) -> dns.message.Message:
    """A response; a record is "owner type data" (TTL 60), those of ``sections`` go into the section of that name."""
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(dns.rcode.from_text(rcode))
    for section, texts in {"answer": list(records), **sections}.items():
        for text in texts:
            owner, kind, data = text.split(maxsplit=2)
            getattr(response, section).append(dns.rrset.from_text(owner, 60, "IN", kind, data))
    return response


def always(*records: str, rcode: str = "NOERROR", **sections: list[str]) -> Answer:
    """Answers every query with the records of the type that it asks for (all, when it asks for ANY)."""

    def answer(query: dns.message.Message) -> Iterable[bytes]:
        wanted = dns.rdatatype.to_text(query.question[0].rdtype)
        fitting = [record for record in records if wanted == "ANY" or record.split()[1] in (wanted, "CNAME")]
        yield respond(query, *fitting, rcode=rcode, **sections).to_wire()

    return answer


def silent(_query: dns.message.Message) -> Iterable[bytes]:
    """Never answers."""
    return ()


def truncated(answer: Answer) -> Answer:
    """Answers with nothing but the flag that says: ask again over TCP."""

    def cut(query: dns.message.Message) -> Iterable[bytes]:
        for wire in answer(query):
            response = dns.message.from_wire(wire)
            response.flags |= dns.flags.TC
            response.answer.clear()
            yield response.to_wire()

    return cut


@asynccontextmanager
async def name_server(
    answer: Answer,
    *,
    address: str = "127.0.0.1",
    over_tcp: Answer | None = None,
    tls: ssl.SSLContext | None = None,
    from_another: bool = False,
) -> AsyncIterator[NameServer]:
    """Serve UDP and TCP on one port. ``over_tcp`` answers differently over TCP (or TLS); ``from_another`` answers a
    datagram from another port than it came to.
    """
    loop = asyncio.get_running_loop()
    stream, datagram = _same_port(address)
    state = NameServer(address, stream.getsockname()[1])
    elsewhere = socket.socket(datagram.family, socket.SOCK_DGRAM)

    class Datagrams(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
            for wire in answer(state.note(data, "udp")):
                if from_another:
                    elsewhere.sendto(wire, addr)
                else:
                    self.transport.sendto(wire, addr)  # type: ignore[attr-defined]

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                query = state.note(await reader.readexactly(size), "tcp")
                for wire in (over_tcp or answer)(query):
                    writer.write(len(wire).to_bytes(2, "big") + wire)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    transport, _ = await loop.create_datagram_endpoint(Datagrams, sock=datagram)
    server = await asyncio.start_server(converse, sock=stream, ssl=tls)
    try:
        async with server:
            yield state
    finally:
        transport.close()
        elsewhere.close()


def _same_port(address: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    while True:
        stream = socket.socket(family, socket.SOCK_STREAM)
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        stream.bind((address, 0))
        try:
            datagram.bind((address, stream.getsockname()[1]))
        except OSError:
            stream.close()
            datagram.close()
        else:
            return stream, datagram


def closed_port(kind: socket.SocketKind = socket.SOCK_DGRAM, address: str = "127.0.0.1") -> int:
    """A port on which nobody listens."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])
