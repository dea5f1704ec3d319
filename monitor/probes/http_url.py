"""Where an HTTP request goes: a URL taken apart once, and where a Location header leads from it.

Texts are read as strictly, and as leniently, as Go's net/url reads them (RFC 3986 with habits of its own), because a
redirect that blackbox_exporter can't follow must fail here too.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

from monitor.probes.names import ascii_name, literal

_DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://", re.ASCII)
# RFC 3986, appendix B, with a scheme that must be one.
_PARTS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.ASCII | re.DOTALL,
)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# In a host only what isn't ASCII may be escaped, and a zone's percent sign in brackets.
_BAD_HOST_ESCAPE = re.compile(r"%(?!25|[89A-Fa-f][0-9A-Fa-f])")
_BAD_HOST = re.compile(r"[ /?#@\\^`{|}]")
_BAD_USER = re.compile(r"[^A-Za-z0-9\-._:~!$&'()*+,;=%@]", re.ASCII)
# A path of these goes as it is written; any other is decoded and written anew, with fewer characters left alone.
_WRITTEN_PATH = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/%\[\]]*", re.ASCII)
_PATH_SAFE = "$&+,/:;=@~"
# Go sends a query as it was written; ours escapes what no request line may hold.
_QUERY_SAFE = "/%:@!$&'()*+,;=~-._?\"<>[]{}|\\^`"


class Reference(NamedTuple):
    """A URL, or a part of one that is meant relative to another. ``path`` is as it goes on the wire."""

    scheme: str
    user: str | None
    host: str
    path: str
    query: str | None = None
    fragment: str = ""
    opaque: bool = False

    def resolve(self, other: Reference) -> Reference:
        """Where ``other`` leads from here (RFC 3986, 5.2.2)."""
        if other.scheme or other.host or other.user is not None:
            path = other.path if other.opaque else _without_dots(other.path)
            return other._replace(scheme=other.scheme or self.scheme, path=path)
        here = other._replace(scheme=self.scheme, user=self.user, host=self.host)
        if not other.path and other.query is None:
            fragment = other.fragment or self.fragment
            return here._replace(path=_without_dots(self.path), query=self.query, fragment=fragment)
        directory = self.path.rpartition("/")[0]
        path = other.path if other.path.startswith("/") else f"{directory}/{other.path}" if other.path else self.path
        return here._replace(path=_without_dots(path))

    def __str__(self) -> str:
        """Without the credentials: this is what another server may be told (Referer)."""
        query = "" if self.query is None else f"?{self.query}"
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"{self.scheme}://{self.host}{self.path}{query}{fragment}"


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
    reference: Reference = Reference("", None, "", "")

    @property
    def path(self) -> str:
        return self.request_target.partition("?")[0]

    def at(self, address: str) -> Url:
        """The same with the address of its host in place of the name."""
        shown = f"[{address}]" if ":" in address else address
        port = self.authority[len(self.authority.removesuffix(f":{self.port}")) :]
        host = f"{shown}{port}"
        return self._replace(host=address, authority=host, reference=self.reference._replace(host=host))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.request_target}"


def parse_target(target: str) -> Url:
    """Take a probe's target apart; without a scheme it is http. Raises ValueError that says what is wrong with it."""
    match = _SCHEME.match(target)
    if match and match[1].lower() not in _DEFAULT_PORTS:
        raise ValueError(f"{target!r}: {match[1]} is not http or https")
    return locate(parse_reference(target if match else f"http://{target}"))


def parse_reference(text: str) -> Reference:
    """Read a URL or a relative one. Raises ValueError for what Go's parser doesn't take."""
    if _CONTROL.search(text):
        raise ValueError(f"{text!r} has a control character in it")
    match = _PARTS.fullmatch(text)
    if match is None or text.startswith(":"):
        raise ValueError(f"{text!r} is no URL: it begins with a colon")
    scheme, authority, path = (match["scheme"] or "").lower(), match["authority"], match["path"]
    if not scheme and text.startswith("///"):
        authority, path = None, f"//{path}"
    if authority is None and not scheme and ":" in path.partition("/")[0]:
        raise ValueError(f"{text!r} is no URL: a colon before the first slash and no scheme")
    opaque = bool(scheme) and authority is None and not path.startswith("/") and bool(path)
    if _BAD_ESCAPE.search(path if not opaque else "") or _BAD_ESCAPE.search(match["fragment"] or ""):
        raise ValueError(f"{text!r} is no URL: a percent sign without two hexadecimal digits")
    user, _, host = (authority or "").rpartition("@")
    has_user = "@" in (authority or "")
    if has_user and (_BAD_USER.search(user) or _BAD_ESCAPE.search(user)):
        raise ValueError("the name or password of the URL has a character that must be percent-encoded")
    _check_host(text, host)
    written = path if opaque or _WRITTEN_PATH.fullmatch(path) else quote(unquote_to_bytes(path), safe=_PATH_SAFE)
    return Reference(scheme, user if has_user else None, host, written, match["query"], match["fragment"] or "", opaque)


def locate(reference: Reference) -> Url:
    """Where a request for a URL goes. Raises ValueError that says why it can't go anywhere."""
    text = str(reference)
    if reference.scheme not in _DEFAULT_PORTS:
        raise ValueError(f"{text!r}: {reference.scheme or 'nothing'} is not http or https")
    name, port_text = _split_port(reference.host)
    if not name or reference.opaque:
        raise ValueError(f"{text!r} has no host; write host, host:port or a URL")
    if port_text and not 0 < int(port_text) < 65_536:
        raise ValueError(f"{text!r}: the port is not a number from 1 to 65535")
    name = unquote(name)
    address = literal(name)
    host = address or ascii_name(name)
    shown = f"[{host.partition('%')[0]}]" if address and ":" in address else host
    query = "" if reference.query is None else f"?{quote(_bytes(reference.query), safe=_QUERY_SAFE)}"
    return Url(
        scheme=reference.scheme,
        host=host,
        port=int(port_text) if port_text else _DEFAULT_PORTS[reference.scheme],
        authority=f"{shown}:{port_text}" if port_text else shown,
        request_target=(reference.path or "/") + query,
        credentials=_credentials(reference.user),
        reference=reference,
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _credentials(user: str | None) -> tuple[str, str] | None:
    if user is None:
        return None
    name, _, password = user.partition(":")
    return unquote(name), unquote(password)


def _check_host(text: str, host: str) -> None:
    if host.startswith("["):
        inner, bracket, rest = host[1:].rpartition("]")
        if not bracket:
            raise ValueError(f"{text!r} is no URL: a bracket is not closed (Invalid IPv6 URL)")
    else:
        inner, colon, port = host.rpartition(":")
        inner, rest = (inner, colon + port) if colon else (host, "")
    if not re.fullmatch(r"(:[0-9]*)?", rest):
        raise ValueError(f"{text!r}: the port is not a number from 1 to 65535")
    if _BAD_HOST.search(inner) or _BAD_HOST_ESCAPE.search(inner):
        raise ValueError(f"{text!r}: {inner!r} is not a host name")


def _split_port(host: str) -> tuple[str, str]:
    """The name or address (without brackets), and the port's digits if there are any."""
    if host.startswith("["):
        inner, _, rest = host[1:].rpartition("]")
        return inner, rest.removeprefix(":")
    name, colon, port = host.rpartition(":")
    return (name, port) if colon else (host, "")


def _without_dots(path: str) -> str:
    """A path without its ``.`` and ``..`` segments (RFC 3986, 5.2.4); it begins with a slash, as Go has it."""
    if not path:
        return ""
    kept: list[str] = []
    segments = path.removeprefix("/").split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
