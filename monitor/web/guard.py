"""Who may POST: a bearer token, or this very machine; never another site's page in somebody's browser. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def refusal(
    headers: Mapping[str, str], *, peer: str, tokens: Sequence[str], host: str
) -> tuple[HTTPStatus, str] | None:
    """Why a request that changes something is refused; None when it may pass.

    ``peer`` is the address that connected. From loopback no token is needed, unless a proxy stands there (it forwards
    for somebody else) or the Host header is not this machine's (a name that was rebound to 127.0.0.1). ``host`` is the
    configured listening address, which is also a name of this machine.
    """
    site = headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none"):
        return HTTPStatus.FORBIDDEN, "refused: the request comes from another site's page"
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("Host", "").lower():
        return HTTPStatus.FORBIDDEN, "refused: Origin is not this server"
    if _bears(headers.get("Authorization", ""), tokens):
        return None
    if not _is_loopback(peer) or any(name in headers for name in FORWARDED):
        return HTTPStatus.UNAUTHORIZED, "a bearer token is needed from here: Authorization: Bearer <token>"
    if not _names_this_machine(headers.get("Host", ""), host):
        return HTTPStatus.FORBIDDEN, "refused: the Host header is not a name of this machine's loopback"
    return None


def _bears(authorization: str, tokens: Sequence[str]) -> bool:
    scheme, _, given = authorization.partition(" ")
    matches = [hmac.compare_digest(given.strip().encode(), token.encode()) for token in tokens if token]
    return scheme.lower() == "bearer" and any(matches)


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _names_this_machine(header: str, host: str) -> bool:
    try:
        name = (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return False
    return name in ("localhost", host.lower()) or _is_loopback(name)
