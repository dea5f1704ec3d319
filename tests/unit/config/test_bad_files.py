"""Every file under bad/ is refused with exactly the messages of bad/expected.txt, which are what people read."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import ConfigError, load, validate

BAD = Path(__file__).parent / "bad"
FILES = sorted(path.name for path in BAD.glob("*.yaml"))
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's

EXPECTED = (BAD / "expected.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", FILES)
def test_says_exactly_what_is_wrong_and_what_to_write(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)

    problems = [str(problem) for problem in validate(Path(name), environ={})]

    assert problems == [line for line in EXPECTED if line.startswith(f"{name}:")]
    assert problems


@pytest.mark.parametrize("name", FILES)
def test_never_shows_a_secret(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(BAD / name, environ={})

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.problems)


def test_every_message_has_its_file_and_a_remedy() -> None:
    assert {line.partition(":")[0] for line in EXPECTED} == set(FILES)
    assert [line for line in EXPECTED if ";" not in line and "did you mean" not in line and '"5s"' not in line] == []


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Path("nowhere.yaml"))

    text = "nowhere.yaml:1: can't be read: No such file or directory; give the path of a file that you may read"
    assert str(caught.value) == text
