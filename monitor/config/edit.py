"""Changes to a YAML text that touch nothing else: comments, order, quotes and blank lines stay as they are.

Each change replaces the characters between two marks of the parsed text. A mapping in braces that changes is written
anew on one line, its untouched pairs as they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Union

import yaml

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./()-]*[\w.)])?")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_ALIAS = re.compile(r"\s*:\s*\*[^\s,}\]]+")
_ODD = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")

Changes = Mapping[str, Union[str, "Changes", None]]
"""New YAML text by key; None takes the key away; a mapping goes on inside."""


class CannotEdit(Exception):
    """The text is written in a way that only a person should change; the message says which."""


def scalar(text: str) -> str:
    """``text`` as a YAML scalar that reads back as that text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def number(text: str) -> str:
    """``text`` as a YAML number if it is one, else as text, for the reader to complain about."""
    return text if _NUMBER.fullmatch(text) else scalar(text)


def flow(changes: Changes) -> str:
    """``changes`` as a mapping in braces."""
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in changes.items() if value is not None) + "}"


def _value(value: str | Changes) -> str:
    return value if isinstance(value, str) else flow(value)


@dataclass(slots=True)
class Edits:
    """Replacements gathered against one text, applied together."""

    text: str
    _replacements: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def apply(self) -> str:
        """The text with every replacement made."""
        pieces, position = [], 0
        for start, end, replacement in sorted(self._replacements, key=lambda edit: edit[:2]):
            if start < position:
                raise CannotEdit("two changes meet in one place; make one of them by hand")
            pieces += [self.text[position:start], replacement]
            position = end
        return "".join([*pieces, self.text[position:]])

    def change(self, node: yaml.Node, changes: Changes) -> None:
        """Change keys of the mapping ``node``. Raises CannotEdit for one that is an alias or no mapping."""
        if not isinstance(node, yaml.MappingNode):
            raise CannotEdit("is no mapping; write it as one first")
        if node.flow_style:
            self._replace(node.start_mark.index, node.end_mark.index, self._rewritten(node, changes))
            return
        pairs = dict(_own_pairs(node))
        for key, value in changes.items():
            if key not in pairs:
                if value is not None:
                    self._append(node, f"{key}: {_value(value)}")
            elif value is None:
                self._remove(node, key)
            elif isinstance(value, str):
                self._set(pairs[key], value)
            else:
                self._descend(pairs[key], value)

    def remove_item(self, sequence: yaml.SequenceNode, item: yaml.Node) -> None:
        """Take an item of a block list away, with the blank line after it."""
        start = self._line_start(item.start_mark.index)
        end = self._line_end(_content_end(self.text, item))
        end = min(end + len(self.newline), len(self.text))
        if self.text.startswith(self.newline, end):
            end += len(self.newline)
        self._replace(start, end, "")

    def insert_item(self, sequence: yaml.SequenceNode, after: yaml.Node, pairs: Changes) -> None:
        """Put a new mapping after an item of a block list."""
        column = after.start_mark.column
        dash = self.text.rfind("-", self._line_start(after.start_mark.index), after.start_mark.index)
        indent = " " * (dash - self._line_start(after.start_mark.index))
        lines = [f"{key}: {_value(value)}" for key, value in pairs.items() if value is not None]
        lead = f"{indent}-".ljust(column)
        text = self.newline.join((lead if not row else " " * column) + line for row, line in enumerate(lines))
        end = self._line_end(_content_end(self.text, after))
        gap = self.newline if self.text.startswith(self.newline * 2, end) or end == len(self.text) else ""
        self._replace(end, end, self.newline + gap + text)

    def _replace(self, start: int, end: int, replacement: str) -> None:
        self._replacements.append((start, end, replacement))

    def _set(self, pair: tuple[yaml.Node, yaml.Node], value: str) -> None:
        key, node = pair
        if _is_alias(pair):
            raise CannotEdit(f"{key.value} is written by an alias; change it by hand")
        end = _content_end(self.text, node)
        gap = " " if self.text[key.end_mark.index : node.start_mark.index].rstrip().endswith(":") else ""
        tight = node.start_mark.index and self.text[node.start_mark.index - 1] == ":"
        self._replace(node.start_mark.index, max(end, node.start_mark.index), (gap if tight else "") + value)

    def _descend(self, pair: tuple[yaml.Node, yaml.Node], changes: Changes) -> None:
        if _is_alias(pair):
            raise CannotEdit(f"{pair[0].value} is written by an alias; change it by hand")
        self.change(pair[1], changes)

    def _append(self, node: yaml.MappingNode, line: str) -> None:
        pairs = [pair for _, pair in _own_pairs(node)]
        if not pairs:
            raise CannotEdit("has no key of its own to write after; write one by hand")
        end = self._line_end(self._pair_end(pairs[-1]))
        self._replace(end, end, f"{self.newline}{' ' * pairs[-1][0].start_mark.column}{line}")

    def _remove(self, node: yaml.MappingNode, name: str) -> None:
        pairs = [pair for _, pair in _own_pairs(node)]
        position = next(index for index, (key, _) in enumerate(pairs) if key.value == name)
        key, _ = pairs[position]
        shares_line = self.text[self._line_start(key.start_mark.index) : key.start_mark.index].strip()
        if shares_line:
            if position + 1 == len(pairs):
                raise CannotEdit(f"{name} is the only key; remove the whole by hand")
            self._replace(key.start_mark.index, pairs[position + 1][0].start_mark.index, "")
            return
        end = self._line_end(self._pair_end(pairs[position]))
        before = self._line_start(key.start_mark.index)
        self._replace(max(before - len(self.newline), 0), end, "")

    def _rewritten(self, node: yaml.MappingNode, changes: Changes) -> str:
        pieces: list[str] = []
        for name, (key, value) in _own_pairs(node):
            change = changes.get(name, ...)
            if change is ...:
                pieces.append(self.text[key.start_mark.index : self._pair_end((key, value))])
            elif isinstance(change, str):
                pieces.append(f"{name}: {change}")
            elif change is not None:
                inner = self._rewritten(value, change) if isinstance(value, yaml.MappingNode) else flow(change)
                pieces.append(f"{name}: {inner}")
        own = dict(_own_pairs(node))
        pieces += [f"{name}: {_value(change)}" for name, change in changes.items() if name not in own and change]
        return "{" + ", ".join(pieces) + "}"

    def _pair_end(self, pair: tuple[yaml.Node, yaml.Node]) -> int:
        """Where a pair's last character ends; of an alias, which has no marks of its own, by its spelling."""
        key, value = pair
        if _is_alias(pair):
            alias = _ALIAS.match(self.text, key.end_mark.index)
            return alias.end() if alias else key.end_mark.index
        return _content_end(self.text, value, key.end_mark.index)

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        """The end of the line that holds ``index``, its line break left out."""
        end = self.text.find("\n", index)
        if end < 0:
            return len(self.text)
        return end - 1 if self.newline == "\r\n" else end


def _own_pairs(node: yaml.MappingNode) -> Iterator[tuple[str, tuple[yaml.Node, yaml.Node]]]:
    for key, value in node.value:
        yield str(key.value), (key, value)


def _is_alias(pair: tuple[yaml.Node, yaml.Node]) -> bool:
    """An alias's node is its anchor's, which stands before."""
    key, value = pair
    return bool(value.start_mark.index < key.end_mark.index)


def _content_end(text: str, node: yaml.Node, least: int = 0) -> int:
    """Where a node's last character ends: a block's own end mark lies after the comments that follow it."""
    end: int = node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        return max(len(text[:end].rstrip()) if node.style in ("|", ">") else end, least)
    if isinstance(node, yaml.CollectionNode) and node.flow_style:
        return max(end, least)
    children: list[yaml.Node] = []
    for child in node.value:
        children += child if isinstance(child, tuple) else (child,)
    own = (child for child in children if child.start_mark.index >= node.start_mark.index)
    return max([least, node.start_mark.index, *(_content_end(text, child) for child in own)])
