"""DNS: blackbox_exporter's dns prober. The target is the server; the module holds the question.

``fail_if_all_match_regexp`` does what its name says; blackbox_exporter fails when *not* all records match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from pydantic import field_validator, model_validator

from monitor.model import Reason
from monitor.probes import dnsstream, dnswire
from monitor.probes.base import Options, ProbeFailed, Trace
from monitor.probes.connection import connection_failure
from monitor.probes.names import SourceAddress, parse_host_port
from monitor.probes.network import Network
from monitor.probes.shared_socket import Rejected
from monitor.probes.tls import TlsOptions
from monitor.probes.types import Flag, IpProtocol, Regex

_DIGESTS = frozenset(map(dns.rdatatype.from_text, ("DS", "CDS", "DLV", "SSHFP")))
_SECTIONS = ("answer", "authority", "additional")


class RecordRules(Options):
    """What the records of one section must look like; a record's text is ``name. TTL IN A rdata``, tabs between."""

    fail_if_matches_regexp: tuple[Regex, ...] = ()
    fail_if_all_match_regexp: tuple[Regex, ...] = ()
    fail_if_not_matches_regexp: tuple[Regex, ...] = ()
    fail_if_none_matches_regexp: tuple[Regex, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in type(self).model_fields)

    def broken_by(self, records: Sequence[str]) -> str:
        """The first rule that these records break, in words; "" if they break none."""
        if not records and (self.fail_if_not_matches_regexp or self.fail_if_none_matches_regexp):
            return "holds no record"
        for record in records:
            for pattern in self.fail_if_matches_regexp:
                if pattern.search(record):
                    return f"holds a record that matches {pattern.pattern!r}"
            for pattern in self.fail_if_not_matches_regexp:
                if not pattern.search(record):
                    return f"holds a record that does not match {pattern.pattern!r}"
        every, some = self.fail_if_all_match_regexp, self.fail_if_none_matches_regexp
        if every and records and all(pattern.search(record) for record in records for pattern in every):
            return "holds only records that match " + " and ".join(repr(pattern.pattern) for pattern in every)
        if some and not any(pattern.search(record) for record in records for pattern in some):
            return "holds no record that matches " + " or ".join(repr(pattern.pattern) for pattern in some)
        return ""


class DnsOptions(Options):
    """blackbox_exporter's ``dns`` section."""

    query_name: str
    query_type: str = ""
    query_class: str = ""
    recursion_desired: Flag = True
    preferred_ip_protocol: IpProtocol = ""
    ip_protocol_fallback: Flag = True
    source_ip_address: SourceAddress = ""
    transport_protocol: Literal["", "udp", "tcp"] = ""
    dns_over_tls: Flag = False
    tls_config: TlsOptions = TlsOptions()
    valid_rcodes: tuple[str, ...] = ()
    validate_answer_rrs: RecordRules = RecordRules()
    validate_authority_rrs: RecordRules = RecordRules()
    validate_additional_rrs: RecordRules = RecordRules()

    @field_validator("query_name")
    @classmethod
    def _is_name(cls, text: str) -> str:
        if not text:
            raise ValueError("a name to ask for is needed")
        try:
            dns.name.from_text(text)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise ValueError(f"{text!r} is not a DNS name: {error}") from error
        return text

    @field_validator("query_type")
    @classmethod
    def _is_type(cls, text: str) -> str:
        if text:
            _known(dns.rdatatype.from_text, text, "a record type such as A, AAAA, MX or SOA")
        return text

    @field_validator("query_class")
    @classmethod
    def _is_class(cls, text: str) -> str:
        if text:
            _known(dns.rdataclass.from_text, text, "a class such as IN or CH")
        return text

    @field_validator("valid_rcodes")
    @classmethod
    def _are_rcodes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _known(rcode_number, name, "a response code such as NOERROR or NXDOMAIN")
        return names

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.dns_over_tls and self.transport_protocol != "tcp":
            raise ValueError('dns_over_tls needs transport_protocol: "tcp"')
        return self


def _known(read: Any, text: str, wanted: str) -> None:
    try:
        read(text)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{text!r} is not {wanted}") from error


def rcode_number(name: str) -> int:
    """A response code by its name; Go's DNS library calls number 4 NOTIMPL. Raises UnknownRcode of dnspython."""
    return int(dns.rcode.from_text({"NOTIMPL": "NOTIMP", "BADSIG": "BADVERS"}.get(name.upper(), name)))


