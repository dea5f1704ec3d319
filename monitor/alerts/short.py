"""The short form: what an SMS can carry. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 160
"""Septets of one SMS (3GPP TS 23.040). Every letter that :func:`plain` leaves takes one."""

_REPLACED = str.maketrans(
    {
        "Đ": "D",
        "đ": "d",
        "–": "-",
        "—": "-",
        "…": "...",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "·": ",",
        "×": "x",
        "‹": "<",
        "›": ">",
        # In the alphabet's extension, where each takes two septets, or not in it at all (3GPP TS 23.038, 6.2.1).
        "[": "(",
        "]": ")",
        "{": "(",
        "}": ")",
        "\\": "/",
        "|": "/",
        "~": "-",
        "^": "'",
        "`": "'",
    }
)
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]", re.ASCII)


def plain(text: str) -> str:
    """``text`` in the letters that ASCII and GSM 7-bit's basic alphabet share, on one line; what has no such letter
    goes."""
    bare = unicodedata.normalize("NFKD", text.translate(_REPLACED))
    single = " ".join("".join(" " if letter.isspace() else letter for letter in bare).split())
    return " ".join(_NOT_PLAIN.sub("", single.translate(_REPLACED)).split())


def fit(pieces: Sequence[str], longest: int = LONGEST) -> str:
    """As many ``pieces`` as fit, the first ones first, as sentences of plain letters. Only the first is ever cut; one
    that doesn't fit makes room for a shorter one behind it."""
    said = ""
    for piece in filter(None, map(plain, pieces)):
        if not said:
            said = cut(piece, longest, "...")
        elif len(said) + 2 + len(piece) <= longest:
            said += f" {piece}" if said.endswith("...") else f". {piece}"
    return said


def cut(text: str, longest: int, mark: str = "…") -> str:
    """``text`` with at most ``longest`` letters, cut between words and with ``mark`` where it is cut."""
    if len(text) <= longest:
        return text
    room = longest - len(mark)
    end = text.rfind(" ", 0, room + 1)
    return text[: end if end > room // 2 else room].rstrip(" ,.;:") + mark
