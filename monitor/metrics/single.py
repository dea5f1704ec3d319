"""One probe's metrics as blackbox_exporter's /probe answers them: without labels of ours."""

from __future__ import annotations

from monitor.metrics.catalogue import known
from monitor.metrics.text import number, parse_fact
from monitor.model import Outcome, Result
from monitor.probes.base import Prober


def text_of(result: Result, prober: type[Prober]) -> str:
    """The text format, families by name; phases that were not entered are 0."""
    values = {
        "probe_success": float(result.outcome is Outcome.UP),
        "probe_duration_seconds": result.latency_seconds,
        **result.facts,
    }
    for phase in {**dict.fromkeys(prober.phases), **result.phases}:
        values[f'{prober.phase_metric}{{phase="{phase}"}}'] = result.phases.get(phase, 0.0)
    families: dict[str, list[str]] = {}
    for name, value in values.items():
        families.setdefault(parse_fact(name)[0], []).append(f"{name} {number(value)}\n")
    return "".join(known(name).head + "".join(lines) for name, lines in sorted(families.items()))
