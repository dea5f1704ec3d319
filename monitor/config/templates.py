"""``{host}`` and its like in a kind's endpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# `{{name}}` stands for itself; braces around anything but a lower-case name are text: `\d{3}`, `{"a": 1}`.
_SLOT = re.compile(r"\{\{([a-z_][a-z0-9_]*)\}\}|\{([a-z_][a-z0-9_]*)\}")


POINT_VALUES = ("id", "slug", "name", "kind", "code", "unit_type", "area", "host")
"""What a point itself gives to a template, beside the file's variables; ``slug`` is its id."""


class MissingValue(Exception):
    """Nothing gives the template's ``name``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with every ``{name}`` replaced. Raises MissingValue for a name without a value (or an empty one)."""
    if "{" not in text:
        return text

    def slot(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return f"{{{literal}}}"
        if not values.get(name):
            raise MissingValue(name)
        return values[name]

    return _SLOT.sub(slot, text)


def fill_all(value: Any, values: Mapping[str, str]) -> Any:
    """:func:`fill` for every text inside ``value``."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: fill_all(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_all(item, values) for item in value]
    return value
