"""The contract of a prober: its options, its target and one verb.

A prober writes what it measured into the :class:`Trace` that it is given, and returns or raises :class:`ProbeFailed`.
What it measured lives in the trace rather than in a return value, so that a probe that fails, or that the runner
cancels at its timeout, keeps the phases that it got through. It holds no timeout, no retry, no metric and no log; its
clock is the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from time import perf_counter
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from monitor.model import Reason

_LABEL_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class ProbeFailed(Exception):
    """A probe's negative answer: ``reason`` from the closed set, ``detail`` in English, one line, no secret."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail


def labelled(name: str, labels: Mapping[str, str]) -> str:
    """A fact's name with labels, in alphabetical order and escaped as in the Prometheus text format."""
    inner = ",".join(f'{label}="{labels[label].translate(_LABEL_ESCAPES)}"' for label in sorted(labels))
    return f"{name}{{{inner}}}"


class Options(BaseModel):
    """Base of every prober's options: blackbox_exporter's section of that name, strict and immutable."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        coerce_numbers_to_str=True,  # as Go's YAML reads an unquoted number into text
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _as_go_fills_it(cls, section: object) -> object:
        """Null leaves a key at its default, and ``true`` is a word where text is wanted, as in Go's YAML."""
        if not isinstance(section, Mapping):
            return section
        textual = {name for name, field in cls.model_fields.items() if field.annotation in (str, SecretStr)}
        return {
            key: str(value).lower() if key in textual and isinstance(value, bool) else value
            for key, value in section.items()
            if value is not None or key not in cls.model_fields
        }

    @property
    def span(self) -> timedelta:
        """What one probe takes by its own design however fast the answers are: several pings, one after another."""
        return timedelta(0)


class Trace:
    """What a probe has measured so far: seconds by phase, facts by metric name, the address that was asked.

    ``enter`` ends the phase under way and begins the next; a phase that is entered again adds up (redirects).
    """

    __slots__ = ("_clock", "_entered", "address", "facts", "phase", "phases")

    def __init__(self, *, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._entered = 0.0
        self.phase = ""
        self.phases: dict[str, float] = {}
        self.facts: dict[str, float] = {}
        self.address = ""

    def enter(self, phase: str) -> None:
        """End the phase under way, begin ``phase``."""
        now = self._clock()
        if self.phase:
            self.phases[self.phase] = self.phases.get(self.phase, 0.0) + now - self._entered
        self.phase = phase
        self._entered = now

    def leave(self) -> None:
        """End the phase under way without beginning another."""
        if self.phase:
            self.phases[self.phase] = self.phases.get(self.phase, 0.0) + self._clock() - self._entered
            self.phase = ""


class Prober(Protocol):
    """One endpoint's prober: built once when the configuration is loaded, asked again and again.

    The class's constructor is ``(target, options, *, network)``; it raises ValueError when the target does not fit.
    ``name`` is the module file's word, ``options`` the section's model, ``phase_metric`` the metric family of its
    phases, ``phases`` those that are exposed from the start (0 when never entered).
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]]
    phase_metric: ClassVar[str]
    phases: ClassVar[tuple[str, ...]]

    async def probe(self, trace: Trace) -> None:
        """Ask once. Returns when the answer is good; raises ProbeFailed when it isn't, or when we could not ask."""
        ...
