"""The prober on docs/extending.md works as it stands there, against a real time server."""

import asyncio
import re
import sys
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.network import Network

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture(scope="module")
def ntp() -> types.ModuleType:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code is not None
    module = types.ModuleType("documented_ntp")
    sys.modules["documented_ntp"] = module
    exec(compile(code[1], str(PAGE), "exec"), module.__dict__)
    return module


@asynccontextmanager
async def time_server(answer: bytes) -> AsyncIterator[int]:
    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: object) -> None:
            assert data[0] & 0b111 == 3
            self.transport.sendto(answer, addr)  # type: ignore[attr-defined]

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
        await asyncio.sleep(0)


def answer(*, stratum: int, mode: int = 4) -> bytes:
    return bytes([0b00_100_000 | mode, stratum]) + bytes(46)


async def probe(ntp: types.ModuleType, port: int, **options: object) -> Trace:
    trace = Trace()
    async with Network() as network:
        await ntp.NtpProber(f"127.0.0.1:{port}", ntp.NtpOptions(**options), network=network).probe(trace)
    return trace


async def test_a_time_server_answers(ntp: types.ModuleType) -> None:
    async with time_server(answer(stratum=2)) as port:
        trace = await probe(ntp, port)
    assert trace.facts["lienthong_probe_ntp_stratum"] == 2
    assert set(trace.phases) == {"resolve", "request"}


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (answer(stratum=0), Reason.CONTENT),
        (answer(stratum=5), Reason.CONTENT),
        (answer(stratum=1, mode=3), Reason.PROTOCOL),
        (b"?", Reason.PROTOCOL),
    ],
)
async def test_a_bad_answer_has_its_reason(ntp: types.ModuleType, wire: bytes, reason: Reason) -> None:
    async with time_server(wire) as port:
        with pytest.raises(ProbeFailed) as failure:
            await probe(ntp, port, max_stratum=4)
    assert failure.value.reason is reason


async def test_nobody_there_is_refused(ntp: types.ModuleType) -> None:
    async with time_server(b"") as port:
        pass
    with pytest.raises(ProbeFailed) as failure:
        await probe(ntp, port)
    assert failure.value.reason is Reason.REFUSED


def test_a_target_that_is_none(ntp: types.ModuleType) -> None:
    with pytest.raises(ValueError, match="is not HOST"):
        ntp.NtpProber("time.example:noon", ntp.NtpOptions(), network=Network())
