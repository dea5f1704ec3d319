"""ICMP cases of the differential test: in a network namespace, where an ordinary user may ping too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BOTH = Path(__file__).parents[1] / "icmp" / "both.py"
TIMES = ("probe_duration_seconds", "probe_dns_lookup_time_seconds", "probe_icmp_duration_seconds")

CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("127.0.0.1", {}, True),
    ("::1", {}, True),
    ("localhost", {"preferred_ip_protocol": "ip4"}, True),
    ("127.0.0.1", {"preferred_ip_protocol": "ip6"}, True),
    ("127.0.0.1", {"preferred_ip_protocol": "ip6", "ip_protocol_fallback": False}, False),
    ("::1", {"preferred_ip_protocol": "ip4", "ip_protocol_fallback": False}, False),
    ("127.0.0.1", {"payload_size": 1}, True),
    ("127.0.0.1", {"payload_size": 40_000}, True),
    ("::1", {"payload_size": 40_000}, True),
    ("127.0.0.1", {"ttl": 1}, True),
    ("127.0.0.1", {"ttl": 255}, True),
    ("127.0.0.1", {"source_ip_address": "127.0.0.9"}, True),
    ("127.0.0.1", {"source_ip_address": "192.0.2.9"}, False),
    ("127.0.0.1", {"dont_fragment": True}, True),
    ("192.0.2.1", {}, False),
    ("198.51.100.1", {}, False),
    ("2001:db8::1", {}, False),
]


@pytest.mark.parametrize("ping_group_range", ["0 0", ""], ids=["datagram", "raw"])
def test_both_come_to_the_same(tmp_path: Path, ping_group_range: str) -> None:
    script = """
        ip link set lo up
        test -z "$1" || sysctl -qw net.ipv4.ping_group_range="$1"
        ip route add blackhole 198.51.100.0/24
        shift
        exec "$@"
    """
    cases = json.dumps([(target, options) for target, options, _ in CASES])
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-ec", script, "sh", ping_group_range, sys.executable, BOTH, tmp_path, cases],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for (target, options, success), (theirs, ours) in zip(CASES, json.loads(done.stdout), strict=True):
        about = f"{target} {options}"
        assert theirs.keys() == ours.keys(), about
        assert (theirs["probe_success"], ours["probe_success"]) == (success, success), about
        timeless = {name: value for name, value in theirs.items() if not name.startswith(TIMES)}
        assert timeless == {name: ours[name] for name in timeless}, about
