"""The simulated network does to a client what it is told to, on real sockets."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import pytest
from aiohttp.test_utils import TestClient, TestServer

from monitor.field.authority import Authority
from monitor.field.control import Control
from monitor.field.hosts import Conduct, Host, Serving, State
from monitor.field.network import SimulatedNetwork

WARD = "cua-nam.ward.lienthong.example"
NAMES = "dns.lienthong.example"


@dataclass
class Field:
    network: SimulatedNetwork
    client: ssl.SSLContext
    ports: dict[Serving, int]

    def set(self, conduct: Conduct, *, host: str = WARD, delay_seconds: float = 0.01, port: int = 0) -> None:
        self.network.set_state(host, State(conduct, delay_seconds, port))

    async def get(self, path: str) -> tuple[int, str]:
        connector = aiohttp.TCPConnector(ssl=self.client, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"https://127.77.250.1:{self.ports[Serving.HTTPS]}{path}"
            async with session.get(url, server_hostname=WARD) as response:
                return response.status, await response.text()

    async def look_up(self, name: str, *, tcp: bool = False) -> dns.message.Message:
        query = dns.message.make_query(name, "A")
        ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        return await ask(query, "127.77.250.2", port=self.ports[Serving.DNS], timeout=2)


def free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Field]:
    authority = Authority()
    authority.write_root(tmp_path / "ca" / "root.pem")
    ward, names = "127.77.250.1", "127.77.250.2"
    ports = {serving: free_port(ward) for serving in (Serving.TCP, Serving.HTTPS)} | {Serving.DNS: free_port(names)}
    hosts = {
        WARD: Host(
            WARD, IPv4Address(ward), "00082", {ports[serving]: serving for serving in (Serving.TCP, Serving.HTTPS)}
        ),
        NAMES: Host(NAMES, IPv4Address(names), "dns", {ports[Serving.DNS]: Serving.DNS}),
    }
    async with SimulatedNetwork(hosts, authority=authority) as network:
        yield Field(network, ssl.create_default_context(cafile=str(tmp_path / "ca" / "root.pem")), ports)


async def test_a_normal_host_serves_its_portal_and_its_exchange(field: Field) -> None:
    status, page = await field.get("/mot-cua/")
    assert status == 200
    assert "Một cửa" in page
    status, state = await field.get("/api/lien-thong/trang-thai")
    assert json.loads(state) == {"trangthai": "ok", "ma": "00082"}


@pytest.mark.parametrize(("tcp"), [False, True])
async def test_names_resolve_over_udp_and_tcp(field: Field, tcp: bool) -> None:
    answer = await field.look_up(WARD, tcp=tcp)
    assert [str(record) for rrset in answer.answer for record in rrset] == ["127.77.250.1"]
    assert (await field.look_up("elsewhere.example", tcp=tcp)).rcode() == dns.rcode.NXDOMAIN


async def test_a_host_that_lost_its_name(field: Field) -> None:
    field.set(Conduct.NAMELESS)
    assert (await field.look_up(WARD)).rcode() == dns.rcode.NXDOMAIN


async def test_a_name_server_that_fails_and_one_that_is_silent(field: Field) -> None:
    field.set(Conduct.ERROR, host=NAMES)
    assert (await field.look_up(WARD)).rcode() == dns.rcode.SERVFAIL
    field.set(Conduct.SLOW, host=NAMES)
    assert (await field.look_up(WARD)).rcode() == dns.rcode.NOERROR
    field.set(Conduct.HANG, host=NAMES)
    query = dns.message.make_query(WARD, "A")
    with pytest.raises(dns.exception.Timeout):
        await dns.asyncquery.udp(query, "127.77.250.2", port=field.ports[Serving.DNS], timeout=0.2)


async def test_conducts_of_the_web_server(field: Field) -> None:
    field.set(Conduct.ERROR)
    assert (await field.get("/mot-cua/"))[0] == 503
    field.set(Conduct.WRONG_CONTENT)
    assert "Một cửa" not in (await field.get("/mot-cua/"))[1]
    assert '"loi"' in (await field.get("/api/x"))[1]
    field.set(Conduct.SLOW)
    assert (await field.get("/mot-cua/"))[0] == 200
    field.set(Conduct.RESET)
    with pytest.raises(aiohttp.ClientError):
        await field.get("/mot-cua/")
    field.set(Conduct.EXPIRED)
    with pytest.raises(aiohttp.ClientConnectorCertificateError, match="expired"):
        await field.get("/mot-cua/")
    field.set(Conduct.NORMAL)
    assert (await field.get("/mot-cua/"))[0] == 200


async def connects(port: int, *, patience_seconds: float = 0.3) -> str:
    """ "open", "refused" or "silent"."""
    try:
        async with asyncio.timeout(patience_seconds):
            _, writer = await asyncio.open_connection("127.77.250.1", port)
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silent"
    writer.close()
    await writer.wait_closed()
    return "open"


async def test_a_line_that_is_cut_and_mended_over_and_over(field: Field) -> None:
    port = field.ports[Serving.TCP]
    for _ in range(3):
        assert await connects(port, patience_seconds=5) == "open"
        field.set(Conduct.HANG)
        assert await connects(port) == "silent"
        field.set(Conduct.REFUSE)
        assert await connects(port) == "refused"
        field.set(Conduct.HANG)
        assert await connects(port) == "silent"
        field.set(Conduct.NORMAL)
    assert (await field.get("/mot-cua/"))[0] == 200


async def test_one_port_alone(field: Field) -> None:
    field.set(Conduct.REFUSE, port=field.ports[Serving.TCP])
    assert await connects(field.ports[Serving.TCP]) == "refused"
    assert (await field.get("/mot-cua/"))[0] == 200


async def test_garbage_is_answered_with_400(field: Field) -> None:
    reader, writer = await asyncio.open_connection(
        "127.77.250.1", field.ports[Serving.HTTPS], ssl=field.client, server_hostname=WARD
    )
    writer.write(b"\x00\x01nonsense\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_an_address_that_is_taken_is_an_error_and_leaves_nothing_open(field: Field) -> None:
    hosts = {WARD: Host(WARD, IPv4Address("127.77.250.1"), "00082", {field.ports[Serving.TCP]: Serving.TCP})}
    with pytest.raises(OSError, match="in use"):
        async with SimulatedNetwork(hosts, authority=Authority()):
            pass


async def test_the_control_surface(field: Field) -> None:
    async with TestClient(TestServer(Control(field.network).application())) as client:
        listed = await (await client.get("/hosts")).json()
        assert [host["name"] for host in listed["hosts"]] == [WARD, NAMES]
        answer = await client.put("/hosts", json={"hosts": ["*.ward.lienthong.example"], "conduct": "error"})
        assert await answer.json() == {"hosts": [WARD]}
        assert (await field.get("/"))[0] == 503
        assert (await client.delete("/hosts")).status == 200
        assert (await field.get("/"))[0] == 200
        assert (await client.put("/hosts", json={"hosts": ["nobody"], "conduct": "error"})).status == 404
        assert (await client.put("/hosts", json={"hosts": ["*"], "conduct": "dance"})).status == 400
