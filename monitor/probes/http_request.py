"""What is sent: the bytes of a request, and how it changes from redirect to redirect as with Go's client."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from monitor import __version__
from monitor.model import Reason
from monitor.probes.base import ProbeFailed
from monitor.probes.http_options import HttpOptions
from monitor.probes.http_url import Url

USER_AGENT = f"lienthong-monitor/{__version__}"

# The transport writes these itself; Go drops a configured one as well.
_OURS = frozenset({"host", "content-length", "transfer-encoding", "trailer"})
# What Go's client takes off when a redirect leads to another host.
_SENSITIVE = frozenset({"authorization", "www-authenticate", "cookie", "cookie2"})
_WITH_EMPTY_BODY = ("POST", "PUT", "PATCH")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a probe. ``headers`` are the configured ones, ``authority`` the Host header's value.

    ``credentials`` are those of the options; a configured Authorization header or the URL's own go before them.
    ``stripped``: a redirect has led to another host, so nothing secret goes along any more. ``replayable``: the body
    can be sent once more, which a redirect with 307 or 308 asks for; Go can't rewind a body that comes from a file.
    ``site`` is the target's host; ``origin`` is, after a redirect, the first request's authority by address.
    """

    method: str
    url: Url
    authority: str
    headers: Headers
    credentials: Headers = ()
    body: bytes = b""
    replayable: bool = True
    stripped: bool = False
    referer: str = ""
    site: str = ""
    origin: str = ""

    def encode(self, cookies: str = "") -> bytes:
        """The request as it goes on the wire; ``cookies`` come behind those of a configured Cookie header."""
        lines = [f"{self.method} {self.url.request_target} HTTP/1.1", f"Host: {self.authority}"]
        upgrading = any(name.lower() == "upgrade" for name, _ in self.headers)
        if not upgrading:
            lines.append("Connection: close")
        for name, value in (*self.headers, *self._authorization()):
            if name.lower() == "cookie" and cookies:
                value, cookies = f"{value}; {cookies}" if value else cookies, ""
            if name.lower() != "connection" or upgrading:
                lines.append(f"{name}: {value}")
        if self.referer:
            lines.append(f"Referer: {self.referer}")
        if cookies:
            lines.append(f"Cookie: {cookies}")
        if self.body or self.method in _WITH_EMPTY_BODY:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape") + self.body

    def _authorization(self) -> Headers:
        if _has(self.headers, "authorization"):
            return ()
        return (_basic(*self.url.credentials),) if self.url.credentials else self.credentials

    def at(self, address: str) -> Request:
        """The same with the address in its URL in place of the name, as blackbox_exporter asks for it.

        That is what relative locations lead from, and what the Referer shows.
        """
        url = self.url.at(address)
        return replace(self, url=url, origin=url.authority)

    def named(self, url: Url) -> Url:
        """``url`` with the target's own name if it holds the address instead: whose the cookies and secrets are."""
        return url._replace(host=self.site) if url.authority == self.origin else url

    def redirected(
        self, status: int, url: Url, *, location_is_absolute: bool, cookies_set: Collection[str] = ()
    ) -> Request:
        """The request that follows a redirect, as Go's client makes it: 301, 302 and 303 turn into a GET without a
        body (a HEAD stays one), 307 and 308 repeat method and body; a relative location keeps the Host header that
        isn't the URL's. Cookies that the redirect set (by name) take the place of configured ones.
        """
        repeats = status in (307, 308)
        stripped = self.stripped or not _same_site(self.named(self.url).host, self.named(url).host)
        dropped = _SENSITIVE if stripped else frozenset()
        headers = tuple(
            (name, _without_cookies(value, cookies_set) if name.lower() == "cookie" else value)
            for name, value in self.headers
            if name.lower() not in dropped and (repeats or not name.lower().startswith("content-"))
        )
        downgraded = self.url.scheme == "https" and url.scheme == "http"
        keeps_authority = not location_is_absolute and self.authority != self.url.authority
        return replace(
            self,
            method=self.method if repeats or self.method == "HEAD" else "GET",
            url=url,
            authority=self.authority if keeps_authority else url.authority,
            headers=headers,
            credentials=() if stripped else self.credentials,
            body=self.body if repeats else b"",
            stripped=stripped,
            referer="" if downgraded or _has(headers, "referer") else str(self.url.reference),
        )


