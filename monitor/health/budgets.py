"""A succeeded probe may still have broken a budget: then it is up, but at the level of degraded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from monitor.model import Reason

LOSS: Final = "lienthong_probe_icmp_loss_ratio"
EXPIRY: Final = "probe_ssl_earliest_cert_expiry"


class Limits(Protocol):
    """A module's budgets; None: there is none.

    ``latency`` is the most that the whole probe may take, ``loss_ratio`` (0 to 1) the most of a probe's packets that
    may be lost, ``certificate`` the least time for which every certificate of the chain must still be valid.
    """

    @property
    def latency(self) -> timedelta | None: ...
    @property
    def loss_ratio(self) -> float | None: ...
    @property
    def certificate(self) -> timedelta | None: ...


def weigh(
    reason: Reason, *, latency_seconds: float, facts: Mapping[str, float], now: datetime, budgets: Limits
) -> Reason:
    """The reason of a probe that ended with ``reason`` at ``now``, budgets considered.

    A probe that didn't succeed keeps its reason. Of several broken budgets the one that touches people most is named:
    loss, then latency, then a certificate that is about to expire. A fact that wasn't measured breaks nothing.
    """
    if reason is not Reason.OK:
        return reason
    if budgets.loss_ratio is not None and facts.get(LOSS, 0.0) > budgets.loss_ratio:
        return Reason.LOSS
    if budgets.latency is not None and latency_seconds > budgets.latency.total_seconds():
        return Reason.LATENCY
    expiry = facts.get(EXPIRY)
    if budgets.certificate is not None and expiry is not None:
        valid_seconds = expiry - now.timestamp()
        if valid_seconds < budgets.certificate.total_seconds():
            return Reason.CERTIFICATE
    return Reason.OK
