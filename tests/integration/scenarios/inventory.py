"""Small inventories for the scenarios: as many wards as wanted, paced in fractions of a second."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LINK_PORT, WEB_PORT, DNS_PORT = 17443, 18443, 15353
DOMAIN = "thu.test"
SUBNET = f"127.{150 + os.getpid() % 100}.0.0/16"
ANCHORS = SUBNET.replace("0.0/16", "255.{}")


@dataclass
class Inventory:
    """A file in the making. ``text`` is YAML (JSON is a part of it)."""

    points: list[dict[str, Any]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    interval: str = "1s"
    timeout: str = "500ms"
    down_after: int = 3

    def add(self, name: str, kind: str = "ward", **more: Any) -> Inventory:
        """A point with a host of its own."""
        host = more.pop("host", f"{name}.{DOMAIN}")
        self.points.append({"id": name, "name": name.upper(), "kind": kind, "host": host, **more})
        return self

    def wards(self, count: int, *, begin: int = 1, depends_on: Sequence[Any] = (), **more: Any) -> Inventory:
        """``ward-1`` and so on; each with a page behind its link, unless ``endpoints`` says otherwise."""
        more.setdefault("endpoints", {"portal": web()})
        for number in range(begin, begin + count):
            self.add(f"ward-{number}", depends_on=list(depends_on), **more)
        return self

    def anchors(self, count: int = 2) -> Inventory:
        for number in range(1, count + 1):
            self.add(f"anchor-{number}", "anchor", host=ANCHORS.format(number))
        return self

    def text(self, *, database: str, spool: str, listen: str, servers: Sequence[str], hook: str, ca_file: str) -> str:
        """The whole file. ``hook`` is where messages go."""
        link = {"module": "connect", "target": f"{{host}}:{LINK_PORT}", "link": True}
        kinds = {kind: {"endpoints": {"link": link}} for kind in ("ward", "branch", "hub", "circuit", "anchor")}
        content: dict[str, Any] = {
            "server": {"listen": listen},
            "storage": {"url": database, "spool": spool, "spool_size": "4MB"},
            "resolution": {"servers": list(servers)},
            "ca_file": ca_file,
            "stable_after": "5s",
            "defaults": {
                "interval": self.interval,
                "timeout": self.timeout,
                "retry_every": "200ms",
                "down_after": self.down_after,
                "up_after": 2,
            },
            "modules": {
                "connect": {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}},
                "page": {"prober": "http", "http": {"preferred_ip_protocol": "ip4", "valid_status_codes": [200]}},
                "ping": {"prober": "icmp", "icmp": {"preferred_ip_protocol": "ip4"}},
                "name": {
                    "prober": "dns",
                    "dns": {"preferred_ip_protocol": "ip4", "query_name": f"ward-1.{DOMAIN}", "query_type": "A"},
                },
            },
            "kinds": {**kinds, "service": {"endpoints": {"link": link}}},
            "alerts": alerts(hook),
            "points": [*self.points, name_server()],
        }
        return json.dumps(_merged(content, self.more), indent=1)


def name_server() -> dict[str, Any]:
    """The host whose answers the simulated network gives names by: probed like any other."""
    return {
        "id": "names",
        "name": "Names",
        "kind": "service",
        "host": f"dns.{DOMAIN}",
        "endpoints": {"link": {"module": "name", "target": f"dns.{DOMAIN}:{DNS_PORT}"}},
    }


def web(**more: Any) -> dict[str, Any]:
    """An endpoint behind the link: a page over plain HTTP."""
    return {"module": "page", "target": f"http://{{host}}:{WEB_PORT}/", **more}


def alerts(hook: str, **more: Any) -> dict[str, Any]:
    """Everything to one webhook, nothing held back for long."""
    return {
        "url": "http://wall.test",
        "channels": {"hook": {"type": "webhook", "url": hook, "rate": "1000/1m", **more}},
        "routes": [{"name": "all", "to": ["hook"], "group_wait": "2s", "remind_every": "never"}],
        "never_after": "3s",
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``base``, mapping by mapping."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result
