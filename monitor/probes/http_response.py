"""One answer, read off a connection by httptools: never more of it than its limits allow, however it is sent."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable
from enum import Enum
from ssl import SSLObject
from typing import Final, NamedTuple, Protocol

import httptools

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.connection import connection_failure

HEAD_LIMIT = 256 * 1024
"""Bytes of headers, interim answers and chunk framing that are taken before the answer counts as garbage."""

_FRAMING_A_BODY_BYTE = 16
_MOST_INTERIM_ANSWERS = 5
_NONE: list[bytes] = []


class Take(Enum):
    """What is done with a body: passed over unread, counted, or kept."""

    NOTHING = 0
    COUNT = 1
    ALL = 2


_ALL: Final = Take.ALL


class BodyPlan(NamedTuple):
    """``limit`` bytes are read at most; ``patience_seconds`` bounds the wait for a body that no longer matters."""

    take: Take
    limit: int = 0
    patience_seconds: float = 0.0


UNREAD: Final = BodyPlan(Take.NOTHING)
"""The one plan that takes nothing."""


class Connection(Protocol):
    """What the request is sent over."""

    def write(self, data: bytes, /) -> None:
        """Send it, now or as soon as there is room."""
        ...


class Response(asyncio.Protocol):
    """The answer to ``request`` as it comes in.

    ``done`` is set when the answer is whole, has failed, or is read as far as planned. ``plan`` is asked once the
    headers are there (the attributes below are set then). ``status`` is 0 until then. ``headers`` are values by
    lower-case name; ``content_length`` is Go's: -1 when it isn't known. ``length`` counts the body's bytes,
    ``content`` holds them if they are kept. ``failure`` says why the answer isn't whole. ``verdict``, ``location``
    and ``refused`` are for the plan to set: what the headers alone failed by, where a redirect leads, and that it
    is not followed, so that its body isn't read.
    """

    __slots__ = (
        "_body",
        "_framed",
        "_interim",
        "_interims",
        "_no_body",
        "_parser",
        "_plan",
        "_received",
        "_request",
        "_taken",
        "_trace",
        "content_length",
        "done",
        "failure",
        "headers",
        "length",
        "location",
        "refused",
        "ssl_object",
        "status",
        "verdict",
        "version",
    )

    def __init__(
        self, *, trace: Trace, request: bytes, no_body: bool, plan: Callable[[Response], BodyPlan], done: Future[None]
    ) -> None:
        self._trace = trace
        self._request = request
        self._no_body = no_body
        self._plan = plan
        self._taken = UNREAD
        self.done = done
        self._parser: httptools.HttpResponseParser | None = None
        self._received = self._interims = self.length = self.status = self.content_length = 0
        self._interim = self._framed = self.refused = False
        self._body: list[bytes] = []
        self.version = self.location = ""
        self.headers: dict[bytes, list[bytes]] = {}
        self.failure: ProbeFailed | None = None
        self.verdict: ProbeFailed | None = None
        self.ssl_object: SSLObject | None = None

    @property
    def content(self) -> bytes:
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    @property
    def has_body(self) -> bool:
        """Whether a body follows the headers, as Go sees it."""
        return not self._no_body and self.content_length != 0

    @property
    def too_large(self) -> bool:
        """Whether the body was cut off at the plan's limit."""
        return self.failure is not None and self.failure.reason is Reason.CONTENT

    def values(self, name: bytes) -> list[bytes]:
        """The values of a header (lower-case name), in order."""
        return self.headers.get(name, [])

    def hide_framing(self) -> None:
        """Take away the headers that Go's client keeps to itself: for assertions."""
        headers = self.headers
        if headers.pop(b"transfer-encoding", None) and self.version != "1.0":
            headers.pop(b"trailer", None)
            headers.pop(b"content-length", None)
        if any(b"close" in value.lower() for value in headers.get(b"connection", ())):
            del headers[b"connection"]

    def release(self) -> None:
        """Let go of the parser, which holds this object and is held by it."""
        self._parser = None
        self.done.cancel()

    # the connection's side

    def opened(self, connection: Connection) -> None:
        """Ask, in the phase ``processing``."""
        self._trace.enter("processing")
        connection.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        if not self._received:
            self._trace.enter("transfer")
            if data[0] in b"\r\n":
                self._fail(Reason.PROTOCOL, "the answer is not HTTP: it begins with a blank line")
                return
            self._parser = parser = httptools.HttpResponseParser(self)
            # What Go's client takes as well: bare line feeds, a length beside chunks, folded headers, any version.
            parser.set_dangerous_leniencies(
                lenient_headers=True,
                lenient_chunked_length=True,
                lenient_optional_cr_before_lf=True,
                lenient_version=True,
                lenient_spaces_after_chunk_size=True,
            )
        self._received += len(data)
        try:
            if self._parser is not None:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish()
        except httptools.HttpParserCallbackError as error:
            # A fault of ours, not the server's: the runner must see it.
            self.done.set_exception(error)
        except httptools.HttpParserError as error:
            self._fail(Reason.PROTOCOL, f"the answer is not HTTP: {str(error).lower()}")
        if self._received - self.length > HEAD_LIMIT + _FRAMING_A_BODY_BYTE * self.length:
            self._fail(Reason.PROTOCOL, f"more than {HEAD_LIMIT} bytes of headers")

    def eof_received(self) -> None:
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(exc)

    # httptools' side

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:
            name, value = name.lower(), value.rstrip(b" \t")
            if name in self.headers:
                self.headers[name].append(value)
            else:
                self.headers[name] = [value]

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is None or self.done.done():
            return
        status = parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._interim = True
            self._interims += 1
            self.headers.clear()
            if self._interims > _MOST_INTERIM_ANSWERS:
                self._fail(Reason.PROTOCOL, "too many interim answers (1xx)")
            return
        self.version = parser.get_http_version()
        if not self._read_framing(status):
            self._fail(Reason.PROTOCOL, "the transfer encoding is not supported")
            return
        self.status = status
        self._taken = taken = self._plan(self)
        if taken is UNREAD or not self.content_length or self._no_body or status == 101:
            self._finish()
        elif taken.patience_seconds:
            self.done.get_loop().call_later(taken.patience_seconds, self._finish)

    def on_body(self, data: bytes) -> None:
        if self.done.done():
            return
        room = self._taken.limit - self.length
        if len(data) > room:
            self.length = self._taken.limit
            self._fail(Reason.CONTENT, f"the body is larger than {self._taken.limit} bytes")
            return
        self.length += len(data)
        if self._taken.take is _ALL:
            self._body.append(data)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        else:
            self._finish()

    def _read_framing(self, status: int) -> bool:
        """Find how the body ends (RFC 9112, 6.3): by its chunks, by its length, or with the connection.

        False: it is encoded in a way that nobody but the server knows.
        """
        lengths = self.headers.get(b"content-length", _NONE)
        encodings = self.headers.get(b"transfer-encoding", _NONE) if self.version != "1.0" else _NONE
        chunked = bool(encodings)
        self._framed = chunked or bool(lengths)
        if status in (101, 204, 304) and not self._no_body:
            self.content_length = 0
        elif chunked or not lengths:
            self.content_length = -1
        else:
            self.content_length = int(lengths[0])
        return not chunked or (len(encodings) == 1 and encodings[0].lower() == b"chunked")

    def _ended(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if isinstance(error, OSError):
            self.failure = connection_failure(error)
        elif not self._received:
            self.failure = ProbeFailed(Reason.RESET, "the connection was closed without an answer")
        elif not self.status:
            self.failure = ProbeFailed(Reason.PROTOCOL, "the answer ended in the middle of its headers")
        elif self._framed:
            self.failure = ProbeFailed(Reason.PROTOCOL, f"the body ended early, after {self.length} bytes")
        self._finish()

    def _fail(self, reason: Reason, detail: str) -> None:
        if not self.done.done():
            self.failure = ProbeFailed(reason, detail)
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
