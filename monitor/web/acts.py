"""What operators do to an incident: acknowledge, note, close, silence. Each act is one event and one audit row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import AwareDatetime, Field, model_validator

from monitor.incidents.fold import FOR_EVER, apply
from monitor.incidents.model import EventKind, Incident, IncidentEvent
from monitor.web import incident_records as records
from monitor.web.access import Caller, Scope
from monitor.web.incidents_api import find_incident, number_of
from monitor.web.keys import ACCESS, BOARD, CLOCK, INCIDENTS, MAKE_ID, RECORD
from monitor.web.middleware import RequestProblem
from monitor.web.operations import Body, answer, read_body, wrong

By = Annotated[str, Field(max_length=100, description="who acts; the token's name, or `local`, when it isn't given")]
Text = Annotated[str, Field(max_length=4000)]
LONGEST_SILENCE = timedelta(days=366)

B = TypeVar("B", bound="ActBody")
Resolution = Literal["power", "cable", "device", "provider", "configuration", "other"]


class ActBody(Body):
    """What every act takes."""

    by: By = ""


class Acknowledge(ActBody):
    """Somebody is on it."""

    ticket: Annotated[str, Field(max_length=100, description="the provider's ticket number")] = ""


class Note(ActBody):
    """A remark for the others."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]


class Close(ActBody):
    """What it was."""

    resolution: Resolution
    text: Text = ""


class Silence(ActBody):
    """No messages until a time or until recovery; or messages again. One of the three."""

    until: AwareDatetime | None = None
    until_recovery: bool = False
    lift: bool = False

    @model_validator(mode="after")
    def _one_of_three(self) -> Silence:
        if sum((self.until is not None, self.until_recovery, self.lift)) != 1:
            raise ValueError("give one of until, until_recovery and lift")
        return self


@dataclass(frozen=True, slots=True)
class Act:
    """One act on one incident: who does what, and the incident as it was before."""

    request: web.Request
    name: str
    caller: Caller
    by: str
    incident: Incident

    @property
    def actor(self) -> str:
        return self.caller.actor(self.by)

    def needs_an_open_one(self) -> None:
        """RequestProblem (409) when the incident is closed."""
        if not self.incident.is_open:
            raise RequestProblem(
                HTTPStatus.CONFLICT,
                f"incident {self.incident.number} is closed; a note, or what it was, can still be added",
            )

    def changes_nothing(self, detail: str) -> web.Response:
        """It was so before."""
        return self._answer(self.incident, detail, changed=False)

    async def do(
        self, kind: EventKind, detail: str, *, noted: str, text: str = "", data: Mapping[str, Any] | None = None
    ) -> web.Response:
        """Send one event the one path, and answer with the incident as it is shown then."""
        app = self.request.app
        now = app[CLOCK]()
        event = IncidentEvent(
            id=app[MAKE_ID](), incident=self.incident.uid, kind=kind, at=now, recorded_at=now, actor=self.actor,
            text=text, data=data or {},
        )  # fmt: skip
        app[RECORD].record(events=[event])
        await app[RECORD].settled()
        await app[ACCESS].note(self.caller, self.name, f"incident/{self.incident.number}", noted, by=self.by)
        shown = app[INCIDENTS].get(self.incident.uid)
        return self._answer(shown or apply(self.incident, event), detail, changed=True)

    def _answer(self, incident: Incident, detail: str, *, changed: bool) -> web.Response:
        summary = records.IncidentSummary.of(incident, self.request.app[BOARD].config)
        return answer(records.ActAnswer(changed=changed, detail=detail, incident=summary))


async def acknowledge(request: web.Request) -> web.Response:
    """POST /api/v1/incidents/{number}/acknowledge."""
    act, body = await _begin(request, "acknowledge", Acknowledge)
    act.needs_an_open_one()
    before = act.incident.acknowledged
    if before is not None and before.actor == act.actor and body.ticket in ("", before.ticket):
        return act.changes_nothing(f"{act.actor} has acknowledged it already")
    ticket = body.ticket or (before.ticket if before else "")
    noted = f"ticket {ticket}" if ticket else ""
    return await act.do(EventKind.ACKNOWLEDGED, f"acknowledged by {act.actor}", noted=noted, data={"ticket": ticket})


async def note(request: web.Request) -> web.Response:
    """POST /api/v1/incidents/{number}/note: of a closed incident too."""
    act, body = await _begin(request, "note", Note)
    return await act.do(EventKind.NOTED, f"noted by {act.actor}", noted=body.text, text=body.text)


async def close(request: web.Request) -> web.Response:
    """POST /api/v1/incidents/{number}/close: says what it was, of a closed incident too."""
    act, body = await _begin(request, "close", Close)
    still = "; it stays open until its points recover" if act.incident.is_open else ""
    if act.incident.resolution == body.resolution and not body.text:
        return act.changes_nothing(f"it was said before that it was: {body.resolution}{still}")
    return await act.do(
        EventKind.CLASSIFIED,
        f"it is said that it was: {body.resolution}{still}",
        noted=f"{body.resolution}: {body.text}" if body.text else body.resolution,
        text=body.text,
        data={"resolution": body.resolution},
    )


async def silence(request: web.Request) -> web.Response:
    """POST /api/v1/incidents/{number}/silence."""
    act, body = await _begin(request, "silence", Silence)
    act.needs_an_open_one()
    wanted = _wanted(body, request.app[CLOCK]())
    said = "messages are sent" if wanted is None else f"no messages until {_words(wanted)}"
    if act.incident.silenced_until == wanted:
        return act.changes_nothing(f"{said}, as before")
    data = {"until": body.until.astimezone(UTC).isoformat() if body.until else ""}
    return await act.do(EventKind.SILENCED, said, noted=said, data={**data, "lifted": True} if body.lift else data)


async def _begin(request: web.Request, name: str, model: type[B]) -> tuple[Act, B]:
    """Let the caller in, read what is wanted, find the incident. Raises RequestProblem or HTTPUnauthorized."""
    number = number_of(request)
    caller = await request.app[ACCESS].admit(request, Scope.OPERATE, act=name, subject=f"incident/{number}")
    body = await read_body(request, model)
    return Act(request, name, caller, body.by, await find_incident(request, number)), body


def _wanted(body: Silence, now: datetime) -> datetime | None:
    if body.lift:
        return None
    if body.until is None:
        return FOR_EVER
    if body.until <= now:
        raise wrong("until", "lies in the past: give a time to come, or lift: true")
    if body.until - now > LONGEST_SILENCE:
        raise wrong("until", "lies more than a year ahead: give until_recovery: true")
    return body.until


def _words(until: datetime) -> str:
    return "recovery" if until == FOR_EVER else until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
