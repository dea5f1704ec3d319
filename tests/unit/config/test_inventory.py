"""The inventory as a spreadsheet: out and in again without a difference, and nothing else touched."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from monitor.config import ConfigError, load
from monitor.config.columns import COLUMNS
from monitor.config.edit import scalar
from monitor.config.inventory import Import, apply, plan_import, read_table, write_table

FILE = """\
# Top.
modules:
  tcp: {prober: tcp}
kinds:
  hub: &kind
    endpoints:
      link: {module: tcp, target: "{host}:1", link: true}
  ward: *kind
areas:
  - {id: x, name: X, column: 1, row: 1}
points:
  # The hub.
  - id: hub
    kind: hub
    name: Hub   # in the middle
    host: hub.vn

  # --- X ---
  - id: a   # first
    kind: ward
    name: 'Xã A'
    code: "00004"
    area: x
    # where it stands
    location: {latitude: 21.0, longitude: 105.80}   # measured
    host: a.vn
    endpoints:
      link: {interval: 30s}   # slow line
    contact:
      name: Ông A
      # day and night
      phone: "+84 24 1022"
    depends_on: [hub]

  - {id: b, kind: ward, name: Xã B, code: 00008, host: b.vn, contact: {phone: 024.1022}}

  # --- end ---
"""
Make = Callable[[str], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(text: str) -> Path:
        path = tmp_path / "endpoints.yaml"
        path.write_text(text, "utf-8", newline="")
        return path

    return write


def exported(config: Path, suffix: str = ".csv") -> Path:
    path = config.with_name(f"table{suffix}")
    write_table(config, path)
    return path


def changed(config: Path, change: Callable[[list[dict[str, str]]], object]) -> Import:
    """A plan to import the exported table after ``change`` to its rows."""
    path = exported(config)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        writer.writerows(rows)
    return plan_import(config, read_table(path), environ={})


def only_change(before: str, after: str) -> list[str]:
    """The lines that differ, as ``-old`` and ``+new``."""
    old, new = before.split("\n"), after.split("\n")
    return [f"-{line}" for line in old if line not in new] + [f"+{line}" for line in new if line not in old]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_out_and_in_again_is_no_difference(make: Make, suffix: str) -> None:
    config = make(FILE)

    plan = plan_import(config, read_table(exported(config, suffix)), environ={})

    assert not plan.difference
    assert plan.text == FILE
    assert plan.problems == []


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_the_real_inventory_out_and_in_again(tmp_path: Path, suffix: str) -> None:
    config = Path("config/endpoints.yaml")
    table = tmp_path / f"points{suffix}"

    write_table(config, table)

    assert not plan_import(config, read_table(table), environ={}).difference


def test_a_spreadsheet_sees_only_text(make: Make) -> None:
    config = make(FILE.replace("Ông A", '"=1+1"').replace("name: Xã B", 'name: "#N/A"'))

    sheet = load_workbook(exported(config, ".xlsx")).active
    csv_text = exported(config).read_text("utf-8")

    assert sheet is not None
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    assert {cell.number_format for row in sheet.iter_rows() for cell in row} == {"@"}
    assert csv_text.startswith("\ufeffid,kind,name")
    assert ",'=1+1,'+84 24 1022," in csv_text
    for suffix in (".csv", ".xlsx"):
        assert not plan_import(config, read_table(exported(config, suffix)), environ={}).difference


def test_changes_touch_only_what_they_change(make: Make) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        rows[0] |= {"host": "10.0.0.1", "labels": "provider=A; note=a\\;b"}
        rows[1] |= {"latitude": "21.5", "contact_phone": "0900 000 000", "depends_on": "hub | b", "area": ""}
        rows[2] |= {"contact_phone": "", "contact_provider": "B", "hours": "24/7", "depends_on": "none"}

    plan = changed(make(FILE), change)

    new = (
        'id: b, kind: ward, name: Xã B, code: 00008, host: b.vn, contact: {provider: B}, hours: "24/7", depends_on: []'
    )
    assert plan.problems == []
    assert only_change(FILE, plan.text) == [
        "-    host: hub.vn",
        "-    area: x",
        "-    location: {latitude: 21.0, longitude: 105.80}   # measured",
        '-      phone: "+84 24 1022"',
        "-    depends_on: [hub]",
        "-  - {id: b, kind: ward, name: Xã B, code: 00008, host: b.vn, contact: {phone: 024.1022}}",
        '+    host: "10.0.0.1"',
        '+    labels: {provider: A, note: "a;b"}',
        "+    location: {latitude: 21.5, longitude: 105.80}   # measured",
        '+      phone: "0900 000 000"',
        "+    depends_on: [{any_of: [hub, b]}]",
        f"+  - {{{new}}}",
    ]
    assert str(plan.difference) == dedent("""\
        ~ hub: host: hub.vn -> 10.0.0.1
        ~ hub: labels: (empty) -> provider=A; note=a\\;b
        ~ a: area: x -> (empty)
        ~ a: latitude: 21.0 -> 21.5
        ~ a: depends_on: hub -> hub | b
        ~ a: contact_phone: +84 24 1022 -> 0900 000 000
        ~ b: hours: (empty) -> 24/7
        ~ b: depends_on: (empty) -> none
        ~ b: contact_phone: 024.1022 -> (empty)
        ~ b: contact_provider: (empty) -> B
        0 added, 0 removed, 3 changed""")


def test_a_nested_mapping_comes_and_goes(make: Make) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        rows[0] |= {"latitude": "21", "longitude": "105.5", "contact_name": "Trực"}
        rows[1] |= {"latitude": "", "longitude": "", "contact_name": "", "contact_phone": ""}

    plan = changed(make(FILE), change)

    assert plan.problems == []
    assert "    location: {latitude: 21, longitude: 105.5}\n    contact: {name: Trực}\n" in plan.text
    assert "measured" not in plan.text
    assert "Ông A" not in plan.text


def test_points_come_and_go_and_comments_stay(make: Make) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        rows.append({**rows[1], "id": "c", "code": "00012", "name": "no", "host": "c.vn"})
        del rows[2]

    config = make(FILE)
    plan = changed(config, change)

    assert plan.problems == []
    assert plan.difference.added == ("c",)
    assert plan.difference.removed == ("b",)
    assert [line for line in FILE.split("\n") if "#" in line and line not in plan.text] == []
    assert '  - id: c\n    kind: ward\n    name: "no"\n    code: "00012"\n' in plan.text
    apply(plan)
    assert [point.id for point in load(config, environ={}).points] == ["hub", "a", "c"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_and_the_last_line_without_one(make: Make, newline: str) -> None:
    text = FILE.rstrip("\n").removesuffix("  # --- end ---").rstrip("\n").replace("\n", newline)

    def change(rows: list[dict[str, str]]) -> None:
        rows.append({**rows[2], "id": "c", "code": "00012", "host": "c.vn"})
        rows[1]["hours"] = "24/7"

    plan = changed(make(text), change)

    assert plan.problems == []
    assert plan.text.count("\n") == plan.text.count(newline)


def test_the_columns_that_are_not_there_are_left_alone(make: Make) -> None:
    config = make(FILE)
    table = config.with_name("some.csv")
    table.write_text("id;host\nhub;hub.vn\na;a2.vn\nb;b.vn\n", "utf-8")

    plan = plan_import(config, read_table(table), environ={})

    assert only_change(FILE, plan.text) == ["-    host: a.vn", "+    host: a2.vn"]


def test_a_bad_row_is_told_by_row_and_column_and_nothing_is_written(make: Make) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        rows[1] |= {"kind": "wrad", "latitude": "21,5", "hours": "always"}
        rows[2] |= {"host": "https://b.vn/", "depends_on": "hubb"}

    config = make(FILE)
    plan = changed(config, change)

    table = config.with_name("table.csv")
    hours = '"24/7" or "Mon-Fri 07:30-11:30,13:00-17:00; Sat 07:30-11:30"'
    assert sorted(str(problem) for problem in plan.problems) == [
        f"{table}:3: hours: 'always' are no hours; write {hours}",
        f"{table}:3: kind: unknown kind 'wrad'; did you mean 'ward'?",
        f"{table}:3: latitude: must be a number; write for example 0.5",
        f"{table}:4: depends_on[0]: unknown point 'hubb'; did you mean 'hub'?",
        f"{table}:4: host: 'https://b.vn/' is no host; write a name or an address alone, without scheme, port or path",
    ]
    with pytest.raises(ConfigError):
        apply(plan)
    assert config.read_text("utf-8") == FILE


def test_lost_zeros_are_noticed(make: Make) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        rows[1]["code"] = "4"

    plan = changed(make(FILE), change)

    assert [(problem.line, problem.path, problem.text) for problem in plan.problems] == [
        (3, "code", "4 was 00004: its zeros are lost; format the column as text and write it again")
    ]


def test_writing_keeps_the_mode_and_the_link_and_notices_another_hand(make: Make, tmp_path: Path) -> None:
    config = make(FILE)
    config.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(config)

    def change(rows: list[dict[str, str]]) -> None:
        rows[1]["host"] = "a2.vn"

    plan = changed(link, change)
    apply(plan)

    assert link.is_symlink()
    assert config.stat().st_mode & 0o777 == 0o640
    assert "host: a2.vn" in config.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(ConfigError, match="has changed since; import again"):
        apply(plan)


def test_a_failed_write_leaves_nothing_behind(make: Make, tmp_path: Path) -> None:
    plan = changed(make(FILE), lambda rows: rows[1].update(host="a2.vn"))
    taken = {path.name for path in tmp_path.iterdir()}
    broken = Import(plan.path, plan.before, "\ud800", plan.difference, [])

    with pytest.raises(UnicodeEncodeError):
        apply(broken)

    assert {path.name for path in tmp_path.iterdir()} == taken
    assert plan.path.read_text("utf-8") == FILE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table.csv:1: is empty; write a row of column names, then a row for each point"),
        ("name\nx\n", "table.csv:1: id: the column is missing; every row needs its point's id"),
        ("id,id\nx,y\n", "table.csv:1: id: stands twice; keep one of them"),
        ("id,host\na,b,c\n", "table.csv:2: has more cells than the header's 2; quote a text that holds the delimiter"),
        ("id,host\na,b\n,c\n", "table.csv:3: id: is empty; write the point's id"),
        ("id,host\na,b\na,c\n", "table.csv:3: id: 'a' stands in row 2 already; keep one of them"),
        ('id,host\na,"b', "table.csv:1: is not CSV: unexpected end of data; save it again as CSV UTF-8"),
        ("id,hots\na,b\n", f"table.csv:1: hots: unknown column; the columns are {', '.join(COLUMNS)}"),
    ],
)
def test_bad_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text(text, "utf-8")

    with pytest.raises(ConfigError) as caught:
        read_table(Path("table.csv"))

    assert str(caught.value) == message


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("id,name\na,Phường\n".encode("utf-16"))

    with pytest.raises(ConfigError, match='is not UTF-8; in Excel save it as "CSV UTF-8"'):
        read_table(path)


def test_tables_that_are_not_there_or_no_workbook(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_table(tmp_path / "nothing.csv")
    path = tmp_path / "table.xlsx"
    path.write_text("id,name")
    with pytest.raises(ConfigError, match="is not an XLSX workbook"):
        read_table(path)


def test_numbers_formulas_and_dates_in_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["id", "code", "latitude", "longitude", "name", "hours"])
    book.active.append(["a", 4, 21.5, 105, "=A1", True])
    book.active.append([None, None, None])
    path = tmp_path / "table.xlsx"
    book.save(path)

    with pytest.raises(ConfigError) as caught:
        read_table(path)

    assert [(problem.line, problem.path, problem.text.split(";")[0]) for problem in caught.value.problems] == [
        (2, "code", "holds 4, not text, so zeros may be lost"),
        (2, "name", "is a formula"),
        (2, "hours", "holds True, not text, so zeros may be lost"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("points: [{id: a}]\n", "are written in brackets; write them one below another first"),
        (
            "points:\n  - &a\n    id: a\n    contact: &c {phone: x}\n    name: A\n    code: *c\n",
            "code is written by an alias",
        ),
    ],
)
def test_what_only_a_person_should_change(make: Make, text: str, message: str) -> None:
    plan = changed(make(text), lambda rows: rows[0].update(name="B", code="1"))

    assert message in plan.problems[0].text


@pytest.mark.parametrize("text", ["{}", "points: {}", "points: []", "points: [{name: a}]", "a: [", ""])
def test_a_file_without_points_has_no_table(make: Make, text: str) -> None:
    config = make(text)

    with pytest.raises(ConfigError):
        write_table(config, config.with_name("table.csv"))


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12
).map(str.strip)
_CELLS = _WORDS.filter(bool)


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(_CELLS, min_size=1, max_size=4),
    phones=st.lists(_CELLS, min_size=4, max_size=4),
    labels=st.dictionaries(st.sampled_from(["provider", "line", "note"]), _CELLS, max_size=3),
    suffix=st.sampled_from([".csv", ".xlsx"]),
)
def test_whatever_is_written_comes_back(
    names: list[str], phones: list[str], labels: dict[str, str], suffix: str
) -> None:
    """Any text written by an import is exported and imported again without a difference."""
    with TemporaryDirectory() as directory:
        config = Path(directory) / "endpoints.yaml"
        points = "".join(
            f"  - id: p{number}\n    kind: ward\n    name: {scalar(name)}\n    host: p{number}.vn\n"
            f"    contact: {{phone: {scalar(phones[number])}}}\n"
            for number, name in enumerate(names)
        )
        inside = ", ".join(f"{key}: {scalar(value)}" for key, value in labels.items())
        config.write_text(FILE.split("\npoints:")[0] + f"\npoints:\n{points}    labels: {{{inside}}}\n", "utf-8")

        again = plan_import(config, read_table(exported(config, suffix)), environ={})

        assert str(again.difference) == "0 added, 0 removed, 0 changed"
        loaded = load(config, environ={})
        assert [point.name for point in loaded.points] == names
        assert dict(loaded.points[-1].labels) == labels


@settings(max_examples=80, deadline=None)
@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["name", "code", "host", "hours", "labels", "contact_name", "contact_phone", "depends_on"]),
            st.sampled_from(["", "24/7", "h.vn", "hub", "00012", "+84", "a=b", "none", "x: y # z", "no"]),
        ),
        max_size=8,
    ),
    removed=st.sets(st.integers(0, 3), max_size=2),
)
def test_an_import_writes_what_the_table_says_or_nothing(
    changes: list[tuple[int, str, str]], removed: set[int]
) -> None:
    with TemporaryDirectory() as directory:
        config = Path(directory) / "endpoints.yaml"
        config.write_text(FILE, "utf-8")

        def change(rows: list[dict[str, str]]) -> None:
            rows.append({**dict.fromkeys(COLUMNS, ""), "id": "new", "kind": "ward", "name": "New", "host": "n.vn"})
            for row, column, value in changes:
                rows[row][column] = value
            for row in sorted(removed, reverse=True):
                del rows[row]

        plan = changed(config, change)

        if plan.problems:
            return
        apply(plan)
        assert not plan_import(config, read_table(config.with_name("table.csv")), environ={}).difference
        comments = [line.partition("#")[2] for line in FILE.split("\n") if line.strip().startswith("# ---")]
        assert all(comment in config.read_text("utf-8") for comment in comments)


def test_the_difference_is_readable_without_a_terminal(make: Make) -> None:
    plan = changed(make(FILE), lambda rows: rows.pop())

    assert str(plan.difference).split(os.linesep) == ["- b", "0 added, 1 removed, 0 changed"]


WATCHED = (
    FILE
    + """\
  - {id: gateway, kind: anchor, name: Cổng mạng, host: 10.0.0.1}
