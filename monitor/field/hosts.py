"""Which hosts there are, at which address, and what each of them does just now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from monitor.config.model import Config, Endpoint


class Serving(StrEnum):
    """What a port speaks."""

    TCP = "tcp"
    HTTP = "http"
    HTTPS = "https"
    DNS = "dns"


class Conduct(StrEnum):
    """What a host does with those who ask."""

    NORMAL = "normal"
    REFUSE = "refuse"  # nobody listens
    HANG = "hang"  # a full backlog: a cut line
    SLOW = "slow"  # answers after a delay
    ERROR = "error"  # HTTP 503; DNS SERVFAIL
    WRONG_CONTENT = "wrong_content"
    EXPIRED = "expired"  # presents an expired certificate
    NAMELESS = "nameless"  # its name is not in the DNS
    RESET = "reset"  # resets the connection in the middle of the body


@dataclass(frozen=True, slots=True)
class State:
    """A host's conduct. ``port`` 0 means every port; ``delay_seconds`` is for SLOW."""

    conduct: Conduct = Conduct.NORMAL
    delay_seconds: float = 1.5
    port: int = 0

    def on(self, port: int) -> Conduct:
        """The conduct of one port."""
        return self.conduct if self.port in (0, port) else Conduct.NORMAL


@dataclass(slots=True)
class Host:
    """One simulated machine. ``identity`` is what its exchange API says that it is."""

    name: str
    address: IPv4Address
    identity: str
    ports: dict[int, Serving] = field(default_factory=dict)
    state: State = State()


def hosts_of(config: Config, subnet: IPv4Network) -> Mapping[str, Host]:
    """A host for every name that the configuration's endpoints ask, by name, addresses in order of appearance.

    One that is asked by its address, which must be of the subnet, has that. Raises ValueError when the subnet has too
    few addresses or lacks one.
    """
    asked = [(point, *_asked(endpoint)) for point in config.points for endpoint in point.endpoints]
    fixed = {name: address for _, name, _, _ in asked if (address := _address(name, subnet))}
    addresses = (address for address in subnet.hosts() if address not in fixed.values())
    hosts: dict[str, Host] = {}
    for point, name, port, serving in asked:
        if name not in hosts:
            address = fixed.get(name) or next(addresses, None)
            if address is None:
                raise ValueError(f"{subnet} has too few addresses for the configuration's hosts")
            hosts[name] = Host(name, address, point.code or point.id)
        hosts[name].ports[port] = serving
    return hosts


def _address(name: str, subnet: IPv4Network) -> IPv4Address | None:
    """The address that a host is asked by; None when it is asked by its name."""
    try:
        address = IPv4Address(name)
    except ValueError:
        return None
    if address not in subnet:
        raise ValueError(f"{address} is not of {subnet}, which the simulated hosts are in")
    return address


def asked_host(endpoint: Endpoint) -> str:
    """The name of the host that an endpoint asks."""
    return _asked(endpoint)[0]


def _asked(endpoint: Endpoint) -> tuple[str, int, Serving]:
    if "://" in endpoint.target:
        url = urlsplit(endpoint.target)
        serving = Serving(url.scheme)
        return url.hostname or "", url.port or (443 if serving is Serving.HTTPS else 80), serving
    name, _, port = endpoint.target.rpartition(":")
    if endpoint.module.prober == Serving.DNS:
        return (name, int(port), Serving.DNS) if name else (endpoint.target, 53, Serving.DNS)
    return name, int(port), Serving.TCP


def servers_of(hosts: Iterable[Host]) -> list[tuple[str, int]]:
    """The DNS servers among the hosts as (address, port)."""
    return [
        (str(host.address), port) for host in hosts for port, serving in host.ports.items() if serving is Serving.DNS
    ]
