"""The runner with real sockets, the clock injected, and probers that do what no prober should."""

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.config.model import Budgets, Endpoint, Module
from monitor.model import EndpointKey, Outcome, Reason, Result
from monitor.probes.base import Options, ProbeFailed, Trace
from monitor.probes.network import Network
from monitor.runner import Pulse, Runner, Steady

BEGIN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LONG = timedelta(seconds=30)
SHORT = timedelta(milliseconds=50)


class Script:
    """A prober whose probe is written in the test; its target is ``host:port``."""

    def __init__(self, act: Callable[[Trace], Awaitable[None]]) -> None:
        self.act = act

    async def probe(self, trace: Trace) -> None:
        await self.act(trace)


@dataclass
class Stolen:
    """A pulse that says how long the loop stood still."""

    seconds: float

    def stalled_between(self, begun_monotonic: float, ended_monotonic: float) -> float:
        return self.seconds


def endpoint(*, timeout: timedelta = LONG, budgets: Budgets | None = None, target: str = "127.0.0.1:9") -> Endpoint:
    return Endpoint(
        key=EndpointKey("ward-1", "link"),
        name="link",
        target=target,
        module=Module(name="script", prober="script", options=Options(), budgets=budgets or Budgets()),
        interval=timedelta(seconds=15),
        timeout=timeout,
        retry_every=timedelta(seconds=1),
        down_after=3,
        up_after=2,
        link=True,
        critical=True,
        declared=True,
        fingerprint="1",
    )


@asynccontextmanager
async def runner_of(act: Callable[[Trace], Awaitable[None]], pulse: Pulse | None = None) -> AsyncIterator[Runner]:
    async with Network() as network:
        yield Runner(
            network=network,
            vantage="local",
            pulse=pulse or Steady(),
            clock=lambda: BEGIN,
            probers={"script": lambda target, options, network: Script(act)},
        )


async def run(
    act: Callable[[Trace], Awaitable[None]],
    *,
    timeout: timedelta = LONG,  # noqa: ASYNC109  (the endpoint's)
    budgets: Budgets | None = None,
    pulse: Pulse | None = None,
) -> Result:
    async with runner_of(act, pulse) as runner:
        return await runner.run(endpoint(timeout=timeout, budgets=budgets))


async def hang(trace: Trace) -> None:
    trace.enter("resolve")
    trace.enter("connect")
    await asyncio.get_running_loop().create_future()


def failing(error: BaseException) -> Callable[[Trace], Awaitable[None]]:
    async def act(trace: Trace) -> None:
        trace.enter("connect")
        raise error

    return act


async def test_a_success_carries_what_was_measured() -> None:
    async def act(trace: Trace) -> None:
        trace.enter("resolve")
        trace.enter("connect")
        trace.address = "127.0.0.9"
        trace.facts["probe_http_status_code"] = 200
        await asyncio.sleep(0)

    result = await run(act)
    assert (result.key, result.vantage, result.begun) == (EndpointKey("ward-1", "link"), "local", BEGIN)
    assert (result.reason, result.outcome, result.detail, result.failed_phase) == (Reason.OK, Outcome.UP, "", "")
    assert result.address == "127.0.0.9"
    assert result.facts == {"probe_http_status_code": 200}
    assert set(result.phases) == {"resolve", "connect"}
    assert 0 < sum(result.phases.values()) <= result.latency_seconds
    assert not result.lagged


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ProbeFailed(Reason.REFUSED, "127.0.0.1:9 refused"), Reason.REFUSED, "127.0.0.1:9 refused"),
        (ProbeFailed(Reason.RESOLVER), Reason.RESOLVER, ""),
        (TimeoutError(), Reason.TIMEOUT, "no answer within 30 s"),
        (OSError(errno.EMFILE, "x"), Reason.RESOURCES, "Too many open files"),
        (OSError(errno.ENOBUFS, "x"), Reason.RESOURCES, "No buffer space available"),
        (OSError(errno.EADDRNOTAVAIL, "x"), Reason.RESOURCES, "Cannot assign requested address"),
        (PermissionError(errno.EPERM, "x"), Reason.PERMISSION, "Operation not permitted"),
        (ConnectionError("no number"), Reason.INTERNAL, "ConnectionError"),
        (KeyError("secret"), Reason.INTERNAL, "KeyError"),
        (ExceptionGroup("many", [KeyError("a")]), Reason.INTERNAL, "ExceptionGroup"),
        (asyncio.CancelledError(), Reason.INTERNAL, "RuntimeError"),
        (StopAsyncIteration(), Reason.INTERNAL, "StopAsyncIteration"),
    ],
)
async def test_an_exception_becomes_a_reason(error: BaseException, reason: Reason, detail: str) -> None:
    result = await run(failing(error))
    assert (result.reason, result.detail, result.failed_phase) == (reason, detail, "connect")


