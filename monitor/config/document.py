"""YAML text -> plain values that remember their lines.

The scalars are read so that nobody loses a digit: ``true``, ``false``, ``null`` and numbers as JSON writes them are
what they say, everything else (``no``, ``012``, ``1:30``, ``2026-11-23``) is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from monitor.config.problem import Problem
from monitor.config.syntax import explain_syntax, too_deep, unreadable

Path = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_TAG + name for name in ("int", "float", "bool", "null", "timestamp", "value", "merge"))
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MOST_VALUES = 2_000_000


class Decimal(float):
    """A number with a decimal point that remembers how it was written, for fields that are text after all."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Decimal:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Document:
    """A parsed file: ``root`` in plain values, the nodes behind them, and the problems found so far."""

    file: str
    root: object = None
    node: yaml.Node | None = None
    problems: list[Problem] = field(default_factory=list)
    _unread: set[str] = field(default_factory=set)

    def complain(self, path: Path, text: str) -> None:
        """Note a problem at ``path``, once; not where YAML itself was at fault already."""
        problem = Problem(self.file, self.line(path), self.spell(path), text)
        if problem not in self.problems and problem.path not in self._unread:
            self.problems.append(problem)

    def blame(self, node: yaml.Node, path: Path, text: str) -> None:
        """Note that ``node`` can't be read as a value; what follows from that is not worth saying."""
        spelled = self.spell(path)
        self.problems.append(Problem(self.file, node.start_mark.line + 1, spelled, text))
        if spelled:
            self._unread.add(spelled)

    def line(self, path: Path) -> int:
        """The line (from 1) of a path's key or item; of its nearest ancestor that is in the file, if it isn't."""
        node, line = self.node, 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            node, line = found
        return line

    def spell(self, path: Path) -> str:
        """A path as people read it: ``points[phuong-ba-dinh].host``; items go by their id where they have one."""
        text, value = "", self.root
        for step in path:
            value = _step(value, step)
            if isinstance(step, int):
                name = value.get("id") if isinstance(value, dict) else None
                text += f"[{name}]" if isinstance(name, str) and name else f"[{step}]"
            else:
                text += f".{step}" if text else step
        return text


def parse(data: bytes, file: str) -> Document:
    """Read a file's bytes. Whatever is wrong with them is in the document's problems; nothing is raised."""
    document = Document(file)
    text = _decode(data, document)
    if text is None:
        return document
    try:
        document.node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        line, message = explain_syntax(error, text)
        document.problems.append(Problem(file, line, "", message))
        return document
    if document.node is not None:
        reader = _Reader(document)
        document.root = reader.read(document.node, ())
        if reader.sizes.get(id(document.node), 1) > _MOST_VALUES:
            document.root = None
            document.complain((), f"its aliases unfold to more than {_MOST_VALUES} values; write fewer")
    return document


def _decode(data: bytes, document: Document) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        document.problems.append(Problem(document.file, line, "", message))
        return None
    if found := unreadable(text) or too_deep(text):
        document.problems.append(Problem(document.file, found[0], "", found[1]))
        return None
    return text


class _Reader:
    """Turns nodes into values; each node once, however many aliases name it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.values: dict[int, object] = {}
        self.sizes: dict[int, int] = {}
        self.open: set[int] = set()

    def read(self, node: yaml.Node, path: Path) -> object:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        name = id(node)
        if name in self.open:
            self._complain(node, path, "holds itself through an alias; write it out")
            return None
        if name not in self.values:
            self.open.add(name)
            if isinstance(node, yaml.MappingNode):
                self.values[name] = self._mapping(node, path)
                children = [value for pair in node.value for value in pair]
            else:
                self.values[name] = [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
                children = node.value
            if node.tag not in (_TAG + "map", _TAG + "seq"):
                self._complain(node, path, f"the tag {_short(node.tag)} means nothing here; leave it out")
            self.sizes[name] = 1 + sum(self.sizes.get(id(child), 1) for child in children)
            self.open.discard(name)
        return self.values[name]

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        if node.tag == _TAG + "str":
            return node.value
        if node.tag not in _PLAIN_TAGS:
            self._complain(node, path, f"the tag {_short(node.tag)} means nothing here; leave it out")
            return None
        text: str = node.value
        if text in _WORDS:
            return _WORDS[text]
        if _WHOLE.fullmatch(text) and len(text) < 20:
            return int(text)
        return Decimal(text) if _DECIMAL.fullmatch(text) else text

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        own: dict[str, object] = {}
        lines: dict[str, int] = {}
        merged: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._complain(key, path, "a key must be a word; write `word: value`")
                continue
            inner = (*path, key.value)
            if key.tag == _TAG + "merge":
                self._merge(value, inner, merged)
            elif key.value in own:
                first = lines[key.value]
                self._complain(key, inner, f"is written twice, first in line {first}; keep one of them")
            else:
                own[key.value] = self.read(value, inner)
                lines[key.value] = key.start_mark.line + 1
        return {**merged, **own} if merged else own

    def _merge(self, node: yaml.Node, path: Path, merged: dict[str, object]) -> None:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            value = self.read(source, path)
            if isinstance(value, dict):
                merged.update({key: item for key, item in value.items() if key not in merged})
            else:
                self._complain(node, path, "can only merge a mapping; write `<<: *name` of an anchored mapping")

    def _complain(self, node: yaml.Node, path: Path, text: str) -> None:
        self.document.blame(node, path, text)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        return None
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value == step:
            return value, key.start_mark.line + 1
        if key.tag == _TAG + "merge":
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
    return next((found for source in merged if (found := _child(source, step))), None)


def _step(value: object, step: str | int) -> object:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _short(tag: str) -> str:
    return tag.replace(_TAG, "!!")
