"""The OpenAPI 3.1 document, made from the table of operations and the models of their answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from monitor.web.documents import Document, Problem
from monitor.web.operations import Operation

REFERENCE = "#/components/schemas/{model}"
Schema = dict[str, Any]


def document(operations: Iterable[Operation], events: Mapping[str, type[Document]]) -> Schema:
    """The document for ``operations``; ``events`` are the models of the stream's events, which OpenAPI has no place for
    but among the components."""
    operations = tuple(operations)
    answers: set[type[BaseModel]] = {Problem, *events.values()}
    answers.update(operation.answer for operation in operations if operation.answer)
    queries = {operation.query for operation in operations if operation.query}
    bodies: set[type[BaseModel]] = {operation.body for operation in operations if operation.body}
    wanted = [(model, "serialization") for model in answers] + [(model, "validation") for model in {*queries, *bodies}]
    wanted.sort(key=lambda each: each[0].__name__)
    refs, definitions = models_json_schema(wanted, ref_template=REFERENCE)  # type: ignore[arg-type]  # literal modes
    schemas = dict(definitions.get("$defs", {}))
    paths: dict[str, Schema] = {}
    for operation in operations:
        parameters = _path_parameters(operation.path)
        if operation.query:
            parameters += _query_parameters(schemas[refs[operation.query, "validation"]["$ref"].rpartition("/")[2]])
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, parameters, refs)
    for query in queries:
        schemas.pop(refs[query, "validation"]["$ref"].rpartition("/")[2])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Connectivity health monitor",
            "version": version("lienthong-monitor"),
            "description": "Times are RFC 3339 in UTC, durations are seconds and say so in their names, ratios lie "
            "between 0 and 1. Reading needs no authorisation; what changes something needs a bearer token of the scope "
            "that is named (each includes those before it: read, operate, admin) unless it comes from loopback.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, parameters: list[Schema], refs: Mapping[Any, Any]) -> Schema:
    schema: Schema = {"type": "string"}
    if operation.answer:
        schema = refs[operation.answer, "serialization"]
    responses: Schema = {
        str(operation.success.value): {
            "description": operation.summary,
            "content": {operation.content_type: {"schema": schema}},
        }
    }
    problem = refs[Problem, "serialization"]
    for status, meaning in sorted(_refusals(operation).items()):
        content: Schema = {"application/problem+json": {"schema": problem}}
        if not operation.path.startswith("/api/"):
            content = {"text/plain": {"schema": {"type": "string"}}}
        responses[str(status.value)] = {"description": meaning, "content": content}
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        schema = refs[operation.body, "validation"]
        described["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    if operation.scope:
        described["security"] = [{"bearer": [operation.scope.value]}, {}]
    return described


def _refusals(operation: Operation) -> dict[HTTPStatus, str]:
    refusals = dict(operation.refusals)
    if operation.query or operation.body:
        refusals.setdefault(HTTPStatus.UNPROCESSABLE_ENTITY, "a parameter is wrong; the answer says which and why")
    if operation.body:
        refusals[HTTPStatus.BAD_REQUEST] = "the body is not JSON"
        refusals[HTTPStatus.UNSUPPORTED_MEDIA_TYPE] = "the body is not sent as application/json"
    if operation.scope:
        refusals[HTTPStatus.UNAUTHORIZED] = "not from loopback, and without a good bearer token"
        refusals[HTTPStatus.FORBIDDEN] = "from another site's page, or the token's scope is too small"
    return refusals


def _path_parameters(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(schema: Schema) -> list[Schema]:
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": {key: value for key, value in field.items() if key not in ("description", "title")},
        }
        for name, field in schema.get("properties", {}).items()
    ]
