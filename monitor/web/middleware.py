"""Around every handler: errors become answers, text is compressed, browsers are told what they may do."""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.storage.errors import StorageError
from monitor.web.documents import ParameterProblem, Problem
from monitor.web.keys import ERROR_PAGE
from monitor.web.negotiation import best_coding

log = logging.getLogger(__name__)

SECURITY_HEADERS = {
    # Style attributes place the tiles; scripts and style sheets come from files only.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
COMPRESS_FROM_BYTES = 1024
COMPRESSED_TYPES = ("text/", "application/json", "application/problem+json", "application/yaml")


class RequestProblem(Exception):
    """A request that cannot be answered: an HTTP status, what is wrong, and which parameters."""

    def __init__(self, status: HTTPStatus, detail: str, errors: tuple[ParameterProblem, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer: a problem document for the interface, a page elsewhere."""
    try:
        return await handler(request)
    except RequestProblem as problem:
        return _answer(request, problem.status, problem.detail, problem.errors)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        status = HTTPStatus(error.status)
        said = error.text != f"{error.status}: {error.reason}" and error.text
        answer = _answer(request, status, said or status.description or status.phrase)
        for name in ("Allow", "Retry-After", "WWW-Authenticate"):
            if name in error.headers:
                answer.headers[name] = error.headers[name]
        return answer
    except StorageError as error:
        log.warning("%s %s: %s", request.method, request.path, error)
        return _answer(request, HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer at the moment")
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "the program failed here; its log says why")


@web.middleware
async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Compress text that is whole in memory; streams and files look after themselves."""
    response = await handler(request)
    if not isinstance(response, web.Response) or "Content-Encoding" in response.headers:
        return response
    if not response.content_type.startswith(COMPRESSED_TYPES) or not isinstance(response.body, bytes | bytearray):
        return response
    response.headers.setdefault("Vary", "Accept-Encoding")
    accepted = best_coding(request.headers.get("Accept-Encoding", ""), ("gzip",))
    if accepted and len(response.body) >= COMPRESS_FROM_BYTES:
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security headers to every answer, streams and errors included (a signal: on_response_prepare)."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache")


def _answer(
    request: web.Request, status: HTTPStatus, detail: str, errors: tuple[ParameterProblem, ...] = ()
) -> web.Response:
    if request.path.startswith("/api/"):
        problem = Problem(title=status.phrase, status=status, detail=detail, errors=list(errors))
        return web.Response(
            body=problem.model_dump_json().encode(), status=status, content_type="application/problem+json"
        )
    page = request.app.get(ERROR_PAGE)
    if page is not None and "text/html" in request.headers.get("Accept", ""):
        return page(request, status)
    return web.Response(text=f"{status.value} {status.phrase}: {detail}\n", status=status)
