"""What Grafana finds at its start: its sources, its folder, its home, its time zone; secrets only by file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.stack.grafana import FILES

FOLDER = Path("config/grafana")
DASHBOARDS = "/var/lib/grafana/dashboards"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "provisioning" / name).read_text("utf-8"))
    assert found["apiVersion"] == 1
    return found


def settings() -> dict[str, str]:
    """What docker-compose.yml tells Grafana."""
    compose = yaml.safe_load(Path("docker-compose.yml").read_text("utf-8"))
    found: dict[str, str] = compose["services"]["grafana"]["environment"]
    return found


def test_the_sources_have_the_uids_that_dashboards_name() -> None:
    sources = {source["uid"]: source for source in read("datasources/datasources.yaml")["datasources"]}
    assert {uid: (source["type"], source["url"]) for uid, source in sources.items()} == {
        "prometheus": ("prometheus", "http://prometheus:9090"),
        "postgres": ("grafana-postgresql-datasource", "postgres:5432"),
    }
    assert sources["prometheus"]["isDefault"]
    assert (sources["postgres"]["user"], sources["postgres"]["jsonData"]["database"]) == ("grafana", "lienthong")
    for path in FILES:
        named = set(re.findall(r'"value": "(prometheus|postgres)"', path.read_text("utf-8")))
        assert named == set(sources)


def test_the_scrapes_interval_is_prometheus_own() -> None:
    source = next(each for each in read("datasources/datasources.yaml")["datasources"] if each["uid"] == "prometheus")
    scraped = yaml.safe_load(Path("config/prometheus/prometheus.yml").read_text("utf-8"))
    job = next(each for each in scraped["scrape_configs"] if each["job_name"] == "lienthong")
    interval = job.get("scrape_interval", scraped.get("global", {}).get("scrape_interval"))
    assert source["jsonData"]["timeInterval"] == interval


def test_secrets_are_read_from_files() -> None:
    (postgres,) = (each for each in read("datasources/datasources.yaml")["datasources"] if "secureJsonData" in each)
    assert postgres["secureJsonData"] == {"password": "$__file{/run/secrets/grafana_db_password}"}
    assert settings()["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"


def test_the_folder_is_read_only_and_holds_the_home() -> None:
    (provider,) = read("dashboards/dashboards.yaml")["providers"]
    assert (provider["folder"], provider["folderUid"]) == ("Liên thông", "lienthong")
    assert provider["options"]["path"] == DASHBOARDS
    assert provider["disableDeletion"]
    assert not provider["allowUiUpdates"]
    home = settings()["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{DASHBOARDS}/tong-quan.json"
    assert Path(home).name in {path.name for path in FILES}


def test_times_are_hanois() -> None:
    assert settings()["GF_DATE_FORMATS_DEFAULT_TIMEZONE"] == "Asia/Ho_Chi_Minh"
