"""Decoding a body in small steps with bounded output: a compression bomb costs no more than its limit."""

from __future__ import annotations

import re
import zlib
from asyncio import sleep
from collections.abc import Iterator
from typing import NamedTuple

import brotli  # type: ignore[import-untyped]  # it comes without stubs

from monitor.probes.types import Pattern, is_found

_ODD_BYTE = re.compile("[\udc80-\udcff]")
_STEP_BYTES = 64 * 1024
_STEPS_A_TURN = 8
"""The event loop gets a turn after this many steps (half a megabyte)."""

_WINDOW_BITS = {"gzip": 31, "deflate": -15}


class Decoded(NamedTuple):
    """``length`` counts what was decoded; ``content`` is it when it was to be kept. ``problem``: why it isn't whole."""

    length: int
    content: bytes
    problem: str = ""


async def decode(wire: bytes, compression: str, *, limit: int, keep: bool) -> Decoded:
    """Decode a whole body up to ``limit`` bytes of output, giving the event loop its turns.

    ``deflate`` is a raw stream without zlib's header, as Go's compress/flate reads it.
    """
    length, pieces = 0, []
    if not wire and compression == "br":
        # Go's brotli reader takes nothing for a whole stream; the others don't.
        return Decoded(0, b"")
    try:
        for turn, piece in enumerate(_pieces(wire, compression)):
            if length + len(piece) > limit:
                return Decoded(limit, b"", f"larger than {limit} bytes when decompressed")
            length += len(piece)
            if keep:
                pieces.append(piece)
            if turn % _STEPS_A_TURN == _STEPS_A_TURN - 1:
                await sleep(0)
    except (zlib.error, brotli.error, EOFError) as error:
        return Decoded(length, b"", f"not a whole {compression} stream: {str(error).lower()}")
    return Decoded(length, b"".join(pieces))


def opens(wire: bytes, compression: str) -> bool:
    """Whether a stream begins as it must for Go to make a reader of it: only gzip's header is looked at so early."""
    return compression != "gzip" or (len(wire) >= 10 and wire.startswith(b"\x1f\x8b\x08"))


def _pieces(wire: bytes, compression: str) -> Iterator[bytes]:
    return _unbrotli(wire) if compression == "br" else _inflate(wire, _WINDOW_BITS[compression])


def _inflate(wire: bytes, window_bits: int) -> Iterator[bytes]:
    """zlib's pieces; a gzip body may have several members one after the other (RFC 1952, 2.2)."""
    while True:
        stream = zlib.decompressobj(window_bits)
        while not stream.eof:
            piece = stream.decompress(wire, _STEP_BYTES)
            wire = stream.unconsumed_tail
            if not piece and not wire and not stream.eof:
                raise EOFError("it ends early")
            yield piece
        wire = stream.unused_data
        if not wire or window_bits < 0:
            return


def _unbrotli(wire: bytes) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    yield stream.process(wire, output_buffer_limit=_STEP_BYTES)
    while not stream.is_finished():
        piece = stream.process(b"", output_buffer_limit=_STEP_BYTES)
        if not piece and not stream.is_finished():
            raise EOFError("it ends early")
        yield piece


def found_in(pattern: Pattern, content: bytes) -> bool:
    """Whether a pattern is found. A byte that isn't UTF-8 counts as U+FFFD, as in Go; RE2 itself matches none."""
    if is_found(pattern, content):
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        text = _ODD_BYTE.sub("\ufffd", content.decode("utf-8", "surrogateescape"))
        return is_found(pattern, text.encode())
    return False
