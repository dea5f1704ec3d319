"""docker-compose.yml, by real validators and by the house's own rules."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor import __version__
from monitor.cli import _parser

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BIN = Path(sys.executable).parent


def schema(file: Path) -> list[str]:
    """The compose specification's own JSON Schema, as check-jsonschema carries it."""
    return [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file)]


def plugin() -> list[str]:
    """The command of Compose v2 on this machine; none where there is none (Debian 12 has only version 1)."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]):
            said = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, check=False)
            if said.returncode == 0 and not said.stdout.startswith("1."):
                return words
    return []


VALIDATORS = {"schema": schema} | (
    {"plugin": lambda file: [*plugin(), "--project-directory", str(ROOT), "--file", str(file), "config", "--quiet"]}
    if plugin()
    else {}
)


@pytest.mark.parametrize("validator", VALIDATORS)
class TestValidators:
    def test_find_nothing_wrong(self, validator: str) -> None:
        done = subprocess.run(VALIDATORS[validator](FILE), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_would_find_a_wrong_key(self, validator: str, tmp_path: Path) -> None:
        wrong = tmp_path / "docker-compose.yml"
        wrong.write_text(FILE.read_text().replace("    stop_grace_period:", "    stop_grace_perod:", 1))
        done = subprocess.run(VALIDATORS[validator](wrong), capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "stop_grace_perod" in done.stdout + done.stderr


def test_the_services_are_those_that_the_stack_is_made_of() -> None:
    assert set(SERVICES) == {"monitor", "field", "postgres", "prometheus", "alertmanager", "grafana"}
    assert COMPOSE["name"] == "lienthong"
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"field"}


def test_images_are_exact_and_named_in_one_place_with_the_date_of_their_choice() -> None:
    text = FILE.read_text()
    for name, image in COMPOSE["x-images"].items():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", image), f"{name}: {image} is not exact"
        assert text.count(image) == 1
    assert {service["image"] for service in SERVICES.values()} == set(COMPOSE["x-images"].values())
    assert re.search(r"chosen on 20\d\d-\d\d-\d\d.*\n(#.*\n)*x-images:", text)
    assert COMPOSE["x-images"]["monitor"] == f"lienthong-monitor:{__version__}"
    assert COMPOSE["x-images"]["postgres"].startswith("postgres:18.")


@pytest.mark.parametrize("name", SERVICES)
class TestEachService:
    def test_is_neither_root_nor_privileged(self, name: str) -> None:
        service = SERVICES[name]
        user, group = map(int, service["user"].split(":"))
        assert user > 0
        assert group > 0 or name == "grafana", "grafana's image owns its files by group 0"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"cap_add", "privileged", "pid", "ipc", "devices", "userns_mode"} & set(service)
        assert service.get("network_mode", "") in ("", "service:monitor")

    def test_writes_to_its_volumes_and_to_memory_only(self, name: str) -> None:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert any(each.startswith("/tmp:size=") for each in service["tmpfs"])
        assert all("noexec,nosuid,nodev" in each for each in service["tmpfs"])
        for mount in service["volumes"]:
            source, inside, *mode = mount.split(":")
            if source.startswith("."):
                assert mode == ["ro"], f"{mount} may be written"
                assert (ROOT / source).is_dir(), f"{source} is no folder: a file that is replaced would go unseen"
            else:
                assert source in COMPOSE["volumes"]
            assert inside.startswith("/")
            assert "docker.sock" not in mount

    def test_is_watched_logged_and_bounded(self, name: str) -> None:
        service = SERVICES[name]
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
        assert service["restart"] == "unless-stopped"

    def test_waits_for_what_it_needs_to_be_healthy(self, name: str) -> None:
        needed = SERVICES[name].get("depends_on", {})
        for other, how in needed.items():
            # The simulated network lives in the monitor's container, which in turn waits for it.
            assert how["condition"] == ("service_started" if name == "field" else "service_healthy")
            assert other in SERVICES

    def test_keeps_secrets_in_files(self, name: str) -> None:
        service = SERVICES[name]
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN", variable):
                assert variable.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]

    def test_is_reached_from_outside_only_if_it_is_the_wall(self, name: str) -> None:
        for port in SERVICES[name].get("ports", []):
            listens = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", port)
            assert listens.startswith("0.0.0.0:" if name == "monitor" else "127.0.0.1:")


def test_every_secret_is_a_file_that_is_not_in_the_repository() -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    for name, secret in COMPOSE["secrets"].items():
        assert set(secret) == {"file"}
        assert secret["file"].startswith("./secrets/") or name == "ca"
    assert {"/secrets/", "/.env"} <= set(ignored)


def test_the_database_is_reached_by_nobody_but_the_stack() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == ["inside"]
    assert "ports" not in SERVICES["postgres"]
    assert SERVICES["postgres"]["volumes"] == [
        "postgres-data:/var/lib/postgresql",
        "./config/postgres:/docker-entrypoint-initdb.d:ro",
    ]


def test_the_monitor_may_ping_as_the_group_that_it_is() -> None:
    _, group = SERVICES["monitor"]["user"].split(":")
    assert SERVICES["monitor"]["sysctls"] == {"net.ipv4.ping_group_range": f"{group} {group}"}


def test_the_simulated_network_shares_the_monitors() -> None:
    field = SERVICES["field"]
    assert field["network_mode"] == "service:monitor"
    assert not {"networks", "ports", "sysctls"} & set(field)
    assert field["image"] == SERVICES["monitor"]["image"]
    ready = SERVICES["monitor"]["environment"]["MONITOR_FIELD"]
    assert f"--ready-file={ready}" in field["command"]


@pytest.mark.parametrize("profiles", ["", "demo"])
def test_the_program_takes_the_command(profiles: str) -> None:
    first, *rest = SERVICES["monitor"]["command"]
    assert first == "${COMPOSE_PROFILES:-run}"
    parsed = _parser().parse_args([profiles or "run", *rest])
    assert parsed.listen == ("0.0.0.0", 8080)
    assert parsed.command.__module__ == f"monitor.cli.{profiles or 'run'}"


def test_env_example_names_every_variable_and_no_other() -> None:
    used = set(re.findall(r"\$\{(\w+):?[-+?]?", FILE.read_text()))
    used |= set(SERVICES["monitor"]["build"]["args"])
    named = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named >= used - {"HTTP_PROXY", "NO_PROXY"}
    assert named - used == {"COMPOSE_PROJECT_NAME"}


@pytest.mark.parametrize(("name", "folder"), [("alertmanager", "alertmanager"), ("grafana", "grafana")])
def test_what_is_configured_to_read_a_secret_has_it(name: str, folder: str) -> None:
    asked: set[str] = set()
    for file in (ROOT / "config" / folder).rglob("*.y*ml"):
        asked |= set(re.findall(r"^[^#\n]*/run/secrets/(\w+)", file.read_text(), re.MULTILINE))
    assert asked
    assert asked <= set(SERVICES[name]["secrets"])
