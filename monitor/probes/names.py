"""What a host name means before anybody is asked: literals, /etc/hosts, resolv.conf, the choice among addresses."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Generic, NamedTuple, TypeVar

import dns.exception
import dns.name
import dns.resolver
from pydantic import AfterValidator

from monitor.probes.dnswire import AAAA, A

T = TypeVar("T")

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})", re.ASCII)
_LOOPBACK = ("127.0.0.1", "::1")
_LOOK_EVERY_SECONDS = 5.0


def literal(host: str) -> str | None:
    """``host`` in the kernel's spelling if it is an IP address, else None. An IPv4-mapped IPv6 address is IPv4."""
    try:
        return socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, host))
    except (OSError, ValueError):
        if ":" not in host:
            return None
    address, zone, interface = host.partition("%")
    try:
        packed = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):
        return None
    mapped = IPv6Address(packed).ipv4_mapped
    return str(mapped) if mapped else socket.inet_ntop(socket.AF_INET6, packed) + zone + interface


def _address_or_nothing(text: str) -> str:
    if text and literal(text) is None:
        raise ValueError(f"{text!r} is not an IP address")
    return text


SourceAddress = Annotated[str, AfterValidator(_address_or_nothing)]
"""The address that probes are sent from; empty: the kernel's choice."""


def parse_host(text: str) -> str:
    """A host of a target: an address or a name. Raises ValueError."""
    if literal(text) is None:
        ascii_name(text)
    return text


def parse_host_port(target: str, default_port: int | None = None) -> tuple[str, int]:
    """``host:port``, or ``host`` alone where there is a default; an IPv6 address with a port stands in brackets.

    The port may be a name of services(5). Raises ValueError.
    """
    bare = target.count(":") > 1 and not target.startswith("[")
    host, colon, port = (target, "", "") if bare else target.rpartition(":")
    if target.endswith("]") or not (colon or bare):
        host, colon, port = target, "", ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise ValueError(f"{target!r} has brackets around what is no IPv6 address")
    if not colon:
        if default_port is None:
            raise ValueError(f"{target!r} has no port; write host:port, or [address]:port for IPv6")
        return parse_host(host), default_port
    return parse_host(host), _port(port)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit():
        if 0 < int(text) < 65_536:
            return int(text)
    elif text:
        try:
            return socket.getservbyname(text)
        except OSError as error:
            raise ValueError(f"{text!r} is neither a port nor a name of one") from error
    raise ValueError(f"{text!r} is not a port; write a number from 1 to 65535")


@lru_cache(maxsize=16_384)
def protocol_and_hash(address: str) -> tuple[int, int]:
    """4 or 6, and the FNV-1a hash (32 bits) of the address's 4 or 16 bytes: blackbox_exporter's probe_ip_addr_hash."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    value = 0x811C9DC5
    for byte in socket.inet_pton(family, address.partition("%")[0]):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return (6 if family == socket.AF_INET6 else 4), value


def record_types(preferred: str, fallback: bool) -> tuple[int, ...]:
    """The address records that may matter, the preferred family's first; "" prefers IPv6 as blackbox_exporter does."""
    first, second = (A, AAAA) if preferred == "ip4" else (AAAA, A)
    return (first, second) if fallback else (first,)


def choose(addresses: Sequence[str], preferred: str, fallback: bool) -> str | None:
    """One address as blackbox_exporter chooses it: the first of the preferred family, else the last of the other."""
    wanted = 4 if preferred == "ip4" else 6
    others = None
    for address in addresses:
        if (6 if ":" in address else 4) == wanted:
            return address
        others = address
    return others if fallback else None


@lru_cache(maxsize=16_384)
def settled(host: str, preferred: str, fallback: bool) -> str:
    """The address of a host that is one already, if it is of a wanted family; empty: there is something to find out."""
    address = literal(host)
    return (address and choose([address], preferred, fallback)) or ""


def ascii_name(host: str) -> str:
    """A host name in lower-case ASCII, as it goes over the wire. Raises ValueError if it can't be one."""
    try:
        name = host if host.isascii() else dns.name.from_text(host).to_text(omit_final_dot=not host.endswith("."))
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{host!r} is not a host name") from error
    labels = name.removesuffix(".").split(".")
    if len(name) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{host!r} is not a host name")
    return name.lower()


def parse_hosts(text: str) -> Mapping[str, tuple[str, ...]]:
    """The addresses by name of a hosts file (hosts(5)); lines that make no sense are passed over."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        address = literal(fields[0]) if fields else None
        if address:
            for name in fields[1:]:
                key = name.lower().removesuffix(".")
                found[key] = (*found.get(key, ()), address)
    return found


def local_addresses(name: str, hosts: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The addresses that this machine knows by itself: the hosts file's, and loopback for localhost (RFC 6761)."""
    key = name.removesuffix(".")
    if found := hosts.get(key):
        return found
    return _LOOPBACK if key == "localhost" or key.endswith(".localhost") else ()


class Settings(NamedTuple):
    """Whom to ask, and how a short name is completed (resolv.conf(5))."""

    servers: tuple[tuple[str, int], ...]
    search: tuple[str, ...] = ()
    ndots: int = 1


def parse_resolv_conf(path: Path) -> Settings:
    """The system's settings; without a file, or a server in it, the local machine is asked."""
    resolver = dns.resolver.Resolver(configure=False)
    try:
        resolver.read_resolv_conf(str(path))
    except (OSError, dns.exception.DNSException):
        return Settings((("127.0.0.1", 53), ("::1", 53)))
    found = (literal(server) for server in resolver.nameservers if isinstance(server, str))
    servers = tuple((address, 53) for address in found if address)
    suffixes = resolver.search or ([resolver.domain] if len(resolver.domain) > 1 else [])
    search = tuple(suffix.to_text(omit_final_dot=True).lower() for suffix in suffixes)
    return Settings(servers or (("127.0.0.1", 53),), search, 1 if resolver.ndots is None else resolver.ndots)


def candidates(name: str, settings: Settings) -> list[str]:
    """The full names to ask for, in order: with enough dots as it is first, else with the suffixes first."""
    if name.endswith("."):
        return [name.removesuffix(".")]
    completed = [f"{name}.{suffix}" for suffix in settings.search if suffix]
    return [name, *completed] if name.count(".") >= settings.ndots else [*completed, name]


@dataclass(slots=True)
class Watched(Generic[T]):
    """A file's parsed content, read again when the file has changed; looked at every few seconds at most."""

    path: Path
    parse: Callable[[Path], T]
    clock: Callable[[], float]
    _looked: float = float("-inf")
    _stamp: object = None
    _value: T | None = None

    def __call__(self) -> T:
        now = self.clock()
        if self._value is None or now - self._looked >= _LOOK_EVERY_SECONDS:
            self._looked = now
            stamp = self._look()
            if self._value is None or stamp != self._stamp:
                self._stamp, self._value = stamp, self.parse(self.path)
        return self._value

    def _look(self) -> object:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def read_hosts(path: Path) -> Mapping[str, tuple[str, ...]]:
    """:func:`parse_hosts` of a file; of none, when it can't be read."""
    try:
        return parse_hosts(path.read_text("utf-8", "replace"))
    except OSError:
        return {}
