"""The points as a spreadsheet, out and in. What a spreadsheet doesn't show (endpoints, variables) stays untouched."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from monitor.config.columns import COLUMNS, NUMERIC, cell_of, changes_of
from monitor.config.document import Document, parse
from monitor.config.edit import CannotEdit, Edits
from monitor.config.loader import load_bytes, read_file
from monitor.config.problem import ConfigError, Problem
from monitor.config.tables import Row, Table, write_rows
from monitor.config.tables import read_table as _read_table


@dataclass(frozen=True, slots=True)
class Change:
    """One cell of one point."""

    point: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What an import would do; ``str`` shows it to people."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        lines = [f"+ {point}" for point in self.added] + [f"- {point}" for point in self.removed]
        lines += [f"~ {c.point}: {c.column}: {c.before or '(empty)'} -> {c.after or '(empty)'}" for c in self.changed]
        points = len({change.point for change in self.changed})
        return "\n".join([*lines, f"{len(self.added)} added, {len(self.removed)} removed, {points} changed"])


@dataclass(frozen=True, slots=True)
class Import:
    """An import that is planned, not done: ``text`` is the new file, ``problems`` (if any) forbid it."""

    path: Path
    before: bytes = field(repr=False)
    text: str = field(repr=False)
    difference: Difference
    problems: list[Problem]


def read_table(path: Path) -> Table:
    """Read a CSV or XLSX file of points. Raises ConfigError, each problem with its row and column."""
    table = _read_table(path, numeric=NUMERIC)
    problems = [
        Problem(table.file, 1, name, f"unknown column; the columns are {', '.join(COLUMNS)}")
        for name in table.columns
        if name not in COLUMNS
    ]
    problems += [
        Problem(table.file, 1, name, "stands twice; keep one of them")
        for name in sorted({name for name in table.columns if table.columns.count(name) > 1})
    ]
    if "id" not in table.columns:
        problems.append(Problem(table.file, 1, "id", "the column is missing; every row needs its point's id"))
    seen: dict[str, int] = {}
    for row in table.rows if not problems else ():
        name = row.cells["id"]
        if not name:
            problems.append(Problem(table.file, row.number, "id", "is empty; write the point's id"))
        elif name in seen:
            text = f"{name!r} stands in row {seen[name]} already; keep one of them"
            problems.append(Problem(table.file, row.number, "id", text))
        seen.setdefault(name, row.number)
    if problems:
        raise ConfigError(problems)
    return table


def write_table(config_path: Path, path: Path) -> None:
    """Write the file's points, what each of them says itself, as CSV or XLSX. Raises ConfigError."""
    document, _ = _open(read_file(config_path), config_path)
    rows = [[cells[column] for column in COLUMNS] for cells in _points(document).values()]
    write_rows(path, list(COLUMNS), rows)


def plan_import(config_path: Path, table: Table, *, environ: Mapping[str, str] = os.environ) -> Import:
    """What the table would change, the file that it would make, and why not. Raises ConfigError for a broken file.

    A column that the table lacks is left alone; an empty cell takes the point's own value away; a point without a row
    is removed.
    """
    before = read_file(config_path)
    document, sequence = _open(before, config_path)
    points = _points(document)
    difference = _difference(points, table)
    problems = _lost_zeros(points, table)
    text = before.decode("utf-8-sig")
    if difference and not problems:
        try:
            text = _edited(text, sequence, points, table, difference)
        except CannotEdit as error:
            problems = [Problem(str(config_path), 1, "points", str(error))]
        else:
            problems = _judge(text, config_path, table, environ)
    return Import(config_path, before, text, difference, problems)


