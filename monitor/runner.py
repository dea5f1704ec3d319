"""One endpoint -> one Result: timeout, clock, exceptions. It catches everything but its own cancellation."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from monitor.config.model import Budgets, Endpoint
from monitor.health.budgets import EXPIRY, LOSS, weigh
from monitor.model import EndpointKey, Reason, Result
from monitor.probes import find_probers
from monitor.probes.base import ProbeFailed, Prober, Trace
from monitor.probes.network import Network

log = logging.getLogger(__name__)

_EXHAUSTED: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN}
)
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})

_OK: Final = Reason.OK
"""Looking a member up in its enumeration is a call of Python's own up to 3.11."""

_DAY: Final = timedelta(days=1)
_LONGEST_DETAIL: Final = 300

_PATIENCE: Final = frozenset({Reason.TIMEOUT, Reason.RESET, Reason.TLS, Reason.PROTOCOL})
"""What a good peer's probe ends in when we stood still: our timeout ran out, or the peer lost patience and hung up."""

_STOLEN: Final = 0.5
"""The share of the timeout that stalls must take before a failure is put down to them. Less is the endpoint's own
failure, because it had the other half: a loop that hiccups all day must not hide an outage."""

_OVERDUE_SECONDS: Final = 0.1
"""Later than this the timeout itself struck late: we stood still past it, and an answer may lie there unread."""


class Pulse(Protocol):
    """Knows when the event loop stood still."""

    def stalled_between(self, begun_monotonic: float, ended_monotonic: float) -> float:
        """Seconds between the two for which it did."""
        ...


class Steady:
    """The pulse of a program that has no schedule: a single probe from the command line."""

    def stalled_between(self, begun_monotonic: float, ended_monotonic: float) -> float:
        """Nothing stalls."""
        return 0.0


class _Deadline:
    """Cancels the task when the time is up; leaner than asyncio.timeout, with the same bookkeeping of cancellations."""

    __slots__ = ("expired", "task")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = task
        self.expired = False

    def __call__(self) -> None:
        self.expired = True
        self.task.cancel()


class _Built(NamedTuple):
    endpoint: Endpoint
    prober: Prober
    timeout_seconds: float
    budgets: Budgets | None


