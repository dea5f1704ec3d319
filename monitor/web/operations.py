"""What the server offers to programs: a table from which the routes and the OpenAPI document are both made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, ValidationError

from monitor.web.access import Scope
from monitor.web.documents import ParameterProblem
from monitor.web.middleware import RequestProblem


class Query(BaseModel):
    """Base of every operation's query parameters: what isn't declared is refused, so that a typing error shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Body(BaseModel):
    """Base of every operation's body, a JSON object: what isn't declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=Body)
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route. ``answer`` is the model of its JSON, or None when it answers ``content_type`` text.

    ``success`` is the status of a good answer; ``refusals`` say when it answers something else, by status. ``scope`` is
    what a bearer token must be good for; None: nobody is asked for one.
    """

    method: str
    path: str
    name: str
    handler: Handler
    summary: str
    description: str = ""
    query: type[Query] | None = None
    body: type[Body] | None = None
    answer: type[BaseModel] | None = None
    content_type: str = "application/json"
    success: HTTPStatus = HTTPStatus.OK
    refusals: Mapping[HTTPStatus, str] = field(default_factory=dict)
    scope: Scope | None = None


def read_query(request: web.Request, model: type[Q]) -> Q:
    """The query parameters as ``model``; RequestProblem (422) names everything that is wrong with them."""
    twice = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
    if twice:
        raise several_wrong(tuple(ParameterProblem(parameter=name, detail="given more than once") for name in twice))
    return _validated(model, dict(request.query), whole="query")


async def read_body(request: web.Request, model: type[B]) -> B:
    """The body as ``model``. Raises RequestProblem: 415 when it isn't sent as JSON (which another site's page can't
    send unasked), 400 when it is none, 422 with everything that is wrong with it. No body at all is an empty object."""
    text = await request.read()
    if text and request.content_type != "application/json":
        raise RequestProblem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as Content-Type: application/json")
    try:
        content = json.loads(text or b"{}")
    except ValueError as error:
        raise RequestProblem(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from error
    return _validated(model, content, whole="body")


def wrong(parameter: str, detail: str) -> RequestProblem:
    """A 422 that names one parameter."""
    return several_wrong((ParameterProblem(parameter=parameter, detail=detail),))


def several_wrong(problems: tuple[ParameterProblem, ...]) -> RequestProblem:
    """A 422 that names them all."""
    return RequestProblem(HTTPStatus.UNPROCESSABLE_ENTITY, _sentence(problems), problems)


def _validated(model: type[M], content: object, *, whole: str) -> M:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise several_wrong(
            tuple(
                ParameterProblem(
                    parameter=".".join(map(str, each["loc"])) or whole, detail=_words(each["type"], each["msg"])
                )
                for each in error.errors(include_url=False)
            )
        ) from error


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such parameter"
    if kind == "timezone_aware":
        return "needs a time zone: write 2026-11-23T10:00:00Z, or +07:00 with the plus sign encoded as %2B"
    return message.removeprefix("Value error, ")


def _sentence(problems: tuple[ParameterProblem, ...]) -> str:
    return "; ".join(f"{problem.parameter}: {problem.detail}" for problem in problems)


def json_answer(content: Mapping[str, Any]) -> web.Response:
    """Plain content as JSON."""
    return web.Response(body=json.dumps(content, ensure_ascii=False).encode(), content_type="application/json")


def answer(document: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """``document`` as JSON."""
    body = document.model_dump_json().encode()
    return web.Response(body=body, status=status, content_type="application/json")