async def test_our_own_fault_is_logged_with_its_traceback_and_keeps_secrets(caplog: pytest.LogCaptureFixture) -> None:
    result = await run(failing(KeyError("nonsense")))
    assert result.outcome is Outcome.UNKNOWN
    assert "Traceback" in caplog.text
    assert "nonsense" not in result.detail


async def test_a_probe_that_hangs_ends_at_its_timeout_in_the_phase_under_way() -> None:
    result = await run(hang, timeout=SHORT)
    assert (result.reason, result.failed_phase, result.outcome) == (Reason.TIMEOUT, "connect", Outcome.DOWN)
    assert result.detail == "no answer within 0.05 s"
    assert result.phases["connect"] > 0


async def test_the_runner_can_be_asked_again_after_a_timeout() -> None:
    """The cancellation was taken back: the next await is not cancelled."""
    async with runner_of(hang) as runner:
        for _ in range(3):
            assert (await runner.run(endpoint(timeout=SHORT))).reason is Reason.TIMEOUT
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0


async def test_a_cancellation_from_outside_goes_through() -> None:
    async with runner_of(hang) as runner:
        task = asyncio.ensure_future(runner.run(endpoint()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()


async def test_a_cancellation_from_outside_beside_the_timeout_goes_through() -> None:
    waiting = asyncio.Event()

    async def slow_to_let_go(trace: Trace) -> None:
        try:
            await hang(trace)
        finally:
            waiting.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async with runner_of(slow_to_let_go) as runner:
        task = asyncio.ensure_future(runner.run(endpoint(timeout=SHORT)))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_prober_that_answers_its_cancellation_with_a_reason_of_its_own() -> None:
    async def act(trace: Trace) -> None:
        try:
            await hang(trace)
        except asyncio.CancelledError as error:
            raise ProbeFailed(Reason.TLS, "half a handshake") from error

    async with runner_of(act) as runner:
        result = await runner.run(endpoint(timeout=SHORT))
        assert result.reason is Reason.TLS
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0


@pytest.mark.parametrize(
    ("error", "stolen", "reason"),
    [
        (TimeoutError(), 10.0, Reason.STALLED),
        (ProbeFailed(Reason.RESET), 10.0, Reason.STALLED),
        (ProbeFailed(Reason.TLS), 10.0, Reason.STALLED),
        (ProbeFailed(Reason.PROTOCOL), 10.0, Reason.STALLED),
        (TimeoutError(), 1.5, Reason.STALLED),
        (TimeoutError(), 1.4, Reason.TIMEOUT),
        (TimeoutError(), 0.05, Reason.TIMEOUT),
        (ProbeFailed(Reason.REFUSED), 10.0, Reason.REFUSED),
        (ProbeFailed(Reason.DNS), 10.0, Reason.DNS),
        (ProbeFailed(Reason.HTTP_STATUS), 10.0, Reason.HTTP_STATUS),
    ],
)
async def test_what_a_stall_can_cause_is_not_put_down_to_the_endpoint(
    error: Exception, stolen: float, reason: Reason
) -> None:
    result = await run(failing(error), pulse=Stolen(stolen), timeout=timedelta(seconds=3))
    assert result.reason is reason
    assert result.lagged
    assert (result.outcome is Outcome.UNKNOWN) is (reason is Reason.STALLED)


async def test_a_timeout_while_the_name_is_looked_up_is_the_resolvers() -> None:
    """A module's timeout may be shorter than the resolver's patience: that makes no false outage."""

    async def waits_for_a_name(trace: Trace) -> None:
        trace.enter("resolve")
        await asyncio.Event().wait()

    result = await run(waits_for_a_name, timeout=SHORT)
    assert (result.reason, result.outcome, result.failed_phase) == (Reason.RESOLVER, Outcome.UNKNOWN, "resolve")


async def test_a_timeout_that_strikes_late_is_ours() -> None:
    """We stood still past it: an answer may have come meanwhile."""

    async def overslept(trace: Trace) -> None:
        time.sleep(0.5)  # noqa: ASYNC251  (the loop stands still)
        await asyncio.Event().wait()

    result = await run(overslept, pulse=Stolen(0.01), timeout=timedelta(milliseconds=100))
    assert result.reason is Reason.STALLED
    result = await run(overslept, pulse=Stolen(0.0), timeout=timedelta(milliseconds=100))
    assert result.reason is Reason.TIMEOUT


async def nothing(trace: Trace) -> None:
    pass


async def test_a_success_during_a_stall_says_so_and_breaks_no_latency_budget() -> None:
    result = await run(nothing, pulse=Stolen(5.0), budgets=Budgets(latency=timedelta(milliseconds=1)))
    assert (result.reason, result.lagged) == (Reason.OK, True)


@pytest.mark.parametrize(
    ("budgets", "reason", "detail"),
    [
        (Budgets(latency=timedelta(microseconds=1)), Reason.LATENCY, "the budget is 1e-06 s"),
        (Budgets(loss_ratio=0.1), Reason.LOSS, "20% of the packets were lost, the budget is 10%"),
        (
            Budgets(certificate=timedelta(days=14)),
            Reason.CERTIFICATE,
            "a certificate is valid for 3.0 days more, the budget is 14",
        ),
        (Budgets(latency=timedelta(hours=1), loss_ratio=0.5, certificate=timedelta(days=1)), Reason.OK, ""),
    ],
)
async def test_a_broken_budget_is_up_with_a_reason(budgets: Budgets, reason: Reason, detail: str) -> None:
    async def act(trace: Trace) -> None:
        trace.facts["lienthong_probe_icmp_loss_ratio"] = 0.2
        trace.facts["probe_ssl_earliest_cert_expiry"] = (BEGIN + timedelta(days=3)).timestamp()

    result = await run(act, budgets=budgets)
    assert (result.outcome, result.reason) == (Outcome.UP, reason)
    assert result.detail.endswith(detail)
    assert result.failed_phase == ""


async def test_a_prober_is_built_once_until_its_endpoint_changes() -> None:
    built: list[str] = []

    def build(target: str, options: Options, network: Network) -> Script:
        built.append(target)
        return Script(nothing)

    async with Network() as network:
        runner = Runner(
            network=network, vantage="local", pulse=Steady(), clock=lambda: BEGIN, probers={"script": build}
        )
        first = endpoint(target="a")
        for _ in range(3):
            await runner.run(first)
        assert built == ["a"]
        changed = replace(first, target="b", fingerprint="2")
        await runner.run(changed)
        runner.retain([changed])
        await runner.run(changed)
        assert built == ["a", "b"]
        runner.retain([])
        await runner.run(changed)
        assert built == ["a", "b", "b"]


async def test_a_target_that_does_not_fit_is_our_own_fault() -> None:
    def build(target: str, options: Options, network: Network) -> Script:
        raise ValueError("no port")

    async with Network() as network:
        runner = Runner(
            network=network, vantage="local", pulse=Steady(), clock=lambda: BEGIN, probers={"script": build}
        )
        assert (await runner.run(endpoint())).reason is Reason.INTERNAL


async def test_a_prober_that_is_not_there_is_our_own_fault() -> None:
    async with Network() as network:
        runner = Runner(network=network, vantage="local", pulse=Steady(), clock=lambda: BEGIN, probers={})
        assert (await runner.run(endpoint())).reason is Reason.INTERNAL


async def test_a_host_that_accepts_nobody_times_out_in_connect() -> None:
    """A line that is cut: a listener whose backlog is full."""

    async def connect(trace: Trace) -> None:
        trace.enter("connect")
        loop = asyncio.get_running_loop()
        with socket.socket() as probe:
            probe.setblocking(False)
            await loop.sock_connect(probe, listener.getsockname())

    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            with pytest.raises(BlockingIOError):
                filler.connect(listener.getsockname())
        result = await run(connect, timeout=timedelta(milliseconds=200))
    assert (result.reason, result.failed_phase) == (Reason.TIMEOUT, "connect")
