"""Go durations, RE2 patterns and sizes of the module file."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from monitor.probes.types import (
    ByteSize,
    GoDuration,
    Regex,
    compile_re2,
    go_duration_text,
    parse_byte_size,
    parse_go_duration,
)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True)

    wait: GoDuration = timedelta(0)
    size: ByteSize = 0
    pattern: Regex = None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("5s", 5),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1m30s", 90),
        ("1h2m3.5s", 3723.5),
        (".5s", 0.5),
        ("5.s", 5),
        ("+3s", 3),
        ("10us", 0.00001),
        ("10µs", 0.00001),
        ("10μs", 0.00001),
        ("1000ns", 0.000001),
        ("1s1s", 2),
    ],
)
def test_go_duration(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "wrong", [5, 1.5, True, None, "", "5", "1d", "-5s", "5 s", "s", ".s", "1h 2m", "５s", "9" * 30 + "h"]
)
def test_no_go_duration(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|too long"):
        parse_go_duration(wrong)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1000)))
def test_go_duration_is_written_as_it_is_read(duration: timedelta) -> None:
    assert parse_go_duration(go_duration_text(duration)) == duration


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        ("0", 0),
        ("512B", 512),
        ("10KB", 10240),
        ("10KiB", 10240),
        ("1.5MiB", 1_572_864),
        ("1MB512B", 1_049_088),
        ("2GB", 2 * 1024**3),
    ],
)
def test_byte_size(text: object, size: int) -> None:
    assert parse_byte_size(text) == size


@pytest.mark.parametrize("wrong", [100, True, None, "", "100", "1 MB", "1mb", "-1MB", "MB", "1XB"])
def test_no_byte_size(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"no unit|is not a size"):
        parse_byte_size(wrong)


def test_pattern_says_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    """RE2 would also write it to the error stream."""
    with pytest.raises(ValidationError, match=r"not an RE2 regular expression: missing \)"):
        Section(pattern="(")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("wrong", [["a"], r"(?=ahead)", r"\1", "[z-a]", r"a\C"])
def test_no_pattern(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"not text|not an RE2"):
        compile_re2(wrong)


def test_an_unquoted_number_is_a_pattern() -> None:
    assert compile_re2(200).search("status 200")


def test_values_are_written_as_they_were_read() -> None:
    section = Section(wait="1h30m", size="10KB", pattern="a+")
    dumped = section.model_dump(mode="json")
    assert dumped == {"wait": "1h30m", "size": "10240B", "pattern": "a+"}
    again = Section(**dumped)
    assert again == section
    assert hash(again) == hash(section)
    assert section.model_copy().pattern.search("caat")
    assert Section(pattern=section.pattern).pattern is section.pattern
