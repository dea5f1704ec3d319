"""CSV and XLSX: rows of text in, rows of text out, with nothing that a spreadsheet would run or round."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook  # type: ignore[import-untyped]  # it comes without stubs
from openpyxl.cell.cell import TYPE_FORMULA, TYPE_NUMERIC, TYPE_STRING  # type: ignore[import-untyped]  # it comes without stubs
from openpyxl.styles import Font  # type: ignore[import-untyped]  # it comes without stubs
from openpyxl.utils.exceptions import (  # type: ignore[import-untyped]  # it comes without stubs
    IllegalCharacterError,
    InvalidFileException,
)

from monitor.config.problem import ConfigError, Problem

# A spreadsheet runs a cell that begins with one of these (OWASP, "CSV injection"); an apostrophe keeps it text.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """``number`` is the spreadsheet's, the header being 1."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text by column name."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, *, numeric: Iterable[str] = ()) -> Table:
    """Read a .csv or .xlsx file; only ``numeric`` columns may hold numbers. Raises ConfigError with every bad cell."""
    try:
        rows = _read_xlsx(path, set(numeric)) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    except OSError as error:
        text = f"can't be read: {error.strerror}; give the path of a file that you may read"
        raise ConfigError([Problem(str(path), 1, "", text)]) from error
    if not rows:
        raise ConfigError(
            [Problem(str(path), 1, "", "is empty; write a row of column names, then a row for each point")]
        )
    header = [name.strip() for name in rows[0]]
    while header and not header[-1]:
        header.pop()
    table = []
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            if any(cell.strip() for cell in row[len(header) :]):
                text = f"has more cells than the header's {len(header)}; quote a text that holds the delimiter"
                raise ConfigError([Problem(str(path), number, "", text)])
            cells = [*row, *[""] * len(header)][: len(header)]
            table.append(Row(number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    return Table(str(path), tuple(header), tuple(table))


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a .csv (UTF-8 with a byte order mark, as Excel wants it) or .xlsx file, every cell as text."""
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(path, columns, rows)
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([f"'{cell}" if cell.startswith(_RISKY) else cell for cell in row] for row in rows)


def _write_xlsx(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    book = Workbook()
    sheet = book.active or book.create_sheet()
    sheet.title = "points"
    for number, row in enumerate([columns, *rows], start=1):
        for column, text in enumerate(row, start=1):
            cell = sheet.cell(row=number, column=column)
            try:
                cell.value = text
            except IllegalCharacterError as error:
                problem = "holds a control character that a workbook can't; remove it"
                raise ConfigError([Problem(str(path), number, columns[column - 1], problem)]) from error
            cell.data_type = TYPE_STRING  # whatever openpyxl took "=..." or "#N/A" for
            cell.number_format = "@"
            cell.font = Font(bold=number == 1)
    sheet.freeze_panes = "B2"
    book.save(path)


def _read_csv(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        remedy = 'in Excel save it as "CSV UTF-8"'
        raise ConfigError([Problem(str(path), line, "", f"is not UTF-8; {remedy}")]) from error
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ConfigError([Problem(str(path), 1, "", f"is not CSV: {error}; save it again as CSV UTF-8")]) from error
    return [[_unguard(cell) for cell in row] for row in rows]


def _unguard(cell: str) -> str:
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell.startswith(_RISKY, 1) else cell


def _read_xlsx(path: Path, numeric: set[str]) -> list[list[str]]:
    problems: list[Problem] = []
    rows: list[list[str]] = []
    with path.open("rb") as file:
        try:
            sheet = load_workbook(file, read_only=True).active
            header: list[str] = []
            for number, row in enumerate(sheet.iter_rows() if sheet is not None else (), start=1):
                cells = []
                for column, cell in enumerate(row):
                    name = header[column] if column < len(header) else str(column + 1)
                    text, fault = _cell_text(cell.value, cell.data_type, numbers=name in numeric)
                    if fault:
                        problems.append(Problem(str(path), number, name, fault))
                    cells.append(text)
                header = header or cells
                rows.append(cells)
        except (BadZipFile, InvalidFileException, KeyError, ValueError) as error:
            text = "is not an XLSX workbook; save it as .xlsx, or export a new one"
            raise ConfigError([Problem(str(path), 1, "", text)]) from error
    if problems:
        raise ConfigError(problems)
    return rows


def _cell_text(value: object, kind: str, *, numbers: bool) -> tuple[str, str]:
    """A cell's text and what is wrong with it, "" when nothing is."""
    if value is None or (isinstance(value, str) and kind != TYPE_FORMULA):
        return value or "", ""
    if kind == TYPE_FORMULA:
        return "", "is a formula; paste its value as text"
    if kind == TYPE_NUMERIC and isinstance(value, int | float) and numbers:
        return repr(value), ""
    return "", f"holds {value}, not text, so zeros may be lost; format the column as text and write it again"
