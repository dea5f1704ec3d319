"""YAML -> values with lines: nothing is lost, nothing is a traceback."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.document import Document, parse


def read(text: str) -> Document:
    document = parse(text.encode(), "file.yaml")
    assert document.problems == []
    return document


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("00004", "00004"),
        ("012", "012"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("+84241022", "+84241022"),
        ("024.1022", "024.1022"),
        ("1:30", "1:30"),
        ("2026-11-23", "2026-11-23"),
        ("no", "no"),
        ("On", "On"),
        ("!!str 12", "12"),
        ("'12'", "12"),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("Phường Cửa Nam", "Phường Cửa Nam"),
        (".nan", ".nan"),
        ("9" * 30, "9" * 30),
    ],
)
def test_scalars_keep_what_was_written(written: str, value: object) -> None:
    root = read(f"key: {written}\n").root

    assert root == {"key": value}
    assert isinstance(root, dict)
    assert type(root["key"]) is type(value)


def test_a_decimal_remembers_its_text() -> None:
    root = read("a: 1.10\n").root

    assert isinstance(root, dict)
    assert root["a"] == 1.1
    assert str(root["a"]) == "1.10"


def test_lines_and_paths() -> None:
    document = read("a: 1\npoints:\n  - id: x\n    host: h\n  - name: y\n    list: [1,\n      2]\n")

    assert document.line(("points", 0, "host")) == 4
    assert document.line(("points", 1)) == 5
    assert document.line(("points", 1, "list", 1)) == 7
    assert document.line(("points", 1, "nothing", "deeper")) == 5
    assert document.line(("points", 9)) == 2
    assert document.spell(("points", 0, "host")) == "points[x].host"
    assert document.spell(("points", 1, "list", 1)) == "points[1].list[1]"


def test_anchors_and_merge_keys() -> None:
    document = read("base: &b {x: 1, y: 2}\nmore: &m {z: 3, y: 5}\nboth:\n  <<: [*b, *m]\n  y: 4\nalias: *b\n")

    assert document.root == {
        "base": {"x": 1, "y": 2},
        "more": {"z": 3, "y": 5},
        "both": {"x": 1, "z": 3, "y": 4},
        "alias": {"x": 1, "y": 2},
    }
    assert document.line(("both", "z")) == 2
    assert document.line(("both", "y")) == 5


def test_a_byte_order_mark_is_no_character() -> None:
    assert parse("a: 1\n".encode("utf-8-sig"), "f").root == {"a": 1}


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "\n" + "['[', " * 100_000, 'a: "]"\n' + "[" * 600]
)
def test_deep_nesting_is_a_problem_not_a_crash(text: str) -> None:
    problems = parse(text.encode(), "f").problems

    assert [problem.text for problem in problems] == ["is nested too deeply; write it flatter"]


def test_nesting_within_reason() -> None:
    assert parse(("[" * 100 + "]" * 100).encode(), "f").problems == []
    assert parse(("- '['\n" * 2000 + "- [a, {b: c}]\n" * 2000).encode(), "f").problems == []


@given(st.binary(max_size=200))
def test_any_bytes_give_values_or_problems(data: bytes) -> None:
    document = parse(data, "f")

    assert all(problem.line >= 1 and problem.text for problem in document.problems)


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc:#-' ", max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(_TREES)
def test_reads_back_what_a_yaml_writer_wrote(tree: object) -> None:
    text = yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True)

    document = parse(text.encode(), "f")

    assert document.problems == []
    assert document.root == tree
