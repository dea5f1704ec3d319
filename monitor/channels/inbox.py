"""The test inbox ("hộp thư thử"): whatever is said here is kept with its delivery, and a page of the wall shows it."""

from __future__ import annotations

from typing import ClassVar

from monitor.channels.base import ChannelOptions, Envelope, Tools


class InboxOptions(ChannelOptions):
    """It needs none."""


class Inbox:
    """Tells nobody. Every delivery is stored with what was said, so there is nothing left to do here."""

    name: ClassVar[str] = "inbox"
    options: ClassVar[type[ChannelOptions]] = InboxOptions

    def __init__(self, options: InboxOptions, *, tools: Tools) -> None:
        pass

    async def send(self, envelope: Envelope) -> None:
        """Delivered: the delivery itself is what the inbox shows."""
