"""Host names before anybody is asked: literals, hosts files, resolv.conf, the choice among addresses."""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.probes.dnswire import AAAA, A
from monitor.probes.names import (
    Settings,
    Watched,
    ascii_name,
    candidates,
    choose,
    literal,
    local_addresses,
    parse_host,
    parse_host_port,
    parse_hosts,
    parse_resolv_conf,
    protocol_and_hash,
    read_hosts,
    record_types,
)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("127.1", None),
        ("0177.0.0.1", None),
        ("256.0.0.1", None),
        ("example", None),
        ("", None),
        ("1::2::3", None),
        ("a:b", None),
        ("127.0.0.1\0", None),
    ],
)
def test_literal(host: str, address: str | None) -> None:
    assert literal(host) == address


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_its_own_literal(address: IPv4Address) -> None:
    assert literal(str(address)) == str(address)


@given(st.ip_addresses(v=6))
def test_an_ipv6_literal_names_the_same_address(address: IPv6Address) -> None:
    found = literal(address.exploded)
    assert found is not None
    mapped = address.ipv4_mapped
    assert (IPv4Address(found) == mapped) if mapped else (IPv6Address(found) == address)


@pytest.mark.parametrize(
    ("address", "protocol", "value"),
    # Reckoned by hand from FNV-1a's definition: offset basis 2166136261, prime 16777619.
    [("127.0.0.1", 4, 3668918509), ("0.0.0.0", 4, 1268118805), ("::1", 6, 1751717746), ("fe80::1%lo", 6, 0)],
)
def test_protocol_and_hash(address: str, protocol: int, value: int) -> None:
    found = protocol_and_hash(address)
    assert found == (protocol, value or protocol_and_hash("fe80::1")[1])


@pytest.mark.parametrize(
    ("preferred", "fallback", "types"),
    [
        ("", True, (AAAA, A)),
        ("ip6", True, (AAAA, A)),
        ("ip4", True, (A, AAAA)),
        ("ip4", False, (A,)),
        ("", False, (AAAA,)),
        ("ip6", False, (AAAA,)),
    ],
)
def test_record_types(preferred: str, fallback: bool, types: tuple[int, ...]) -> None:
    assert record_types(preferred, fallback) == types


@pytest.mark.parametrize(
    ("addresses", "preferred", "fallback", "chosen"),
    [
        (["192.0.2.1", "::1", "::2"], "", True, "::1"),
        (["192.0.2.1", "::1"], "ip4", True, "192.0.2.1"),
        (["192.0.2.1", "192.0.2.2"], "ip4", False, "192.0.2.1"),
        (["192.0.2.1", "192.0.2.2"], "", True, "192.0.2.2"),
        (["192.0.2.1"], "ip6", False, None),
        (["::1"], "ip4", True, "::1"),
        (["::1"], "ip4", False, None),
        ([], "", True, None),
    ],
)
def test_choose(addresses: list[str], preferred: str, fallback: bool, chosen: str | None) -> None:
    assert choose(addresses, preferred, fallback) == chosen


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com."),
        ("_sip._tcp.example.com", "_sip._tcp.example.com"),
        ("bệnh-viện.example", "xn--bnh-vin-yv4cf.example"),
        ("a", "a"),
    ],
)
def test_ascii_name(host: str, name: str) -> None:
    assert ascii_name(host) == name


