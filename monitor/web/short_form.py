"""What a message is in a telephone's text message, whatever form its channel was told it in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import jinja2

from monitor.alerts.rendering import Renderer
from monitor.config.model import Alerts
from monitor.incidents.model import Message
from monitor.web.letters import LATE

NATIVE = "vi"
"""The language of a channel that isn't in the configuration any more."""


class ShortForms:
    """Writes the short form anew from what a message was made of. ``alerts`` are the configuration's, as it is now."""

    def __init__(self, alerts: Callable[[], Alerts]) -> None:
        self._alerts = alerts
        self._renderers: dict[tuple[str, str], Renderer] = {}

    def say(self, message: Message, late: timedelta) -> str:
        """At most 160 plain characters; "" for a message that an older version wrote, of which too little is known."""
        alerts = self._alerts()
        channel = alerts.channels.get(message.channel)
        key = (channel.language if channel else NATIVE, alerts.url)
        if key not in self._renderers:
            self._renderers[key] = Renderer(*key)
        part = {**message.payload, "late_seconds": round(late.total_seconds()) if late > LATE else 0}
        try:
            return self._renderers[key].envelope(message.id, [part], form="short", digest=False).short
        except (KeyError, jinja2.UndefinedError):
            return ""
