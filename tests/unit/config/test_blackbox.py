"""blackbox_exporter's module files are read as they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.config import ConfigError, load_modules

FILE = Path(__file__).with_name("blackbox.yml")


def options(name: str) -> dict[str, object]:
    return load_modules(FILE)[name].options.model_dump()


def test_every_common_module_loads() -> None:
    modules = load_modules(FILE, environ={})

    assert len(modules) == 22
    assert {module.prober for module in modules.values()} == {"http", "tcp", "icmp", "dns"}
    assert all(name == module.name for name, module in modules.items())


def test_timeouts_are_go_durations_and_none_is_none() -> None:
    modules = load_modules(FILE)

    assert modules["http_2xx"].timeout is None
    assert modules["tcp_tls"].timeout == timedelta(seconds=90)
    assert modules["merged"].timeout == timedelta(seconds=2)


def test_what_looks_like_ours_stays_text() -> None:
    assert options("http_post_2xx")["body"] == '{"ping": "${1}", "ma": "{code}"}'
    assert options("http_explicit")["headers"]["X-Count"] == "3"  # type: ignore[index]
    assert options("http_explicit")["ip_protocol_fallback"] is False
    exchange = load_modules(FILE)["ssh_banner"].options.model_dump()["query_response"][0]
    assert exchange["labels"][0]["value"] == "${1}"


def test_modules_of_a_whole_inventory() -> None:
    modules = load_modules(Path("config/endpoints.yaml"))

    assert set(modules) == {"tcp_connect", "https_2xx", "portal", "exchange", "address_record"}


def test_a_bad_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blackbox.yml"
    path.write_text("modules:\n  a: {prober: http}\nmodule: {}\n")

    with pytest.raises(ConfigError) as caught:
        load_modules(path)

    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:3: module: unknown key 'module'; did you mean 'modules'?"
    ]


def test_secrets_are_not_shown() -> None:
    assert "mysecret" not in repr(load_modules(FILE))
    assert "mysecret" not in str(options("http_basic_auth"))


def test_a_secret_that_only_another_part_needs_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "endpoints.yaml"
    path.write_text("modules:\n  a: {prober: http}\nserver: {tokens: ['${TOKEN}']}\n")

    assert list(load_modules(path, environ={})) == ["a"]
