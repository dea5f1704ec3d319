"""What a good file may say but hardly means. Warnings forbid nothing."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.config.document import Path
from monitor.config.explain import unknown
from monitor.config.model import Config, Route
from monitor.config.routes import never_asked

_ANCHORS = 2
_OURS = frozenset({"severity", "fault", "kind", "point", "area", "endpoint"})
"""Labels that every incident has, whatever the points' are."""


def find_warnings(config: Config) -> Iterator[tuple[Path, str]]:
    """Each with the place in the file that it is about."""
    yield from _about_telling(config)
    yield from _about_anchors(config)
    labels = {name for point in config.points for name in point.labels} | _OURS
    for number, route in enumerate(config.alerts.routes):
        yield from _about_labels(("alerts", "routes", number), route, labels)
    for number, taker in never_asked(config.alerts.routes):
        text = f"is never asked, {taker} takes all of its incidents; put it before, or write `continue: true` there"
        yield ("alerts", "routes", number), text


def _about_telling(config: Config) -> Iterator[tuple[Path, str]]:
    alerts = config.alerts
    if config.alerting == "prometheus":
        return
    if not alerts.channels:
        yield ("alerts",), "nobody is told of anything: there is no channel; write one below `channels:`"
    elif not alerts.routes:
        yield ("alerts",), "nobody is told of anything: there is no route; write one below `routes:`"
    elif not alerts.url:
        yield ("alerts",), 'messages link to nothing; write `url: "https://..."`, the address of the wall'


def _about_anchors(config: Config) -> Iterator[tuple[Path, str]]:
    declared = sum(point.kind == "anchor" and point.declared for point in config.points)
    if declared < _ANCHORS:
        text = (
            f"only {declared} of the at least {_ANCHORS} anchors that it takes are declared, so a cut of the monitor's "
            "own network looks like everybody's; write points of kind anchor with IP addresses on its side of the hub"
        )
        yield ("points",), text


def _about_labels(path: Path, route: Route, labels: set[str]) -> Iterator[tuple[Path, str]]:
    for matcher in route.match:
        if matcher.label not in labels:
            yield (*path, "match", matcher.label), f"fits nothing, {unknown(matcher.label, labels, 'label')}"
