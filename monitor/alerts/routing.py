"""Which routes an incident takes, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]  # it has no types

from monitor.calendar.hours import in_office_hours
from monitor.calendar.model import Calendar
from monitor.config.model import Alerts, Matcher, Route

Labels = Mapping[str, frozenset[str]]

_ABSENT = frozenset({""})
"""A label that an incident hasn't got is an empty one, as it is for Alertmanager."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether a route is taken, and in English why (or why not)."""

    route: Route
    taken: bool
    why: str


def routes_for(alerts: Alerts, labels: Labels, at: datetime, calendar: Calendar) -> list[tuple[Route, str]]:
    """The routes that are taken, with the reason: the first that fits, and on as long as they say ``go_on``."""
    return [(each.route, each.why) for each in judge(alerts, labels, at, calendar) if each.taken]


def judge(alerts: Alerts, labels: Labels, at: datetime, calendar: Calendar) -> list[Judgement]:
    """Every route in the file's order, taken or not."""
    return list(_judge(alerts.routes, labels, at, calendar))


def _judge(routes: Sequence[Route], labels: Labels, at: datetime, calendar: Calendar) -> Iterator[Judgement]:
    ended_by = ""
    for route in routes:
        if ended_by:
            yield Judgement(route=route, taken=False, why=f"{ended_by} came first and does not go on")
            continue
        against = _against(route, labels, at, calendar)
        why = against or _reason(route, labels)
        yield Judgement(route=route, taken=not against, why=why)
        if not against and not route.go_on:
            ended_by = route.name


def _against(route: Route, labels: Labels, at: datetime, calendar: Calendar) -> str:
    """What speaks against it; "" when nothing does."""
    for matcher in route.match:
        if not fits(matcher, labels):
            return f"{_described(matcher)} does not hold: {_said(matcher.label, labels)}"
    return "" if is_time(route, at, calendar) else f"it is for {route.when.replace('_', ' ')} only"


def is_time(route: Route, at: datetime, calendar: Calendar) -> bool:
    """Whether the route's ``when`` allows ``at``."""
    return route.when == "always" or in_office_hours(at, calendar) == (route.when == "office_hours")


def fits(matcher: Matcher, labels: Labels) -> bool:
    """Whether any value of the label is allowed; turned round by ``negated``."""
    values = labels.get(matcher.label) or _ABSENT
    if matcher.pattern:
        expression = _compiled(matcher.pattern)
        found = any(expression.fullmatch(value) is not None for value in values)
    else:
        found = not values.isdisjoint(matcher.values)
    return found != matcher.negated


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern)


def _reason(route: Route, labels: Labels) -> str:
    if not route.match:
        return "it takes everything"
    return "; ".join(f"{_described(matcher)} holds: {_said(matcher.label, labels)}" for matcher in route.match)


def _described(matcher: Matcher) -> str:
    if matcher.pattern:
        return f"{matcher.label} {'!~' if matcher.negated else '=~'} {matcher.pattern}"
    return f"{matcher.label} {'is not' if matcher.negated else 'is'} {' or '.join(matcher.values)}"


def _said(label: str, labels: Labels) -> str:
    values = sorted(labels.get(label, ()))
    if not values:
        return f"there is no {label}"
    shown = ", ".join(values[:5])
    return f"{label} is {shown}" + (f" and {len(values) - 5} more" if len(values) > 5 else "")
