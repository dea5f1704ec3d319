"""Names to addresses, asked of the configured servers over shared sockets: no thread pool that dead names could fill.

Every resolution asks anew: what a name means now is part of what a probe finds. The servers are asked in order, each
joining those that have not answered yet; a server that was silent is asked last from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

from monitor.model import Reason
from monitor.probes import dnswire
from monitor.probes.base import ProbeFailed
from monitor.probes.datagram import Exchanges, Server
from monitor.probes.names import Settings, ascii_name, candidates, choose, literal, local_addresses, record_types

_ATTEMPTS = 4
_ATTEMPT_SECONDS = 0.5
"""So the second server has its turn, and a dead resolver is told from a dead host, within a probe's three seconds."""
_MOST_REMEMBERED = 20_000

_RCODES = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}


class Resolved(NamedTuple):
    """An address for a name. ``remembered``: no server answered, and this is what the name meant before."""

    address: str
    remembered: bool = False


@dataclass(slots=True)
class _Question:
    """One name's address records: what the servers have said so far."""

    name: str
    types: tuple[int, ...]
    found: dict[int, list[str]] = field(default_factory=dict)
    missing: bool = False
    faults: dict[Server, str] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """No other answer could change the outcome: the preferred family is there, or everything has been said."""
        return bool(self.found.get(self.types[0])) or len(self.found) == len(self.types)

    def addresses(self) -> list[str]:
        return [address for addresses in self.found.values() for address in addresses]

    def take(self, rdtype: int, server: Server, wire: bytes, asked: bytes) -> None:
        """Read one server's answer; one that says nothing about the name is the server's fault."""
        rcode = dnswire.header(wire).rcode
        if rcode not in (dnswire.NOERROR, dnswire.NXDOMAIN):
            self.faults[server] = f"answers {_RCODES.get(rcode, f'rcode {rcode}')}"
            return
        try:
            self.found[rdtype] = dnswire.addresses(wire, asked)
        except ValueError as error:
            self.faults[server] = f"answers with {error}"
            return
        self.missing = self.missing or rcode == dnswire.NXDOMAIN


