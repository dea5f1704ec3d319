"""The ``http`` section of a module: blackbox_exporter's, with what isn't supported yet refused by name."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from monitor.probes.base import Options
from monitor.probes.tls import TlsOptions
from monitor.probes.types import ByteSize, FilePath, Flag, IpProtocol, Regex, Secret, Whole

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_VERSION = re.compile(r"HTTP/[0-9](\.[0-9])?", re.ASCII)

# Names that prometheus/common refuses under http_headers: they have options of their own or belong to the transport.
_RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "user-agent",
        "www-authenticate",
        "x-prometheus-remote-read-version",
        "x-prometheus-remote-write-version",
        "x-prometheus-scrape-timeout-seconds",
    }
)


def _refuse(value: object, info: ValidationInfo) -> None:
    if value not in (None, False, ""):
        raise ValueError(f"{info.field_name} is not supported yet; remove it")


Unsupported = Annotated[
    None, BeforeValidator(_refuse), WithJsonSchema({"enum": [None, False, ""], "description": "not supported yet"})
]
"""A key of the schema that we cannot honour: refused by name unless it is empty or switched off."""


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a header's name; write letters, digits and hyphens")
    return name


def _header_value(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and any(character in value for character in "\r\n\0"):
        raise ValueError("a header's value cannot hold a line break; write it on one line")
    return value


def _method(method: str) -> str:
    if method and not _TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is not an HTTP method; write GET, POST, HEAD, ...")
    return method


def _http_version(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise ValueError(f'{version!r} is not an HTTP version; write "HTTP/1.1" or "HTTP/2.0"')
    return version


def _lower(word: object) -> object:
    return word.lower() if isinstance(word, str) else word


Compression = Annotated[Literal["", "gzip", "br", "deflate", "identity"], BeforeValidator(_lower)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, BeforeValidator(_header_value)]
StatusCode = Annotated[Whole, Field(ge=0, le=999)]


class HeaderMatch(Options):
    """A regular expression on one header's values."""

    header: HeaderName
    regexp: Regex
    allow_missing: Flag = False

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.regexp.pattern:
            raise ValueError("regexp must be set; write what the header's value must or must not match")
        return self


class BasicAuth(Options):
    """A name and a password, each inline or in a file that is read at each probe."""

    username: str = ""
    username_file: FilePath | None = None
    password: Secret = Secret("")
    password_file: FilePath | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.username and self.username_file:
            raise ValueError("username and username_file exclude each other; keep one")
        if self.password.get_secret_value() and self.password_file:
            raise ValueError("password and password_file exclude each other; keep one")
        return self


class Authorization(Options):
    """An Authorization header: type and credentials, inline or in a file that is read at each probe."""

    type: str = "Bearer"
    credentials: Secret = Secret("")
    credentials_file: FilePath | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.type.strip().lower() == "basic":
            raise ValueError('the type cannot be "basic"; use basic_auth instead')
        if self.credentials.get_secret_value() and self.credentials_file:
            raise ValueError("credentials and credentials_file exclude each other; keep one")
        return self


class HeaderSource(Options):
    """One header of ``http_headers``: values, secret values and files with values, sent in this order."""

    values: tuple[HeaderValue, ...] = ()
    secrets: tuple[Secret, ...] = ()
    files: tuple[FilePath, ...] = ()


def accepts_encoding(compression: str, accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header lets a server answer with ``compression``, by blackbox_exporter's reading.

    One part of the header is enough that names the coding or ``*`` and gives it a weight; identity must be named too
    (unlike RFC 9110, 12.5.3), names are lower-case, and a parameter that is no weight excludes.
    """
    if not accept_encoding:
        return True
    for part in accept_encoding.split(","):
        coding, _, text = part.rpartition(";") if ";" in part else (part, "", "1")
        if coding.strip() in (compression, "*") and _weight(text.strip()) > 0:
            return True
    return False


def _weight(text: str) -> float:
    try:
        return round(float(text.removeprefix("q=")), 3)
    except ValueError:
        return 0.0


class HttpOptions(Options):
    """blackbox_exporter's ``http`` section. We speak HTTP/1.1 whatever ``enable_http2`` says."""

    valid_status_codes: tuple[StatusCode, ...] = ()
    valid_http_versions: tuple[Annotated[str, AfterValidator(_http_version)], ...] = ()
    preferred_ip_protocol: IpProtocol = ""
    ip_protocol_fallback: Flag = True
    follow_redirects: Flag = True
    no_follow_redirects: Flag | None = None
    fail_if_ssl: Flag = False
    fail_if_not_ssl: Flag = False
    method: Annotated[str, AfterValidator(_method)] = ""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    fail_if_body_matches_regexp: tuple[Regex, ...] = ()
    fail_if_body_not_matches_regexp: tuple[Regex, ...] = ()
    fail_if_header_matches: tuple[HeaderMatch, ...] = ()
    fail_if_header_not_matches: tuple[HeaderMatch, ...] = ()
    body: str = ""
    body_file: FilePath | None = None
    compression: Compression = ""
    body_size_limit: ByteSize = 0
    enable_http2: Flag = True
    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: Secret = Secret("")
    bearer_token_file: FilePath | None = None
    tls_config: TlsOptions = TlsOptions()
    http_headers: dict[HeaderName, HeaderSource] = Field(default_factory=dict)

    skip_resolve_phase_with_proxy: Unsupported = None
    fail_if_body_json_matches_cel: Unsupported = None
    fail_if_body_json_not_matches_cel: Unsupported = None
    enable_http3: Unsupported = None
    oauth2: Unsupported = None
    proxy_url: Unsupported = None
    no_proxy: Unsupported = None
    proxy_from_environment: Unsupported = None
    proxy_connect_header: Unsupported = None

    @property
    def redirects_followed(self) -> bool:
        """Whether redirects are followed: the deprecated inverse wins when it is set."""
        return self.follow_redirects if self.no_follow_redirects is None else not self.no_follow_redirects

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.body and self.body_file:
            raise ValueError("body and body_file exclude each other; keep one")
        if self.bearer_token.get_secret_value() and self.bearer_token_file:
            raise ValueError("bearer_token and bearer_token_file exclude each other; keep one")
        bearer = bool(self.bearer_token.get_secret_value() or self.bearer_token_file)
        if (self.basic_auth is not None) + (self.authorization is not None) + bearer > 1:
            raise ValueError("at most one of basic_auth, authorization and bearer_token; remove the others")
        for name, value in self.headers.items():
            compressed = self.compression and name.lower() == "accept-encoding"
            if compressed and not accepts_encoding(self.compression, value):
                raise ValueError(f'compression {self.compression} does not fit the header "{name}: {value}"')
        for name in self.http_headers:
            if name.lower() in _RESERVED_HEADERS:
                raise ValueError(f"http_headers cannot set {name}; use headers or the option of that name")
        return self
