"""What a request's headers say of where it comes from: a token, this very machine, another site's page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def foreign(headers: Mapping[str, str]) -> str:
    """Why this is another site's page in somebody's browser; "" when it is not."""
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "refused: the request comes from another site's page"
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("Host", "").lower():
        return "refused: Origin is not this server"
    return ""


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token that is presented (RFC 6750); None when nothing is. Another scheme is a token that nobody has."""
    authorization = headers.get("Authorization")
    if authorization is None:
        return None
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def is_here(headers: Mapping[str, str], peer: str) -> bool:
    """Whether it comes from this machine: ``peer`` (the address that connected) is loopback, and no proxy stands there
    that forwards for somebody else."""
    return _is_loopback(peer) and not any(name in headers for name in FORWARDED)


def rebound(headers: Mapping[str, str], host: str) -> str:
    """Why the Host header is not this machine's (a name that was rebound to 127.0.0.1); "" when it is.

    ``host`` is the configured listening address, which is also a name of this machine.
    """
    try:
        name = (urlsplit(f"//{headers.get('Host', '')}").hostname or "").lower()
    except ValueError:
        name = ""
    if name and (name in ("localhost", host.lower()) or _is_loopback(name)):
        return ""
    return "refused: the Host header is not a name of this machine's loopback"


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
