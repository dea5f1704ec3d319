"""A file -> a Config, or every one of its problems."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, cast

from monitor.channels import find_channels
from monitor.config.addresses import parse_listen, parse_server
from monitor.config.alerts import AlertsReader
from monitor.config.document import Document, Path, parse
from monitor.config.explain import unknown
from monitor.config.model import (
    Alerts,
    Area,
    CommonFate,
    Config,
    Flapping,
    Module,
    Objectives,
    Point,
    Resolution,
    Server,
    Storage,
)
from monitor.config.modules import ModuleShelf, Probers, read_modules
from monitor.config.plans import labels_of, read_calendar, read_windows
from monitor.config.points import PointBuilder
from monitor.config.problem import ConfigError, Problem
from monitor.config.rules import check_anchors, check_areas, check_dependencies, check_references, check_variables
from monitor.config.schema import FileSection, file_schema
from monitor.config.secrets import Expansion, mask, with_password
from monitor.config.sections import Sections, read_sections
from monitor.config.warnings import find_warnings
from monitor.probes import find_probers

_SCHEMES = ("sqlite+aiosqlite://", "postgresql+asyncpg://")
_SHORTEST_TOKEN = 16


def load(path: FilePath, *, placeholders: bool = False, environ: Mapping[str, str] = os.environ) -> Config:
    """Read, expand and check a whole file. Raises ConfigError with every problem in it.

    ``placeholders`` counts hosts under ``.example`` as declared: the simulated network serves them.
    """
    return load_bytes(read_file(path), path, placeholders=placeholders, environ=environ)


def load_bytes(
    data: bytes, path: FilePath, *, placeholders: bool = False, environ: Mapping[str, str] = os.environ
) -> Config:
    """:func:`load` for text that isn't in the file (yet)."""
    reading = _Reading(parse(data, str(path)), path.parent, environ)
    config = reading.config(placeholders=placeholders)
    reading.raise_problems()
    return cast("Config", config)


def examine(path: FilePath, *, environ: Mapping[str, str] = os.environ) -> tuple[Config, list[Problem]]:
    """:func:`load`, and what is allowed but hardly meant, in the order of its lines. Raises ConfigError."""
    reading = _Reading(parse(read_file(path), str(path)), path.parent, environ)
    config = reading.config(placeholders=False)
    reading.raise_problems()
    made = cast("Config", config)
    return made, reading.warnings(made)


def load_modules(path: FilePath, *, environ: Mapping[str, str] = os.environ) -> Mapping[str, Module]:
    """The modules of a file alone: of ours, or of a blackbox.yml. Raises ConfigError."""
    document = parse(read_file(path), str(path))
    if isinstance(document.root, dict):
        # A secret that only another part needs may be missing here.
        document.root = {key: value if key == "modules" else None for key, value in document.root.items()}
    reading = _Reading(document, path.parent, environ)
    modules = reading.modules()
    reading.raise_problems()
    return modules


