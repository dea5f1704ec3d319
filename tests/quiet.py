"""A register and a herald that have nothing to say: for tests of the path itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.incidents.model import IncidentEvent, Message
from monitor.model import Row


class NoIncidents:
    """A register without incidents."""

    def take(self, rows: Sequence[Row], now: datetime) -> Sequence[IncidentEvent]:
        return ()

    def age(self, now: datetime) -> Sequence[IncidentEvent]:
        return ()

    def learn(self, events: Sequence[IncidentEvent]) -> None:
        return


class NoMessages:
    """A herald without messages."""

    def tell(self, events: Sequence[IncidentEvent], now: datetime) -> Sequence[Message]:
        return ()

    def age(self, now: datetime) -> Sequence[Message]:
        return ()
