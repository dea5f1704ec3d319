"""What is to be sent, in memory: which messages leave together, when, and which need not leave any more. Pure.

Times are seconds of a monotonic clock, so that a step of the wall clock neither holds a message back nor calls it late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from monitor.alerts.herald import EVIDENCE_WAIT, Letter
from monitor.incidents.model import DeliveryOutcome, Incident, Message, MessageKind

FINAL = (DeliveryOutcome.DELIVERED, DeliveryOutcome.GIVEN_UP, DeliveryOutcome.DROPPED)
"""After one of these nothing more is done about a message."""

_MOST_REMEMBERED = 10_000

ENDINGS = frozenset({MessageKind.STEADY, MessageKind.RECOVERED})

_AGAIN = frozenset({MessageKind.REMINDER, MessageKind.WORSENED, MessageKind.FLAPPING, MessageKind.STEADY})

Look = Callable[[str], Incident | None]
Heard = tuple[str, str]
"""An incident's uid and a channel."""


@dataclass(slots=True, eq=False)
class Parcel:
    """A message on its way. ``late_before`` is how late it already was when this program took it up, ``tried_before``
    how long it had waited at this channel then."""

    message: Message
    ready_at: float
    late_before: float = 0.0
    tried_before: float = 0.0
    attempts: int = 0

    @property
    def heard(self) -> Heard:
        return self.message.incident, self.message.channel

    def late_seconds(self, at: float) -> float:
        """How long ago it should have left."""
        return max(0.0, at - self.ready_at) + self.late_before

    def waited_seconds(self, at: float) -> float:
        """How long its channel has had it since it was due."""
        return max(0.0, at - self.ready_at) + self.tried_before


@dataclass(frozen=True, slots=True)
class Batch:
    """What a channel is to do now: drop these, pass those on to the last resort, and send these in one piece."""

    dropped: Sequence[Parcel] = ()
    unheard: Sequence[Parcel] = ()
    """Endings of what this channel was never told, because it was given up."""
    send: Sequence[Parcel] = ()