def validate(path: FilePath, *, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """Every problem of a file, in the order of its lines; empty when it is good."""
    try:
        load(path, environ=environ)
    except ConfigError as error:
        return error.problems
    return []


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the file, for editors."""
    model = file_schema(frozenset(find_probers().items()), frozenset(find_channels().items()))
    made = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def read_file(path: FilePath) -> bytes:
    """A file's bytes. Raises ConfigError when it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        text = f"can't be read: {error.strerror}; give the path of a file that you may read"
        raise ConfigError([Problem(str(path), 1, "", text)]) from error


@dataclass(slots=True)
class _Head:
    server: Server
    storage: Storage
    resolution: Resolution
    ca_file: FilePath | None


class _Reading:
    """One file being read."""

    def __init__(self, document: Document, directory: FilePath, environ: Mapping[str, str]) -> None:
        self._document = document
        self._directory = directory
        self._probers: Probers = find_probers()
        self._expansion = Expansion(environ, document)
        self._root = self._expansion.expand(document.root)
        if document.problems:
            return
        if document.root is None:
            document.complain((), "is empty; write at least `modules:`")
        elif not isinstance(document.root, dict):
            document.complain((), "must hold keys at its top; write `modules:`, `kinds:`, `areas:` and `points:`")

    def modules(self) -> Mapping[str, Module]:
        if not isinstance(self._root, dict):
            return {}
        known = {*FileSection.model_fields, "modules"}
        for key in self._root:
            if key not in known:
                self._document.complain((key,), unknown(key, known, "key"))
        return read_modules(self._document, self._root.get("modules"), self._probers, self._directory).modules

    def config(self, *, placeholders: bool) -> Config | None:
        document = self._document
        if not isinstance(self._root, dict):
            return None
        shelf = read_modules(document, self._root.get("modules"), self._probers, self._directory)
        sections = read_sections(document, self._root)
        self._check(sections)
        for path, file in shelf.files():
            self._read_file(path, file)
        head = self._head(sections.head)
        points = self._points(sections, shelf, placeholders=placeholders)
        return Config(
            vantage=sections.head.vantage,
            server=head.server,
            storage=head.storage,
            resolution=head.resolution,
            ca_file=head.ca_file,
            stable_after=sections.head.stable_after,
            calendar=read_calendar(document, sections.head.calendar),
            maintenance=read_windows(
                document,
                sections.maintenance,
                points=sections.named["points"],
                areas=sections.named["areas"],
                labels=labels_of((point for _, point in sections.points), sections.kinds),
            ),
            common_fate=CommonFate(
                labels=tuple(sections.head.common_cause.labels), window=sections.head.common_cause.window
            ),
            objectives=Objectives(connectivity=sections.head.slo.connectivity, service=sections.head.slo.service),
            flapping=Flapping(
                window=sections.head.flapping.window,
                enter=sections.head.flapping.enter,
                leave=sections.head.flapping.leave,
            ),
            alerting=sections.head.alerting,
            alerts=self._alerts(),
            areas=tuple(
                Area(id=area.id, name=area.name, column=area.column, row=area.row, column_span=area.column_span)
                for _, area in sections.areas
            ),
            modules=shelf.modules,
            points=tuple(points),
            document=cast("Mapping[str, object]", mask(document.root)),
        )

    def warnings(self, config: Config) -> list[Problem]:
        """What is allowed but hardly meant."""
        found = ((self._document.line(path), self._document.spell(path), text) for path, text in find_warnings(config))
        return sorted(Problem(self._document.file, line, place, text) for line, place, text in found)

    def raise_problems(self) -> None:
        if self._document.problems:
            problems = [replace(one, text=self._expansion.discreet(one.text)) for one in self._document.problems]
            raise ConfigError(sorted(problems, key=lambda problem: (problem.line, problem.path)))

    def _check(self, sections: Sections) -> None:
        document, named = self._document, sections.named
        check_areas(document, sections.areas)
        check_variables(document, ("variables",), sections.head.variables)
        for name, kind in sections.kinds.items():
            check_variables(document, ("kinds", name, "variables"), kind.variables)
        for path, point in sections.points:
            check_variables(document, (*path, "variables"), point.variables)
        check_references(document, sections.points, areas=named["areas"], kinds=named["kinds"])
        check_dependencies(document, sections.points, sections.kinds, named["points"])

    def _points(self, sections: Sections, shelf: ModuleShelf, *, placeholders: bool) -> list[Point]:
        builder = PointBuilder(
            self._document,
            shelf,
            defaults=sections.head.defaults,
            variables=sections.head.variables,
            kinds=sections.kinds,
            placeholders=placeholders,
        )
        built = [
            (path, builder.build(point, path))
            for path, point in sections.points
            if path not in sections.unbuilt
            and point.kind in sections.kinds
            and ("kinds", point.kind) not in sections.unbuilt
        ]
        check_anchors(self._document, built)
        return [point for _, point in built]

    def _alerts(self) -> Alerts:
        root = cast("Mapping[str, object]", self._root)
        reader = AlertsReader(self._document, find_channels(), self._directory, self._read_text)
        return reader.read(root.get("alerts"))

    def _head(self, section: FileSection) -> _Head:
        ca_file = None if section.ca_file is None else self._directory / section.ca_file
        if ca_file is not None:
            self._read_file(("ca_file",), ca_file)
        return _Head(self._server(section), self._storage(section), self._resolution(section), ca_file)

    def _server(self, section: FileSection) -> Server:
        document, server = self._document, section.server
        tokens = list(server.tokens)
        if server.token_file:
            text = self._read_text(("server", "token_file"), self._directory / server.token_file)
            tokens += [line.strip() for line in text.splitlines() if line.strip()]
        if any(len(token) < _SHORTEST_TOKEN for token in tokens):
            text = f"a token is shorter than {_SHORTEST_TOKEN} characters; make one with `openssl rand -hex 24`"
            document.complain(("server", "tokens" if server.tokens else "token_file"), text)
        try:
            host, port = parse_listen(server.listen)
        except ValueError as error:
            document.complain(("server", "listen"), f'{error}; write "127.0.0.1:8080"')
            return Server(tokens=tuple(tokens))
        return Server(host=host, port=port, tokens=tuple(tokens))

    def _storage(self, section: FileSection) -> Storage:
        storage, url = section.storage, section.storage.url
        where = "url"
        if storage.url_file is not None:
            where = "url_file"
            url = self._read_text(("storage", where), self._directory / storage.url_file).strip() or url
        if not url.startswith(_SCHEMES):
            text = f'begins with none of {", ".join(_SCHEMES)}; write "sqlite+aiosqlite:///var/monitor.db"'
            self._document.complain(("storage", where), text)
        if storage.password_file:
            secret = self._read_text(("storage", "password_file"), self._directory / storage.password_file)
            try:
                url = with_password(url, secret.strip())
            except ValueError as error:
                self._document.complain(("storage", "password_file"), str(error))
        return Storage(
            url=url,
            spool=FilePath(storage.spool),
            spool_bytes=storage.spool_size,
            keep_results=storage.keep_results,
        )

    def _resolution(self, section: FileSection) -> Resolution:
        servers = []
        for index, text in enumerate(section.resolution.servers):
            try:
                servers.append(parse_server(text))
            except ValueError:
                remedy = 'write an address with or without a port, such as "10.0.0.53" or "10.0.0.53:53"'
                self._document.complain(("resolution", "servers", index), f"{text!r} is no name server; {remedy}")
        return Resolution(servers=tuple(servers))

    def _read_text(self, path: Path, file: FilePath) -> str:
        try:
            return self._read_file(path, file).decode("utf-8")
        except UnicodeDecodeError:
            self._document.complain(path, f"{file} is not UTF-8 text; give a text file")
            return ""

    def _read_file(self, path: Path, file: FilePath) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            self._document.complain(path, f"{file} can't be read: {error.strerror}; give a file that you may read")
            return b""
