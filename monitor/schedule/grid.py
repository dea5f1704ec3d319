"""When an endpoint is due: a grid of instants, the same after every restart. Pure."""

from __future__ import annotations

import math
from hashlib import blake2b

from monitor.model import EndpointKey


def phase(key: EndpointKey, interval_seconds: float) -> float:
    """An endpoint's place within its interval, in seconds from 0 up to it: stable over restarts and machines.

    Spread by a hash of the key, so that the endpoints of a file are probed evenly over the interval.
    """
    digest = blake2b(f"{key.point}/{key.endpoint}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48 * interval_seconds


def offset_of(key: EndpointKey, interval_seconds: float, epoch: float) -> float:
    """Where the grid lies on the scheduler's clock, whose reading at the wall clock's 1970 is ``epoch`` seconds."""
    return (epoch + phase(key, interval_seconds)) % interval_seconds


def next_due(after: float, offset: float, interval_seconds: float) -> float:
    """The first instant of the grid ``offset + n * interval`` that lies after ``after``.

    Reckoned from the grid and not from the last start: nothing drifts, and slots that were missed are not made up for.
    """
    steps = math.floor((after - offset) / interval_seconds) + 1
    due = offset + steps * interval_seconds
    # A quotient of floats may be rounded over the edge, either way.
    while due <= after:
        steps += 1
        due = offset + steps * interval_seconds
    while (earlier := offset + (steps - 1) * interval_seconds) > after:
        steps, due = steps - 1, earlier
    return due
