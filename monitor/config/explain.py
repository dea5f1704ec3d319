"""pydantic's errors -> what is wrong and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.document import Document, Path
from monitor.config.secrets import is_secret

_SHAPES = {
    "dict_type": "must hold keys; write `key: value` lines below it",
    "mapping_type": "must hold keys; write `key: value` lines below it",
    "model_type": "must hold keys; write `key: value` lines below it",
    "model_attributes_type": "must hold keys; write `key: value` lines below it",
    "list_type": "must be a list; write `- item` lines below it",
    "tuple_type": "must be a list; write `- item` lines below it",
    "set_type": "must be a list; write `- item` lines below it",
    "frozen_set_type": "must be a list; write `- item` lines below it",
    "string_type": "must be text; write it in quotes",
    "path_type": "must be a path; write it in quotes",
    "path_not_file": "is not there, or no file; give the path of a file that you may read",
    "bool_type": "must be true or false; write one of them",
    "bool_parsing": "must be true or false; write one of them",
    "int_type": "must be a whole number; write for example 3",
    "int_parsing": "must be a whole number; write for example 3",
    "int_from_float": "must be a whole number; write for example 3",
    "int_parsing_size": "is too long a number; write a smaller one",
    "float_type": "must be a number; write for example 0.5",
    "float_parsing": "must be a number; write for example 0.5",
    "finite_number": "must be a number; write for example 0.5",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def explain(error: ValidationError, document: Document, base: Path, model: type[BaseModel]) -> None:
    """Note each of ``error``'s mistakes, made by the value at ``base``, in the document."""
    for details in error.errors(include_url=False):
        location = tuple(step for step in details["loc"] if step != "[key]")
        place, text = _explain_one(details, location, model)
        document.complain((*base, *place), text)


def _explain_one(details: ErrorDetails, location: Path, model: type[BaseModel]) -> tuple[Path, str]:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(location[-1])
        return location, unknown(key, _keys_at(model, location[:-1]), "key")
    if kind == "missing":
        return location[:-1], f"has no {location[-1]}; write `{location[-1]}: {_example(model, location)}`"
    if kind == "value_error":
        text = str(context["error"])
        return location, text if ";" in text else f"{text}; {_remedy(model, location)}"
    if kind in ("literal_error", "enum"):
        return location, _not_one_of(details, location, context["expected"])
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return location, f"{_found(details, location)} must be {words} {context[name]:g}; write a number in that range"
    if kind in ("too_short", "string_too_short"):
        return location, "is empty; write at least one" if kind == "too_short" else "is empty; write it out"
    text = _SHAPES.get(kind, f"{details['msg']}; {_remedy(model, location)}")
    return location, text


def _not_one_of(details: ErrorDetails, location: Path, expected: str) -> str:
    allowed = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    shown = ", ".join(word or '""' for word in allowed)
    guess = _nearest(str(details["input"]), allowed)
    return f"{_found(details, location)} is none of {shown}; {guess or 'write one of them'}"


def unknown(word: str, known: Iterable[str], noun: str) -> str:
    """Text for a word that nothing defines, with the nearest that exists."""
    names = sorted(known)
    guess = _nearest(word, names)
    if guess is None:
        article = "an" if noun[0] in "aeiou" else "a"
        some = f"the {noun}s are {', '.join(names)}"
        guess = some if 0 < len(names) <= 40 else f"write {article} {noun} that exists"
    return f"unknown {noun} {word!r}; {guess}"


def _nearest(word: str, known: Sequence[str]) -> str | None:
    close = get_close_matches(word.lower(), [name for name in known if name], n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else None


def _found(details: ErrorDetails, location: Path) -> str:
    value = details["input"]
    if is_secret(location) or not isinstance(value, str | int | float):
        return "the value"
    return repr(value) if isinstance(value, str) else str(value)


def _remedy(model: type[BaseModel], location: Path) -> str:
    schema = _schema_at(model, location)
    if examples := schema.get("examples"):
        return f"write for example {json.dumps(examples[0], ensure_ascii=False)}"
    return "see docs/configuration.md"


def _example(model: type[BaseModel], location: Path) -> str:
    schema = _schema_at(model, location)
    if examples := schema.get("examples"):
        return str(examples[0])
    if words := schema.get("enum"):
        return str(words[0])
    return {"integer": "1", "number": "0.5", "boolean": "true", "array": "[...]"}.get(str(schema.get("type")), "...")


def _keys_at(model: type[BaseModel], location: Path) -> list[str]:
    return sorted(_schema_at(model, location).get("properties", {}))


@cache
def _schema_of(model: type[BaseModel]) -> Mapping[str, Any]:
    return model.model_json_schema(mode="validation")


def _schema_at(model: type[BaseModel], location: Path) -> Mapping[str, Any]:
    """The JSON Schema of the value at ``location`` inside ``model``; empty where the schema doesn't say."""
    whole = _schema_of(model)
    here = _plain(whole, whole)
    for step in location:
        if isinstance(step, int):
            inner = here.get("items", {})
        else:
            inner = here.get("properties", {}).get(step) or here.get("additionalProperties", {})
        here = _plain(inner, whole) if isinstance(inner, dict) else {}
    return here


def _plain(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference; of several possibilities the one that says most."""
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    if branches := schema.get("anyOf"):
        plain = [_plain(branch, whole) for branch in branches]
        return max(plain, key=lambda branch: (len(branch.get("properties", {})), branch.get("type") != "null"))
    return schema
