"""Who is told of what: incidents' events to messages for the outbox. No clock and no I/O; it remembers what was told.

Its rules are :mod:`monitor.alerts.telling`'s. What it remembers are the messages themselves, so a restart brings it
back by reading them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from monitor.alerts.facts import facts
from monitor.alerts.labels import labels_of
from monitor.alerts.routing import routes_for
from monitor.alerts.telling import Draft, Ground, due, first_told, flapped_last, is_called_for, says_it_all, told
from monitor.calendar.model import Window
from monitor.channels import find_channels
from monitor.channels.base import Standing
from monitor.config.model import Config
from monitor.incidents.model import Delivery, DeliveryOutcome, EventKind, Incident, IncidentEvent, Message, MessageKind

EVIDENCE_WAIT = timedelta(seconds=0.7)
"""So long the first message of a fault may wait for the evidence."""

_NAGGING = frozenset({MessageKind.REMINDER, MessageKind.ESCALATION})
_ENDINGS = frozenset({MessageKind.STEADY, MessageKind.RECOVERED})
_NEWS = frozenset({EventKind.OPENED, EventKind.JOINED, EventKind.WORSENED})


class Letter(Protocol):
    """A message of the outbox with what came of it."""

    @property
    def message(self) -> Message: ...
    @property
    def deliveries(self) -> Sequence[Delivery]: ...


def keeps_standing(kind: str) -> bool:
    """Whether alerts stand at channels of this kind only as long as they are renewed."""
    channel = find_channels().get(kind)
    return channel is not None and hasattr(channel, Standing.renew.__name__)


class Herald:
    """The pipeline's herald. ``incidents`` gives an incident as decided, by uid; ``make_id`` unique ids.

    ``standing`` says of a channel's kind whether it keeps alerts standing.
    """

    def __init__(
        self,
        config: Config,
        *,
        incidents: Callable[[str], Incident | None],
        make_id: Callable[[], str],
        standing: Callable[[str], bool] = keeps_standing,
    ) -> None:
        self._incidents = incidents
        self._make_id = make_id
        self._keeps_standing = standing
        self._windows: tuple[Window, ...] | None = None
        self._sent: dict[str, list[Message]] = {}
        """By uid; an open incident is in here even when nothing was told of it."""
        self._delivered: set[str] = set()
        self._first: dict[tuple[str, bool], datetime] = {}
        """By route, endings apart: when the message that its digest follows was made."""
        self.reload(config)

    def reload(self, config: Config) -> None:
        """Go by another configuration from now on. Nobody is told anything for that alone."""
        self._config = config
        alerts = config.alerts
        self._ground = Ground(
            alerts=alerts,
            calendar=config.calendar,
            points={point.id: point for point in config.points},
            areas={area.id: area.name for area in config.areas},
            windows=config.maintenance if self._windows is None else self._windows,
            standing=frozenset(name for name, each in alerts.channels.items() if self._keeps_standing(each.kind)),
            quiet=config.alerting != "monitor",
        )

    def plan(self, windows: Sequence[Window]) -> None:
        """Take these as all maintenance windows in force or to come, the configuration's among them, as the board
        does."""
        self._windows = tuple(windows)
        self._ground = replace(self._ground, windows=self._windows)

    def resume(self, letters: Iterable[Letter], now: datetime, *, open_incidents: Iterable[Incident] = ()) -> None:
        """Take up what was told before. ``letters`` are at least those of the open incidents, in order."""
        for incident in open_incidents:
            self._sent.setdefault(incident.uid, [])
        for letter in letters:
            message = letter.message
            if message.kind is MessageKind.TEST:
                continue
            self._sent.setdefault(message.incident, []).append(message)
            if any(delivery.outcome is DeliveryOutcome.DELIVERED for delivery in letter.deliveries):
                self._delivered.add(message.id)
        for uid in list(self._sent):
            if self._incidents(uid) is None:
                self._forget(uid)

    def tell(self, events: Sequence[IncidentEvent], now: datetime) -> Sequence[Message]:
        """The messages that these events call for."""
        messages: list[Message] = []
        news: dict[str, bool] = {}
        taken: dict[str, list[str]] = {}
        for event in events:
            if event.kind is EventKind.TOLD:
                self._learn(event)
                continue
            news[event.incident] = news.get(event.incident, False) or event.kind in _NEWS
            if event.kind is EventKind.TAKEN_OVER:
                into = str(event.data["into"])
                # What is itself taken over later on is to have its own heirs by then.
                taken[into] = [*taken.pop(into, ()), event.incident]
        for uid, olds in taken.items():
            incident = self._incidents(uid)
            if incident is not None:
                messages += self._hand_over(olds, incident, now)
        for uid, is_news in news.items():
            messages += self._judge(uid, now, news=is_news)
        return messages

    def age(self, now: datetime) -> Sequence[Message]:
        """Those that time alone calls for: reminders, escalations, what waited for opening hours or a silence's end."""
        return [message for uid in list(self._sent) for message in self._judge(uid, now, news=False)]

    def _judge(self, uid: str, now: datetime, *, news: bool) -> list[Message]:
        incident = self._incidents(uid)
        if incident is None:
            self._forget(uid)
            return []
        sent = self._sent.setdefault(uid, [])
        drafts = due(incident, sent, news=news, ground=self._ground, now=now)
        messages = [self._message(incident, draft, now, self._due_at(draft, sent, now)) for draft in drafts]
        sent += messages
        if not incident.is_open:
            self._forget(uid)
        return messages

    def _message(self, incident: Incident, draft: Draft, now: datetime, due_at: datetime) -> Message:
        known = facts(incident, self._ground.points, self._ground.areas, url=self._ground.alerts.url, now=now)
        return Message(
            id=self._make_id(),
            incident=incident.uid,
            kind=draft.kind,
            channel=draft.channel,
            route=draft.route,
            created_at=now,
            due_at=due_at,
            payload={**known, "kind": draft.kind.value, **draft.extra},
        )

    def _due_at(self, draft: Draft, sent: Sequence[Message], now: datetime) -> datetime:
        """Never before what the channel is yet to be told of the incident first.

        What is due later than a digest's wait from now was made before the clock was set back: it waits no longer.
        """
        waits = {route.name: route.group_wait for route in self._ground.alerts.routes}
        latest = now + waits.get(draft.route, timedelta()) + EVIDENCE_WAIT
        waiting = [each for each in sent if each.channel == draft.channel and each.id not in self._delivered]
        return max([self._earliest(draft, now), *(min(each.due_at, latest) for each in waiting)])

    def _earliest(self, draft: Draft, now: datetime) -> datetime:
        """At once for the first of a route, with a moment for the evidence; at the end of ``group_wait`` for those
        that follow within it, so that they form one digest. What nags never waits, nor do channels that group
        themselves; an ending holds up no new fault."""
        at_once = now + EVIDENCE_WAIT if draft.kind is MessageKind.OPENED else now
        if draft.kind in _NAGGING or draft.channel in self._ground.standing:
            return at_once
        waits = {route.name: route.group_wait for route in self._ground.alerts.routes}
        key = (draft.route, draft.kind in _ENDINGS)
        first = self._first.get(key)
        if first is not None and first < now < first + waits.get(draft.route, timedelta()):
            return first + waits[draft.route]
        self._first[key] = now
        return at_once

    def _learn(self, event: IncidentEvent) -> None:
        """A message was delivered: one of ours, or the last resort's copy of one."""
        sent, incident = self._sent.get(event.incident), self._incidents(event.incident)
        if sent is None or incident is None:
            return
        identity = str(event.data["message"])
        self._delivered.add(identity)
        if all(message.id != identity for message in sent):
            sent.append(
                Message(
                    id=identity,
                    incident=event.incident,
                    kind=MessageKind(event.data["what"]),
                    channel=str(event.data["channel"]),
                    route=str(event.data.get("route", "")),
                    created_at=event.at,
                    due_at=event.at,
                    payload={"severity": incident.severity.value},
                )
            )

    def _hand_over(self, olds: Sequence[str], into: Incident, now: datetime) -> list[Message]:
        """Whoever was told of the old incidents counts as told of the one that took them over.

        That must outlast a restart, so it is a message too. The delivery loop drops it where the old one's arrived,
        and else sends it in its place. Where there is more to it than its channel was told, it is told anew.
        """
        heirs = self._sent.setdefault(into.uid, [])
        known = told(heirs)
        routes = self._routes(into, now)
        messages = []
        sent = [message for uid in olds for message in self._sent.get(uid, ())]
        for channel, route in told(sent).items():
            if (
                self._ground.quiet
                or channel in known
                or channel in self._ground.standing
                or channel not in self._ground.alerts.channels
            ):
                continue
            mine = [message for message in sent if message.channel == channel]
            sources = {message.incident for message in mine}
            said = [
                old for uid in sources if (old := self._incidents(uid)) and not flapped_last(self._sent[uid], channel)
            ]
            anew = not says_it_all(said, into)
            if anew and not is_called_for(into, self._ground, now):
                continue
            extra = {"anew": True, **_lineage(mine)} if anew else self._inheritance(mine)
            draft = Draft(kind=MessageKind.OPENED, route=routes.get(channel, route), channel=channel, extra=extra)
            messages.append(self._message(into, draft, now, self._heir_due_at(draft, mine, heirs, now)))
        heirs += messages
        return messages

    def _heir_due_at(self, draft: Draft, mine: Sequence[Message], heirs: Sequence[Message], now: datetime) -> datetime:
        if draft.extra.get("anew"):
            return self._due_at(draft, heirs, now)
        return now if draft.extra["already_told"] else max(now, min(message.due_at for message in mine))

    def _inheritance(self, mine: Sequence[Message]) -> dict[str, object]:
        """What a message says of those whose place it takes."""
        arrived = {
            message.incident for message in mine if message.id in self._delivered or message.payload.get("already_told")
        }
        return {
            **_lineage(mine),
            "already_told": all(message.incident in arrived for message in mine),
            "first_at": first_told(mine).astimezone(UTC).isoformat(),
        }

    def _routes(self, incident: Incident, now: datetime) -> dict[str, str]:
        """By channel the route that would tell it."""
        routes: dict[str, str] = {}
        labels = labels_of(incident, self._ground.points)
        for route, _ in routes_for(self._ground.alerts, labels, now, self._ground.calendar):
            for channel in route.channels:
                routes.setdefault(channel, route.name)
        return routes

    def _forget(self, uid: str) -> None:
        for message in self._sent.pop(uid, ()):
            self._delivered.discard(message.id)


def _lineage(mine: Sequence[Message]) -> dict[str, object]:
    """The uids of the incidents that were taken over, and of those that they had taken over."""
    before = [uid for message in mine for uid in message.payload.get("taken_from", ())]
    return {"taken_from": list(dict.fromkeys([*(message.incident for message in mine), *before]))}
