"""HTTP/1.1 over a measured connection of our own, with blackbox_exporter's assertions and metrics."""

from __future__ import annotations

from asyncio import Future
from functools import partial
from typing import ClassVar

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.certificates import HandshakeReader, cipher_fact
from monitor.probes.connection import connect, upgrade
from monitor.probes.cookies import Jar
from monitor.probes.http_body import Decoded, decode, found_in, opens
from monitor.probes.http_date import http_date_seconds
from monitor.probes.http_options import HeaderMatch, HttpOptions
from monitor.probes.http_request import Request, first_request, reads_files, server_name
from monitor.probes.http_response import UNREAD, BodyPlan, Response, Take
from monitor.probes.http_url import Reference, Url, locate, parse_reference, parse_target
from monitor.probes.network import Network

KEPT_LIMIT = 16 * 1024 * 1024
"""A body that is looked into, or decompressed, is never larger than this, whatever body_size_limit allows."""
DRAINED_LIMIT = 64 * 1024 * 1024
"""A body that is only measured is read this far at most."""
MOST_REDIRECTS = 10
FAILED_PATIENCE_SECONDS = 0.5
"""How long the body of an answer that has failed already is waited for: its length is a metric, its wait is not."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REGEX_FACT = "probe_failed_due_to_regex"
_NO_ANSWER = {
    "probe_http_status_code": 0.0,
    "probe_http_content_length": 0.0,
    "probe_http_uncompressed_body_length": 0.0,
    "probe_http_redirects": 0.0,
    "probe_http_ssl": 0.0,
    "probe_http_version": 0.0,
    _REGEX_FACT: 0.0,
}
# blackbox_exporter shows these, at 0 when never entered, once there is an address to go to.
_LATER_PHASES = {"connect": 0.0, "tls": 0.0, "processing": 0.0, "transfer": 0.0}


class HttpProber:
    """Asks for a URL and looks at the answer as the module says. Raises ValueError for a target that is no URL."""

    name: ClassVar = "http"
    options: ClassVar = HttpOptions
    phase_metric: ClassVar = "probe_http_duration_seconds"
    phases: ClassVar = ("resolve",)

    def __init__(self, target: str, options: HttpOptions, *, network: Network) -> None:
        self._url = parse_target(target)
        self._options = options
        self._network = network
        self._server_name = server_name(options, self._url)
        self._prepared: tuple[Request, bytes] | None = None
        if not reads_files(options):
            request = first_request(options, self._url)
            self._prepared = request, request.encode()
        self._handshakes = HandshakeReader()
        self._last_modified: tuple[bytes, float | None] = (b"", None)
        self._looks_into_body = bool(options.fail_if_body_matches_regexp or options.fail_if_body_not_matches_regexp)
        self._looks_into_head = bool(options.fail_if_header_matches or options.fail_if_header_not_matches)
        self._looks_at_transport = bool(options.valid_http_versions or options.fail_if_ssl or options.fail_if_not_ssl)
        self._decodes = options.compression not in ("", "identity")
        self._plan_if_good, self._plan_if_bad = self._body_plan(good=True), self._body_plan(good=False)

    async def probe(self, trace: Trace) -> None:
        """Ask once, along the redirects, and judge the last answer. Raises ProbeFailed."""
        response = await self.fetch(trace)
        decoded = await self._decode(response) if self._decodes else None
        body_failure = self._judge_body(trace, response, decoded)
        failure = response.verdict or body_failure
        if failure is None and self._looks_at_transport:
            failure = self._judge_transport(response)
        if failure is not None:
            raise failure

    async def fetch(self, trace: Trace) -> Response:
        """Follow the redirects to the last answer and note its head. Raises ProbeFailed when there is none."""
        options = self._options
        trace.facts.update(_NO_ANSWER)
        request, encoded = self._prepared or self._prepare()
        if request.url.scheme == "https":
            # Made here, the first time, its milliseconds are in no phase.
            self._network.tls_context(options.tls_config)
        address = await self._network.resolve_for(
            trace, request.url.host, options.preferred_ip_protocol, options.ip_protocol_fallback
        )
        trace.phases.update(_LATER_PHASES)
        jar: Jar | None = None
        hops = 0
        while True:
            response = await self._exchange(trace, request, encoded, address, hops)
            location = response.location
            if not location or response.refused:
                return response
            if not hops:
                request = request.at(address)
            reference = _parse_location(location)
            hops += 1
            trace.facts["probe_http_redirects"] = hops
            jar = jar or Jar()
            jar.take(
                request.named(request.url), (line.decode("utf-8", "replace") for line in response.values(b"set-cookie"))
            )
            url = _destination(request.url, reference)
            request = request.redirected(
                response.status, url, location_is_absolute=bool(reference.scheme), cookies_set=jar.names
            )
            encoded = request.encode(jar.header(request.named(request.url)))
            trace.enter("resolve")
            address = await self._network.resolve(
                request.url.host, options.preferred_ip_protocol, options.ip_protocol_fallback
            )

    def _prepare(self) -> tuple[Request, bytes]:
        request = first_request(self._options, self._url)
        return request, request.encode()

    async def _exchange(self, trace: Trace, request: Request, encoded: bytes, address: str, hops: int) -> Response:
        """Send one request and read its answer as far as it is wanted. Raises ProbeFailed when no answer comes."""
        url = request.url
        plan = partial(self._plan, trace, request, hops)
        done: Future[None] = self._network.loop.create_future()
        response = Response(trace=trace, request=encoded, no_body=request.method == "HEAD", plan=plan, done=done)
        try:
            if url.scheme == "https":
                await self._converse_secretly(trace, response, request, address)
            else:
                await self._network.wires().converse(trace, response, address, url.port)
        finally:
            response.release()
        if not response.status:
            raise response.failure or ProbeFailed(Reason.PROTOCOL, "no answer")
        return response

    async def _converse_secretly(self, trace: Trace, response: Response, request: Request, address: str) -> None:
        """Over TLS, until the response has ended."""
        url = request.url
        transport, _ = await connect(trace, lambda: response, address, url.port)
        try:
            name = self._server_name if request.origin in ("", url.authority) else url.host
            context = self._network.tls_context(self._options.tls_config)
            transport = await upgrade(trace, transport, response, context, name)
            response.ssl_object = transport.get_extra_info("ssl_object")
            response.opened(transport)
            await response.done
        finally:
            transport.abort()

    def _plan(self, trace: Trace, request: Request, hops: int, response: Response) -> BodyPlan:
        """Judge the head of the last answer, and say how much of the body is to be read."""
        if response.status in _REDIRECTS:
            response.location = _location(request, response)
            if response.location:
                if hops < MOST_REDIRECTS and self._options.redirects_followed:
                    return UNREAD
                response.refused = True
        self._note_head(trace, response, hops + response.refused)
        response.verdict = self._judge_status(response)
        if response.verdict is None and self._looks_into_head:
            response.hide_framing()
            response.verdict = self._judge_headers(trace, response)
        if response.refused:
            return UNREAD
        return self._plan_if_good if response.verdict is None else self._plan_if_bad

    def _body_plan(self, *, good: bool) -> BodyPlan:
        """How much of a body is read after a head that is good or has failed already."""
        keeps = self._decodes or (self._looks_into_body and good)
        limit = KEPT_LIMIT if keeps else DRAINED_LIMIT
        if self._options.body_size_limit and not self._decodes:
            limit = min(limit, self._options.body_size_limit)
        return BodyPlan(Take.ALL if keeps else Take.COUNT, limit, 0.0 if good else FAILED_PATIENCE_SECONDS)

    def _note_head(self, trace: Trace, response: Response, redirects: int) -> None:
        """Write what the last answer's head shows into the facts."""
        facts = trace.facts
        facts["probe_http_status_code"] = response.status
        facts["probe_http_content_length"] = response.content_length
        facts["probe_http_redirects"] = redirects
        facts["probe_http_version"] = float(response.version)
        if response.ssl_object is not None:
            facts["probe_http_ssl"] = 1.0
            facts.update(self._handshakes.facts(response.ssl_object))
            facts[cipher_fact(response.ssl_object)] = 1.0
        modified = response.headers.get(b"last-modified")
        if modified:
            if modified[0] != self._last_modified[0]:
                self._last_modified = modified[0], http_date_seconds(modified[0])
            if self._last_modified[1] is not None:
                facts["probe_http_last_modified_timestamp_seconds"] = self._last_modified[1]

    def _judge_status(self, response: Response) -> ProbeFailed | None:
        valid = self._options.valid_status_codes
        if response.status in valid if valid else 200 <= response.status < 300:
            return None
        wanted = ", ".join(map(str, valid)) or "2xx"
        return ProbeFailed(Reason.HTTP_STATUS, f"status {response.status}, wanted {wanted}")

    def _judge_headers(self, trace: Trace, response: Response) -> ProbeFailed | None:
        for matchers, forbidden in (
            (self._options.fail_if_header_matches, True),
            (self._options.fail_if_header_not_matches, False),
        ):
            for matcher in matchers:
                detail = _header_fault(matcher, response.values(matcher.header.lower().encode()), forbidden)
                if detail:
                    trace.facts[_REGEX_FACT] = 1.0
                    return ProbeFailed(Reason.CONTENT, detail)
        return None

    async def _decode(self, response: Response) -> Decoded | None:
        """The body, decompressed; None when there is none to decompress."""
        if response.too_large or (response.refused and response.has_body):
            return None
        limit = min(self._options.body_size_limit or KEPT_LIMIT, KEPT_LIMIT)
        return await decode(response.content, self._options.compression, limit=limit, keep=self._looks_into_body)

    def _judge_body(self, trace: Trace, response: Response, decoded: Decoded | None) -> ProbeFailed | None:
        """Note the body's length and look into it, if there is reason to."""
        failure, length, readable, content = response.failure, response.length, True, b""
        if response.refused and response.has_body and (self._decodes or self._looks_into_body):
            failure = ProbeFailed(Reason.CONTENT, "the body of a redirect that isn't followed is not read")
        elif decoded is not None:
            readable = opens(response.content, self._options.compression)
            length, content = decoded.length, decoded.content
            if decoded.problem and failure is None:
                failure = ProbeFailed(Reason.CONTENT, f"the body is {decoded.problem}")
        elif failure is None:
            content = response.content
        trace.facts["probe_http_uncompressed_body_length"] = length
        if self._looks_into_body and response.verdict is None and readable:
            failure = failure or self._match_body(content)
            trace.facts[_REGEX_FACT] = 0.0 if failure is None else 1.0
        return failure

    def _match_body(self, content: bytes) -> ProbeFailed | None:
        for pattern in self._options.fail_if_body_matches_regexp:
            if found_in(pattern, content):
                return ProbeFailed(Reason.CONTENT, f"the body matches {pattern.pattern!r}")
        for pattern in self._options.fail_if_body_not_matches_regexp:
            if not found_in(pattern, content):
                return ProbeFailed(Reason.CONTENT, f"the body does not match {pattern.pattern!r}")
        return None

    def _judge_transport(self, response: Response) -> ProbeFailed | None:
        options = self._options
        version = f"HTTP/{response.version}"
        if options.valid_http_versions and version not in options.valid_http_versions:
            wanted = ", ".join(options.valid_http_versions)
            return ProbeFailed(Reason.PROTOCOL, f"the answer is {version}, wanted {wanted}")
        if options.fail_if_ssl and response.ssl_object is not None:
            return ProbeFailed(Reason.CONTENT, "the last answer came over TLS")
        if options.fail_if_not_ssl and response.ssl_object is None:
            return ProbeFailed(Reason.CONTENT, "the last answer did not come over TLS")
        return None


