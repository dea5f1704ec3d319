"""The cookies of one probe, kept from answer to answer along its redirects (RFC 6265, sections 5.2 to 5.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from monitor.probes.http_url import Url
from monitor.probes.names import literal

# What Go's client takes; it quotes a space and a comma when it sends them back.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_VALUE = re.compile(r"[ !#-:<-\[\]-~]*", re.ASCII)

_MOST = 100
"""A hostile server's cookies take no more room than this."""


class Cookie(NamedTuple):
    """``host_only`` cookies go back to ``domain`` itself, others to its subdomains as well."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool

    def goes_to(self, url: Url) -> bool:
        """Whether a request to ``url`` carries it."""
        host_fits = url.host == self.domain or (not self.host_only and url.host.endswith(f".{self.domain}"))
        path = self.path.rstrip("/")
        path_fits = url.path == self.path or url.path.startswith(f"{path}/")
        return host_fits and path_fits and (url.scheme == "https" or not self.secure)


class Jar:
    """Cookies by (domain, path, name)."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def take(self, url: Url, lines: Iterable[str]) -> None:
        """Take the Set-Cookie headers of an answer from ``url``; what isn't well-formed is passed over."""
        for line in lines:
            read = self._read(url, line)
            if read is None:
                continue
            cookie, lives = read
            key = (cookie.domain, cookie.path, cookie.name)
            if not lives:
                self._cookies.pop(key, None)
            elif len(self._cookies) < _MOST or key in self._cookies:
                self._cookies[key] = cookie

    @property
    def names(self) -> frozenset[str]:
        """The names of all that have been set and live."""
        return frozenset(name for _, _, name in self._cookies)

    def header(self, url: Url) -> str:
        """The Cookie header for a request to ``url``, the longest paths first; empty: none."""
        fitting = [cookie for cookie in self._cookies.values() if cookie.goes_to(url)]
        fitting.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={_quoted(cookie.value)}" for cookie in fitting)

    def _read(self, url: Url, line: str) -> tuple[Cookie, bool] | None:
        pair, *rest = line.split(";")
        name, equals, value = (part.strip() for part in pair.partition("="))
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            return None
        attributes = {}
        for piece in rest:
            attribute, _, argument = piece.partition("=")
            attributes[attribute.strip().lower()] = argument.strip()
        domain, host_only = _domain(url.host, attributes.get("domain", ""))
        if not domain:
            return None
        path = attributes.get("path", "")
        if not path.startswith("/"):
            path = url.path.rpartition("/")[0] or "/"
        cookie = Cookie(name, value, domain, host_only, path, "secure" in attributes)
        return cookie, self._lives(attributes)

    def _lives(self, attributes: dict[str, str]) -> bool:
        age = attributes.get("max-age", "")
        if age.lstrip("-").isdecimal():
            return not age.startswith("-") and int(age) > 0
        try:
            expires = parsedate_to_datetime(attributes.get("expires", ""))
        except (ValueError, TypeError, IndexError):
            return True
        return expires.replace(tzinfo=expires.tzinfo or UTC) > self._clock()


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value or "," in value else value


def _domain(host: str, attribute: str) -> tuple[str, bool]:
    """The domain that a cookie from ``host`` belongs to and whether to it alone; an empty domain refuses the cookie.

    There is no list of public suffixes here: a domain of one label is taken for one.
    """
    wanted = attribute.removeprefix(".").lower()
    if not wanted or wanted == host:
        return host, not wanted or bool(literal(host)) or "." not in host
    if literal(host) or "." not in wanted or not host.endswith(f".{wanted}"):
        return "", True
    return wanted, False
