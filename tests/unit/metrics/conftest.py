"""A small world: three points with two endpoints each, and results to show."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.config.model import Config, Endpoint, Location, Module, Point
from monitor.model import EndpointKey, Reason, Result
from monitor.probes.base import Options

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
FACTS = {"probe_ip_protocol": 4.0, "probe_http_status_code": 200.0, 'probe_tls_version_info{version="TLS 1.3"}': 1.0}
PHASES = {"resolve": 0.001, "connect": 0.002, "tls": 0.003, "processing": 0.004, "transfer": 0.005}


class PlainOptions(Options):
    """No option."""


def endpoint(point: str, name: str, **changes: Any) -> Endpoint:
    given = Endpoint(
        key=EndpointKey(point, name), name=name, target=f"https://{point}.example/{name}",
        module=Module(name="https_2xx", prober="http", options=PlainOptions()), interval=timedelta(seconds=15),
        timeout=timedelta(seconds=3), retry_every=timedelta(seconds=1), down_after=3, up_after=2,
        link=name == "link", critical=True, declared=True, fingerprint="f",
    )  # fmt: skip
    return replace(given, **changes)


def point(name: str, **changes: Any) -> Point:
    given = Point(
        id=name, name=f'Phường "{name}"', kind="ward", area="ba-vi", code="00123", unit_type="phường",
        location=Location(latitude=21.03, longitude=105.85),
        endpoints=(endpoint(name, "link"), endpoint(name, "portal")),
    )  # fmt: skip
    return replace(given, **changes)


@pytest.fixture
def config() -> Config:
    return Config(points=(point("mot"), point("hai"), point("ba")))


@pytest.fixture
def make_point() -> Callable[..., Point]:
    return point


@pytest.fixture
def make_endpoint() -> Callable[..., Endpoint]:
    return endpoint


@pytest.fixture
def make_result() -> Callable[..., Result]:
    def make(point: str = "mot", name: str = "link", **changes: Any) -> Result:
        given = Result(
            key=EndpointKey(point, name), vantage="local", begun=NOW, latency_seconds=0.25, reason=Reason.OK,
            phases=PHASES, facts=FACTS,
        )  # fmt: skip
        return replace(given, **changes)

    return make
