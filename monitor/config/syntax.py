"""What YAML's parser says, in words that tell an operator what to change."""

from __future__ import annotations

import re

import yaml

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Brackets, what stands in quotes on one line, and the indentation of a block inside many blocks.
_DEEPEST = 100
_BRACKETS = re.compile(
    rf"""[\[\]{{}}]|(?<=[\s,:\[{{])(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*')|^[ ?-]{{{2 * _DEEPEST + 1},}}""", re.MULTILINE
)

# libyaml's own words for a fault -> ours.
_MEANINGS = {
    "mapping values are not allowed in this context": (
        "a second `: ` where only a value can stand; align the line with its neighbours, or put the text in quotes"
    ),
    "did not find expected key": "the line fits no key above it; align it with its neighbours",
    "did not find expected '-' indicator": "the line stands in a list but has no `- `; align it, or begin it with `- `",
    "could not find expected ':'": "neither a key nor an item; write `key: value`, or `- item` in a list",
    "found unknown escape character": (
        "a backslash that YAML doesn't know in double quotes; use single quotes, or write \\\\"
    ),
    "found undefined alias": "an alias that no anchor gives; write `&name` at the value it stands for, or quote the *",
    "but found another document": "a second document begins here; keep one and remove `---`",
    "block sequence entries are not allowed in this context": "a `- ` where no list can begin; put it on a line below",
}
_UNCLOSED = {
    "while parsing a flow sequence": "the [ has no ] to close it; close it, or put a comma between its items",
    "while parsing a flow mapping": "the { has no } to close it; close it, or put a comma between its pairs",
    "while scanning a quoted scalar": "the quotation mark is never closed; close it",
}


def too_deep(text: str) -> tuple[int, str] | None:
    """Where the text nests deeper than libyaml's recursion survives, and what to do. None when it doesn't."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "[{":
            depth += 1
        elif found[0] in "]}":
            depth = max(depth - 1, 0)
        if depth > _DEEPEST or found[0][0] in " ?-":
            return text.count("\n", 0, found.start()) + 1, "is nested too deeply; write it flatter"
    return None


def unreadable(text: str) -> tuple[int, str] | None:
    """The first character that YAML forbids: its line and what to do. None when there is none."""
    found = _UNPRINTABLE.search(text)
    if found is None:
        return None
    line = text.count("\n", 0, found.start()) + 1
    return line, f"holds the control character U+{ord(found[0]):04X}; remove it"


def explain_syntax(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """The line (from 1) of a parser's error and what to write instead."""
    mark = getattr(error, "problem_mark", None)
    lines = text.split("\n")
    line = min(mark.line, len(lines) - 1) if mark is not None else 0
    if tabbed := _tab_line(lines, line):
        return tabbed, "a tab in the indentation; indent with spaces"
    problem, context = getattr(error, "problem", None) or str(error), getattr(error, "context", None)
    begun = getattr(error, "context_mark", None)
    if begun is not None and context in _UNCLOSED and problem not in _MEANINGS:
        return begun.line + 1, _UNCLOSED[context]
    if problem == "found character that cannot start any token":
        character = lines[line][mark.column : mark.column + 1] if mark is not None else ""
        return line + 1, f'text that begins with {character} needs quotes; write "{character}..."'
    if problem == "could not find expected ':'" and begun is not None:
        line = begun.line
    return line + 1, _MEANINGS.get(problem, f"is not YAML: {problem}; see the lines around it")


def _tab_line(lines: list[str], line: int) -> int | None:
    """The line with a tab in its indentation, at the error or just before it."""
    for number in (line, line - 1):
        if 0 <= number < len(lines):
            indentation = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
            if "\t" in indentation and lines[number].strip():
                return number + 1
    return None
