"""How well the machine's clock is kept, as the kernel tells it."""

from __future__ import annotations

import ctypes
from typing import Final, NamedTuple

_STA_UNSYNC: Final = 0x0040
_TIME_ERROR: Final = 5
_ROOM_BYTES: Final = 512


class Discipline(NamedTuple):
    """Whether something (chrony, systemd-timesyncd, ntpd) sets the clock right, and how wrong it may be at most."""

    synchronized: bool
    max_error_seconds: float


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex`` (adjtimex(2)); the kernel fills in more, for which there is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * _ROOM_BYTES),
    )


def read_discipline() -> Discipline | None:
    """As it is now; needs no privilege. None where the kernel does not tell (another system, a sandbox)."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    asked = _Timex(modes=0)
    state = -1 if adjtimex is None else adjtimex(ctypes.byref(asked))
    if state < 0:
        return None
    return Discipline(state != _TIME_ERROR and not asked.status & _STA_UNSYNC, asked.maxerror / 1e6)
