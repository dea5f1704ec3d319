"""Search that ignores diacritics and case: "cua nam" finds Cửa Nam. Pure."""

from __future__ import annotations

import re
import unicodedata

BOUNDARY = re.compile(r"[^0-9a-z]+")


def fold(text: str) -> str:
    """``text`` in lower case without marks, words apart by one space."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(letter)
    )
    return BOUNDARY.sub(" ", plain.replace("đ", "d")).strip()


def matches(query: str, *fields: str) -> bool:
    """Whether the words of ``query`` stand in one of ``fields``, in order, the last one possibly unfinished."""
    wanted = fold(query)
    return not wanted or any(f" {wanted}" in f" {fold(text)}" for text in fields)