class DnsProber:
    """Asks one server one question, packed once. The answer is parsed in full only if the module looks into it."""

    name: ClassVar[str] = "dns"
    options: ClassVar[type[Options]] = DnsOptions
    phase_metric: ClassVar[str] = "probe_dns_duration_seconds"
    phases: ClassVar[tuple[str, ...]] = ("resolve", "connect", "request")

    def __init__(self, target: str, options: DnsOptions, *, network: Network) -> None:
        self._host, self._port = parse_host_port(target, 853 if options.dns_over_tls else 53)
        self._options = options
        self._network = network
        self._rules = tuple(getattr(options, f"validate_{section}_rrs") for section in _SECTIONS)
        self._asks_serial = options.query_type.upper() == "SOA"
        self._looks_inside = self._asks_serial or any(self._rules)
        self._rcodes = frozenset(rcode_number(name) for name in options.valid_rcodes) or frozenset({dnswire.NOERROR})
        self._query = pack_query(options)
        self._last: tuple[bytes, int, str] = (b"", 0, "")
        self._whole = b""

    async def probe(self, trace: Trace) -> None:
        """Raises ProbeFailed: REFUSED when nobody listens, PROTOCOL for a wrong response code, CONTENT for records."""
        facts = trace.facts
        facts["probe_dns_query_succeeded"] = 0
        for section in _SECTIONS:
            facts[f"probe_dns_{section}_rrs"] = 0
        options = self._options
        address = await self._network.resolve_for(
            trace, self._host, options.preferred_ip_protocol, options.ip_protocol_fallback
        )
        wire = await self._exchange(trace, (address, self._port))
        if wire[2:] != self._whole:
            if not dnswire.is_whole(wire, self._query[10:]):
                raise ProbeFailed(Reason.PROTOCOL, "the answer ends in the middle of its records")
            self._whole = wire[2:]
        facts["probe_dns_query_succeeded"] = 1
        header = dnswire.header(wire)
        facts["probe_dns_answer_rrs"] = header.answers
        facts["probe_dns_authority_rrs"] = header.authorities
        facts["probe_dns_additional_rrs"] = header.additionals
        number, broken = self._look_inside(wire) if self._looks_inside else (0, "")
        if self._asks_serial:
            facts["probe_dns_serial"] = number
        if header.rcode not in self._rcodes:
            name = dns.rcode.to_text(dns.rcode.Rcode.make(header.rcode))
            raise ProbeFailed(Reason.PROTOCOL, f"the server answers {name}")
        if broken:
            raise ProbeFailed(Reason.CONTENT, broken)
        trace.leave()

    async def _exchange(self, trace: Trace, server: tuple[str, int]) -> bytes:
        options = self._options
        if options.transport_protocol == "tcp":
            context = self._network.tls_context(options.tls_config) if options.dns_over_tls else None
            name = options.tls_config.server_name or self._host
            return await dnsstream.exchange(
                trace, server, self._query, source=options.source_ip_address, context=context, server_name=name
            )
        trace.enter("connect")
        try:
            exchanges = self._network.exchanges(server[0], options.source_ip_address)
            trace.enter("request")
            return await exchanges.ask(server, self._query)
        except Rejected as error:
            raise error.failure() from error
        except OSError as error:
            raise connection_failure(error) from error

    def _look_inside(self, wire: bytes) -> tuple[int, str]:
        """The serial number and the broken rule of an answer; one like the last, but for its id, is not read again."""
        said = wire[2:]
        if said != self._last[0]:
            message = parse(wire)
            self._last = (said, serial(message) if self._asks_serial else 0, self._broken_rule(message))
        return self._last[1:]

    def _broken_rule(self, message: dns.message.Message) -> str:
        for section, rules, rrsets in zip(_SECTIONS, self._rules, message.sections[1:], strict=True):
            if broken := rules.broken_by([record_text(rrset) for rrset in rrsets]):
                return f"the {section} section {broken}"
        return ""


def record_text(rrset: dns.rrset.RRset) -> str:
    """A record as blackbox_exporter's assertions see it: tabs up to the data, keys whole, digests in capitals."""
    text = rrset.to_text(chunksize=0).replace(" ", "\t", 4)
    if rrset.rdtype in _DIGESTS:
        rest, space, digest = text.rpartition(" ")
        return rest + space + digest.upper()
    if isinstance(rrset[0], dns.rdata.GenericRdata):
        return text.replace("\tIN\t", "\tCLASS1\t", 1)
    return text


def pack_query(options: DnsOptions) -> bytes:
    """The query without its id: header flags and the question."""
    message = dns.message.make_query(options.query_name, options.query_type or "ANY", options.query_class or "IN", id=0)
    if not options.recursion_desired:
        message.flags &= ~dns.flags.RD
    return message.to_wire()[2:]


def parse(wire: bytes) -> dns.message.Message:
    """Parse an answer in full, each record on its own. Raises ProbeFailed if it is malformed."""
    try:
        return dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise ProbeFailed(Reason.PROTOCOL, f"the answer is malformed: {error}") from error


def serial(message: dns.message.Message) -> int:
    """The serial number of the last SOA record in the answer; 0 if there is none."""
    found = [rrset[0].serial for rrset in message.answer if rrset.rdtype == dns.rdatatype.SOA]
    return found[-1] if found else 0
