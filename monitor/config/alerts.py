"""The file's ``alerts:`` -> channels with their options, routes, and what else tells people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from monitor.channels.base import Channel, ChannelOptions
from monitor.config.channel_options import secrets_from_files
from monitor.config.document import Document, Path
from monitor.config.explain import explain, unknown
from monitor.config.model import Alerts, ChannelSettings, Route
from monitor.config.modules import resolve_files
from monitor.config.routes import check_channels, read_route
from monitor.config.rules import check_once
from monitor.config.schema_alerts import (
    COMMON_KEYS,
    AlertsSection,
    ChannelSection,
    RouteSection,
    channel_schema,
)

Channels = Mapping[str, type[Channel]]
_PATH: Path = ("alerts",)


@dataclass(frozen=True, slots=True)
class AlertsReader:
    """Reads the section piece by piece, so that one broken channel hides no other's mistakes.

    ``read_text`` gives a file's text, or "" and a problem at that path; ``directory`` is where relative paths start.
    """

    document: Document
    kinds: Channels
    directory: FilePath
    read_text: Callable[[Path, FilePath], str]
    _names: set[str] = field(default_factory=set)

    def read(self, value: object) -> Alerts:
        """Everything that could be read; what is wrong goes into the document."""
        if value is None:
            return Alerts()
        if not isinstance(value, dict):
            self.document.complain(_PATH, "must hold keys; write `channels:` and `routes:` below it")
            return Alerts()
        head = self._head({key: item for key, item in value.items() if key not in ("channels", "routes")})
        channels = self._channels(value.get("channels"))
        routes = self._routes(value.get("routes"))
        if head.last_resort:
            check_channels(self.document, (*_PATH, "last_resort"), [head.last_resort], self._names)
        return Alerts(
            url=head.url.rstrip("/"),
            channels=channels,
            routes=routes,
            last_resort=head.last_resort,
            never_after=head.never_after,
            heartbeat_url=self._heartbeat_url(head),
            heartbeat_every=head.heartbeat_every,
        )

    def _head(self, value: Mapping[str, Any]) -> AlertsSection:
        try:
            return AlertsSection.model_validate(value)
        except ValidationError as error:
            explain(error, self.document, _PATH, AlertsSection)
            broken = {details["loc"][0] for details in error.errors(include_url=False) if details["loc"]}
            return AlertsSection.model_validate({key: item for key, item in value.items() if key not in broken})

    def _heartbeat_url(self, head: AlertsSection) -> str:
        if head.heartbeat_url_file is None:
            return head.heartbeat_url
        path = (*_PATH, "heartbeat_url_file")
        if head.heartbeat_url:
            self.document.complain(path, "stands beside heartbeat_url; keep one of them")
            return ""
        text = self.read_text(path, self.directory / head.heartbeat_url_file).strip()
        try:
            return AlertsSection.model_validate({"heartbeat_url": text}).heartbeat_url
        except ValidationError:
            self.document.complain(path, 'holds no address of a web page; write one such as "https://host/path" in it')
            return ""

    def _channels(self, value: object) -> dict[str, ChannelSettings]:
        path = (*_PATH, "channels")
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.document.complain(path, "must hold keys; write `name: {type: webhook, ...}` lines below it")
            return {}
        self._names.update(value)
        try:
            AlertsSection.model_validate({"channels": value})
        except ValidationError as error:
            explain(error, self.document, _PATH, AlertsSection)
        channels = {name: self._channel(name, section, (*path, name)) for name, section in value.items()}
        return {name: channel for name, channel in channels.items() if channel is not None}

    def _channel(self, name: str, section: object, path: Path) -> ChannelSettings | None:
        if not isinstance(section, dict):
            self.document.complain(path, "must hold keys; write `type: webhook` and its options below it")
            return None
        said = section.get("type")
        kind = self.kinds.get(said) if isinstance(said, str) else None
        if kind is None:
            names = ", ".join(sorted(self.kinds))
            text = f"has no type; write one of {names}" if said is None else unknown(str(said), self.kinds, "type")
            self.document.complain(path if said is None else (*path, "type"), text)
            return None
        common, problem = self._common(section, path, kind), len(self.document.problems)
        own = {key: item for key, item in section.items() if key not in COMMON_KEYS}
        options = self._options(own, path, kind)
        if common is None or options is None or len(self.document.problems) > problem:
            return None
        return ChannelSettings(
            name=name,
            kind=kind.name,
            options=options,
            language=common.language,
            form=common.form,
            rate=common.rate[0],
            rate_per=common.rate[1],
            give_up_after=common.give_up_after,
        )

    def _common(self, section: Mapping[str, Any], path: Path, kind: type[Channel]) -> ChannelSection | None:
        try:
            return ChannelSection.model_validate({key: item for key, item in section.items() if key in COMMON_KEYS})
        except ValidationError as error:
            explain(error, self.document, path, channel_schema(kind))
            return None

    def _options(self, section: Mapping[str, Any], path: Path, kind: type[Channel]) -> ChannelOptions | None:
        section = resolve_files(section, self.directory)
        for name, several in secrets_from_files(kind.options).items():
            if f"{name}_file" in section:
                place = (*path, f"{name}_file")
                file = section.pop(f"{name}_file")
                if name in section:
                    self.document.complain(place, f"stands beside {name}; keep one of them")
                    continue
                lines = self._lines(place, file)
                if not lines:
                    return None
                section[name] = lines if several else "\n".join(lines)
        try:
            return kind.options.model_validate(section)
        except ValidationError as error:
            explain(error, self.document, path, channel_schema(kind))
            return None

    def _lines(self, path: Path, file: object) -> list[str]:
        """The lines of a file that holds a secret; none, and a problem, when there are none."""
        if not isinstance(file, str):
            self.document.complain(path, "must be a path; write it in quotes")
            return []
        before = len(self.document.problems)
        lines = [line.strip() for line in self.read_text(path, FilePath(file)).splitlines() if line.strip()]
        if not lines and len(self.document.problems) == before:
            self.document.complain(path, f"{file} is empty; write the secret into it")
        return lines

    def _routes(self, value: object) -> tuple[Route, ...]:
        path = (*_PATH, "routes")
        if value is None:
            return ()
        if not isinstance(value, list):
            self.document.complain(path, "must be a list; write `- name: ...` lines below it")
            return ()
        routes: list[Route] = []
        lines: dict[str, int] = {}
        for number, item in enumerate(value):
            place = (*path, number)
            try:
                section = RouteSection.model_validate(item)
            except ValidationError as error:
                explain(error, self.document, place, RouteSection)
                continue
            check_once(self.document, place, section.name, lines, "name", "route")
            routes.append(read_route(self.document, place, section, self._names))
        return tuple(routes)
