"""Points and their kinds -> points with every endpoint expanded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from monitor.config.addresses import host_of, is_placeholder, names_placeholder
from monitor.config.document import Document, Path
from monitor.config.explain import explain, unknown
from monitor.config.fields import is_host_name
from monitor.config.model import Contact, Dependency, Endpoint, Location, Module, Point
from monitor.config.modules import ModuleShelf, budgets
from monitor.config.rules import check_link, check_pace
from monitor.config.schema import (
    ContactSection,
    DefaultsSection,
    DependencySection,
    EndpointSection,
    KindSection,
    PointSection,
)
from monitor.config.secrets import mask_url
from monitor.config.templates import POINT_VALUES, MissingValue, fill, fill_all
from monitor.model import EndpointKey

_INTERVAL = timedelta(seconds=15)
_RETRY_EVERY = timedelta(seconds=1)
_DOWN_AFTER, _UP_AFTER = 3, 2
_LONGEST_DEFAULT_TIMEOUT = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class _Origin:
    """An endpoint's two sources with their places: the point's own words win over the kind's."""

    kind: EndpointSection | None
    kind_path: Path
    point: EndpointSection | None
    point_path: Path

    def get(self, field: str) -> Any:
        """What is said of ``field``; None for nothing."""
        if self.point is not None and (value := getattr(self.point, field)) is not None:
            return value
        return getattr(self.kind, field) if self.kind is not None else None

    def path(self, field: str) -> Path:
        """Where ``field`` was said; where it should be, when it wasn't."""
        if self.point is not None and getattr(self.point, field) is not None:
            return (*self.point_path, field)
        if self.kind is not None and getattr(self.kind, field) is not None:
            return (*self.kind_path, field)
        return self.kind_path if self.kind is not None else self.point_path

    def options_path(self, key: str) -> Path:
        """Where ``options`` says ``key``."""
        said = self.kind is not None and key in (self.kind.options or {})
        overruled = self.point is not None and key in (self.point.options or {})
        return (*self.kind_path, "options") if said and not overruled else self.path("options")


