"""Hosts and ports inside what the file says."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#]*@)?(\[[^\]]*\]|[^/:?#]+)", re.IGNORECASE)


def host_of(target: str) -> str:
    """The host of ``host``, ``host:port`` or a URL, without brackets; "" when there is none."""
    found = _HOST.match(target)
    return found[1].strip("[]") if found else ""


def is_address(host: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_placeholder(host: str) -> bool:
    """Whether a name lies under ``.example`` (RFC 2606), which no real network has."""
    return host.lower().rstrip(".").endswith(".example")


def names_placeholder(value: Any) -> bool:
    """Whether any text inside ``value`` is wholly a placeholder's name."""
    if isinstance(value, str):
        return is_placeholder(value)
    if isinstance(value, Mapping):
        return any(names_placeholder(item) for item in value.values())
    return isinstance(value, list) and any(names_placeholder(item) for item in value)


def parse_listen(text: str, default_port: int | None = None) -> tuple[str, int]:
    """``address:port`` (``[::1]:8080`` for IPv6) as a pair. Raises ValueError when it isn't one.

    Without a port the default holds, where there is one.
    """
    host, colon, port = text.rpartition(":")
    if text.count(":") > 1 and not text.startswith("["):
        host, colon, port = text, "", ""
    if not colon or host.startswith("[") != host.endswith("]"):
        host, port = text, "" if default_port is None else str(default_port)
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535 or (int(port) == 0 and default_port is not None):
        raise ValueError(f"{text!r} has no port from 1 to 65535")
    return host.strip("[]"), int(port)


def parse_server(text: str) -> tuple[str, int]:
    """A name server as (address, port), port 53 when none is given. Raises ValueError for a name, not an address."""
    host, port = parse_listen(text, default_port=53)
    return str(ipaddress.ip_address(host)), port
