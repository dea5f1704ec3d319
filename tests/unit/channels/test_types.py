"""What channels share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError

from monitor.channels.types import Duration, Taken, Url, one_line, peer


class Section(BaseModel):
    wait: Duration = timedelta(seconds=1)
    url: Url | None = None


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("250ms", 0.25), ("1m30s", 90), ("1.5h", 5400), ("24h", 86400)]
)
def test_durations(text: str, seconds: float) -> None:
    made = Section.model_validate({"wait": text})
    assert made.wait == timedelta(seconds=seconds)
    assert Section.model_validate(made.model_dump()) == made
    assert Section(wait=timedelta(seconds=seconds)) == made


@pytest.mark.parametrize("text", ["", "5", 5, None, "5 s", "0s", "25h", "-1s", "1d", "9" * 50 + "s"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValidationError):
        Section.model_validate({"wait": text})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@host.example/secret?x", "host.example"),
        ("https://host:8443/", "host:8443"),
        ("http://[::1]:80/", "[::1]:80"),
    ],
)
def test_of_an_address_only_host_and_port_are_shown(url: str, shown: str) -> None:
    assert peer(SecretStr(url)) == shown
    assert Section.model_validate({"url": url}).url == SecretStr(url)


@pytest.mark.parametrize("url", ["", "host", "ftp://host", "http://", "http://h:0/", "http://h:x/", "http://h/#a"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValidationError):
        Section.model_validate({"url": url})


@given(st.text(), st.lists(st.text(min_size=4), max_size=3))
def test_what_a_peer_said_is_shown_on_a_line(text: str, secrets: list[str]) -> None:
    said = one_line(text, secrets)
    assert said.isprintable()
    assert len(said) <= 200


def test_the_longer_secret_goes_first() -> None:
    assert one_line("a s3cret-long\r\nb s3cret", ["s3cret", "s3cret-long", ""]) == "a *** b ***"


class TestTaken:
    def test_it_adds_up_and_forgets(self) -> None:
        taken = Taken()
        taken.add("m", ["a"])
        taken.add("m", ["b"])
        assert taken.by("m") == {"a", "b"}
        taken.forget("m")
        taken.forget("m")
        assert taken.by("m") == frozenset()

    def test_it_is_bounded(self) -> None:
        taken = Taken()
        for number in range(1001):
            taken.add(str(number), ["a"])
        assert taken.by("0") == frozenset()
        assert taken.by("1000") == {"a"}
