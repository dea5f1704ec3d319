"""``${VAR}`` in parsed values, and what must never be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from monitor.channels import find_channels
from monitor.config.channel_options import secret_fields
from monitor.config.document import Document, Path

MASK = "<secret>"

# A name begins with a letter or an underscore: `${1}` is blackbox_exporter's, for what an expression matched.
_VARIABLE = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_KEY = re.compile(r"(password|passwd|secret|secrets|token|tokens|credentials|key)", re.IGNORECASE)
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|key|password|credential", re.IGNORECASE)
_SHORTEST_SECRET = 4
_HEADER_MAPS = frozenset({"headers", "http_headers", "proxy_connect_header"})
_URL_USER = re.compile(r"(\w[\w+]*://[^/?#\s:@]+)@")
_URL_PASSWORD = re.compile(r"(://[^/?#\s:@]*:).+@")


class Expansion:
    """Replaces ``${VAR}`` and ``${VAR:-default}``; ``$${VAR}`` stays as ``${VAR}``.

    ``shown_never`` gathers what came from the environment, so that no message repeats it.
    """

    def __init__(self, environ: Mapping[str, str], document: Document) -> None:
        self._environ = environ
        self._document = document
        self.shown_never: set[str] = set()

    def expand(self, value: object, path: Path = ()) -> object:
        """The value with its variables replaced, all the way down; a missing one is a problem of the document."""
        if isinstance(value, dict):
            return {key: self.expand(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _VARIABLE.sub(lambda match: self._replace(match, path), value)
        return value

    def _replace(self, match: re.Match[str], path: Path) -> str:
        escape, name, default = match.groups()
        if escape:
            return match[0][1:]
        value = self._environ.get(name)
        if not value:
            value = default
        elif len(value) >= _SHORTEST_SECRET:
            self.shown_never |= {value, repr(value)[1:-1]}
        if value is None:
            text = f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
            self._document.complain(path, text)
            return match[0]
        return value

    def discreet(self, text: str) -> str:
        """``text`` without what came from the environment, and without the password of a URL."""
        for value in sorted(self.shown_never, key=len, reverse=True):
            text = text.replace(value, MASK)
        return mask_url(text)


def mask(value: object, path: Path = ()) -> object:
    """The value as it may be shown: secrets by the name of their key, passwords in URLs."""
    if isinstance(value, dict):
        return {key: mask(item, (*path, key)) for key, item in value.items()}
    if value not in (None, "") and is_secret(path):
        return [MASK for _ in value] if isinstance(value, list) else MASK
    if isinstance(value, list):
        return [mask(item, (*path, index)) for index, item in enumerate(value)]
    return mask_url(value) if isinstance(value, str) else value


def mask_url(text: str) -> str:
    """Text with the password of a URL's ``user:password@`` replaced."""
    return _URL_PASSWORD.sub(rf"\1{MASK}@", text) if "://" in text else text


def is_secret(path: Path) -> bool:
    """Whether the names on a path say that its value is a secret. A ``..._file`` is only a name."""
    names = [step for step in path if isinstance(step, str)]
    if not names or names[-1] == "files" or names[-1].endswith("_file"):
        return False
    if _is_secret_key(names[-1]) or _is_alert_secret(names):
        return True
    inside = next((position for position, name in enumerate(names[:-1]) if name in _HEADER_MAPS), None)
    return inside is not None and bool(_SECRET_HEADER.search(names[inside + 1]))


def _is_alert_secret(names: Sequence[str]) -> bool:
    """Whoever knows a channel's address may write to it, so channels say themselves which options are secrets."""
    if names[:2] == ["alerts", "channels"] and len(names) > 3:
        return any(names[3] in secret_fields(kind.options) for kind in find_channels().values())
    return names == ["alerts", "heartbeat_url"]


def _is_secret_key(name: str) -> bool:
    return bool(_SECRET_KEY.fullmatch(name.rsplit("_", 1)[-1]))


def with_password(url: str, password: str) -> str:
    """A URL whose ``user@`` became ``user:password@``. Raises ValueError when it has no user, or a password already."""
    found = _URL_USER.match(url)
    if found is None:
        raise ValueError("the url has no user without a password; write postgresql+asyncpg://USER@HOST/DATABASE")
    return f"{found[1]}:{quote(password, safe='')}{url[found.end() - 1 :]}"
