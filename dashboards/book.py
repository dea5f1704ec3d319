"""Every dashboard by its file's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import overview, point, program, sla

BOOK: Final[Mapping[str, Callable[[], Dashboard]]] = {
    "tong-quan": overview.dashboard,
    "diem": point.dashboard,
    "sla": sla.dashboard,
    "suc-khoe": program.dashboard,
}


def text(dashboard: Dashboard) -> str:
    """A dashboard as its file holds it: keys in order, so that a change shows as what it is."""
    built = dashboard.build()
    for number, panel in enumerate(built.panels or (), start=1):
        panel.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