class PointBuilder:
    """Expands points. What doesn't fit goes into the document; a point is built of what does."""

    def __init__(
        self,
        document: Document,
        shelf: ModuleShelf,
        *,
        defaults: DefaultsSection,
        variables: Mapping[str, str],
        kinds: Mapping[str, KindSection],
        placeholders: bool,
    ) -> None:
        self._document = document
        self._shelf = shelf
        self._defaults = defaults
        self._variables = variables
        self._kinds = kinds
        self._placeholders = placeholders
        self._refused: set[Path] = set()
        self._tried: dict[tuple[Path, str], bool] = {}

    def build(self, section: PointSection, path: Path) -> Point:
        """The point with its endpoints, the link first."""
        kind = self._kinds[section.kind]
        values = self._values(section, kind, path)
        endpoints: list[Endpoint] = []
        for name, origin in _origins(section, kind, path):
            endpoint = self._endpoint(EndpointKey(section.id, name), origin, kind, values, path)
            if endpoint is not None:
                endpoints.append(endpoint)
        endpoints.sort(key=lambda endpoint: not endpoint.link)
        check_link(self._document, path, section, endpoints, kind)
        needs = section.depends_on if section.depends_on is not None else kind.depends_on
        hours = section.hours or kind.hours or self._defaults.hours or ""
        return Point(
            id=section.id,
            name=section.name,
            kind=section.kind,
            endpoints=tuple(endpoints),
            code=section.code,
            unit_type=section.unit_type,
            area=section.area,
            labels={**kind.labels, **section.labels},
            location=_location(section),
            hours=hours,
            depends_on=_dependencies(needs),
            contact=_contact(section.contact, kind.contact, self._defaults.contact),
        )

    def _values(self, section: PointSection, kind: KindSection, path: Path) -> dict[str, str]:
        values = {**self._variables, **kind.variables, **section.variables}
        values |= {name: getattr(section, name, None) or "" for name in POINT_VALUES}
        values["slug"] = section.id
        host, where = (section.host, path) if section.host else (kind.host, ("kinds", section.kind))
        values["host"] = self._fill(host or "", values, (*where, "host"), path) or ""
        return values

    def _endpoint(
        self, key: EndpointKey, origin: _Origin, kind: KindSection, values: Mapping[str, str], path: Path
    ) -> Endpoint | None:
        module = self._module(origin, values, path)
        target = origin.get("target")
        if target is None:
            self._document.complain(origin.path("target"), 'has no target; write `target: "{host}:443"`')
            return None
        target = self._fill(target, values, origin.path("target"), path)
        if module is None or target is None or self._is_refused(module, target, origin, values["host"]):
            return None
        interval = origin.get("interval") or kind.interval or self._defaults.interval or _INTERVAL
        timeout = origin.get("timeout") or module.timeout or self._defaults.timeout
        link = bool(origin.get("link"))
        critical = origin.get("critical")
        endpoint = Endpoint(
            key=key,
            name=origin.get("name") or key.endpoint,
            target=target,
            module=module,
            interval=interval,
            timeout=timeout or min(_LONGEST_DEFAULT_TIMEOUT, interval / 4),
            retry_every=origin.get("retry_every") or self._defaults.retry_every or _RETRY_EVERY,
            down_after=origin.get("down_after") or self._defaults.down_after or _DOWN_AFTER,
            up_after=origin.get("up_after") or self._defaults.up_after or _UP_AFTER,
            link=link,
            critical=True if critical is None else critical,
            declared=self._placeholders or not self._undeclared(target, origin, values),
            fingerprint=self._shelf.fingerprint(target, module),
            depends_on=_dependencies(origin.get("depends_on") or ()),
        )
        said = "timeout" if origin.get("timeout") else "interval"
        check_pace(self._document, origin.path(said), endpoint)
        return endpoint

    def _is_refused(self, module: Module, target: str, origin: _Origin, host: str) -> bool:
        """Whether the target can't be probed.

        A kind's targets that differ by a plain host only are tried once: what is good for one is good for all.
        """
        if origin.point is not None or not host.isascii() or not is_host_name(host):
            return self._try(module, target, origin.path("target"))
        shape = (origin.kind_path, target.replace(host, "*"))
        if shape not in self._tried:
            self._tried[shape] = self._try(module, target, origin.path("target"))
        return self._tried[shape]

    def _try(self, module: Module, target: str, path: Path) -> bool:
        """Whether the prober refuses the target. A template's fault is told once, with the first point's words."""
        refusal = self._shelf.refuse_target(module, target)
        if mask_url(target) != target:
            refusal = "holds a password, which every page would show; write basic_auth under options instead"
        if refusal is None:
            return False
        if path not in self._refused:
            self._refused.add(path)
            self._document.complain(path, refusal if ";" in refusal else f"{refusal}; see docs/configuration.md")
        return True

    def _undeclared(self, target: str, origin: _Origin, values: Mapping[str, str]) -> bool:
        if is_placeholder(host_of(target)):
            return True
        options = origin.get("options")
        return options is not None and names_placeholder(fill_all(options, values))

    def _module(self, origin: _Origin, values: Mapping[str, str], path: Path) -> Module | None:
        name = origin.get("module")
        if name is None:
            self._document.complain(origin.path("module"), "has no module; write `module: NAME`")
            return None
        if name not in self._shelf.modules:
            if name not in self._shelf.raw:
                self._document.complain(origin.path("module"), unknown(name, self._shelf.raw, "module"))
            return None
        try:
            module = self._shelf.variant(name, self._changes(origin, values, path))
        except MissingValue:
            return None
        except ValidationError as error:
            location = error.errors(include_url=False)[0]["loc"]
            place = origin.options_path(str(location[0]) if location else "")
            options = self._shelf.probers[self._shelf.modules[name].prober].options
            explain(error, self._document, place, options)
            return None
        limits = budgets(origin.kind.budgets if origin.kind else None, module.budgets)
        limits = budgets(origin.point.budgets if origin.point else None, limits)
        if limits == module.budgets:
            return module
        return Module(
            name=module.name, prober=module.prober, options=module.options, timeout=module.timeout, budgets=limits
        )

    def _changes(self, origin: _Origin, values: Mapping[str, str], path: Path) -> list[Mapping[str, Any]]:
        changes: list[Mapping[str, Any]] = []
        for section, where in ((origin.kind, origin.kind_path), (origin.point, origin.point_path)):
            if section is not None and section.options:
                try:
                    changes.append(fill_all(section.options, values))
                except MissingValue as missing:
                    self._explain_missing(missing, values, (*where, "options"), path)
                    raise
        return changes

    def _fill(self, text: str, values: Mapping[str, str], template: Path, point: Path) -> str | None:
        try:
            return fill(text, values)
        except MissingValue as missing:
            self._explain_missing(missing, values, template, point)
            return None

    def _explain_missing(self, missing: MissingValue, values: Mapping[str, str], template: Path, point: Path) -> None:
        name = missing.name
        if name in values:
            where = self._document.spell(template)
            text = f"has no {name}, which {where} needs; write `{name}: ...`"
            self._document.complain(point, text)
        else:
            text = unknown(f"{{{name}}}", [f"{{{value}}}" for value in values], "template variable")
            self._document.complain(template, text)


def _origins(section: PointSection, kind: KindSection, path: Path) -> Iterator[tuple[str, _Origin]]:
    """The kind's endpoints in the file's order but for those switched off, then the point's own."""
    names = [name for name in kind.endpoints if section.endpoints.get(name, ...) is not None]
    names += [name for name, own in section.endpoints.items() if own is not None and name not in kind.endpoints]
    for name in names:
        yield (
            name,
            _Origin(
                kind.endpoints.get(name),
                ("kinds", section.kind, "endpoints", name),
                section.endpoints.get(name),
                (*path, "endpoints", name),
            ),
        )


def _dependencies(needs: Sequence[DependencySection]) -> tuple[Dependency, ...]:
    return tuple(Dependency(any_of=tuple(need.any_of)) for need in needs)


def _location(section: PointSection) -> Location | None:
    place = section.location
    return Location(latitude=place.latitude, longitude=place.longitude) if place else None


def _contact(*sections: ContactSection) -> Contact:
    """Field by field the first section that says it."""
    fields = {}
    for name in ContactSection.model_fields:
        said = (getattr(section, name) for section in sections)
        fields[name] = next((value for value in said if value is not None), "")
    return Contact(**fields)
