"""One message's facts as a template says them: names, times and reasons in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from monitor.calendar import ZONE
from monitor.incidents.model import Severity
from monitor.language.faults import fault_name, fault_title
from monitor.language.reasons import explain
from monitor.language.words import Words
from monitor.model import Fault, FaultKind, Reason, Status

NAMED = 8
"""So many affected points are named at most."""
NAMED_IN_TITLE = 3

EvidenceSentence = Callable[[Words, Mapping[str, Any]], str]

_WORST_FIRST = (Status.DOWN, Status.UNREACHABLE, Status.FAULTY, Status.DEGRADED, Status.UNKNOWN)
_GRAVEST = {Severity.CRITICAL: Status.DOWN, Severity.WARNING: Status.FAULTY, Severity.INFO: Status.DEGRADED}
"""What an incident was at its worst."""
_OURS = (FaultKind.VANTAGE, FaultKind.MONITOR)


@dataclass(frozen=True)
class Told:
    """One part of a message. ``part`` is alerts/facts.py's, with ``kind`` and what that kind adds."""

    part: Mapping[str, Any]
    words: Words
    evidence_sentence: EvidenceSentence

    @cached_property
    def kind(self) -> str:
        return str(self.part["kind"])

    @cached_property
    def fault(self) -> Fault:
        return Fault(FaultKind(self.part["fault"]["kind"]), self.part["fault"]["subject"])

    @cached_property
    def label(self) -> str:
        """The label whose value the points share, "" for other faults."""
        return self.fault.subject.partition("=")[0] if self.fault.kind is FaultKind.LABEL else ""

    @cached_property
    def own(self) -> Mapping[str, Any] | None:
        """The fault's own point as it was affected, when it was."""
        if self.fault.kind is not FaultKind.POINT:
            return None
        return next((each for each in self.part["points"] if each["id"] == self.fault.subject), None)

    @cached_property
    def others(self) -> int:
        """How many points beside the fault's own it touched."""
        return max(0, int(self.part["affected"]) - (self.own is not None))

    @cached_property
    def place(self) -> str:
        """The kind of the fault's own point."""
        own = self.own["kind"] if self.own is not None else ""
        return str(own or self.part["labels"].get("kind", "")) if self.fault.kind is FaultKind.POINT else ""

    @cached_property
    def shown(self) -> Mapping[str, Any] | None:
        """The point whose status and reason speak for all: the fault's own, else the worst."""
        if self.own is not None:
            return self.own
        return min(self.part["points"], key=lambda each: _badness(each["status"]), default=None)

    @cached_property
    def last_status(self) -> str:
        """How bad it was last. A point that only others failed for is taken as down: that is what they say of it."""
        said = str(self.shown["status"]) if self.shown else ""
        if self.own is None and self.fault.kind not in _OURS:
            return said if said in (Status.FAULTY, Status.DEGRADED) else Status.DOWN
        return said if said in _WORST_FIRST else Status.UNKNOWN

    @cached_property
    def status(self) -> str:
        """How bad it is; of what is over, how bad it was at its worst, for that is what was told."""
        if self.kind != "recovered" or self.fault.kind in _OURS:
            return self.last_status
        return min(self.last_status, _GRAVEST[Severity(self.part["severity"])], key=_badness)

    @cached_property
    def failure(self) -> Mapping[str, Any] | None:
        """The point whose failure explains the status; None: only a milder one is still known."""
        return self.shown if self.status == self.last_status else None

    @cached_property
    def flapping_names(self) -> str:
        """Which points flap, when they aren't what the incident is about: some in a larger one."""
        names = [each["name"] for each in self.part["points"] if each["id"] in self.part["flapping"]]
        if self.own is not None and self.own["name"] in names:
            return ""
        return ", ".join(names[:NAMED_IN_TITLE]) + (", …" if len(names) > NAMED_IN_TITLE else "")

    @cached_property
    def spare_lost(self) -> bool:
        """Whether all that the others lost is a second path."""
        others = [each for each in self.part["points"] if each is not self.own]
        return bool(others) and all(each["reason"] == Reason.REDUNDANCY for each in others)

    @cached_property
    def headline(self) -> str:
        """What is wrong, as the wall calls it."""
        value = self.fault.subject.partition("=")[2]
        name = self.part["fault"]["name"]
        names = {self.fault.subject: name, value: name}
        bucket = "flapping" if self.kind == "flapping" and not self.flapping_names else self.status
        return fault_title(self.words, self.fault, fault_name(self.words, self.fault, names, {value: name}), bucket)

    @cached_property
    def name(self) -> str:
        """What the fault lies in."""
        value = self.fault.subject.partition("=")[2]
        name = self.part["fault"]["name"]
        return fault_name(self.words, self.fault, {self.fault.subject: name, value: name}, {value: name})

    @cached_property
    def reason(self) -> str:
        """Why, in plain words; "" where the title says it already."""
        if self.fault.kind is FaultKind.MONITOR:
            return explain(self.words, _reason(self.fault.subject))
        if self.failure is None or self.fault.kind is FaultKind.VANTAGE:
            return ""
        reason = _reason(self.failure["reason"])
        return "" if reason is Reason.OK else explain(self.words, reason, self.failure["failed_phase"])

    @cached_property
    def endpoint(self) -> str:
        """What behind the link fails, where it is that."""
        shown = self.failure
        return str(shown["endpoint"]) if shown and shown["status"] in (Status.FAULTY, Status.DEGRADED) else ""

    @cached_property
    def evidence(self) -> str:
        evidence = self.part["evidence"]
        return self.evidence_sentence(self.words, evidence) if evidence else ""

    @cached_property
    def names(self) -> str:
        """The first affected points beside the fault's own, by name."""
        named = [each["name"] for each in self.part["points"] if each is not self.own]
        return ", ".join(named[:NAMED])

    @cached_property
    def unnamed(self) -> int:
        """How many more there are."""
        return max(0, self.others - min(NAMED, len(self.part["points"]) - (self.own is not None)))

    @cached_property
    def began(self) -> str:
        return self._moment(self.part["began"], seconds=True)

    @cached_property
    def began_short(self) -> str:
        return self._moment(self.part["began"], seconds=False)

    @cached_property
    def lasted(self) -> str:
        return self.words.duration(timedelta(seconds=self.part["duration_seconds"]))

    @cached_property
    def ended(self) -> str:
        """When it was over: "lúc 10:10:05 ngày 23/11", "giữa 10:05 và 10:10 ngày 23/11" when nobody looked."""
        recovered, not_before = self.part["recovered"], self.part["not_before"]
        if not recovered:
            return ""
        if not not_before:
            return self.words.gettext("lúc %s") % self._moment(recovered, seconds=True)
        begin, end = _at(not_before), _at(recovered)
        same_day = begin.date() == end.date()
        return self.words.gettext("giữa %(begin)s và %(end)s") % {
            "begin": self.words.clock(begin, seconds=False) if same_day else self._moment(not_before, seconds=False),
            "end": self._moment(recovered, seconds=False),
        }

    @cached_property
    def contact(self) -> Mapping[str, str]:
        contact: Mapping[str, str] = self.part["contact"]
        return contact

    @cached_property
    def acknowledged(self) -> Mapping[str, str] | None:
        """Who is on it, since when, and the provider's ticket."""
        told = self.part["acknowledged"]
        return {**told, "at": self._moment(told["at"], seconds=False)} if told else None

    @cached_property
    def late(self) -> str:
        """How late it is; "" when it came in time."""
        seconds = self.part.get("late_seconds") or 0
        return self.words.duration(timedelta(seconds=seconds)) if seconds else ""

    @cached_property
    def unheard(self) -> str:
        """How long nobody has acknowledged it."""
        return self.words.duration(timedelta(seconds=self.part.get("after_seconds") or 0))

    @cached_property
    def nth(self) -> int:
        return int(self.part.get("nth") or 1)

    @cached_property
    def uncertain(self) -> bool:
        """Whether the end is known only to lie between two times."""
        return bool(self.part["not_before"])

    def _moment(self, text: str, *, seconds: bool) -> str:
        """The time of day and the day: what is read later, elsewhere, can't say "today"."""
        at = _at(text)
        return self.words.gettext("%(clock)s ngày %(day)s") % {
            "clock": self.words.clock(at, seconds=seconds),
            "day": at.strftime("%d/%m"),
        }


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE)


def _badness(status: str) -> int:
    return _WORST_FIRST.index(Status(status)) if status in _WORST_FIRST else len(_WORST_FIRST)


def _reason(text: str) -> Reason:
    return Reason(text) if text in set(Reason) else Reason.INTERNAL
