"""Which language a page or a message speaks. Vietnamese is the source: it is what code and templates say.

``locale/en/LC_MESSAGES/*.po`` give the English, a file a room. They are read as they stand when the program starts
(some milliseconds), so that no compiled file can fall behind them. A message that they lack would show in Vietnamese;
a test holds that none does.
"""

from __future__ import annotations

from collections.abc import Mapping
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Protocol

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("vi", "en")
"""As the switch goes round; the first is the default."""

LOCALE = Path(__file__).parent / "locale"


class Asked(Protocol):
    """What a request says about language and theme: aiohttp's request has both."""

    @property
    def query(self) -> Mapping[str, str]: ...

    @property
    def cookies(self) -> Mapping[str, str]: ...


def N_(message: str) -> str:  # noqa: N802  (gettext's customary mark)
    """Mark ``message`` for translation where it is declared; it is translated where it is shown."""
    return message


def load(language: str) -> NullTranslations:
    """The translations of ``language``; those of Vietnamese give back what they get."""
    if language == LANGUAGES[0]:
        return NullTranslations()
    catalog = Catalog(locale=language)
    for path in sorted((LOCALE / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            part = read_po(file, locale=language)
        catalog.mime_headers = part.mime_headers
        for message in part:
            if message.id:
                catalog.add(message.id, message.string)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def choose(request: Asked) -> str:
    """The request's ``?lang=``, else its cookie, else Vietnamese."""
    return pick(request, "lang", LANGUAGES)


def pick(request: Asked, name: str, choices: tuple[str, ...]) -> str:
    """The query's ``name``, else the cookie's, where it is one of ``choices``; else the first choice."""
    for wish in (request.query.get(name), request.cookies.get(name)):
        if wish in choices:
            return str(wish)
    return choices[0]
