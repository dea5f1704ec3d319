"""Both languages say everything."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import monitor
from monitor import language
from monitor.language import LANGUAGES, choose, load, pick
from monitor.web import easel

HOUSE = Path(monitor.__file__).parent
CATALOGS = sorted((Path(language.__file__).parent / "locale/en/LC_MESSAGES").glob("*.po"))
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd%]")


class Request:
    """What a request says."""

    def __init__(self, query: dict[str, str], cookies: dict[str, str]) -> None:
        self.query = query
        self.cookies = cookies


def said() -> set[str | tuple[str, ...]]:
    """Every message in the code and the templates."""
    options = {"**/templates/**.html": {"trimmed": "true"}, "**/templates/**.txt": {"trimmed": "true"}}
    return {message for _, _, message, _, _ in extract_from_dir(HOUSE, METHODS, options, keywords=KEYWORDS)}


def english() -> dict[str | tuple[str, ...], str | tuple[str, ...]]:
    said = {}
    for path in CATALOGS:
        with path.open("rb") as file:
            said |= {message.id: message.string for message in read_po(file) if message.id and not message.fuzzy}
    return said


def test_english_has_every_message_and_no_other() -> None:
    assert set(english()) == said()


def test_no_message_is_untranslated() -> None:
    for source, text in english().items():
        forms = text if isinstance(text, tuple) else (text,)
        assert all(forms), source


def test_placeholders_are_the_same() -> None:
    for source, text in english().items():
        originals = source if isinstance(source, tuple) else (source,)
        forms = text if isinstance(text, tuple) else (text,)
        for form in forms:
            assert Counter(PLACEHOLDER.findall(form)) == Counter(PLACEHOLDER.findall(originals[-1])), source


def test_templates_hold_no_text_outside_messages() -> None:
    vietnamese = re.compile(r"[À-ỹ]")
    for template in HOUSE.glob("*/templates/*"):
        bare = re.sub(r"\{[{%#].*?[}%#]\}", "", template.read_text(), flags=re.DOTALL)
        assert not vietnamese.search(bare), template.name


def test_vietnamese_is_what_the_code_says() -> None:
    assert load("vi").gettext("Ổn định") == "Ổn định"
    assert load("en").gettext("Ổn định") == "Stable"
    assert load("en").ngettext("%d bản ghi", "%d bản ghi", 1) == "%d record"
    assert load("en").ngettext("%d bản ghi", "%d bản ghi", 2) == "%d records"


@pytest.mark.parametrize(
    ("query", "cookies", "chosen"),
    [
        ({}, {}, "vi"),
        ({"lang": "en"}, {}, "en"),
        ({}, {"lang": "en"}, "en"),
        ({"lang": "vi"}, {"lang": "en"}, "vi"),
        ({"lang": "xx"}, {"lang": "en"}, "en"),
        ({"lang": "xx"}, {"lang": "yy"}, "vi"),
    ],
)
def test_the_language_is_asked_for_remembered_or_vietnamese(
    query: dict[str, str], cookies: dict[str, str], chosen: str
) -> None:
    assert choose(Request(query, cookies)) == chosen


def test_themes() -> None:
    assert pick(Request({}, {"theme": "light"}), "theme", easel.THEMES) == "light"
    assert set(easel.LANGUAGE_NAMES) == set(LANGUAGES)
