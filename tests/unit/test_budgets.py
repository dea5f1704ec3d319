"""Which budget a succeeded probe has broken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from monitor.health.budgets import EXPIRY, LOSS, weigh
from monitor.model import Outcome, Reason

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DAY = 86_400.0


@dataclass
class Limits:
    latency: timedelta | None = None
    loss_ratio: float | None = None
    certificate: timedelta | None = None


ALL = Limits(timedelta(milliseconds=500), 0.2, timedelta(days=14))


def expires_in(days: float) -> float:
    return NOW.timestamp() + days * DAY


@pytest.mark.parametrize(
    ("budgets", "latency_seconds", "facts", "reason"),
    [
        (Limits(), 99, {LOSS: 0.9, EXPIRY: expires_in(1)}, Reason.OK),
        (ALL, 0.5, {LOSS: 0.2, EXPIRY: expires_in(14)}, Reason.OK),
        (ALL, 0.501, {}, Reason.LATENCY),
        (ALL, 0.1, {LOSS: 0.21}, Reason.LOSS),
        (ALL, 0.1, {EXPIRY: expires_in(13.9)}, Reason.CERTIFICATE),
        (ALL, 0.1, {EXPIRY: expires_in(-1)}, Reason.CERTIFICATE),
        (ALL, 0.1, {}, Reason.OK),
        (ALL, 9, {LOSS: 0.9, EXPIRY: expires_in(1)}, Reason.LOSS),
        (ALL, 9, {EXPIRY: expires_in(1)}, Reason.LATENCY),
    ],
)
def test_a_succeeded_probe(budgets, latency_seconds, facts, reason):
    weighed = weigh(Reason.OK, latency_seconds=latency_seconds, facts=facts, now=NOW, budgets=budgets)
    assert weighed is reason
    assert weighed.outcome is Outcome.UP


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.OK])
def test_what_did_not_succeed_keeps_its_reason(reason):
    assert weigh(reason, latency_seconds=9, facts={LOSS: 1.0}, now=NOW, budgets=ALL) is reason
