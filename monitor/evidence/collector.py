"""What can be found out about one point within bounds: resolution, TCP, ping, TLS, path, last good values.

The result is JSON, because it is stored, shown and told as it is::

    {"point", "host", "address", "begun", "seconds",
     "resolution": [{"server", "ok", "seconds", "reason", "detail"}],
     "tcp": [{"endpoint", "port", "ok", "seconds", "reason", "detail"}],
     "ping": {"sent", "received", "loss_ratio", "rtt_seconds", "ok", "seconds", "reason", "detail"} or null,
     "tls": [{"endpoint", "port", "expires" (ISO 8601) or null, "ok", "seconds", "reason", "detail"}],
     "path": {"hops": [{"hop", "address", "seconds"}], "reached", "trouble"} or null,
     "last_good": [{"endpoint", "begun" (ISO 8601), "seconds", "address"}]}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from monitor.config.addresses import host_of
from monitor.config.model import Endpoint, Point
from monitor.evidence.attempts import attempt
from monitor.evidence.path import trace_path
from monitor.model import EndpointKey, Reason, Result
from monitor.probes.base import ProbeFailed
from monitor.probes.dns import DnsOptions, DnsProber
from monitor.probes.icmp import LOSS_FACT, IcmpOptions, IcmpProber
from monitor.probes.names import parse_resolv_conf
from monitor.probes.network import Network
from monitor.probes.tcp import TcpOptions, TcpProber
from monitor.probes.tls import TlsOptions

STEP_SECONDS: Final = 2.0
"""The most that one question may take; they are asked side by side."""

GLANCE_SECONDS: Final = 0.3
"""The same for a glance, so that a message that waits a moment can say what it found."""

_PINGS: Final = 5
_PLAIN = TcpOptions()
_PORTS: Final = {"http": 80, "https": 443}
_EXPIRY: Final = "probe_ssl_earliest_cert_expiry"


class Collector:
    """Asks about a point. ``servers`` are the configured name servers; without any, resolv.conf's are asked."""

    def __init__(
        self,
        *,
        network: Network,
        servers: Sequence[tuple[str, int]],
        clock: Callable[[], datetime],
        resolv_conf: Path = Path("/etc/resolv.conf"),
    ) -> None:
        self._network = network
        self._servers = tuple(servers)
        self._clock = clock
        self._resolv_conf = resolv_conf

    async def collect(
        self, point: Point, last_good: Mapping[EndpointKey, Result], *, step_seconds: float = STEP_SECONDS
    ) -> dict[str, Any]:
        """Everything about ``point``, in the module's form. Raises nothing but CancelledError.

        The name is looked up for at most half of ``step_seconds``, then everything else is asked side by side.
        """
        loop = asyncio.get_running_loop()
        begun, started = self._clock(), loop.time()
        declared = [endpoint for endpoint in point.endpoints if endpoint.declared]
        host = host_of(declared[0].target) if declared else ""
        address = await self._address(host, declared, last_good, step_seconds / 2)
        async with asyncio.TaskGroup() as tasks:
            resolution = tasks.create_task(self._resolution(host, step_seconds))
            tcp = tasks.create_task(self._connections(declared, host, address, step_seconds))
            secure = [each for each in declared if _is_tls(each)]
            tls = tasks.create_task(self._connections(secure, host, "", step_seconds, tls=True))
            ping = tasks.create_task(self._ping(address, step_seconds))
            path = tasks.create_task(self._path(address, step_seconds))
        return {
            "point": point.id,
            "host": host,
            "address": address,
            "begun": begun.isoformat(),
            "seconds": round(loop.time() - started, 3),
            "resolution": resolution.result(),
            "tcp": tcp.result(),
            "ping": ping.result(),
            "tls": tls.result(),
            "path": path.result(),
            "last_good": [
                _good(endpoint, last_good[endpoint.key]) for endpoint in declared if endpoint.key in last_good
            ],
        }

    async def _address(
        self, host: str, endpoints: Sequence[Endpoint], last_good: Mapping[EndpointKey, Result], seconds: float
    ) -> str:
        """Where the host is: by name now, else where it last was; "" when nobody knows."""
        try:
            async with asyncio.timeout(seconds):
                return await self._network.resolve(host, "ip4") if host else ""
        except (ProbeFailed, TimeoutError, OSError):
            pass  # the resolution's own findings say why
        known = (last_good[each.key].address for each in endpoints if each.key in last_good)
        return next((address for address in known if address), "")

    async def _resolution(self, host: str, seconds: float) -> list[dict[str, Any]]:
        if not host or _is_address(host):
            return []
        servers = self._servers or await asyncio.to_thread(self._system_servers)
        async with asyncio.TaskGroup() as tasks:
            asked = [(server, tasks.create_task(self._ask(_joined(*server), host, seconds))) for server in servers]
        return [{"server": _joined(*server), **task.result()} for server, task in asked]

    async def _ask(self, server: str, host: str, seconds: float) -> dict[str, Any]:
        options = DnsOptions(
            query_name=host, query_type="A", preferred_ip_protocol="ip4", valid_rcodes=("NOERROR", "NXDOMAIN")
        )
        said, trace = await attempt(DnsProber(server, options, network=self._network), seconds=seconds)
        if said["ok"] and not trace.facts["probe_dns_answer_rrs"]:
            return {**said, "ok": False, "reason": Reason.DNS.value, "detail": "the name has no address"}
        return said

    def _system_servers(self) -> tuple[tuple[str, int], ...]:
        try:
            return tuple(parse_resolv_conf(self._resolv_conf).servers)
        except OSError:
            return ()

    async def _connections(
        self, endpoints: Sequence[Endpoint], host: str, address: str, seconds: float, *, tls: bool = False
    ) -> list[dict[str, Any]]:
        """One connection to each endpoint's port, all at once; TLS ones by name, for the name is what is verified."""
        async with asyncio.TaskGroup() as tasks:
            asked = []
            for endpoint in endpoints:
                name, port = _host_and_port(endpoint)
                if port:
                    where = _joined(address if address and name == host else name, port)
                    prober = TcpProber(where, _handshake(endpoint) if tls else _PLAIN, network=self._network)
                    asked.append((endpoint, port, tasks.create_task(attempt(prober, seconds=seconds))))
        found = []
        for endpoint, port, task in asked:
            said, trace = task.result()
            entry = {"endpoint": endpoint.key.endpoint, "port": port, **said}
            if tls:
                expiry = trace.facts.get(_EXPIRY)
                entry["expires"] = None if expiry is None else datetime.fromtimestamp(expiry, UTC).isoformat()
            found.append(entry)
        return found

    async def _ping(self, address: str, seconds: float) -> dict[str, Any] | None:
        if not address:
            return None
        said, trace = await attempt(IcmpProber(address, _pinging(seconds), network=self._network), seconds=seconds)
        loss = trace.facts.get(LOSS_FACT)
        received = 0 if loss is None else round(_PINGS * (1 - loss))
        rtt = trace.facts.get("lienthong_probe_icmp_rtt_mean_seconds")
        return {"sent": _PINGS, "received": received, "loss_ratio": loss, "rtt_seconds": rtt, **said}

    async def _path(self, address: str, seconds: float) -> dict[str, Any] | None:
        return (await trace_path(address, seconds=seconds)).as_json() if address else None


