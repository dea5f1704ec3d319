"""What panels ask: PromQL of Prometheus, SQL of PostgreSQL."""

from __future__ import annotations

from typing import Final, Literal, Self

from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.colours import CODES

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
POSTGRES: Final = DataSourceRef(type_val="grafana-postgresql-datasource", uid="${database}")

JOB: Final = 'job=~"$job"'
POINTS: Final = 'kind=~"$kind", area=~"$area"'
"""The points that the overview's variables choose."""


def of(name: str, *matchers: str) -> str:
    """A metric of ours as the chosen monitors expose it."""
    return f"{name}{{{', '.join((JOB, *matchers))}}}"


def state(*matchers: str) -> str:
    """Each point's bucket as a number of ``colours.CODES``, by point, kind and area."""
    by = "max by (point, kind, area)"
    worst = [
        f"{CODES[status]} * {of('lienthong_point_status', f'status=`{status}`', *matchers)}"
        for status in ("down", "unreachable", "faulty", "degraded", "unknown")
    ]
    # What has no status of its own gets one: of two equal label sets `or` would keep one.
    flapping = f"{CODES['flapping']} * {of('lienthong_point_flapping', *matchers)}"
    fresh = f"{CODES['fresh']} * (1 - {of('lienthong_point_stable', *matchers)})"
    flags = [
        f'label_replace({flapping}, "status", "flapping", "", "")',
        f'label_replace({fresh}, "status", "fresh", "", "")',
    ]
    seen = f"{by} (\n  " + "\n  or ".join(worst + flags) + "\n)"
    planned = f"{CODES['maintenance']} * ({by} ({of('lienthong_point_maintenance', *matchers)}) == 1)"
    return f"{planned}\nor {seen}"


def with_names(expression: str, *labels: str, of_those: str = "") -> str:
    """``expression`` (by point) with labels of the point's configuration: its name and what else is asked for.

    ``of_those``: only the points whose configuration fits the matcher.
    """
    more = ", ".join(("name", *labels))
    info = of("lienthong_point_info", of_those) if of_those else of("lienthong_point_info")
    return f"({expression})\n* on (point) group_left ({more}) max by (point, {more}) ({info})"


def with_area_names(expression: str) -> str:
    """``expression`` (by area) with the area's name."""
    info = of("lienthong_area_info")
    return f"({expression})\n* on (area) group_left (name) max by (area, name) ({info})"


def prom(expression: str, legend: str = "", *, kind: Literal["range", "instant", "table"] = "range") -> PrometheusQuery:
    """A query over the range, or of its end: as series (``instant``) or as a table."""
    query = PrometheusQuery().datasource(PROMETHEUS).expr(expression)
    query = query.range() if kind == "range" else query.instant()
    if kind == "table":
        return query.format(PromQueryFormat.TABLE)
    return query.legend_format(legend)


class _Sql(Dataquery):
    """A query of Grafana's PostgreSQL data source, which the SDK has no model of."""

    def __init__(self, sql: str, form: str) -> None:
        self.sql = sql
        self.form = form
        self.ref_id = ""

    def to_json(self) -> dict[str, object]:
        return {
            "datasource": POSTGRES,
            "editorMode": "code",
            "format": self.form,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


class Sql(Builder[_Sql]):
    """SQL for a table, or for series: columns ``time`` (seconds), ``metric`` and a value."""

    def __init__(self, sql: str, form: Literal["table", "time_series"] = "table") -> None:
        self._query = _Sql(sql.strip(), form)

    def ref_id(self, name: str) -> Self:
        """The query's letter within its panel."""
        self._query.ref_id = name
        return self

    def build(self) -> _Sql:
        return self._query