class Resolver:
    """Resolves host names. ``settings`` and ``hosts`` give what is configured now; ``exchanges`` a socket for a server;
    ``over_tcp`` asks a server over TCP, for answers that UDP had to cut."""

    def __init__(
        self,
        *,
        settings: Callable[[], Settings],
        hosts: Callable[[], Mapping[str, tuple[str, ...]]],
        exchanges: Callable[[str], Exchanges],
        over_tcp: Callable[[Server, bytes], Awaitable[bytes]],
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._exchanges = exchanges
        self._over_tcp = over_tcp
        self._under_way: dict[tuple[str, tuple[int, ...]], asyncio.Future[list[str] | ProbeFailed | None]] = {}
        self._last_good: dict[tuple[str, str, bool], str] = {}
        self._silent: dict[Server, float] = {}
        self._heard: dict[Server, float] = {}

    async def resolve(self, host: str, preferred: str = "", fallback: bool = True) -> Resolved:
        """One address of ``host``, chosen as blackbox_exporter does (:func:`choose`).

        Raises ProbeFailed: DNS when the name does not exist or has no such address; RESOLVER when no server says
        either, and the name was never resolved before.
        """
        if address := literal(host):
            return Resolved(self._chosen(host, [address], preferred, fallback))
        try:
            name = ascii_name(host)
        except ValueError as error:
            raise ProbeFailed(Reason.DNS, str(error)) from error
        if known := local_addresses(name, self._hosts()):
            return Resolved(self._chosen(host, known, preferred, fallback))
        key = (name, preferred, fallback)
        try:
            addresses = await self._shared(name, record_types(preferred, fallback))
        except ProbeFailed as failure:
            if failure.reason is Reason.RESOLVER and (address := self._last_good.get(key)):
                return Resolved(address, remembered=True)
            raise
        chosen = self._chosen(host, addresses, preferred, fallback)
        self._remember(key, chosen)
        return Resolved(chosen)

    def _chosen(self, host: str, addresses: Sequence[str], preferred: str, fallback: bool) -> str:
        chosen = choose(addresses, preferred, fallback)
        if chosen is None:
            raise ProbeFailed(Reason.DNS, f"{host} has no {'IPv4' if preferred == 'ip4' else 'IPv6'} address")
        return chosen

    def _remember(self, key: tuple[str, str, bool], address: str) -> None:
        if key not in self._last_good and len(self._last_good) >= _MOST_REMEMBERED:
            del self._last_good[next(iter(self._last_good))]
        self._last_good[key] = address

    async def _shared(self, name: str, types: tuple[int, ...]) -> list[str]:
        """Ask, or wait for who is asking the same. When that one is cancelled, one of those who wait asks instead."""
        key = (name, types)
        while under_way := self._under_way.get(key):
            outcome = await asyncio.shield(under_way)
            if isinstance(outcome, ProbeFailed):
                raise ProbeFailed(outcome.reason, outcome.detail) from outcome
            if outcome is not None:
                return outcome
        mine = self._under_way[key] = asyncio.get_running_loop().create_future()
        outcome = None
        try:
            outcome = await self._search(name, types)
        except ProbeFailed as failure:
            outcome = failure
            raise
        finally:
            del self._under_way[key]
            mine.set_result(outcome)
        return outcome

    async def _search(self, name: str, types: tuple[int, ...]) -> list[str]:
        settings = self._settings()
        exists = False
        for candidate in candidates(name, settings):
            question = await self._ask(candidate, types, settings.servers)
            if addresses := question.addresses():
                return addresses
            if not question.missing and len(question.found) < len(types):
                raise ProbeFailed(Reason.RESOLVER, self._faults(question, settings.servers))
            exists = exists or not question.missing
        raise ProbeFailed(Reason.DNS, f"{name} has no address" if exists else f"no such name: {name}")

    @staticmethod
    def _faults(question: _Question, servers: Sequence[Server]) -> str:
        texts = (f"{address}:{port} {question.faults.get((address, port), 'is silent')}" for address, port in servers)
        return f"{question.name}: " + ", ".join(texts)

    async def _ask(self, name: str, types: tuple[int, ...], servers: Sequence[Server]) -> _Question:
        """Ask every server in turn until the question is settled or all have failed."""
        question = _Question(name, types)
        asked = {rdtype: dnswire.question(name, rdtype) for rdtype in types}
        pending: dict[asyncio.Future[bytes], tuple[int, Server, Exchanges, int]] = {}
        order = sorted(servers, key=lambda server: self._silent.get(server, 0.0))
        try:
            attempts = max(_ATTEMPTS, len(order))
            for server in cycle(order):
                if not attempts or len(question.faults) == len(order):
                    break
                if server in question.faults:
                    continue
                attempts -= 1
                self._send(server, question, asked, pending)
                await self._listen(server, question, asked, pending)
                if question.settled or question.addresses():
                    break
        finally:
            for _, _, exchanges, identity in pending.values():
                exchanges.forget(identity)
        return question

    def _send(
        self,
        server: Server,
        question: _Question,
        asked: Mapping[int, bytes],
        pending: dict[asyncio.Future[bytes], tuple[int, Server, Exchanges, int]],
    ) -> None:
        exchanges = self._exchanges(server[0])
        for rdtype in question.types:
            if rdtype not in question.found:
                try:
                    identity, answer = exchanges.begin(server, dnswire.query(asked[rdtype]))
                except OSError as error:
                    question.faults[server] = f"can't be asked: {(error.strerror or str(error)).lower()}"
                    return
                pending[answer] = (rdtype, server, exchanges, identity)

    async def _listen(
        self,
        server: Server,
        question: _Question,
        asked: Mapping[int, bytes],
        pending: dict[asyncio.Future[bytes], tuple[int, Server, Exchanges, int]],
    ) -> None:
        """Take answers until the question is settled, this server has failed or its time is up."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        until = begun + _ATTEMPT_SECONDS
        while pending and not question.settled and server not in question.faults:
            done, _ = await asyncio.wait(pending, timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                if self._heard.get(server, 0.0) < begun:
                    self._silent[server] = loop.time()
                return
            for answer in done:
                rdtype, source, exchanges, identity = pending.pop(answer)
                exchanges.forget(identity)
                self._heard[source] = loop.time()
                await self._take(answer, rdtype, source, question, asked[rdtype], until)

    async def _take(
        self,
        answer: asyncio.Future[bytes],
        rdtype: int,
        server: Server,
        question: _Question,
        asked: bytes,
        until: float,
    ) -> None:
        try:
            wire = answer.result()
            if dnswire.header(wire).truncated:
                async with asyncio.timeout_at(until):
                    wire = await self._over_tcp(server, dnswire.query(asked))
        except TimeoutError:
            question.faults[server] = "is silent over TCP"
        except ProbeFailed as failure:
            question.faults[server] = f"fails over TCP: {failure.detail}"
        except OSError:
            question.faults[server] = "refuses"
            self._silent[server] = asyncio.get_running_loop().time()
        else:
            question.take(rdtype, server, wire, asked)
