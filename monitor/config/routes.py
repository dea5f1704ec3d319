"""The little language of a route's ``match``, and which routes never get their turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from monitor.config.document import Document, Path
from monitor.config.explain import unknown
from monitor.config.model import Escalation, Matcher, Route
from monitor.config.schema import Kind
from monitor.config.schema_alerts import RouteSection
from monitor.model import FaultKind
from monitor.probes.types import compile_re2

_SIGNS = ("=~", "!~", "!=")
_CLOSED: Mapping[str, tuple[str, ...]] = {
    "severity": ("critical", "warning", "info"),
    "fault": tuple(kind.value for kind in FaultKind),
    "kind": get_args(Kind),
}
"""Labels whose values are known beforehand."""


def read_route(document: Document, path: Path, section: RouteSection, channels: Iterable[str]) -> Route:
    """The route; what is wrong with its expressions and its channels goes into the document."""
    known = set(channels)
    check_channels(document, (*path, "to"), section.to, known)
    for number, step in enumerate(section.escalate):
        check_channels(document, (*path, "escalate", number, "to"), step.to, known)
    matchers = (read_matcher(document, (*path, "match", label), label, texts) for label, texts in section.match.items())
    return Route(
        name=section.name,
        channels=tuple(section.to),
        match=tuple(matcher for matcher in matchers if matcher is not None),
        when=section.when,
        go_on=section.go_on,
        group_wait=section.group_wait,
        remind_every=section.remind_every,
        escalate=tuple(Escalation(after=step.after, channels=tuple(step.to)) for step in section.escalate),
    )


def check_channels(document: Document, path: Path, names: Sequence[str], known: Iterable[str]) -> None:
    """Every name is a channel's."""
    for name in names:
        if name not in known:
            document.complain(path, unknown(name, known, "channel"))


def read_matcher(document: Document, path: Path, label: str, texts: Sequence[str]) -> Matcher | None:
    """``a`` or ``[a, b]``: one of them; ``!=a``: none of them; ``=~a.*`` and ``!~a.*``: an RE2 expression."""
    signs = {_sign(text) for text in texts}
    if len(signs) > 1:
        document.complain(path, "mixes texts with and without !=, or with expressions; write one kind")
        return None
    sign = signs.pop()
    values = tuple(text.removeprefix(sign) for text in texts)
    if sign not in ("=~", "!~"):
        if label in _CLOSED:
            for value in values:
                if value not in _CLOSED[label]:
                    document.complain(path, unknown(value, _CLOSED[label], "value"))
        return Matcher(label=label, values=values, negated=sign == "!=")
    if len(values) > 1:
        document.complain(path, f'has several expressions; write one, such as "{sign}VNPT.*|Viettel"')
        return None
    try:
        compile_re2(values[0])
    except ValueError as error:
        document.complain(path, f'{error}; write for example "{sign}VNPT.*"')
        return None
    return Matcher(label=label, pattern=values[0], negated=sign == "!~")


def never_asked(routes: Sequence[Route]) -> list[tuple[int, str]]:
    """The routes (by position) that can never fit, because earlier ones (by name) take everything that they would."""
    found = []
    for position, route in enumerate(routes):
        takers = [
            earlier
            for earlier in routes[:position]
            if not earlier.go_on and all(_implied(matcher, route.match) for matcher in earlier.match)
        ]
        times = {taker.when for taker in takers}
        if "always" in times or route.when in times or {"office_hours", "outside_office_hours"} <= times:
            found.append((position, takers[0].name))
    return found


def _implied(matcher: Matcher, matchers: Iterable[Matcher]) -> bool:
    """Whether what fits all of ``matchers`` fits ``matcher``, as far as that can be seen without trying."""
    return any(
        other == matcher
        or (
            other.label == matcher.label
            and not (other.pattern or matcher.pattern or other.negated or matcher.negated)
            and set(other.values) <= set(matcher.values)
        )
        for other in matchers
    )


def _sign(text: str) -> str:
    return next((sign for sign in _SIGNS if text.startswith(sign)), "")
