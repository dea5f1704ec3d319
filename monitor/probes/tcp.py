"""TCP: a connection, TLS if wanted, and a conversation: blackbox_exporter's tcp prober."""

from __future__ import annotations

import re
from asyncio import Transport
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from monitor.model import Reason
from monitor.probes.base import Options, ProbeFailed, Trace, labelled
from monitor.probes.certificates import HandshakeReader
from monitor.probes.connection import connect, upgrade
from monitor.probes.conversation import Conversation
from monitor.probes.names import SourceAddress, parse_host_port
from monitor.probes.network import Network
from monitor.probes.tcp_socket import Knock
from monitor.probes.tls import TlsOptions
from monitor.probes.types import Flag, IpProtocol, Regex

REGEX_FACT = "probe_failed_due_to_regex"
BYTES_FACT = "probe_failed_due_to_bytes"
EXPECT_METRIC = "probe_expect_info"

_LABEL_NAME = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
_REFERENCE = re.compile(rb"\$(?:(\$)|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})", re.ASCII)


class Label(Options):
    """A label of probe_expect_info; ``${1}`` in the value stands for what the first group matched."""

    name: str = Field(pattern=_LABEL_NAME)
    value: str


class Exchange(Options):
    """One entry of query_response; its parts are done in this order: expect, expect_bytes, send, starttls."""

    expect: Regex | None = None
    expect_bytes: str = ""
    labels: tuple[Label, ...] = ()
    send: str = ""
    starttls: Flag = False

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.expect is not None and self.expect_bytes:
            raise ValueError("expect and expect_bytes exclude each other; write two entries")
        if self.labels and self.expect is None:
            raise ValueError("labels need an expect, whose groups give them their values")
        return self

    @field_validator("expect")
    @classmethod
    def _empty_is_none(cls, pattern: Any) -> Any:
        return pattern if pattern is not None and pattern.pattern else None


class TcpOptions(Options):
    """blackbox_exporter's ``tcp`` section."""

    preferred_ip_protocol: IpProtocol = ""
    ip_protocol_fallback: Flag = True
    source_ip_address: SourceAddress = ""
    query_response: tuple[Exchange, ...] = ()
    tls: Flag = False
    tls_config: TlsOptions = TlsOptions()


def expand(template: str, match: Any) -> bytes:
    """Fill ``$1``, ``${1}`` and ``${name}`` from a match on bytes as Go's ``Regexp.Expand`` does.

    A name is as long as it can be; one that the pattern lacks, or a group without a match, is empty; ``$$`` is ``$``.
    """

    def filled(reference: re.Match[bytes]) -> bytes:
        if reference[1]:
            return b"$"
        name = (reference[2] or reference[3]).decode("ascii")
        group = int(name) if name.isdigit() else match.re.groupindex.get(name, match.re.groups + 1)
        return (match.group(group) or b"") if group <= match.re.groups else b""

    return _REFERENCE.sub(filled, template.encode())


class TcpProber:
    """Connects to ``host:port``; good when it is open and the conversation, if one is written, goes as written."""

    name: ClassVar[str] = "tcp"
    options: ClassVar[type[Options]] = TcpOptions
    phase_metric: ClassVar[str] = "lienthong_probe_tcp_duration_seconds"
    phases: ClassVar[tuple[str, ...]] = ("resolve", "connect", "tls", "processing")

    def __init__(self, target: str, options: TcpOptions, *, network: Network) -> None:
        self._host, self._port = parse_host_port(target)
        self._options = options
        self._network = network
        self._handshakes = HandshakeReader()

    async def probe(self, trace: Trace) -> None:
        """Raises ProbeFailed: CONTENT when the other side says something else than was expected."""
        options = self._options
        trace.facts[REGEX_FACT] = trace.facts[BYTES_FACT] = 0
        if options.tls:
            self._network.tls_context(options.tls_config)  # made here, the first time, its milliseconds are in no phase
        address = await self._network.resolve_for(
            trace, self._host, options.preferred_ip_protocol, options.ip_protocol_fallback
        )
        if not (options.tls or options.query_response):
            source = options.source_ip_address
            await self._network.wires().converse(trace, Knock(), address, self._port, source=source)
            trace.leave()
            return
        transport, conversation = await connect(
            trace, Conversation, address, self._port, source=options.source_ip_address
        )
        try:
            if options.tls:
                transport = await self._begin_tls(trace, transport, conversation)
            if options.query_response:
                trace.enter("processing")
            for exchange in options.query_response:
                send = await self._expect(trace, conversation, exchange)
                if send:
                    await conversation.send(send + b"\n")
                if exchange.starttls:
                    transport = await self._begin_tls(trace, transport, conversation)
                    trace.enter("processing")
            trace.leave()
        finally:
            transport.abort()

    async def _begin_tls(self, trace: Trace, transport: Transport, conversation: Conversation) -> Transport:
        options = self._options.tls_config
        conversation.prepare_upgrade()
        upgraded = await upgrade(
            trace, transport, conversation, self._network.tls_context(options), options.server_name or self._host
        )
        conversation.go_on_with(upgraded)
        trace.facts.update(self._handshakes.facts(upgraded.get_extra_info("ssl_object")))
        return upgraded

    async def _expect(self, trace: Trace, conversation: Conversation, exchange: Exchange) -> bytes:
        """Wait for what the entry expects; return what it sends, filled from the match."""
        if exchange.expect_bytes:
            if not await conversation.starts_with(exchange.expect_bytes.encode()):
                trace.facts[BYTES_FACT] = 1
                raise ProbeFailed(Reason.CONTENT, "other bytes came than expected")
            trace.facts[BYTES_FACT] = 0
        if exchange.expect is None:
            return exchange.send.encode()
        match = await self._find(trace, conversation, exchange.expect)
        if exchange.labels:
            values = {label.name: expand(label.value, match).decode("utf-8", "replace") for label in exchange.labels}
            trace.facts[labelled(EXPECT_METRIC, values)] = 1
        return expand(exchange.send, match)

    async def _find(self, trace: Trace, conversation: Conversation, pattern: Any) -> Any:
        """The match in the first line that has one."""
        while (line := await conversation.line()) is not None:
            # Go reads bytes that are no UTF-8 as U+FFFD, RE2 matches nothing with them.
            text = line if line.isascii() else line.decode("utf-8", "replace").encode()
            if match := pattern.search(text):
                trace.facts[REGEX_FACT] = 0
                return match
        trace.facts[REGEX_FACT] = 1
        raise ProbeFailed(Reason.CONTENT, f"no line matches {pattern.pattern!r} before the connection's end")
