"""Whom to call. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.config.model import Contact
from monitor.language.words import Words


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody to call: what to show, what to dial."""

    name: str
    phone: str = ""
    note: str = ""

    @property
    def dial(self) -> str:
        """The number as a telephone takes it."""
        return "".join(letter for letter in self.phone if letter.isdigit() or letter == "+")


def callers(contact: Contact, words: Words) -> tuple[Caller, ...]:
    """Whom to call: the point's own people first, then the provider with the circuit's number."""
    found = []
    if contact.name or contact.phone:
        found.append(Caller(contact.name or words.gettext("Tại điểm"), contact.phone))
    if contact.provider or contact.provider_hotline:
        note = words.gettext("kênh %s") % contact.circuit_id if contact.circuit_id else ""
        found.append(Caller(contact.provider or words.gettext("Nhà mạng"), contact.provider_hotline, note))
    return tuple(found)
