"""What the monitor's image is made of: the Dockerfile, the lock files, the scripts about them."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LAST_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(name: str) -> dict[str, str]:
    """A lock file's packages with their versions; each must be exact and have hashes."""
    text = "\n".join(line for line in (ROOT / "packaging" / name).read_text().splitlines() if not line.startswith("#"))
    entries = re.findall(r"^(\S+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", text, re.MULTILINE)
    assert "".join(f"{package}=={version} \\\n{hashes}" for package, version, hashes in entries).strip() == text.strip()
    return {package: version for package, version, _ in entries}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements.lock", PROJECT["project"]["optional-dependencies"]["demo"]),
        ("build.lock", PROJECT["build-system"]["requires"]),
    ],
)
def test_the_lock_satisfies_the_project(lock: str, wanted: list[str]) -> None:
    pinned = pins(lock)
    for text in wanted:
        requirement = Requirement(text)
        name = requirement.name.lower().replace("_", "-")
        assert name in pinned, f"{text} is not locked: make lock"
        assert requirement.specifier.contains(pinned[name]), f"{text} is locked at {pinned[name]}: make lock"


def test_nothing_of_the_tests_is_in_the_image() -> None:
    for text in PROJECT["project"]["optional-dependencies"]["test"]:
        assert Requirement(text).name not in pins("requirements.lock")


def test_the_lock_and_the_bundle_are_made_for_the_images_python() -> None:
    found = re.search(r"^ARG PYTHON_IMAGE=python:((\d+\.\d+)\.\d+)-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert found
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(found[1])
    assert f"--python-version {found[2]} " in (ROOT / "scripts" / "lock").read_text()
    assert f"--python-version {found[2]} " in (ROOT / "scripts" / "bundle").read_text()


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_last_stage_is_small_and_without_root() -> None:
    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == 2
    assert not DOCKERFILE.lower().startswith("# syntax")
    assert not re.search(r"apt-get|gcc|\bpip\b", LAST_STAGE)
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", LAST_STAGE, re.MULTILINE)
    assert {"HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT"} <= set(re.findall(r"^([A-Z]+) ", LAST_STAGE, re.MULTILINE))


def test_the_image_and_the_stack_agree() -> None:
    monitor = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["monitor"]
    assert f"USER {monitor['user']}" in LAST_STAGE
    assert monitor["healthcheck"]["test"][-1] in LAST_STAGE
    for mount in monitor["volumes"]:
        assert mount.split(":")[1] in LAST_STAGE


def test_only_what_the_image_is_made_of_is_sent_to_the_build() -> None:
    first, *allowed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert first == "*"
    assert not [line for line in allowed if re.search(r"secrets|\.env|\.git|tests", line)]
    for source in re.findall(r"(?:^COPY (?!--)|source=)([\w./]+)", DOCKERFILE, re.MULTILINE):
        assert any(line.startswith(f"!{source}") for line in allowed), f"{source} is ignored"


def test_the_bundle_names_every_image() -> None:
    said = subprocess.run([ROOT / "scripts" / "bundle", "--images"], capture_output=True, text=True, check=True).stdout
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    images = {service["image"] for service in compose["services"].values() if "build" not in service}
    images -= {compose["services"]["monitor"]["image"]}
    assert sorted(said.split()) == sorted({*images, *re.findall(r"^ARG PYTHON_IMAGE=(\S+)", DOCKERFILE, re.MULTILINE)})


def test_secrets_are_made_once_and_differ(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(ROOT / "scripts" / "secrets", tmp_path / "scripts" / "secrets")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    files = [tmp_path / each["file"] for each in compose["secrets"].values() if each["file"].startswith("./")]
    subprocess.run([script], check=True, capture_output=True)
    made = {file.name: file.read_text() for file in files}
    given = {"smtp_password", "dead_mans_switch_token"}
    assert {name for name, text in made.items() if not text} == given
    ours = [text for name, text in made.items() if name not in given]
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}\n", text) for text in ours)
    assert len(set(ours)) == len(ours)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    (tmp_path / "secrets" / "smtp_password").write_text("theirs")
    subprocess.run([script], check=True, capture_output=True)
    assert {file.name: file.read_text() for file in files} == made | {"smtp_password": "theirs"}
