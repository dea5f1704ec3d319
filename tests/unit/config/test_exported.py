"""The inventory as Prometheus and blackbox_exporter take it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import load, load_modules
from monitor.config.exported import blackbox_modules, target_groups
from monitor.config.model import Config, Module

HERE = Path(__file__).parent
WORLD = """
modules:
  tcp: {prober: tcp}
  ping: {prober: icmp, timeout: 2s, icmp: {count: 3, ttl: 32}}
  web:
    prober: http
    budgets: {latency: 1s}
    http: {basic_auth: {username: u, password: "0042"}, fail_if_body_not_matches_regexp: [Một cửa]}
kinds:
  hub: {}
  ward:
    endpoints:
      link: {module: tcp, target: "{host}:443", link: true}
      web: {module: web, target: "https://{host}/"}
areas:
  - {id: ba-vi, name: Ba Vì, column: 1, row: 1}
points:
  - {id: hub, kind: hub, name: Hub, host: 10.0.0.1, endpoints: {link: {module: ping, target: "{host}", link: true}}}
  - id: minh-chau
    kind: ward
    name: Xã Minh Châu
    area: ba-vi
    host: 10.0.0.2
    endpoints: {web: {options: {headers: {Host: minh-chau.hanoi.gov.vn}}}}
  - {id: cho, kind: ward, name: Chưa khai báo, host: cho.example}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "endpoints.yaml"
    path.write_text(WORLD)
    return load(path)


def test_each_declared_endpoint_is_a_group_of_its_own(config: Config) -> None:
    assert target_groups(config) == [
        {
            "targets": ["10.0.0.1"],
            "labels": {"__param_module": "ping", "module": "ping", "point": "hub", "kind": "hub", "endpoint": "link"},
        },
        {
            "targets": ["10.0.0.2:443"],
            "labels": {
                "__param_module": "tcp", "module": "tcp", "point": "minh-chau", "kind": "ward", "area": "ba-vi",
                "endpoint": "link",
            },
        },
        {
            "targets": ["https://10.0.0.2/"],
            "labels": {
                "__param_module": "web@minh-chau/web", "module": "web", "point": "minh-chau", "kind": "ward",
                "area": "ba-vi", "endpoint": "web",
            },
        },
    ]  # fmt: skip


def test_the_modules_are_those_that_the_targets_name(config: Config) -> None:
    http = {
        "basic_auth": {"username": "u", "password": "0042"},
        "fail_if_body_not_matches_regexp": ["Một cửa"],
    }
    assert blackbox_modules(config) == {
        "modules": {
            "tcp": {"prober": "tcp"},
            "ping": {"prober": "icmp", "timeout": "2s", "icmp": {"ttl": 32}},
            "web": {"prober": "http", "http": http},
            "web@minh-chau/web": {"prober": "http", "http": {**http, "headers": {"Host": "minh-chau.hanoi.gov.vn"}}},
        }
    }
    named = {group["labels"]["__param_module"] for group in target_groups(config)}
    assert named <= blackbox_modules(config)["modules"].keys()


@pytest.mark.parametrize("source", ["blackbox.yml", "../../../config/endpoints.yaml"])
def test_what_is_exported_reads_back_as_it_was(source: str, tmp_path: Path) -> None:
    before = load_modules(HERE / source)
    path = tmp_path / "blackbox.yml"
    path.write_text(yaml.safe_dump(blackbox_modules(Config(modules=before)), allow_unicode=True))
    after = load_modules(path)
    assert after.keys() == before.keys()
    for name, module in before.items():
        assert _bare(after[name]) == _bare(module), name


def _bare(module: Module) -> tuple[Any, ...]:
    """What both programs know of a module."""
    ours = {"count", "interval", "wait"}
    return module.prober, module.timeout, module.options.model_dump(exclude=ours)