@pytest.mark.parametrize(
    "host",
    ["", ".", "a..b", "a b", "-a.example", "a" * 64, ".".join(["a" * 60] * 5), "a/b", "\N{LONG RIGHTWARDS ARROW}.."],
)
def test_what_is_no_name(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        ascii_name(host)


def test_hosts_file() -> None:
    text = """
    # a comment
    127.0.0.1 localhost Local.Example.  # another
    ::1 localhost
    not-an-address name
    192.0.2.7
    192.0.2.8 twice twice
    """
    assert parse_hosts(text) == {
        "localhost": ("127.0.0.1", "::1"),
        "local.example": ("127.0.0.1",),
        "twice": ("192.0.2.8", "192.0.2.8"),
    }


def test_localhost_needs_nobody() -> None:
    assert local_addresses("localhost", {}) == ("127.0.0.1", "::1")
    assert local_addresses("db.localhost.", {}) == ("127.0.0.1", "::1")
    assert local_addresses("localhost", {"localhost": ("127.0.0.2",)}) == ("127.0.0.2",)
    assert local_addresses("notlocalhost", {}) == ()


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (
            "nameserver 192.0.2.53\nnameserver ::1\nsearch A.example b.example\noptions ndots:2\n",
            Settings((("192.0.2.53", 53), ("::1", 53)), ("a.example", "b.example"), 2),
        ),
        ("domain only.example\nnameserver 192.0.2.53\n", Settings((("192.0.2.53", 53),), ("only.example",), 1)),
    ],
)
def test_resolv_conf(tmp_path: Path, text: str, settings: Settings) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(text)
    assert parse_resolv_conf(path) == settings


def test_without_a_usable_resolv_conf_this_machine_is_asked(tmp_path: Path) -> None:
    loopback = (("127.0.0.1", 53), ("::1", 53))
    assert parse_resolv_conf(tmp_path / "none").servers == loopback
    (tmp_path / "empty").write_text("search a.example\n")
    assert parse_resolv_conf(tmp_path / "empty").servers == loopback


@pytest.mark.parametrize(
    ("name", "ndots", "asked"),
    [
        ("www", 1, ["www.a.example", "www.b.example", "www"]),
        ("www.x", 1, ["www.x", "www.x.a.example", "www.x.b.example"]),
        ("www.x", 2, ["www.x.a.example", "www.x.b.example", "www.x"]),
        ("www.", 1, ["www"]),
    ],
)
def test_candidates(name: str, ndots: int, asked: list[str]) -> None:
    settings = Settings((), ("a.example", "b.example"), ndots)
    assert candidates(name, settings) == asked


def test_a_watched_file_is_looked_at_now_and_then_and_read_when_it_changed(tmp_path: Path) -> None:
    now = 0.0
    path = tmp_path / "hosts"
    watched = Watched(path, read_hosts, lambda: now)
    assert watched() == {}
    path.write_text("192.0.2.1 a\n")
    assert watched() == {}
    now = 6.0
    assert watched() == {"a": ("192.0.2.1",)}
    first = watched()
    now = 12.0
    assert watched() is first
    path.unlink()
    now = 18.0
    assert watched() == {}


@pytest.mark.parametrize(
    ("target", "default", "parsed"),
    [
        ("example:80", None, ("example", 80)),
        ("192.0.2.1:65535", None, ("192.0.2.1", 65535)),
        ("[::1]:443", None, ("::1", 443)),
        ("example:https", None, ("example", 443)),
        ("example", 53, ("example", 53)),
        ("::1", 53, ("::1", 53)),
        ("[::1]", 53, ("::1", 53)),
        ("[::1]:5353", 53, ("::1", 5353)),
    ],
)
def test_host_and_port(target: str, default: int | None, parsed: tuple[str, int]) -> None:
    assert parse_host_port(target, default) == parsed


@pytest.mark.parametrize(
    "target",
    [
        "",
        "example",
        ":80",
        "example:",
        "example:0",
        "example:65536",
        "example:no-such-service",
        "http://example:80",
        "[example]:80",
        "::1",
        "a b:80",
        "example:80:90",
        "example:-1",
        "[::1",
        "example:８０",
    ],
)
def test_what_is_no_host_and_port(target: str) -> None:
    with pytest.raises(ValueError):
        parse_host_port(target)


def test_a_bare_host() -> None:
    assert parse_host("::1") == "::1"
    with pytest.raises(ValueError, match="not a host name"):
        parse_host("[::1]")
