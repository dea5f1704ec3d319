"""The blackbox family: the last result of every endpoint as text that is ready to be joined.

Each family keeps its lines by series; a result rewrites the lines of its endpoint (some ten microseconds), so that a
scrape of ten thousand endpoints only joins.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from monitor.config.model import Config, Endpoint, Point
from monitor.metrics.catalogue import ENDPOINT_LABELS, known
from monitor.metrics.text import beside, label_text, parse_fact
from monitor.model import EndpointKey, Outcome, Result, Transition
from monitor.probes.base import Prober

log = logging.getLogger(__name__)

Lines = dict[str, str]
"""The lines of one family by series (name and labels)."""

_NOTHING: Mapping[str, float] = {}

Cell = tuple[Lines, str]
"""Where a fact's line stands: its family's lines, and the line up to the value."""


Template = tuple[Lines, str, tuple[str, ...]]
"""Where the lines of the phases stand, the lines with gaps for the values, the phases in the gaps' order."""


class Row:
    """One endpoint's part: its labels, and where each of its facts' lines stand."""

    __slots__ = ("cells", "endpoint", "hold", "labels", "last", "phase_names", "template")

    def __init__(self, endpoint: Endpoint, labels: Mapping[str, str]) -> None:
        self.endpoint = endpoint
        self.hold = _hold(endpoint)
        self.labels = label_text(labels)
        self.phase_names: frozenset[str] = frozenset()
        self.template: Template | None = None
        self.cells: dict[str, Cell | None] = {}
        self.last: Result | None = None


class EndpointSamples:
    """Lines by family. ``probers`` gives the metric and the names of each prober's phases."""

    def __init__(self, *, probers: Mapping[str, type[Prober]]) -> None:
        self._probers = probers
        self._families: dict[str, Lines] = {}
        self._rows: dict[EndpointKey, Row] = {}

    def load(self, config: Config) -> None:
        """Take the configuration over: what is gone disappears, what only has other labels keeps its last result."""
        before, self._rows = self._rows, {}
        for point in config.points:
            for endpoint in point.endpoints:
                if endpoint.declared:
                    self._rows[endpoint.key] = self._row(point, endpoint, before)
        for row in before.values():
            if self._rows.get(row.endpoint.key) is not row:
                self._clear(row)
        for row in self._rows.values():
            if row.last is not None and not row.cells:
                self._put(row, row.last)

    def on_result(self, result: Result) -> None:
        """Show a result; nothing when we could not ask."""
        row = self._rows.get(result.key)
        if row is None:
            return
        if result.reason.outcome is Outcome.UNKNOWN:
            self._clear(row)
        else:
            self._put(row, result)

    def on_stale(self, transition: Transition) -> None:
        """An endpoint has become unknown: what it showed last, if that isn't newer, is nothing to show."""
        row = self._rows.get(transition.key)
        if row is not None and row.last is not None and row.last.begun <= transition.recorded_at:
            self._clear(row)

    def expire(self, now: datetime) -> None:
        """Nothing stays by inertia: not even what was never confirmed, of which the board tells no staleness."""
        for row in self._rows.values():
            if row.last is not None and row.last.begun + row.hold < now:
                self._clear(row)

    def families(self) -> Iterator[tuple[str, list[str]]]:
        """Head and lines of every family that has any, by name. The lists are the caller's.

        Each family's lines are taken when it is its turn, for taking all at once would hold the loop; a family that
        appears meanwhile waits for the next scrape.
        """
        for name in sorted(self._families):
            lines = self._families[name]
            if lines:
                yield known(name).head, list(lines.values())

    def _put(self, row: Row, result: Result) -> None:
        facts, last = result.facts, row.last
        if last is not None and last.facts.keys() != facts.keys():
            self._drop(row, last.facts.keys() - facts.keys())
        row.last = result
        cells = row.cells
        # Most facts stay as they are, and comparing costs a tenth of writing the number.
        written = last.facts if last is not None and cells else _NOTHING
        for name, value in facts.items():
            if written.get(name) == value:
                continue
            cell = cells.get(name)
            if cell is None:
                if name in cells:
                    continue
                cell = self._cell(row, name)
                if cell is None:
                    continue
            lines, prefix = cell
            lines[prefix] = f"{prefix}{value + 0.0!r}\n"
        self._put_own(row, "probe_success", 1.0 if result.reason.outcome is Outcome.UP else 0.0)
        self._put_own(row, "probe_duration_seconds", result.latency_seconds)
        self._put_phases(row, result.phases)

    def _put_own(self, row: Row, name: str, value: float) -> None:
        cell = row.cells.get(name) or self._cell(row, name)
        if cell is not None:
            lines, prefix = cell
            lines[prefix] = f"{prefix}{value!r}\n"

    def _put_phases(self, row: Row, phases: Mapping[str, float]) -> None:
        arranged = row.template
        if arranged is None or row.phase_names != phases.keys():
            arranged = self._arrange_phases(row, phases)
        lines, template, names = arranged
        lines[row.labels] = template % tuple([phases.get(name, 0.0) for name in names])

    def _cell(self, row: Row, name: str) -> Cell | None:
        """Where the fact ``name`` stands; None, said once, when its name can't be exposed."""
        try:
            family, inherent = parse_fact(name)
        except ValueError as error:
            log.warning("%s: a fact is left out of the metrics: %s", row.endpoint.key, error)
            row.cells[name] = None
            return None
        own = "".join(f',{label}="{value}"' for label, value in beside(inherent, ENDPOINT_LABELS).items())
        cell = (self._families.setdefault(family, {}), f"{family}{{{row.labels}{own}}} ")
        row.cells[name] = cell
        return cell

    def _arrange_phases(self, row: Row, phases: Mapping[str, float]) -> Template:
        """Make room for the phases that the prober always shows and those that this result has."""
        prober = self._probers[row.endpoint.module.prober]
        names = tuple(dict.fromkeys((*prober.phases, *phases)))
        labels = row.labels.replace("%", "%%")
        text = "".join(f'{prober.phase_metric}{{{labels},phase="{name}"}} %r\n' for name in names)
        row.phase_names = frozenset(phases)
        row.template = (self._families.setdefault(prober.phase_metric, {}), text, names)
        return row.template

    def _row(self, point: Point, endpoint: Endpoint, before: Mapping[EndpointKey, Row]) -> Row:
        values = (endpoint.target, point.id, point.kind, point.area, endpoint.key.endpoint, endpoint.module.name)
        labels = dict(zip(ENDPOINT_LABELS, values, strict=True))
        old = before.get(endpoint.key)
        same = old is not None and old.endpoint.fingerprint == endpoint.fingerprint
        if old is not None and same and old.labels == label_text(labels):
            old.endpoint = endpoint
            old.hold = _hold(endpoint)
            return old
        row = Row(endpoint, labels)
        if old is not None and same:
            row.last = old.last
        return row

    def _drop(self, row: Row, names: set[str]) -> None:
        for name in names:
            cell = row.cells.pop(name, None)
            if cell is not None:
                cell[0].pop(cell[1], None)

    def _clear(self, row: Row) -> None:
        for cell in row.cells.values():
            if cell is not None:
                cell[0].pop(cell[1], None)
        if row.template is not None:
            row.template[0].pop(row.labels, None)
        row.cells = {}
        row.template = None
        row.last = None


def _hold(endpoint: Endpoint) -> timedelta:
    """How long after its begin a result is shown: staleness, counted from the latest end that the probe can have."""
    return 2 * endpoint.interval + 2 * endpoint.timeout