calendar: {holidays: {add: [2027-02-11]}}   # the decree of December
maintenance:
  - {id: power, name: Mất điện, begin: 2026-12-06 01:00, duration: 3h, points: [a], areas: [x]}   # announced
alerts:
  channels: {inbox: {type: inbox}}
  routes:
    - {name: all, to: inbox, continue: no}   # everybody
"""
)
ANCHOR = """
  anchor: *kind
areas:"""


def test_anchors_and_all_that_is_no_point_stay_as_they_are(make: Make) -> None:
    text = WATCHED.replace("\nareas:", ANCHOR).replace("{interval: 30s}", "{interval: 30s, depends_on: []}")
    config = make(text)
    table = exported(config)

    assert [row.cells["kind"] for row in read_table(table).rows] == ["hub", "ward", "ward", "anchor"]
    assert not plan_import(config, read_table(table)).difference

    planned = changed(config, lambda rows: rows[3].update(host="10.0.0.2", name="Cổng mạng mới"))

    assert planned.problems == []
    old, new = "{id: gateway, kind: anchor, name: Cổng mạng, host: 10.0.0.1}", 'Cổng mạng mới, host: "10.0.0.2"}'
    assert planned.text == text.replace(old, old.replace("Cổng mạng, host: 10.0.0.1}", new))


def test_mistakes_about_anchors_and_windows_are_told_where_they_are(make: Make) -> None:
    config = make(WATCHED.replace("\nareas:", ANCHOR))

    named = changed(config, lambda rows: rows[3].update(host="gateway.vn"))
    gone = changed(config, lambda rows: rows.pop(1))

    assert [(Path(problem.file).suffix, problem.line, problem.path) for problem in named.problems] == [
        (".csv", 5, "host")
    ]
    assert [(Path(problem.file).name, problem.path) for problem in gone.problems] == [
        ("endpoints.yaml", "maintenance[power].points[0]")
    ]
