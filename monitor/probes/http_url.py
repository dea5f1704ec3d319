"""Where an HTTP request goes: a URL taken apart once, and where a Location header leads from it."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from monitor.probes.names import ascii_name, literal

_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + '?"<>[]{}|\\^`'
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Url(NamedTuple):
    """``host`` is what is resolved (a name in ASCII or an address without brackets), ``authority`` what the Host
    header says, ``request_target`` path and query as they go on the wire. ``credentials`` are name and password.
    """

    scheme: str
    host: str
    port: int
    authority: str
    request_target: str
    credentials: tuple[str, str] | None = None

    @property
    def origin(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def path(self) -> str:
        return self.request_target.partition("?")[0]

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.request_target}"


def parse_target(target: str) -> Url:
    """Take a probe's target apart; without a scheme it is http. Raises ValueError that says what is wrong with it."""
    match = _SCHEME.match(target)
    if match and match[1].lower() not in _DEFAULT_PORTS:
        raise ValueError(f"{target!r}: {match[1]} is not http or https")
    return _parse(target if match else f"http://{target}")


def follow_location(url: Url, location: str) -> Url:
    """The URL that a Location header found at ``url`` leads to. Raises ValueError if it leads nowhere."""
    if re.match("https?:", location, re.IGNORECASE) and not urlsplit(location).netloc:
        raise ValueError(f"{location!r} has no host")
    return _parse(urljoin(str(url), location))


def is_url_text(text: str) -> bool:
    """Whether a text may be a URL at all: Go's parser takes no control character in one."""
    return _CONTROL.search(text) is None


def _parse(text: str) -> Url:
    if _CONTROL.search(text):
        raise ValueError(f"{text!r} has a control character in it")
    parts = urlsplit(text)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError(f"{text!r}: {parts.scheme or 'nothing'} is not http or https")
    if not parts.hostname:
        raise ValueError(f"{text!r} has no host; write host, host:port or a URL")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r}: the port is not a number from 1 to 65535") from error
    if port == 0:
        raise ValueError(f"{text!r}: the port is not a number from 1 to 65535")
    address = literal(unquote(parts.hostname))
    host = address or ascii_name(parts.hostname)
    shown = f"[{host.partition('%')[0]}]" if address and ":" in address else host
    return Url(
        scheme=parts.scheme,
        host=host,
        port=port or _DEFAULT_PORTS[parts.scheme],
        authority=shown if port is None else f"{shown}:{port}",
        request_target=_request_target(parts.path, parts.query, "?" in text.partition("#")[0]),
        credentials=(unquote(parts.username or ""), unquote(parts.password or "")) if "@" in parts.netloc else None,
    )


def _request_target(path: str, query: str, has_query: bool) -> str:
    target = quote(path, safe=_PATH_SAFE) or "/"
    return f"{target}?{quote(query, safe=_QUERY_SAFE)}" if has_query else target
