"""What blackbox_exporter's module file has and this program hasn't yet: refused by name, never ignored."""

from __future__ import annotations

from collections.abc import Iterable

_LATER = frozenset({"grpc", "unix", "websocket"})


def refuse(word: str, supported: Iterable[str]) -> str | None:
    """Text for a prober of blackbox_exporter's, or its section, that isn't supported yet; None for any other word."""
    if word not in _LATER:
        return None
    return f"{word} is known from blackbox_exporter but not supported yet; use one of {', '.join(sorted(supported))}"
