"""What the dashboards share: their frame, their variables, the links between them and to the wall."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    Panel,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.queries import JOB, POSTGRES, PROMETHEUS

ZONE: Final = "Asia/Ho_Chi_Minh"
TAG: Final = "lienthong"
ALL: Final = VariableOption(text="Tất cả", value="$__all")


def frame(uid: str, title: str, description: str, *, begin: str, end: str = "now", refresh: str = "30s") -> Dashboard:
    """A dashboard without panels: read-only, in Hanoi's time, linked with the others and with the wall."""
    made = Dashboard(title).uid(uid).description(description).tags([TAG]).readonly().timezone(ZONE).week_start("monday")
    made = made.time(begin, end).refresh(refresh).tooltip(DashboardCursorSync.CROSSHAIR)
    others = DashboardLink("Bảng khác").type(DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True)
    wall = DashboardLink("Màn hình trực").type(DashboardLinkType.LINK).url("${wall_url}/").icon("external link")
    made = made.links([others.as_dropdown(False), wall.target_blank(True).tooltip("Mở màn hình trực của máy giám sát")])
    return made.annotations([]).variables([source(), database(), job(), wall_url()])


def section(made: Dashboard, title: str, *panels: Panel) -> Dashboard:
    """``made`` with panels under a heading; those at the top have none."""
    if title:
        made = made.with_row(Row(title))
    for panel in panels:
        made = made.with_panel(panel)
    return made


def source() -> DatasourceVariable:
    """Where metrics come from."""
    made = DatasourceVariable("datasource").label("Nguồn số đo").type("prometheus")
    return made.current(VariableOption(text="Prometheus", value="prometheus"))


def database() -> DatasourceVariable:
    """Where history comes from."""
    made = DatasourceVariable("database").label("Cơ sở dữ liệu").type("grafana-postgresql-datasource")
    return made.current(VariableOption(text="PostgreSQL", value="postgres"))


def query(
    name: str, label: str, expression: str, *, regex: str = "", sort: VariableSort | None = None
) -> QueryVariable:
    """A variable that Prometheus gives the values of."""
    made = QueryVariable(name).label(label).datasource(PROMETHEUS).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    # Its types know a text only; Grafana takes the data source's own form, too.
    made = made.query({"query": expression, "refId": f"variable-{name}"}).definition(expression)  # type: ignore[arg-type]
    return made.regex(regex).sort(sort or VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)


def stored(name: str, label: str, sql: str) -> QueryVariable:
    """A variable that PostgreSQL gives the values of: columns ``__text`` and ``__value``."""
    made = QueryVariable(name).label(label).datasource(POSTGRES).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return made.query(sql).definition(sql).sort(VariableSort.DISABLED)


def several(variable: QueryVariable, *, all_value: str = "") -> QueryVariable:
    """``variable`` with any number of values, all at first."""
    variable = variable.multi(True).include_all(True).current(ALL)
    return variable.all_value(all_value) if all_value else variable


def job() -> QueryVariable:
    """Prometheus' name for the monitors that it scrapes."""
    return several(query("job", "Công việc Prometheus", "label_values(lienthong_points, job)"), all_value=".+")


def wall_url() -> QueryVariable:
    """The wall's address as people reach it: the monitor's configuration says it (``alerts.url``)."""
    return query("wall_url", "Địa chỉ màn hình trực", f"label_values(lienthong_wall_info{{{JOB}}}, url)")


def kind() -> QueryVariable:
    """The points' kinds."""
    asked = f"label_values(lienthong_point_info{{{JOB}}}, kind)"
    return several(query("kind", "Loại điểm", asked), all_value=".*")


def area() -> QueryVariable:
    """The areas, by their names."""
    asked = f"query_result(lienthong_area_info{{{JOB}}})"
    regex = '/area="(?<value>[^"]+)".*[{,]name="(?<text>[^"]+)"/'
    return several(query("area", "Khu vực", asked, regex=regex), all_value=".*")


def hidden(variable: QueryVariable) -> QueryVariable:
    """``variable``, for queries only."""
    return variable.hide(VariableHide.HIDE_VARIABLE)


def promised(measure: str, label: str) -> QueryVariable:
    """The objective of the monitor's configuration, for SQL."""
    asked = f'query_result(max(lienthong_slo_ratio{{{JOB}, measure="{measure}"}}))'
    return hidden(query(f"slo_{measure}", label, asked, regex=r"/\} ([0-9.e+-]+) /"))