def _location(request: Request, response: Response) -> str:
    """Where an answer sends us; empty: it is the last one. Go doesn't repeat a body that it can't rewind."""
    if response.status not in _REDIRECTS:
        return ""
    if response.status in (307, 308) and request.body and not request.replayable:
        return ""
    return next((value.decode("utf-8", "surrogateescape") for value in response.values(b"location")), "")


def _parse_location(location: str) -> Reference:
    try:
        return parse_reference(location)
    except ValueError as error:
        raise ProbeFailed(Reason.PROTOCOL, f"the redirect's location can't be read: {error}") from error


def _destination(url: Url, reference: Reference) -> Url:
    try:
        return locate(url.reference.resolve(reference))
    except ValueError as error:
        raise ProbeFailed(Reason.PROTOCOL, f"the redirect leads nowhere: {error}") from error


def _header_fault(matcher: HeaderMatch, values: list[bytes], forbidden: bool) -> str:
    """What is wrong with a header's values; empty: nothing. One value that matches is enough, for good or ill."""
    if not values:
        return "" if matcher.allow_missing else f"the header {matcher.header} is missing"
    matches = any(found_in(matcher.regexp, value) for value in values)
    if matches is not forbidden:
        return ""
    return f"the header {matcher.header} {'matches' if matches else 'does not match'} {matcher.regexp.pattern!r}"
