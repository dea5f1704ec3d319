"""Plain values -> validated sections, each on its own, so that one broken section hides no other's mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, get_args

from pydantic import ValidationError

from monitor.config.document import Document, Path
from monitor.config.explain import explain, unknown
from monitor.config.schema import (
    AreaSection,
    FileSection,
    Kind,
    KindSection,
    PointSection,
)
from monitor.config.schema_calendar import WindowSection
from monitor.config.section import Section

S = TypeVar("S", bound=Section)
_ESSENTIAL = frozenset({"kind", "host", "variables", "endpoints"})
_ITEMS = ("kinds", "areas", "points", "maintenance")
_ELSEWHERE = ("modules", "alerts")
"""Read by those who know the probers' and the channels' options."""


@dataclass(slots=True)
class Sections:
    """What could be read. ``named`` holds the ids of all kinds, areas and points, those of broken ones too."""

    head: FileSection
    kinds: dict[str, KindSection] = field(default_factory=dict)
    areas: list[tuple[Path, AreaSection]] = field(default_factory=list)
    points: list[tuple[Path, PointSection]] = field(default_factory=list)
    maintenance: list[tuple[Path, WindowSection]] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)
    unbuilt: set[Path] = field(default_factory=set)
    """Sections that lack a part without which their endpoints can't be made."""


def read_sections(document: Document, root: Mapping[str, object]) -> Sections:
    """Every section of the file but ``modules`` and ``alerts``; what is wrong goes into the document."""
    sections = Sections(_read_head(document, root))
    for name, value in _mapping(document, root, "kinds"):
        if name not in get_args(Kind):
            document.complain(("kinds", name), unknown(name, get_args(Kind), "kind"))
        path: Path = ("kinds", name)
        kind = _read(document, path, value, KindSection) or _salvage(sections, path, value, KindSection)
        if kind is not None:
            sections.kinds[name] = kind
    sections.named["kinds"] = [name for name, _ in _mapping(document, root, "kinds")]
    sections.areas = _read_list(document, root, "areas", AreaSection)
    sections.maintenance = _read_list(document, root, "maintenance", WindowSection)
    for path, value in _list(document, root, "points"):
        point = _read(document, path, value, PointSection) or _salvage(sections, path, value, PointSection)
        if point is not None:
            sections.points.append((path, point))
    for name in ("areas", "points"):
        ids = [value.get("id") for _, value in _list(document, root, name) if isinstance(value, dict)]
        sections.named[name] = [str(value) for value in ids if isinstance(value, str | int)]
    return sections


def _read_head(document: Document, root: Mapping[str, object]) -> FileSection:
    """Everything but the lists of things, key by key: a broken key leaves its default to the rules."""
    good: dict[str, object] = {}
    known = {*FileSection.model_fields, "modules"}
    for key, value in root.items():
        if key not in known:
            document.complain((key,), unknown(key, known, "key"))
        elif key not in _ITEMS and key not in _ELSEWHERE:
            try:
                FileSection.model_validate({key: value})
            except ValidationError as error:
                explain(error, document, (), FileSection)
                continue
            good[key] = value
    return FileSection.model_validate(good)


def _read(document: Document, path: Path, value: object, model: type[S]) -> S | None:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        explain(error, document, path, model)
        return None


def _read_list(document: Document, root: Mapping[str, object], key: str, model: type[S]) -> list[tuple[Path, S]]:
    read = ((path, _read(document, path, value, model)) for path, value in _list(document, root, key))
    return [(path, section) for path, section in read if section is not None]


def _salvage(sections: Sections, path: Path, value: object, model: type[S]) -> S | None:
    """A broken section without its broken keys, for the rules to look at the rest; None if too little is left."""
    if not isinstance(value, dict):
        return None
    try:
        model.model_validate(value)
    except ValidationError as error:
        broken = {details["loc"][0] for details in error.errors(include_url=False) if details["loc"]}
    rest = {key: item for key, item in value.items() if key not in broken}
    if model is PointSection and "name" in broken:
        rest["name"] = "?"
    if broken & _ESSENTIAL:
        sections.unbuilt.add(path)
    try:
        return model.model_validate(rest)
    except ValidationError:
        return None


def _mapping(document: Document, root: Mapping[str, object], key: str) -> list[tuple[str, object]]:
    value = root.get(key)
    if value is None:
        return []
    if not isinstance(value, dict):
        document.complain((key,), "must hold keys; write `name:` and `key: value` lines below it")
        return []
    return list(value.items())


def _list(document: Document, root: Mapping[str, object], key: str) -> list[tuple[Path, object]]:
    value = root.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        document.complain((key,), "must be a list; write `- id: ...` lines below it")
        return []
    return [((key, index), item) for index, item in enumerate(value)]