def apply(planned: Import) -> None:
    """Write a planned import: the whole new file in the old one's place, with its mode, or nothing.

    Raises ConfigError when the import has problems or the file has changed since it was planned; OSError.
    """
    if planned.problems:
        raise ConfigError(planned.problems)
    path = planned.path.resolve()
    if path.read_bytes() != planned.before:
        raise ConfigError([Problem(str(planned.path), 1, "", "has changed since; import again")])
    mark = b"\xef\xbb\xbf" if planned.before.startswith(b"\xef\xbb\xbf") else b""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
            file.write(mark + planned.text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _open(data: bytes, path: Path) -> tuple[Document, yaml.SequenceNode]:
    """The parsed file and the node of its list of points."""
    document = parse(data, str(path))
    root = document.root
    if not document.problems:
        if not isinstance(root, dict) or not isinstance(root.get("points"), list) or not root["points"]:
            document.complain(("points",), "has no points; write at least one `- id: ...` below `points:`")
        elif not all(isinstance(point, dict) and isinstance(point.get("id"), str) for point in root["points"]):
            document.complain(("points",), "has a point without an id; write one first")
    if document.problems:
        raise ConfigError(document.problems)
    node = document.node
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    sequence = next(value for key, value in pairs if key.value == "points")
    return document, sequence


def _points(document: Document) -> dict[str, dict[str, str]]:
    """Every point's cells by its id."""
    root: Any = document.root
    return {point["id"]: {name: cell_of(point, path) for name, path in COLUMNS.items()} for point in root["points"]}


def _difference(points: Mapping[str, Mapping[str, str]], table: Table) -> Difference:
    wanted = {row.cells["id"]: row.cells for row in table.rows}
    changed = tuple(
        Change(name, column, before[column], wanted[name][column])
        for name, before in points.items()
        if name in wanted
        for column in table.columns
        if before[column] != wanted[name][column]
    )
    return Difference(
        added=tuple(name for name in wanted if name not in points),
        removed=tuple(name for name in points if name not in wanted),
        changed=changed,
    )


def _lost_zeros(points: Mapping[str, Mapping[str, str]], table: Table) -> list[Problem]:
    """A spreadsheet that took a code or a telephone number for a number has eaten its zeros."""
    problems = []
    for row in table.rows:
        for column in table.columns:
            before, after = points.get(row.cells["id"], {}).get(column, ""), row.cells[column]
            if before != after and before.startswith("0") and after == before.lstrip("0") and after.isdigit():
                text = f"{after} was {before}: its zeros are lost; format the column as text and write it again"
                problems.append(Problem(table.file, row.number, column, text))
    return problems


def _edited(
    text: str,
    sequence: yaml.SequenceNode,
    points: Mapping[str, Mapping[str, str]],
    table: Table,
    difference: Difference,
) -> str:
    if sequence.flow_style:
        raise CannotEdit("are written in brackets; write them one below another first")
    edits = Edits(text)
    nodes = dict(zip(points, sequence.value, strict=True))
    rows = {row.cells["id"]: row for row in table.rows}
    changed: dict[str, list[str]] = {}
    for change in difference.changed:
        changed.setdefault(change.point, []).append(change.column)
    for name, columns in changed.items():
        edits.change(nodes[name], changes_of(rows[name].cells, points[name], columns))
    kept = {name: node for name, node in nodes.items() if name not in difference.removed}
    for name in difference.removed:
        edits.remove_item(sequence, nodes[name])
    for name in difference.added:
        cells = rows[name].cells
        neighbour = _neighbour(cells, points, kept) or next(reversed(nodes))
        pairs = changes_of(cells, {}, [column for column in table.columns if cells[column]])
        edits.insert_item(sequence, nodes[neighbour], pairs)
    return edits.apply()


def _neighbour(cells: Mapping[str, str], points: Mapping[str, Mapping[str, str]], kept: Mapping[str, object]) -> str:
    """The last point of the same kind and area, else of the same kind, else of all."""
    for columns in (("kind", "area"), ("kind",), ()):
        alike = [name for name in kept if all(points[name][column] == cells.get(column, "") for column in columns)]
        if alike:
            return alike[-1]
    return ""


def _judge(text: str, path: Path, table: Table, environ: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the new file: in the table's rows and columns where they are to blame."""
    rows: dict[str, Row] = {row.cells["id"]: row for row in table.rows}
    try:
        load_bytes(text.encode("utf-8"), path, environ=environ)
    except ConfigError as error:
        return [_in_table(problem, rows, table.file) for problem in error.problems]
    document, _ = _open(text.encode("utf-8"), path)
    rest = _difference(_points(document), table)
    if rest:
        return [Problem(str(path), 1, "points", f"can't be written as the table says ({rest}); change it by hand")]
    return []


def _in_table(problem: Problem, rows: Mapping[str, Row], file: str) -> Problem:
    found = re.fullmatch(r"points\[(.+?)\]\.?(.*)", problem.path)
    row = rows.get(found[1]) if found else None
    if found is None or row is None:
        return problem
    column: str = next((name for name, path in COLUMNS.items() if ".".join(path) == found[2]), found[2])
    return Problem(file, row.number, column, problem.text)
