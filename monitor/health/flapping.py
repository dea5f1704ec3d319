"""When a point's status changes too often to be told each time.

The rule is hysteresis over a sliding window: two thresholds, so that a point at the edge doesn't start and stop
flapping by turns. Nagios documents the principle ("Detection and Handling of State Flapping", Nagios Core 4 manual):
it weighs the share of changes among the last 21 probes against a high and a low threshold. Here the window is one of
time and every change counts alike, because probes come faster while something is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def flaps(
    changes: Sequence[datetime], now: datetime, *, already: bool, window: timedelta, enter: int, leave: int
) -> bool:
    """Whether a point flaps at ``now`` whose status changed at each of ``changes`` (in any order).

    One that doesn't flap yet does with at least ``enter`` changes in the ``window`` before ``now``; one that does
    holds again with at most ``leave`` of them. ``leave`` < ``enter``.
    """
    recent = sum(now - window < change <= now for change in changes)
    return recent > leave if already else recent >= enter
