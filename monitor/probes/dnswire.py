"""The few parts of the DNS wire format (RFC 1035, section 4) that every answer needs, short of a full parse."""

from __future__ import annotations

import socket
import struct
from struct import Struct
from typing import NamedTuple

_HEADER = Struct("!HHHHHH")
_RECORD = Struct("!HHIH")
HEADER_BYTES = 12

RESPONSE = 0x8000
TRUNCATED = 0x0200
RECURSION_DESIRED = 0x0100
_OPCODE = 0x7800

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
A, CNAME, AAAA, IN = 1, 5, 28, 1

_QUESTIONLESS = frozenset({FORMERR, SERVFAIL, NOTIMP, REFUSED})
_MOST_LABELS = 128


class Header(NamedTuple):
    """An answer's fixed header: counts are what it claims."""

    id: int
    flags: int
    questions: int
    answers: int
    authorities: int
    additionals: int

    @property
    def rcode(self) -> int:
        return self.flags & 0xF

    @property
    def truncated(self) -> bool:
        return bool(self.flags & TRUNCATED)


def header(wire: bytes) -> Header:
    """Read the fixed header. Raises ValueError if the message is shorter."""
    if len(wire) < HEADER_BYTES:
        raise ValueError("shorter than a DNS header")
    return Header._make(_HEADER.unpack_from(wire))


def question(name: str, rdtype: int, rdclass: int = IN) -> bytes:
    """Pack a question. ``name`` is ASCII, with or without its final dot. Raises ValueError if it can't be a name."""
    labels = name.rstrip(".").split(".") if name.strip(".") else []
    packed = bytearray()
    for label in labels:
        text = label.encode("ascii")
        if not 0 < len(text) < 64:
            raise ValueError(f"{name!r} is not a DNS name")
        packed.append(len(text))
        packed += text
    if len(packed) > 254:
        raise ValueError(f"{name!r} is longer than a DNS name can be")
    return bytes(packed) + b"\0" + rdtype.to_bytes(2, "big") + rdclass.to_bytes(2, "big")


def query(asked: bytes, *, recursion_desired: bool = True) -> bytes:
    """A query without its first two bytes, the id: flags, counts and one packed question."""
    flags = RECURSION_DESIRED if recursion_desired else 0
    return flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\0" + asked


def answers(wire: bytes, asked: bytes) -> bool:
    """Whether ``wire`` is a response to the packed question ``asked``; letter case in names doesn't matter.

    A server that refuses or fails may leave the question out, as long as it says nothing else.
    """
    if len(wire) < HEADER_BYTES:
        return False
    _, flags, questions, *counts = _HEADER.unpack_from(wire)
    if not flags & RESPONSE or flags & _OPCODE:
        return False
    if questions == 0:
        return flags & 0xF in _QUESTIONLESS and not any(counts)
    got = wire[HEADER_BYTES : HEADER_BYTES + len(asked)]
    return questions == 1 and (got == asked or (got[-4:] == asked[-4:] and got[:-4].lower() == asked[:-4].lower()))


def _name(wire: bytes, offset: int) -> tuple[bytes, int]:
    """The lower-case name at ``offset`` with compression undone, and where what follows it begins."""
    labels: list[bytes] = []
    after = 0
    for _ in range(_MOST_LABELS):
        length = wire[offset]
        if length >= 0xC0:
            after = after or offset + 2
            offset = (length & 0x3F) << 8 | wire[offset + 1]
        elif length == 0:
            return b"".join(labels), after or offset + 1
        else:
            labels.append(wire[offset : offset + 1 + length].lower())
            offset += 1 + length
    raise ValueError("a DNS name that has no end")


def is_whole(wire: bytes, asked: bytes) -> bool:
    """Whether no record breaks off; neither what records hold is looked at, nor whether all announced ones came."""
    records = sum(_HEADER.unpack_from(wire)[3:])
    offset = HEADER_BYTES + len(asked)
    try:
        for _ in range(records):
            if offset == len(wire):
                return True
            while 0 < (length := wire[offset]) < 0xC0:
                offset += 1 + length
            offset += 2 if length else 1
            offset += _RECORD.size + _RECORD.unpack_from(wire, offset)[3]
    except (IndexError, struct.error):
        return False
    return not records or offset <= len(wire)


def addresses(wire: bytes, asked: bytes) -> list[str]:
    """The addresses of the asked type (A or AAAA) in an answer, in its order, at the end of the question's CNAME chain.

    Raises ValueError for a malformed message. Records of names outside the chain are not taken.
    """
    try:
        records = _records(wire, HEADER_BYTES + len(asked))
    except IndexError as error:
        raise ValueError("a malformed DNS message") from error
    aliases = {owner: target for owner, kind, target in records if kind == CNAME}
    name = asked[:-5].lower()
    for _ in range(len(aliases)):
        name = aliases.get(name, name)
    wanted = int.from_bytes(asked[-4:-2], "big")
    family, size = (socket.AF_INET6, 16) if wanted == AAAA else (socket.AF_INET, 4)
    return [
        socket.inet_ntop(family, data)
        for owner, kind, data in records
        if kind == wanted and owner == name and len(data) == size
    ]


def _records(wire: bytes, offset: int) -> list[tuple[bytes, int, bytes]]:
    """Owner, type and data of the answer section's IN records; a CNAME's data is its target, uncompressed."""
    records = []
    for _ in range(header(wire).answers):
        owner, offset = _name(wire, offset)
        if offset + _RECORD.size > len(wire):
            raise IndexError
        kind, rdclass, _ttl, size = _RECORD.unpack_from(wire, offset)
        offset += _RECORD.size
        if rdclass == IN:
            data = _name(wire, offset)[0] if kind == CNAME else wire[offset : offset + size]
            records.append((owner, kind, data))
        offset += size
        if offset > len(wire):
            raise IndexError
    return records
