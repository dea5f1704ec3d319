"""The JSON of what operators plan and did: maintenance and the audit. See :mod:`monitor.web.documents`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from monitor.calendar.model import Window
from monitor.web.documents import Document, Seconds, Time

if TYPE_CHECKING:
    from monitor.storage.records import AuditRow


class SpanDocument(Document):
    begin: Time
    end: Time


class WindowDocument(Document):
    """Planned work. ``source`` is where it comes from; ``next`` are its next times, the one under way among them;
    ``over``: it is cancelled, or its last time is past."""

    id: str
    name: str
    source: Literal["file", "stored"]
    begin: Time
    duration_seconds: Seconds
    rule: str
    points: list[str]
    areas: list[str]
    labels: dict[str, str]
    created_by: str
    created_at: Time | None
    cancelled_at: Time | None
    in_force: bool
    over: bool
    next: list[SpanDocument]

    @classmethod
    def of(
        cls,
        window: Window,
        source: Literal["file", "stored"],
        *,
        in_force: bool,
        spans: Sequence[tuple[datetime, datetime]],
    ) -> WindowDocument:
        return cls(
            id=window.id, name=window.name, source=source, begin=window.begin,
            duration_seconds=window.duration.total_seconds(), rule=window.rule, points=list(window.points),
            areas=list(window.areas), labels=dict(window.labels), created_by=window.created_by,
            created_at=window.created_at, cancelled_at=window.cancelled_at, in_force=in_force, over=not spans,
            next=[SpanDocument(begin=begin, end=end) for begin, end in spans],
        )  # fmt: skip


class WindowList(Document):
    """Maintenance windows: those in force first, then by their next time."""

    windows: list[WindowDocument]


class WindowAnswer(Document):
    """What came of planning or cancelling. ``changed`` is false when it was so before."""

    changed: bool
    window: WindowDocument


class AuditRowDocument(Document):
    """Who did what: ``subject`` is what it was done to, such as ``incident/12``."""

    at: Time
    actor: str
    act: str
    subject: str
    detail: str

    @classmethod
    def of(cls, row: AuditRow) -> AuditRowDocument:
        return cls(at=row.at, actor=row.actor, act=row.act, subject=row.subject, detail=row.detail)


class AuditPage(Document):
    """Audit rows, newest first. ``next`` is the cursor of the following page, null on the last."""

    rows: list[AuditRowDocument]
    next: str | None
