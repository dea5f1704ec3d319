"""What is shown of every point, made anew only where something has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from monitor.board.point import PointState
from monitor.board.verdict import Tally
from monitor.board.views import PointView, Verdict

_MANY = 64
"""Views that may be out of date before they are made anew: none of the board's verbs then holds the loop for long."""


class Gallery:
    """The views, and their sum."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._outdated: set[str] = set()
        self._ripening: dict[str, datetime] = {}

    def arrange(self, points: Mapping[str, PointState], stable_after: timedelta) -> None:
        """Make every view anew, in the order of the points."""
        now = self._clock()
        self._points, self._stable_after = points, stable_after
        self._tally = Tally(point.view(now, stable_after) for point in points.values())
        self._grace = max((point.hold for point in points.values()), default=timedelta())
        self._ripening = {}
        self._outdated = set(points)

    def views(self) -> Mapping[str, PointView]:
        """Every view by its point's id."""
        self._refresh()
        now = self._clock()
        for name in [name for name, moment in self._ripening.items() if moment <= now]:
            self._draw(name, now)
        return self._tally.views

    def verdict(self, *, started: datetime, now: datetime) -> Verdict:
        """The points as shown, counted."""
        self.views()
        return self._tally.verdict(started=started, now=now, grace=self._grace)

    def overtake(self, name: str) -> None:
        """Note that a point's view is out of date."""
        self._outdated.add(name)
        if len(self._outdated) >= _MANY:
            self._refresh()

    def overtake_all(self) -> None:
        """Note that every view is."""
        self._outdated = set(self._points)

    def _refresh(self) -> None:
        """Make anew the views that results or transitions have overtaken."""
        now = self._clock()
        for name in self._outdated:
            self._draw(name, now)
        self._outdated.clear()

    def _draw(self, name: str, now: datetime) -> None:
        point, stable_after = self._points[name], self._stable_after
        view = point.view(now, stable_after)
        self._tally.put(view)
        ripe_at = point.ripe_at(stable_after)
        if ripe_at is not None and not view.stable:
            self._ripening[name] = ripe_at
        else:
            self._ripening.pop(name, None)