@dataclass
class Outbox:
    """``incidents`` shows an incident as it is now, by uid; None when it is not known any more."""

    incidents: Look
    _parcels: dict[str, Parcel] = field(default_factory=dict)
    _arrived: dict[Heard, float] = field(default_factory=dict)
    """When a channel first heard of an incident."""
    _said: set[tuple[str, MessageKind, str]] = field(default_factory=set)
    """What arrived: incident, kind, channel."""
    _missed: set[Heard] = field(default_factory=set)
    """What was given up and went to the last resort."""
    _lapsed: set[Heard] = field(default_factory=set)
    """What was dropped before the channel heard of it."""
    _superseded: set[str] = field(default_factory=set)
    _done: dict[str, None] = field(default_factory=dict)
    """The last ids that were settled: what is read of them meanwhile may not say so yet."""
    _stands: dict[Heard, Message] = field(default_factory=dict)
    """What was last said of an incident whose end was not told yet."""

    def __len__(self) -> int:
        return len(self._parcels)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._parcels

    def of(self, channel: str) -> list[Parcel]:
        """What waits for a channel, in the order of arrival."""
        return [parcel for parcel in self._parcels.values() if parcel.message.channel == channel]

    def put(self, message: Message, now: datetime, at: float, attempts: int = 0) -> None:
        """Take a message in. ``now`` is the wall's clock, ``at`` the monotonic one."""
        held = message.due_at - message.created_at
        wait = max(timedelta(), min(message.due_at - now, held))
        self._parcels[message.id] = Parcel(
            message=message,
            ready_at=at + wait.total_seconds(),
            late_before=max(0.0, (now - message.due_at).total_seconds()),
            tried_before=max(0.0, (now - max(message.due_at, message.created_at)).total_seconds()),
            attempts=attempts,
        )
        self._superseded.update(message.payload.get("taken_from", ()))

    def load(self, letters: Sequence[Letter], now: datetime, at: float) -> None:
        """Take up what was there when the program last ran. What is at hand already stays as it is."""
        for letter in letters:
            self._superseded.update(letter.message.payload.get("taken_from", ()))
        for letter in letters:
            message, outcomes = letter.message, [each.outcome for each in letter.deliveries]
            heard = (message.incident, message.channel)
            ago = [(now - each.at).total_seconds() for each in letter.deliveries if each.outcome in FINAL]
            inherited = DeliveryOutcome.DROPPED in outcomes and "taken_from" in message.payload
            if DeliveryOutcome.DELIVERED in outcomes or inherited:
                self._arrived.setdefault(heard, at - max(0.0, max(ago, default=0.0)))
                self._note_said(message)
            elif DeliveryOutcome.GIVEN_UP in outcomes:
                self._missed.add(heard)
            elif DeliveryOutcome.DROPPED in outcomes:
                self._lapsed.add(heard)
            known = message.id in self._parcels or message.id in self._done
            if not known and not any(outcome in FINAL for outcome in outcomes):
                self.put(message, now, at, outcomes.count(DeliveryOutcome.FAILED))

    def supersede(self, uid: str) -> None:
        """An incident was taken over: what is still to be told of it need not be."""
        self._superseded.add(uid)

    def knows(self, uid: str, kind: MessageKind, channel: str) -> bool:
        """Whether the channel was told this, or is to be. What is said again and again counts while it waits."""
        if kind not in _AGAIN and (uid, kind, channel) in self._said:
            return True
        return any(parcel.heard == (uid, channel) and parcel.message.kind is kind for parcel in self._parcels.values())

    def standing(self, channel: str) -> dict[str, Message]:
        """By uid what was last said there of the incidents whose end was not told yet."""
        return {uid: message for (uid, name), message in self._stands.items() if name == channel}

    def _note_said(self, message: Message) -> None:
        heard = (message.incident, message.channel)
        self._said.add((message.incident, message.kind, message.channel))
        if message.kind is MessageKind.RECOVERED:
            self._stands.pop(heard, None)
        else:
            self._stands[heard] = message

    def settle(self, parcel: Parcel, outcome: DeliveryOutcome, at: float) -> None:
        """Nothing more is done about it."""
        self._parcels.pop(parcel.message.id, None)
        self._done[parcel.message.id] = None
        if len(self._done) > _MOST_REMEMBERED:
            del self._done[next(iter(self._done))]
        if outcome is DeliveryOutcome.DELIVERED or self._is_told(parcel.message):
            self._arrived.setdefault(parcel.heard, at)
            self._note_said(parcel.message)
        elif outcome is DeliveryOutcome.GIVEN_UP:
            self._missed.add(parcel.heard)
        else:
            self._lapsed.add(parcel.heard)
        for uid in (parcel.message.incident, *parcel.message.payload.get("taken_from", ())):
            self._tidy(uid)

    def still_wanted(self, parcel: Parcel) -> bool:
        """Whether it must be tried again after an attempt that failed."""
        return not self._is_moot(parcel)

    def batch(self, channel: str, at: float, *, settle_seconds: float | None = None) -> Batch:
        """What to do for a channel now. ``settle_seconds`` is how long an alert stands there at least before its end
        may be told; None: the channel keeps none standing."""
        waiting = self.of(channel)
        dropped = [parcel for parcel in waiting if self._is_moot(parcel)]
        unheard = [parcel for parcel in waiting if self._was_missed(parcel) and parcel not in dropped]
        gone = {*dropped, *unheard}
        left = [parcel for parcel in waiting if parcel not in gone]
        send: list[Parcel] = []
        for parcel in left:
            same_route = not send or parcel.message.route == send[0].message.route
            if same_route and self._ready_at(parcel, left, settle_seconds) <= at and _in_turn(parcel, left, send):
                send.append(parcel)
        return Batch(dropped, unheard, send)

    def next_at(self, channel: str, *, settle_seconds: float | None = None) -> float | None:
        """When the next message for a channel becomes ready, if nothing else happens; None: nothing waits."""
        waiting = self.of(channel)
        times = [self._ready_at(parcel, waiting, settle_seconds) for parcel in waiting]
        return min((each for each in times if each != inf), default=None)

    def _ready_at(self, parcel: Parcel, waiting: Sequence[Parcel], settle_seconds: float | None) -> float:
        """Infinite: only something else's leaving makes it ready."""
        if parcel.message.kind in ENDINGS:
            before = [each.ready_at for each in waiting if _comes_before(each, parcel)]
            if settle_seconds is None:
                return max([parcel.ready_at, *before])
            arrived = self._arrived.get(parcel.heard, -inf)
            return inf if before else max(parcel.ready_at, arrived + settle_seconds)
        if _leaves_at_once(parcel.message) and self._has_evidence(parcel, waiting):
            return -inf
        return parcel.ready_at

    def _has_evidence(self, parcel: Parcel, waiting: Sequence[Parcel]) -> bool:
        """Whether everything that leaves with it has its evidence."""
        message = parcel.message
        together = {
            each.message.incident
            for each in waiting
            if each.message.kind is MessageKind.OPENED
            and (each.message.route, each.message.due_at) == (message.route, message.due_at)
        }
        found = (self.incidents(uid) for uid in together)
        return all(incident is not None and incident.evidence is not None for incident in found)

    def _is_moot(self, parcel: Parcel) -> bool:
        """Whether what it would say was told otherwise, or needs no saying any more."""
        message = parcel.message
        if self._is_told(message):
            return True
        if message.incident in self._superseded and message.kind is not MessageKind.RECOVERED:
            return True
        if message.kind in ENDINGS:
            return self._never_heard(parcel) and parcel.heard in self._lapsed and parcel.heard not in self._missed
        return self._nags_in_vain(message) or (message.kind is MessageKind.REMINDER and self._is_behind(parcel))

    def _is_told(self, message: Message) -> bool:
        """Whether its channel was told: it only records that, or all in whose place it stands arrived."""
        before = () if message.payload.get("anew") else message.payload.get("taken_from", ())
        return _counts_as_told(message) or (
            bool(before) and all((uid, message.channel) in self._arrived for uid in before)
        )

    def _nags_in_vain(self, message: Message) -> bool:
        if message.kind not in (MessageKind.REMINDER, MessageKind.ESCALATION):
            return False
        incident = self.incidents(message.incident)
        if incident is None or not incident.is_open:
            return message.kind is MessageKind.REMINDER
        return incident.acknowledged is not None

    def _is_behind(self, parcel: Parcel) -> bool:
        """Whether its channel is still to be told of the same incident before it: that reminds enough when it comes."""
        waiting = self._parcels.values()
        first = next((each for each in waiting if each.heard == parcel.heard), parcel)
        return first is not parcel

    def _never_heard(self, parcel: Parcel) -> bool:
        if parcel.heard in self._arrived:
            return False
        return not any(_comes_before(each, parcel) for each in self._parcels.values())

    def _was_missed(self, parcel: Parcel) -> bool:
        return parcel.message.kind in ENDINGS and parcel.heard in self._missed and self._never_heard(parcel)

    def _tidy(self, uid: str) -> None:
        incident = self.incidents(uid)
        if incident is None or not incident.is_open:
            self.forget(uid)

    def forget(self, uid: str) -> None:
        """An incident is over: what is known of it goes when nothing of it waits any more."""
        if any(
            uid == each.message.incident or uid in each.message.payload.get("taken_from", ())
            for each in self._parcels.values()
        ):
            return
        self._superseded.discard(uid)
        for kept in (self._missed, self._lapsed):
            kept.difference_update([heard for heard in kept if heard[0] == uid])
        self._said.difference_update([said for said in self._said if said[0] == uid])
        for known in (self._arrived, self._stands):
            for heard in [heard for heard in known if heard[0] == uid]:
                known.pop(heard)

    def oldest(self, channel: str, at: float) -> float:
        """How long the oldest message for a channel has been due, in seconds; 0 when nothing is."""
        return max((parcel.late_seconds(at) for parcel in self.of(channel) if parcel.ready_at <= at), default=0.0)

    def channels(self) -> Iterator[str]:
        """Those for which something waits."""
        yield from dict.fromkeys(parcel.message.channel for parcel in self._parcels.values())


def _comes_before(parcel: Parcel, ending: Parcel) -> bool:
    """Whether it tells of the fault whose end ``ending`` tells."""
    return parcel.heard == ending.heard and parcel.message.kind not in ENDINGS


def _in_turn(parcel: Parcel, waiting: Sequence[Parcel], send: Sequence[Parcel]) -> bool:
    """Whether no end would be told before its fault."""
    return parcel.message.kind not in ENDINGS or not any(
        _comes_before(each, parcel) and each not in send for each in waiting
    )


def _counts_as_told(message: Message) -> bool:
    """Whether it only records that its channel was told already."""
    return bool(message.payload.get("already_told"))


def _leaves_at_once(message: Message) -> bool:
    return message.kind is MessageKind.OPENED and message.due_at - message.created_at <= EVIDENCE_WAIT
