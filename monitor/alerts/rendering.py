"""Facts to words: what a channel is given to say, in one language, long and short.

Templates hold the sentences, in Vietnamese (the gettext source); view.py says what they are made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.alerts.short import cut, fit
from monitor.alerts.view import EvidenceSentence, Told
from monitor.channels.base import Envelope, Item
from monitor.evidence.sentence import sentence as evidence_sentence
from monitor.incidents.model import MessageKind, Severity
from monitor.language.words import Words, sentence

LONGEST_TITLE = 119
LISTED = 20
"""So many parts of a digest are written out at most; every one of them is among its items."""

_OVER = (MessageKind.RECOVERED, MessageKind.STEADY)
_SEVERITIES = list(Severity)


class Renderer:
    """Writes messages in ``language``. ``url`` is the wall's address, "" when there is none to link to."""

    def __init__(self, language: str, url: str, *, evidence_sentence: EvidenceSentence = evidence_sentence) -> None:
        self._words = Words(language)
        self._url = f"{url.rstrip('/')}/incidents" if url else ""
        self._evidence_sentence = evidence_sentence
        self._templates = Environment(
            loader=PackageLoader("monitor.alerts"),
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701  (plain text; what becomes HTML of it escapes it)
        )
        self._templates.install_gettext_translations(  # type: ignore[attr-defined]  # the extension adds it
            self._words.translations, newstyle=True
        )

    def envelope(
        self,
        identity: str,
        parts: Sequence[Mapping[str, Any]],
        *,
        form: Literal["long", "short"],
        digest: bool,
    ) -> Envelope:
        """One message of ``parts``: each is facts() with ``kind``, and ``late_seconds``, ``nth``, ``after_seconds``
        where they apply. More than one part makes a digest. ``form`` short: the text is the short form."""
        told = sorted((Told(part, self._words, self._evidence_sentence) for part in parts), key=_urgency)
        single = told[0] if len(told) == 1 else None
        kind = single.kind if single and not digest else "digest"
        title = self._title(single) if single else self._digest_title(told)
        short = self._short(single) if single else fit([cut(title, LONGEST_TITLE, "..."), self._url])
        text = self._long(single) if single else self._digest(told)
        return Envelope(
            id=identity,
            kind=kind,
            severity=_SEVERITIES[min(_badness(each) for each in told)].value,
            title=cut(title, LONGEST_TITLE),
            text=short if form == "short" else text,
            short=short,
            url=str(single.part["url"]) if single else self._url,
            items=[self._item(each) for each in told],
        )

    def _title(self, told: Told) -> str:
        return " ".join(self._say("title.txt", t=told).split())

    def _long(self, told: Told) -> str:
        return self._say("long.txt", t=told)

    def _short(self, told: Told) -> str:
        pieces = self._say("short.txt", t=told).split("\n")
        return fit([piece if "://" in piece else sentence(piece) for piece in pieces])

    def _digest(self, told: Sequence[Told]) -> str:
        return self._say("digest.txt", told=told[:LISTED], unlisted=len(told[LISTED:]), url=self._url)

    def _digest_title(self, told: Sequence[Told]) -> str:
        over = {each.part["uid"] for each in told if each.kind in _OVER}
        troubled = {each.part["uid"] for each in told if each.kind not in _OVER}
        said = self._say("digest_title.txt", told=told[:LISTED], troubled=len(troubled), over=len(over))
        return " ".join(said.split())

    def _say(self, template: str, **values: object) -> str:
        """What the template says, without the blanks that its form brings with it. A paragraph ends with ¶."""
        lines = [" ".join(line.split()) for line in self._templates.get_template(template).render(values).splitlines()]
        paragraphs = "\n".join(filter(None, lines)).split("¶")
        return "\n\n".join(filter(None, (paragraph.strip() for paragraph in paragraphs)))

    def _item(self, told: Told) -> Item:
        part = told.part
        return Item(
            incident=part["uid"],
            number=part["number"],
            kind=told.kind,
            begins=datetime.fromisoformat(part["began"]),
            ends=datetime.fromisoformat(part["recovered"]) if part["recovered"] else None,
            labels=part["labels"],
            annotations={"summary": self._title(told), "description": self._long(told), "url": part["url"]},
            data=part,
        )


def _urgency(told: Told) -> tuple[bool, int, str]:
    """What lasts comes before what is over, the worse before the less bad, the older before the younger."""
    return told.kind in _OVER, _badness(told), told.part["began"]


def _badness(told: Told) -> int:
    return _SEVERITIES.index(told.part["severity"])