def glanced(sample: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """What may be told of a glance, and whether it must be looked into for longer: something kept silent.

    A host that is down is silent for good; a name server may only be slow, so nothing is said of that.
    """
    questions = [*sample["resolution"], *sample["tcp"], *sample["tls"], *filter(None, [sample["ping"]])]
    path = sample["path"]
    silent = any(each["reason"] == Reason.TIMEOUT for each in questions) or bool(path and not path["reached"])
    answered = [each for each in sample["resolution"] if each["reason"] != Reason.TIMEOUT]
    return {**sample, "resolution": answered}, silent or not sample["address"]


def _pinging(seconds: float) -> IcmpOptions:
    """Pings that are over within ``seconds``, each waited for during half of it at least."""
    interval, wait = (timedelta(seconds=seconds / part) for part in (20, 2))
    return IcmpOptions.model_validate({"count": _PINGS, "interval": interval, "wait": wait})


def _host_and_port(endpoint: Endpoint) -> tuple[str, int]:
    """Where an endpoint's connection goes; port 0 for one that has none (icmp, DNS over UDP)."""
    target = endpoint.target
    if getattr(endpoint.module.options, "transport_protocol", "tcp") != "tcp":
        return host_of(target), 0
    if "://" in target:
        url = urlsplit(target)
        return url.hostname or "", url.port or _PORTS.get(url.scheme, 0)
    host = host_of(target)
    port = target.rpartition(":")[2]
    return host, int(port) if port.isdecimal() and port != target else 0


def _is_tls(endpoint: Endpoint) -> bool:
    return endpoint.target.startswith("https://") or getattr(endpoint.module.options, "tls", False) is True


def _handshake(endpoint: Endpoint) -> TcpOptions:
    """TLS as the endpoint's module has it: what it trusts, or leaves unverified, is no fault of the other side's."""
    return TcpOptions(tls=True, tls_config=getattr(endpoint.module.options, "tls_config", TlsOptions()))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _good(endpoint: Endpoint, result: Result) -> dict[str, Any]:
    return {
        "endpoint": endpoint.key.endpoint,
        "begun": result.begun.isoformat(),
        "seconds": result.latency_seconds,
        "address": result.address,
    }
