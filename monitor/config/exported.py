"""The inventory for those who probe it with Prometheus and blackbox_exporter: their lists of targets, and the modules
that these name. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from monitor.config.model import Config, Endpoint, Module, Point
from monitor.probes.types import go_duration_text

_OURS = {"icmp": frozenset({"count", "interval", "wait"})}
"""Options that blackbox_exporter hasn't got, by prober: several pings are one there."""


def target_groups(config: Config) -> list[dict[str, Any]]:
    """One group a declared endpoint, in the file's order, as file_sd and http_sd take them.

    The target is blackbox_exporter's; ``__param_module`` is the name of its module in :func:`blackbox_modules`. The
    other labels are those of our own metrics; empty ones are left out.
    """
    return [
        {"targets": [endpoint.target], "labels": _labels(config, point, endpoint)}
        for point in config.points
        for endpoint in point.endpoints
        if endpoint.declared
    ]


def blackbox_modules(config: Config) -> dict[str, Any]:
    """blackbox_exporter's file: every module, and beside it those that an endpoint's own options make of one.

    Secrets stand in it as they are. What only we know is left out: budgets, several pings, ``ca_file`` of the file.
    """
    modules = {name: _module(module) for name, module in config.modules.items()}
    for endpoint in config.endpoints():
        if endpoint.declared:
            modules.setdefault(_module_name(config, endpoint), _module(endpoint.module))
    return {"modules": modules}


def _labels(config: Config, point: Point, endpoint: Endpoint) -> Mapping[str, str]:
    labels = {
        "__param_module": _module_name(config, endpoint),
        "module": endpoint.module.name,
        "point": point.id,
        "kind": point.kind,
        "area": point.area,
        "endpoint": endpoint.key.endpoint,
    }
    return {name: value for name, value in labels.items() if value}


def _module_name(config: Config, endpoint: Endpoint) -> str:
    """The module's own name; with the endpoint's when its options change it, so that a file that is older than the
    list is missing a module rather than having another one under its name."""
    module = endpoint.module
    plain = config.modules.get(module.name)
    if plain is not None and (plain.options is module.options or plain.options == module.options):
        return module.name
    return f"{module.name}@{endpoint.key.point}/{endpoint.key.endpoint}"


def _module(module: Module) -> dict[str, Any]:
    made: dict[str, Any] = {"prober": module.prober}
    if module.timeout is not None:
        made["timeout"] = go_duration_text(module.timeout)
    ours = _OURS.get(module.prober, frozenset())
    said = {key: value for key, value in _said(module.options).items() if key not in ours}
    return {**made, module.prober: said} if said else made


def _said(options: BaseModel) -> dict[str, Any]:
    """What the file says of a section, without what it leaves at its default."""
    return _plain(options.model_dump(exclude_unset=True, exclude_none=True))  # type: ignore[no-any-return]  # a mapping


def _plain(value: Any) -> Any:
    """As YAML takes it, secrets laid open."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
