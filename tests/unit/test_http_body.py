"""Bodies decoded in bounded steps."""

import gzip
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.probes.http_body import decode, found_in, opens
from monitor.probes.http_date import http_date_seconds
from monitor.probes.types import compile_re2

BODY = bytes(range(256)) * 1000


def deflate(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(content) + stream.flush()


PACK = {"gzip": gzip.compress, "deflate": deflate, "br": brotli.compress}


@pytest.mark.parametrize("compression", PACK)
async def test_whole(compression: str) -> None:
    wire = PACK[compression](BODY)
    assert await decode(wire, compression, limit=len(BODY), keep=True) == (len(BODY), BODY, "")
    assert await decode(wire, compression, limit=len(BODY), keep=False) == (len(BODY), b"", "")


@pytest.mark.parametrize("compression", PACK)
async def test_over_the_limit(compression: str) -> None:
    decoded = await decode(PACK[compression](BODY), compression, limit=len(BODY) - 1, keep=True)
    assert decoded == (len(BODY) - 1, b"", f"larger than {len(BODY) - 1} bytes when decompressed")


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("spoil", [lambda wire: wire[:-1], lambda wire: wire[: len(wire) // 2], lambda wire: b""])
async def test_cut_short(compression: str, spoil: object) -> None:
    wire = spoil(PACK[compression](BODY))  # type: ignore[operator]
    decoded = await decode(wire, compression, limit=len(BODY), keep=True)
    assert decoded.content == b""
    if wire or compression != "br":
        assert decoded.problem.startswith(f"not a whole {compression} stream")
    else:
        assert not decoded.problem  # as Go's reader


@pytest.mark.parametrize("compression", PACK)
@given(wire=st.binary(max_size=200))
async def test_rubbish(compression: str, wire: bytes) -> None:
    decoded = await decode(wire, compression, limit=1000, keep=True)
    assert decoded.length <= 1000


async def test_members_in_a_row() -> None:
    wire = gzip.compress(b"one ") + gzip.compress(b"two")
    assert (await decode(wire, "gzip", limit=100, keep=True)).content == b"one two"


@pytest.mark.parametrize(
    ("wire", "compression", "opened"),
    [
        (gzip.compress(b""), "gzip", True),
        (b"hello, gzip", "gzip", False),
        (b"\x1f\x8b\x08", "gzip", False),
        (b"hello", "deflate", True),
        (b"", "br", True),
    ],
)
def test_opens(wire: bytes, compression: str, opened: bool) -> None:
    assert opens(wire, compression) is opened


@pytest.mark.parametrize(
    ("pattern", "content", "found"),
    [
        ("cửa", "Một cửa".encode(), True),
        ("^a.b$", b"a\xffb", True),
        ("a", b"\xff", False),
        ("b", b"a", False),
    ],
)
def test_found_in(pattern: str, content: bytes, found: bool) -> None:
    assert found_in(compile_re2(pattern), content) is found


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        (b"Mon, 02 Jan 2006 15:04:05 GMT", 1136214245.0),
        (b"Monday, 02-Jan-06 15:04:05 GMT", 1136214245.0),
        (b"Mon Jan  2 15:04:05 2006", 1136214245.0),
        (b"2006-01-02", None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_dates(date: bytes, seconds: float | None) -> None:
    assert http_date_seconds(date) == seconds
