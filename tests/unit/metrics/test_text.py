"""The text format's small change, held to prometheus_client's own reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitor.metrics.text import Family, beside, escape, parse_fact, sample

names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,10}", fullmatch=True)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=20)


@given(st.dictionaries(names, values, max_size=4), st.floats(allow_nan=False))
def test_a_sample_reads_back(labels: dict[str, str], value: float) -> None:
    text = Family("some_ratio", "gauge", (), "Words.").head + sample("some_ratio", labels, value)
    (family,) = text_string_to_metric_families(text)
    (read,) = family.samples
    assert (read.name, read.labels, read.value) == ("some_ratio", labels, value)


@given(names, st.dictionaries(names, values, max_size=4))
def test_a_fact_is_taken_apart(name: str, labels: dict[str, str]) -> None:
    text = ",".join(f'{label}="{escape(value)}"' for label, value in labels.items())
    fact = f"{name}{{{text}}}" if labels else name
    assert parse_fact(fact) == (name, {label: escape(value) for label, value in labels.items()})


@pytest.mark.parametrize(
    "fact",
    [
        "",
        "1st",
        "probe-loss",
        "probe loss",
        "probe{",
        'probe{a="b"',
        'probe{a="b" c="d"}',
        'probe{a="b\\x"}',
        "probe{a=b}",
        'probe{a="line\nbreak"}',
    ],
)
def test_what_is_no_fact_is_refused(fact: str) -> None:
    with pytest.raises(ValueError, match="not a metric's"):
        parse_fact(fact)


def test_help_is_one_line() -> None:
    assert Family("a", "gauge", (), "one\\two\nthree").head == "# HELP a one\\\\two\\nthree\n# TYPE a gauge\n"


def test_a_clashing_label_is_renamed_as_prometheus_does() -> None:
    assert beside({"point": "a", "version": "b"}, ("instance", "point")) == {"exported_point": "a", "version": "b"}


@pytest.mark.parametrize(("value", "text"), [(True, "1.0"), (0, "0.0"), (-1, "-1.0"), (1.5, "1.5")])
def test_numbers_are_numbers_whatever_python_calls_them(value: float, text: str) -> None:
    assert sample("a", {}, value) == f"a {text}\n"
