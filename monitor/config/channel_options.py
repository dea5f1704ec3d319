"""Which of a channel's options are secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import SecretStr

from monitor.channels.base import ChannelOptions


@cache
def secret_fields(options: type[ChannelOptions]) -> frozenset[str]:
    """The options whose values are secrets: shown nowhere."""
    return frozenset(name for name, field in options.model_fields.items() if SecretStr in _types(field.annotation))


def secrets_from_files(options: type[ChannelOptions]) -> Mapping[str, bool]:
    """The secret options that a ``..._file`` may hold, and whether they are lists: then each line is one."""
    shapes = {name: get_origin(options.model_fields[name].annotation) for name in sorted(secret_fields(options))}
    free = {name: shape for name, shape in shapes.items() if f"{name}_file" not in options.model_fields}
    return {name: shape is tuple for name, shape in free.items() if shape is not Mapping}


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)
