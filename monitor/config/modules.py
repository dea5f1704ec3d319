"""Module sections -> modules, and the changes that an endpoint makes to one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from monitor.config.blackbox import refuse
from monitor.config.document import Document, Path
from monitor.config.explain import explain
from monitor.config.model import Budgets, Module
from monitor.config.schema import BudgetsSection, ModuleSection, module_schema
from monitor.probes.base import Prober
from monitor.probes.network import Network

Probers = Mapping[str, type[Prober]]


@dataclass(slots=True)
class ModuleShelf:
    """The file's modules: those that are good, the raw sections of all, and the variants made of them so far."""

    probers: Probers
    directory: FilePath
    modules: dict[str, Module] = field(default_factory=dict)
    raw: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _variants: dict[tuple[str, str], Module | ValidationError] = field(default_factory=dict)
    _digests: dict[int, str] = field(default_factory=dict)
    _network: Network = field(default_factory=lambda: Network(servers=(("127.0.0.1", 53),)))

    def variant(self, name: str, changes: Sequence[Mapping[str, Any]]) -> Module:
        """The module with ``changes`` laid over its section, in turn. Raises ValidationError when they don't fit."""
        module = self.modules[name]
        if not changes:
            return module
        key = (name, json.dumps(changes, sort_keys=True, default=str))
        if key not in self._variants:
            section = self.raw[name].get(module.prober) or {}
            for change in changes:
                section = overlay(section, resolve_files(change, self.directory))
            try:
                options = self.probers[module.prober].options.model_validate(section)
                self._variants[key] = replace(module, options=options)
            except ValidationError as error:
                self._variants[key] = error
        made = self._variants[key]
        if isinstance(made, ValidationError):
            raise made
        return made

    def refuse_target(self, module: Module, target: str) -> str | None:
        """Why the module's prober can't take ``target``; None when it can. Nothing is opened or sent."""
        prober: Any = self.probers[module.prober]
        try:
            prober(target, module.options, network=self._network)
        except ValueError as error:
            return str(error)
        return None

    def files(self) -> Iterator[tuple[Path, FilePath]]:
        """Every file that the modules name, with its place."""
        for name, section in self.raw.items():
            yield from _files(section, ("modules", name))

    def fingerprint(self, target: str, module: Module) -> str:
        """Changes when the address, the prober or an option changes; not with the timeout, a budget or a name."""
        name = id(module.options)
        if name not in self._digests:
            plain = json.dumps(_plain(module.options), sort_keys=True, default=str)
            self._digests[name] = sha256(plain.encode()).hexdigest()
        return sha256(f"{module.prober}\n{self._digests[name]}\n{target}".encode()).hexdigest()[:16]


def read_modules(document: Document, value: object, probers: Probers, directory: FilePath) -> ModuleShelf:
    """Every module of the ``modules:`` mapping; what is wrong goes into the document."""
    shelf = ModuleShelf(probers, directory)
    if value is None:
        return shelf
    if not isinstance(value, dict):
        document.complain(("modules",), "must hold keys; write `name: {prober: http}` lines below it")
        return shelf
    for name, section in value.items():
        shelf.raw[name] = resolve_files(section, directory) if isinstance(section, dict) else {}
        module = _read_module(document, name, section, shelf)
        if module is not None:
            shelf.modules[name] = module
    return shelf


def _read_module(document: Document, name: str, section: object, shelf: ModuleShelf) -> Module | None:
    path: Path = ("modules", name)
    if not name.strip():
        document.complain(path, "a module needs a name; write one before the colon")
        return None
    if isinstance(section, dict) and _refused(document, path, section, shelf.probers):
        return None
    model = module_schema(frozenset(shelf.probers.items()))
    try:
        parsed = model.model_validate(shelf.raw[name] if isinstance(section, dict) else section)
    except ValidationError as error:
        explain(error, document, path, model)
        return None
    options = getattr(parsed, parsed.prober)
    if options is None:
        kind = shelf.probers[parsed.prober].options
        try:
            options = kind()
        except ValidationError as error:
            explain(error, document, (*path, parsed.prober), kind)
            return None
    return Module(
        name=name,
        prober=parsed.prober,
        options=options,
        timeout=_set(parsed),
        budgets=budgets(parsed.budgets, Budgets()),
    )


def _refused(document: Document, path: Path, section: Mapping[str, Any], probers: Probers) -> bool:
    prober = section.get("prober")
    words = {(*path, key): key for key in section}
    if isinstance(prober, str) and prober not in section:
        words[(*path, "prober")] = prober
    refusals = {place: refusal for place, word in words.items() if (refusal := refuse(word, probers))}
    for place, refusal in refusals.items():
        document.complain(place, refusal)
    return bool(refusals)


def _set(parsed: ModuleSection) -> timedelta | None:
    """blackbox_exporter's zero is "not set"."""
    return parsed.timeout or None


def budgets(section: BudgetsSection | None, under: Budgets) -> Budgets:
    """The budgets of a section; what it leaves out is ``under``'s."""
    if section is None:
        return under
    return Budgets(
        latency=section.latency if section.latency is not None else under.latency,
        loss_ratio=section.loss_ratio if section.loss_ratio is not None else under.loss_ratio,
        certificate=section.certificate if section.certificate is not None else under.certificate,
    )


def overlay(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it: mappings key by key, lists and values whole; null takes a key away."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            under = result.get(key)
            result[key] = overlay(under if isinstance(under, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def resolve_files(section: Mapping[str, Any], directory: FilePath) -> dict[str, Any]:
    """The section with every relative ``..._file`` taken from the configuration's directory."""
    result: dict[str, Any] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            result[key] = resolve_files(value, directory)
        elif key.endswith("_file") and isinstance(value, str) and value:
            result[key] = str(directory / value)
        elif key == "files" and isinstance(value, list):
            result[key] = [str(directory / item) if isinstance(item, str) and item else item for item in value]
        else:
            result[key] = value
    return result


def _files(section: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, FilePath]]:
    for key, value in section.items():
        place = (*path, key)
        if isinstance(value, Mapping):
            yield from _files(value, place)
        elif key.endswith("_file") and isinstance(value, str) and value:
            yield place, FilePath(value)
        elif key == "files" and isinstance(value, list):
            yield from (((*place, index), FilePath(item)) for index, item in enumerate(value) if isinstance(item, str))


def _plain(value: object) -> object:
    """Options as JSON takes them, without their defaults, secrets laid open: only ever hashed."""
    if isinstance(value, BaseModel):
        known = type(value).model_fields
        said = {name: getattr(value, name) for name in value.model_fields_set}
        return {name: _plain(item) for name, item in said.items() if item != known[name].default}
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    return getattr(value, "pattern", value)
