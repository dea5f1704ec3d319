"""The path in network namespaces: a router between us and the host, and what the router does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("path.py")
NETWORK = """
mkfifo "$1/router" "$1/host"
unshare -n sh -c 'read _ < "$0/router"' "$1" &
router=$!
unshare -n sh -c 'read _ < "$0/host"' "$1" &
host=$!
trap 'kill $router $host 2>/dev/null' EXIT
ip link add here type veth peer name there
for _ in $(seq 200); do ip link set there netns $router 2>/dev/null && break; sleep 0.01; done
router() { nsenter -t $router -n "$@"; }
host() { nsenter -t $host -n "$@"; }
router ip link add near type veth peer name far
for _ in $(seq 200); do router ip link set far netns $host 2>/dev/null && break; sleep 0.01; done
ip addr add 192.0.2.1/24 dev here
ip link set here up
ip route add default via 192.0.2.2
router ip addr add 192.0.2.2/24 dev there
router ip link set there up
router ip addr add 198.51.100.1/24 dev near
router ip link set near up
router sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000
host ip addr add 198.51.100.2/24 dev far
host ip link set far up
host ip link set lo up
host ip route add default via 198.51.100.1
host sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000
router ip route add blackhole 203.0.113.0/25
router ip route add unreachable 203.0.113.128/25
"""


def trace(directory: Path, *addresses: str, script: str = NETWORK) -> list[dict[str, Any]]:
    command = f'set -e\nip link set lo up\n{script}\n"$2" "$3" "$4" $5\n'
    words = ["unshare", "-rn", "sh", "-c", command, "sh", str(directory), sys.executable, str(PATH), *addresses]
    if len(addresses) == 1:
        words.append("")
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def hops(path: dict[str, Any]) -> list[tuple[int, str]]:
    return [(hop["hop"], hop["address"]) for hop in path["hops"]]


def test_a_host_behind_a_router(tmp_path: Path) -> None:
    (path,) = trace(tmp_path, "198.51.100.2")
    assert hops(path) == [(1, "192.0.2.2"), (2, "198.51.100.2")]
    assert path["reached"]
    assert path["trouble"] == ""
    assert all(hop["seconds"] > 0 for hop in path["hops"])


def test_where_the_path_stops(tmp_path: Path) -> None:
    nobody_there, told = trace(tmp_path, "198.51.100.77", "203.0.113.200")
    assert hops(nobody_there)[0] == (1, "192.0.2.2")
    assert not nobody_there["reached"]
    assert hops(told)[0] == (1, "192.0.2.2")
    assert not told["reached"]
    assert told["trouble"] == "192.0.2.2 says that there is no way on"


def test_a_path_on_which_nobody_answers(tmp_path: Path) -> None:
    (path,) = trace(tmp_path, "203.0.113.1")
    assert path == {"hops": [], "reached": False, "trouble": ""}


def test_no_way_out_of_our_own_machine(tmp_path: Path) -> None:
    (path,) = trace(tmp_path, "198.51.100.2", script="")
    assert path == {"hops": [], "reached": False, "trouble": "network is unreachable"}