class Runner:
    """Runs probes. A prober is built at an endpoint's first probe and kept until its fingerprint changes.

    ``clock`` gives each result its begin (aware UTC); latency is monotonic. ``probers`` are the prober classes by the
    module file's word, by default those of the probes room.
    """

    def __init__(
        self,
        *,
        network: Network,
        vantage: str,
        pulse: Pulse,
        clock: Callable[[], datetime],
        probers: Mapping[str, Callable[..., Prober]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._network = network
        self._vantage = vantage
        self._pulse = pulse
        self._clock = clock
        self._monotonic = monotonic
        self._probers: Mapping[str, Callable[..., Prober]] = find_probers() if probers is None else probers
        self._built: dict[EndpointKey, _Built] = {}

    def retain(self, endpoints: Iterable[Endpoint]) -> None:
        """Forget the probers of all other endpoints: after a reload."""
        fingerprints = {endpoint.key: endpoint.fingerprint for endpoint in endpoints}
        self._built = {
            key: built for key, built in self._built.items() if fingerprints.get(key) == built.endpoint.fingerprint
        }

    async def run(self, endpoint: Endpoint) -> Result:
        """Probe once. Raises nothing but CancelledError, and that only when the caller's task is cancelled."""
        begun, started = self._clock(), self._monotonic()
        trace = Trace(clock=self._monotonic)
        reason, detail, failed_phase, budgets = _OK, "", "", None
        try:
            budgets = await self._ask(endpoint, trace)
        except Exception as error:  # noqa: BLE001  (the runner turns whatever a prober raises into a result)
            failed_phase = trace.phase
            reason, detail = _explain(error, endpoint, failed_phase)
        trace.leave()
        ended = self._monotonic()
        stalled = self._pulse.stalled_between(started, ended)
        if reason is not _OK:
            if reason in _PATIENCE and _ours(stalled, ended - started, endpoint.timeout.total_seconds()):
                reason, detail = Reason.STALLED, f"the program stood still for {stalled:.1f} s of this probe"
        elif budgets is not None:
            reason, detail = _judge(budgets, max(ended - started - stalled, 0.0), trace.facts, begun)
        return Result(
            key=endpoint.key,
            vantage=self._vantage,
            begun=begun,
            latency_seconds=ended - started,
            reason=reason,
            failed_phase=failed_phase,
            detail=detail,
            address=trace.address,
            phases=trace.phases,
            facts=trace.facts,
            lagged=stalled > 0,
        )

    async def _ask(self, endpoint: Endpoint, trace: Trace) -> Budgets | None:
        """Let the prober ask; what to judge a success by. Raises TimeoutError when the endpoint's timeout is over."""
        built = self._built.get(endpoint.key)
        if built is None or built.endpoint is not endpoint:
            built = self._build(endpoint, built)
        loop = self._network.loop
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101  (a coroutine that runs is run by a task)
        cancellations = task.cancelling()
        deadline = _Deadline(task)
        timer = loop.call_later(built.timeout_seconds, deadline)
        try:
            await built.prober.probe(trace)
        except asyncio.CancelledError as error:
            if task.cancelling() - deadline.expired > cancellations:
                raise
            if deadline.expired:
                raise TimeoutError from error
            raise RuntimeError("the prober cancelled itself") from error
        finally:
            timer.cancel()
            if deadline.expired:
                task.uncancel()
        return built.budgets

    def _build(self, endpoint: Endpoint, before: _Built | None) -> _Built:
        """Make the endpoint's prober, or keep the one that fits it still."""
        module = endpoint.module
        if before is not None and before.endpoint.fingerprint == endpoint.fingerprint:
            prober = before.prober
        else:
            prober = self._probers[module.prober](endpoint.target, module.options, network=self._network)
        budgets = None if module.budgets == Budgets() else module.budgets
        built = self._built[endpoint.key] = _Built(endpoint, prober, endpoint.timeout.total_seconds(), budgets)
        return built


def _ours(stalled_seconds: float, elapsed_seconds: float, timeout_seconds: float) -> bool:
    """Whether a failure is put down to our own standing still."""
    return stalled_seconds >= _STOLEN * timeout_seconds or (
        stalled_seconds > 0 and elapsed_seconds > timeout_seconds + _OVERDUE_SECONDS
    )


def _explain(error: Exception, endpoint: Endpoint, phase: str) -> tuple[Reason, str]:
    """What an exception out of a prober means: its reason and a line for people. ``phase`` was under way."""
    if isinstance(error, ProbeFailed):
        return error.reason, _printable(error.detail)
    if isinstance(error, TimeoutError) and phase == "resolve":
        # Until a name server has answered nobody else was asked: a silent resolver is no outage of the endpoint.
        return Reason.RESOLVER, f"no name server answered within {endpoint.timeout.total_seconds():g} s"
    if isinstance(error, TimeoutError):
        return Reason.TIMEOUT, f"no answer within {endpoint.timeout.total_seconds():g} s"
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        return Reason.RESOURCES, os.strerror(error.errno)
    if isinstance(error, OSError) and error.errno in _FORBIDDEN:
        return Reason.PERMISSION, os.strerror(error.errno)
    log.error("the probe of %s failed through our own fault", endpoint.key, exc_info=error)
    # Only its kind: an exception's text may hold what the options keep secret.
    return Reason.INTERNAL, type(error).__name__


def _judge(budgets: Budgets, latency: float, facts: Mapping[str, float], now: datetime) -> tuple[Reason, str]:
    """A success's reason, budgets considered, and by how much one is broken."""
    reason = weigh(Reason.OK, latency_seconds=latency, facts=facts, now=now, budgets=budgets)
    if reason is Reason.LATENCY and budgets.latency is not None:
        return reason, f"took {latency:.3f} s, the budget is {budgets.latency.total_seconds():g} s"
    if reason is Reason.LOSS and budgets.loss_ratio is not None:
        return reason, f"{facts[LOSS]:.0%} of the packets were lost, the budget is {budgets.loss_ratio:.0%}"
    if reason is Reason.CERTIFICATE and budgets.certificate is not None:
        days = (facts[EXPIRY] - now.timestamp()) / 86_400
        return reason, f"a certificate is valid for {days:.1f} days more, the budget is {budgets.certificate / _DAY:g}"
    return reason, ""


def _printable(detail: str) -> str:
    """One line that every database and page can take: it may quote what a stranger sent."""
    return "".join(character if character.isprintable() else " " for character in detail[:_LONGEST_DETAIL])
