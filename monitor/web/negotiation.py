"""Content coding by the client's wishes (RFC 9110, 12.5.3)."""

from __future__ import annotations

from collections.abc import Sequence


def best_coding(accept: str, offered: Sequence[str]) -> str:
    """The coding to use: the offered one that ``accept`` weighs highest, the earlier on a tie; "" for none."""
    weights = _weights(accept)
    anything = weights.get("*", 0.0)
    best, best_weight = "", 0.0
    for coding in offered:
        weight = weights.get(coding, anything)
        if weight > best_weight:
            best, best_weight = coding, weight
    return best


def _weights(accept: str) -> dict[str, float]:
    weights = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = _number(parameter[2:])
        if name:
            weights[name] = weight
    return weights


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
