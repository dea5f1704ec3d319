"""The icmp prober in network namespaces of its own, so that loss, delay and unreachable hosts are real.

Each case is a script that runs in a fresh namespace: `unshare -rn` makes one for an ordinary user too. What the script
prints as JSON is what its probes found.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROBE = Path(__file__).with_name("icmp") / "probe.py"
UNPRIVILEGED = "sysctl -qw net.ipv4.ping_group_range='0 0'"
PEER = """
mkfifo "$1/peer"
unshare -n sh -c 'read _ < "$0/peer"; read _ < "$0/peer"' "$1" &
peer=$!
trap 'kill $peer 2>/dev/null' EXIT
ip link add here type veth peer name there
for _ in $(seq 100); do ip link set there netns $peer 2>/dev/null && break; sleep 0.01; done
ip addr add 192.0.2.1/24 dev here
ip -6 addr add 2001:db8::1/64 dev here nodad
ip link set here up
peer() { nsenter -t $peer -n "$@"; }
peer ip addr add 192.0.2.2/24 dev there
peer ip -6 addr add 2001:db8::2/64 dev there nodad
peer ip link set there up
peer ip link set lo up
for _ in $(seq 200); do ip -6 addr show dev here | grep -q tentative || break; sleep 0.01; done
"""
"""A second namespace at the end of a cable: 192.0.2.2 and 2001:db8::2."""

BAD_LINE = """
ip link add here type veth peer name there
ip addr add 192.0.2.1/24 dev here
ip link set here up
ip link set there address 02:00:00:00:00:02
ip link set there up
ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev here
mkfifo "$1/ready"
"$2" "${{3%/*}}/line.py" there {delay_ms} {lost} >"$1/ready" &
line=$!
trap 'kill $line' EXIT
read _ <"$1/ready"
"""
"""192.0.2.2 is a program that answers late, or never."""


def run(directory: Path, script: str, *probes: dict[str, Any], keep_raw: bool = True) -> list[dict[str, Any]]:
    """Probe in a namespace that ``script`` has prepared; without ``keep_raw`` the process has no CAP_NET_RAW."""
    drop = "" if keep_raw else "setpriv --bounding-set=-net_raw --inh-caps=-net_raw "
    command = f'set -e\nip link set lo up\n{script}\n{drop}"$2" "$3" "$4"\n'
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", command, "sh", directory, sys.executable, PROBE, json.dumps(probes)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def ping(target: str, **options: Any) -> dict[str, Any]:
    return {"target": target, "options": options}


def good(found: dict[str, Any]) -> bool:
    return bool(found["reason"] == "ok")


@pytest.mark.parametrize("script", [UNPRIVILEGED, ""], ids=["datagram", "raw"])
def test_an_echo(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
        ping("127.0.0.1"),
        ping("::1"),
        ping("127.0.0.1", payload_size=1),
        ping("::1", payload_size=9),
        ping("127.0.0.1", payload_size=60_000, ttl=3),
        ping("::1", payload_size=30_000, ttl=3),
        ping("127.0.0.1", source_ip_address="127.0.0.3", dont_fragment=True),
        ping("127.0.0.1", ttl=0),
    )
    for one in found:
        assert good(one), one
        assert one["raw"] == [not script]
        assert one["facts"]["probe_icmp_reply_hop_limit"] == 64
        assert 0 < one["phases"]["rtt"] < 1
        assert set(one["phases"]) == {"resolve", "setup", "rtt"}


@pytest.mark.parametrize("script", [UNPRIVILEGED, ""], ids=["datagram", "raw"])
def test_thousands_in_flight_are_not_mixed_up(tmp_path: Path, script: str) -> None:
    probes = [{**ping(f"127.0.{number % 7}.1", payload_size=number % 90), "times": 20} for number in range(150)]
    assert all(good(one) for one in run(tmp_path, script, *probes))


def test_without_permission_it_says_what_is_missing(tmp_path: Path) -> None:
    for one in run(tmp_path, "", ping("127.0.0.1"), ping("::1"), keep_raw=False):
        assert (one["reason"], one["phase"]) == ("permission", "setup")
        assert "net.ipv4.ping_group_range" in one["detail"]
        assert "CAP_NET_RAW" in one["detail"]


@pytest.mark.parametrize(
    ("script", "target", "reason"),
    [
        ("", "192.0.2.1", "unreachable"),
        ("ip route add unreachable 192.0.2.0/24", "192.0.2.1", "unreachable"),
        ("ip route add blackhole 192.0.2.0/24", "192.0.2.1", "unreachable"),
        ("ip route add prohibit 192.0.2.0/24", "192.0.2.1", "permission"),
        ("", "2001:db8::1", "unreachable"),
    ],
    ids=["no route", "unreachable", "blackhole", "prohibit", "no route, IPv6"],
)
def test_what_our_own_routes_say(tmp_path: Path, script: str, target: str, reason: str) -> None:
    (one,) = run(tmp_path, script, ping(target))
    assert one["reason"] == reason, one


def test_a_source_address_that_is_not_ours(tmp_path: Path) -> None:
    (one,) = run(tmp_path, UNPRIVILEGED, ping("127.0.0.1", source_ip_address="192.0.2.9"))
    assert (one["reason"], one["phase"]) == ("resources", "setup")


@pytest.mark.parametrize("kind", [UNPRIVILEGED, ""], ids=["datagram", "raw"])
class TestABadLine:
    def test_delay_is_measured(self, tmp_path: Path, kind: str) -> None:
        (one,) = run(tmp_path, kind + BAD_LINE.format(delay_ms=60, lost="0"), ping("192.0.2.2"))
        assert good(one), one
        assert one["phases"]["rtt"] >= 0.06

    def test_loss_and_jitter(self, tmp_path: Path, kind: str) -> None:
        options = {"count": 8, "interval": "5ms", "wait": "300ms"}
        (one,) = run(tmp_path, kind + BAD_LINE.format(delay_ms=1, lost="1,2,6"), ping("192.0.2.2", **options))
        assert good(one), one
        facts = one["facts"]
        assert facts["lienthong_probe_icmp_loss_ratio"] == pytest.approx(3 / 8)
        assert facts["lienthong_probe_icmp_jitter_seconds"] >= 0
        low, mean, high = (facts[f"lienthong_probe_icmp_rtt_{word}_seconds"] for word in ("min", "mean", "max"))
        assert 0.001 <= low <= mean <= high
        assert one["phases"]["rtt"] == pytest.approx(mean)

    def test_replies_that_are_not_ours(self, tmp_path: Path, kind: str) -> None:
        lies = BAD_LINE.format(delay_ms=20, lost="0 --lie")
        assert all(good(one) for one in run(tmp_path, kind + lies, ping("192.0.2.2"), ping("192.0.2.2")))


@pytest.mark.parametrize("kind", [UNPRIVILEGED, ""], ids=["datagram", "raw"])
class TestAtTheEndOfACable:
    def test_a_host(self, tmp_path: Path, kind: str) -> None:
        for one in run(tmp_path, kind + PEER, ping("192.0.2.2"), ping("2001:db8::2")):
            assert good(one), one

    def test_a_silent_host(self, tmp_path: Path, kind: str) -> None:
        script = kind + PEER + "peer sysctl -qw net.ipv4.icmp_echo_ignore_all=1\n"
        several = ping("192.0.2.2", count=3, interval="5ms", wait="50ms")
        one, three = run(tmp_path, script, ping("192.0.2.2"), several)
        assert (one["reason"], one["phase"]) == ("timeout", "rtt")
        assert (three["reason"], three["detail"]) == ("timeout", "none of 3 echoes was answered")
        assert three["facts"]["lienthong_probe_icmp_loss_ratio"] == 1

    def test_a_host_that_is_not_there(self, tmp_path: Path, kind: str) -> None:
        script = kind + PEER + "sysctl -qw net.ipv4.neigh.here.mcast_solicit=1 net.ipv4.neigh.here.retrans_time_ms=50\n"
        several = {**ping("192.0.2.77", count=2, interval="5ms", wait="3s"), "seconds": 8}
        for one in run(tmp_path, script, {**ping("192.0.2.77"), "seconds": 8}, several):
            assert one["reason"] == "unreachable", one
            assert "no route to host" in one["detail"]

    def test_a_router_that_says_unreachable(self, tmp_path: Path, kind: str) -> None:
        script = (
            kind
            + PEER
            + """
            peer sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
            peer ip route add unreachable 198.51.100.0/24
            peer ip -6 route add unreachable 2001:db8:1::/64
            ip route add 198.51.100.0/24 via 192.0.2.2
            ip -6 route add 2001:db8:1::/64 via 2001:db8::2
            """
        )
        healthy = [ping("192.0.2.2"), ping("2001:db8::2")]
        four, six, *rest = run(tmp_path, script, ping("198.51.100.1"), ping("2001:db8:1::1"), *healthy)
        assert (four["reason"], four["detail"]) == ("unreachable", "no route to host, says 192.0.2.2")
        assert six["reason"] == "unreachable", six
        assert six["detail"].endswith("says 2001:db8::2")
        assert all(good(one) for one in rest)

    def test_a_time_to_live_that_runs_out(self, tmp_path: Path, kind: str) -> None:
        script = kind + PEER + "peer sysctl -qw net.ipv4.ip_forward=1\nip route add 198.51.100.0/24 via 192.0.2.2\n"
        (one,) = run(tmp_path, script, ping("198.51.100.1", ttl=1))
        assert one["reason"] == "unreachable"
        assert one["detail"].endswith("says 192.0.2.2")

    def test_a_payload_that_does_not_fit(self, tmp_path: Path, kind: str) -> None:
        fits, too_large, in_pieces = run(
            tmp_path,
            kind + PEER,
            ping("192.0.2.2", payload_size=1400, dont_fragment=True),
            ping("192.0.2.2", payload_size=3000, dont_fragment=True),
            ping("192.0.2.2", payload_size=3000),
        )
        assert good(fits)
        assert (too_large["reason"], too_large["phase"]) == ("unreachable", "rtt"), too_large
        assert good(in_pieces)
