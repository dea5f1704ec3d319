"""What is promised: read as a percentage or a ratio."""

from pathlib import Path

import pytest

from monitor.config import ConfigError, load
from monitor.config.loader import load_bytes
from monitor.config.model import Objectives

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's


@pytest.mark.parametrize(
    ("written", "connectivity", "service"),
    [
        ("", 0.995, 0.99),
        ("slo: {connectivity: 99.9%}", 0.999, 0.99),
        ('slo: {connectivity: "99,95"}', None, None),
        ("slo: {connectivity: 0.998, service: 97 %}", 0.998, 0.97),
        ('slo: {service: "0.95"}', 0.995, 0.95),
    ],
)
def test_percentages_and_ratios(written: str, connectivity: float | None, service: float | None) -> None:
    text = f"modules: {{}}\n{written}\n".encode()
    if connectivity is None or service is None:
        with pytest.raises(ConfigError, match=r"slo\.connectivity: must be a number"):
            load_bytes(text, Path("x.yaml"), environ={})
        return
    assert load_bytes(text, Path("x.yaml"), environ={}).objectives == Objectives(
        connectivity=connectivity, service=service
    )


def test_the_shipped_file_promises_the_defaults() -> None:
    assert load(Path("config/endpoints.yaml"), environ={}).objectives == Objectives()
