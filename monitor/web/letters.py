"""Messages about incidents as letters to read: what was said, by which channel, when, and what did not arrive. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.incidents.model import Delivery, DeliveryOutcome, Message
from monitor.language import N_
from monitor.storage.records import Letter
from monitor.web.incident import Setting
from monitor.web.timeline import MESSAGES

LATE = timedelta(minutes=1)
"""A message that left so long after it was due came late."""

OUTCOMES = {
    DeliveryOutcome.DELIVERED: N_("đã gửi"),
    DeliveryOutcome.FAILED: N_("chưa gửi được, sẽ gửi lại"),
    DeliveryOutcome.GIVEN_UP: N_("không gửi được"),
    DeliveryOutcome.DROPPED: N_("không cần gửi nữa"),
}
BUCKETS = {
    DeliveryOutcome.DELIVERED: "stable",
    DeliveryOutcome.FAILED: "degraded",
    DeliveryOutcome.GIVEN_UP: "down",
    DeliveryOutcome.DROPPED: "unknown",
}


Short = Callable[[Message, timedelta], str]
"""A message in at most 160 characters, told so much late; "" when there is no such form."""


def _unsaid(message: Message, late: timedelta) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Note:
    """One letter. ``title`` and ``text`` are what was said, "" while it wasn't; ``short`` the same for a telephone's
    text message, "" when that is what was said; ``trouble`` why it did not arrive."""

    id: str
    kind: str
    number: int
    channel: str
    when: str
    bucket: str
    outcome: str
    late: str
    title: str
    text: str
    short: str
    trouble: str


def letters(found: Sequence[Letter], setting: Setting, *, short: Short = _unsaid) -> tuple[Note, ...]:
    """The letters in words, in their order. ``short`` says a message in a text message's length; what was said together
    with others, as a digest, has no such form of its own."""
    together = Counter((letter.message.channel, said.at, said.text) for letter in found if (said := _said(letter)))
    notes = []
    for letter in found:
        said = _said(letter)
        alone = said is not None and together[letter.message.channel, said.at, said.text] == 1
        form = short(letter.message, said.at - letter.message.due_at) if said and alone else ""
        notes.append(_note(letter, said, form, setting))
    return tuple(notes)


def _said(letter: Letter) -> Delivery | None:
    return next((each for each in reversed(letter.deliveries) if each.title or each.text), None)


def _note(letter: Letter, said: Delivery | None, short: str, setting: Setting) -> Note:
    words, message = setting.words, letter.message
    _ = words.gettext
    last = letter.deliveries[-1] if letter.deliveries else None
    return Note(
        id=message.id,
        kind=_(MESSAGES[message.kind]),
        number=int(message.payload.get("number") or 0),
        channel=message.channel,
        when=words.moment(last.at if last else message.created_at, setting.now),
        bucket=BUCKETS[last.outcome] if last else "fresh",
        outcome=_(OUTCOMES[last.outcome]) if last else _("đang chờ gửi"),
        late=_late(letter, last, setting),
        title=said.title if said else "",
        text=said.text if said else "",
        short=short if said and short != said.text else "",
        trouble=last.detail if last and last.outcome is not DeliveryOutcome.DELIVERED else "",
    )


def _late(letter: Letter, last: Delivery | None, setting: Setting) -> str:
    if last is None or last.outcome is not DeliveryOutcome.DELIVERED:
        return ""
    late = last.at - letter.message.due_at
    return setting.words.gettext("gửi muộn %s") % setting.words.duration(late) if late >= LATE else ""
