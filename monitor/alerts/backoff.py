"""When to try again, and how fast at most. Pure: times are seconds of a monotonic clock."""

from __future__ import annotations

from collections import deque

_DOUBLINGS = 30
"""More than anybody waits; it keeps the power from overflowing."""


def full_jitter(failures: int, chance: float, *, base_seconds: float, cap_seconds: float) -> float:
    """Seconds to wait after so many failures in a row (1, 2, ...): anything from nothing to an exponential bound.

    "Full jitter" of Marc Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015):
    random_between(0, min(cap, base * 2 ** attempt)). ``chance`` is a random number in [0, 1).
    """
    exponent = min(max(failures - 1, 0), _DOUBLINGS)
    return chance * min(cap_seconds, base_seconds * 2.0**exponent)


class Allowance:
    """At most ``rate`` in any ``per_seconds``: a token comes back so long after it was taken.

    A bucket that refills steadily would let twice as many pass in the first period.
    """

    def __init__(self, rate: int, per_seconds: float) -> None:
        self._per_seconds = per_seconds
        self._taken: deque[float] = deque(maxlen=rate)

    def wait_seconds(self, now: float) -> float:
        """How long until one may pass; 0: now."""
        if len(self._taken) < (self._taken.maxlen or 0):
            return 0.0
        return max(0.0, self._taken[0] + self._per_seconds - now)

    def take(self, now: float) -> None:
        """One passes."""
        self._taken.append(now)
