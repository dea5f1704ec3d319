"""The pure parts of the icmp prober."""

from datetime import timedelta
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.probes.icmp import IcmpOptions, jitter_seconds
from monitor.probes.icmp_socket import checksum


def sum_of_words(packet: bytes) -> int:
    """RFC 1071 as it is written."""
    total = 0
    for index in range(0, len(packet), 2):
        total += int.from_bytes(packet[index : index + 2].ljust(2, b"\0"), "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(st.binary(min_size=1, max_size=200).filter(any))
def test_checksum(packet: bytes) -> None:
    assert checksum(packet) % 0xFFFF == sum_of_words(packet) % 0xFFFF  # 0 has two spellings in one's complement


@given(st.binary(max_size=64).filter(any))
def test_a_packet_with_its_checksum_sums_to_nothing(payload: bytes) -> None:
    head = pack("!BBHHH", 8, 0, 0, 1, 2)
    whole = head[:2] + checksum(head + payload).to_bytes(2, "big") + head[4:] + payload
    assert sum_of_words(whole) == 0


@pytest.mark.parametrize(("rtts", "jitter"), [([], 0.0), ([0.1], 0.0), ([0.1, 0.1], 0.0), ([0.1, 0.3, 0.2], 0.15)])
def test_jitter(rtts: list[float], jitter: float) -> None:
    assert jitter_seconds(rtts) == pytest.approx(jitter)


def test_defaults_are_blackbox_exporters() -> None:
    options = IcmpOptions()
    assert options.model_dump() == {
        "preferred_ip_protocol": "",
        "ip_protocol_fallback": True,
        "source_ip_address": "",
        "payload_size": 0,
        "dont_fragment": False,
        "ttl": 64,
        "count": 1,
        "interval": "200ms",
        "wait": "1s",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"ttl": 256},
        {"ttl": -1},
        {"payload_size": 65_508},
        {"count": 0},
        {"interval": "0s"},
        {"wait": "0s"},
        {"source_ip_address": "somewhere"},
        {"preferred_ip_protocol": "ip5"},
        {"unknown": 1},
    ],
)
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        IcmpOptions.model_validate(wrong)


def test_span_is_what_several_echoes_take() -> None:
    assert IcmpOptions().span == timedelta(0)
    assert IcmpOptions(count=5).span == timedelta(seconds=1.8)