def first_request(options: HttpOptions, url: Url) -> Request:
    """The first request of a probe. Reads the files that the options name (blocks); raises ProbeFailed if it can't."""
    configured = {name.lower(): (name, value) for name, value in options.headers.items()}
    headers = [pair for key, pair in configured.items() if key not in _OURS]
    if "user-agent" not in configured:
        headers.insert(0, ("User-Agent", USER_AGENT))
    headers += (
        (name, value.strip())
        for name, source in options.http_headers.items()
        for value in (
            *source.values,
            *(secret.get_secret_value() for secret in source.secrets),
            *map(_read_text, source.files),
        )
    )
    body = _read_bytes(options.body_file) if options.body_file else options.body.encode()
    return Request(
        method=options.method or "GET",
        url=url,
        authority=configured["host"][1] if "host" in configured else url.authority,
        headers=tuple(headers),
        credentials=() if "authorization" in configured or url.credentials else _credentials(options),
        body=body,
        replayable=options.body_file is None,
        site=url.host,
    )


def reads_files(options: HttpOptions) -> bool:
    """Whether a request of these options must be made anew for each probe, because a file's content goes into it."""
    basic, authorization = options.basic_auth, options.authorization
    return bool(
        options.body_file
        or options.bearer_token_file
        or (basic and (basic.username_file or basic.password_file))
        or (authorization and authorization.credentials_file)
        or any(source.files for source in options.http_headers.values())
    )


def server_name(options: HttpOptions, url: Url) -> str:
    """The name that TLS asks for and verifies: tls_config.server_name, else the Host header's host, else the URL's."""
    if options.tls_config.server_name:
        return options.tls_config.server_name
    for name, value in options.headers.items():
        if name.lower() == "host" and value:
            bracketed = value.startswith("[")
            return value[1:].partition("]")[0] if bracketed else value.partition(":")[0]
    return url.host


def _credentials(options: HttpOptions) -> Headers:
    if basic := options.basic_auth:
        username = _read_text(basic.username_file) if basic.username_file else basic.username
        password = basic.password.get_secret_value()
        return (_basic(username, _read_text(basic.password_file) if basic.password_file else password),)
    if authorization := options.authorization:
        kind, file, secret = authorization.type.strip(), authorization.credentials_file, authorization.credentials
    else:
        kind, file, secret = "Bearer", options.bearer_token_file, options.bearer_token
    credentials = _read_text(file) if file else secret.get_secret_value()
    return (("Authorization", f"{kind} {credentials}"),) if credentials else ()


def _basic(username: str, password: str) -> tuple[str, str]:
    return "Authorization", f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProbeFailed(Reason.INTERNAL, f"{path} can't be read: {(error.strerror or 'error').lower()}") from error


def _read_text(path: Path) -> str:
    text = _read_bytes(path).decode("utf-8", "replace").strip()
    if any(character in text for character in "\r\n\0"):
        raise ProbeFailed(Reason.INTERNAL, f"{path} holds more than one line; a secret is one line")
    return text


def _has(headers: Headers, name: str) -> bool:
    return any(header.lower() == name for header, _ in headers)


def _without_cookies(value: str, names: Collection[str]) -> str:
    pairs = [pair.strip() for pair in value.split(";")]
    kept = [pair for pair in pairs if pair.partition("=")[0].strip() not in names]
    return value if len(kept) == len(pairs) else "; ".join(sorted(kept))


def _same_site(host: str, other: str) -> bool:
    """Whether secrets meant for ``host`` may go to ``other``: to itself and to its subdomains."""
    return host == other or other.endswith(f".{host}")
