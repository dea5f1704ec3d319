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

from monitor.web.documents import Document, ParameterProblem
from monitor.web.middleware import RequestProblem


class Query(BaseModel):
    """Base of every operation's query parameters: what isn't declared is refused, so that a typing error shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Q = TypeVar("Q", bound=Query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route. ``answer`` is the model of a 200's JSON, or None when it answers ``content_type`` text.

    ``refusals`` say when it answers something else, by status.
    """

    method: str
    path: str
    name: str
    handler: Handler
    summary: str
    description: str = ""
    query: type[Query] | None = None
    answer: type[Document] | None = None
    content_type: str = "application/json"
    refusals: Mapping[HTTPStatus, str] = field(default_factory=dict)
    secured: bool = False


def read_query(request: web.Request, model: type[Q]) -> Q:
    """The query parameters as ``model``; RequestProblem (422) names everything that is wrong with them."""
    twice = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
    if twice:
        problems = tuple(ParameterProblem(parameter=name, detail="given more than once") for name in twice)
        raise RequestProblem(HTTPStatus.UNPROCESSABLE_ENTITY, _sentence(problems), problems)
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        problems = tuple(
            ParameterProblem(
                parameter=".".join(map(str, each["loc"])) or "query", detail=_words(each["type"], each["msg"])
            )
            for each in error.errors(include_url=False)
        )
        raise RequestProblem(HTTPStatus.UNPROCESSABLE_ENTITY, _sentence(problems), problems) from error


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


def answer(document: Document) -> web.Response:
    """``document`` as JSON."""
    return web.Response(body=document.model_dump_json().encode(), content_type="application/json")
