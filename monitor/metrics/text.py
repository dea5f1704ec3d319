"""Prometheus' text format (version 0.0.4): names, labels, numbers, one family in one piece. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram"]
Labels = Mapping[str, str]

NAME: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?", re.DOTALL)
LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


class Family(NamedTuple):
    """A metric family as docs/metrics.md lists it."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str

    @property
    def head(self) -> str:
        """Its HELP and TYPE lines."""
        return f"# HELP {self.name} {escape_help(self.help)}\n# TYPE {self.name} {self.kind}\n"


def escape(value: str) -> str:
    """A label's value as it stands between the quotes."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def escape_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def label_text(labels: Labels) -> str:
    """``a="1",b="2"``, values escaped."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in labels.items())


def sample(name: str, labels: Labels, value: float) -> str:
    """One line. ``value`` may be an int or a bool."""
    text = f"{{{label_text(labels)}}}" if labels else ""
    return f"{name}{text} {number(value)}\n"


def number(value: float) -> str:
    """A float as every reader of the format takes it."""
    return repr(value + 0.0)


def parse_fact(name: str) -> tuple[str, dict[str, str]]:
    """A fact's name taken apart: family and labels (values still escaped). ValueError when it isn't one."""
    whole = NAME.fullmatch(name)
    if whole is None:
        raise ValueError(f"not a metric's name: {name!r}")
    labels: dict[str, str] = {}
    rest = whole[2] or ""
    while rest:
        label = LABEL.match(rest)
        if label is None:
            raise ValueError(f"not a metric's labels: {name!r}")
        labels[label[1]] = label[2]
        rest = rest[label.end() :]
    return whole[1], labels


def beside(inherent: Labels, own: Iterable[str]) -> dict[str, str]:
    """``inherent`` labels (values escaped) with those that clash with ``own`` renamed, as Prometheus does it."""
    taken = set(own)
    return {(f"exported_{name}" if name in taken else name): value for name, value in inherent.items()}
