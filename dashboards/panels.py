"""Panels as this house makes them: each has a title, a description, a unit and queries whose legends say something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, geomap, stat, statetimeline, statushistory, table, timeseries
from grafana_foundation_sdk.builders.common import (
    FrameGeometrySource,
    MapLayerOptions,
    ReduceDataOptions,
    StackingConfig,
    TableFooterOptions,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import DashboardLink, FieldColor, Panel, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    FrameGeometrySourceMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TimelineValueAlignment,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    ValueMapping,
)

from dashboards.colours import bucket_mappings, bucket_steps
from dashboards.queries import POSTGRES, PROMETHEUS, Sql

P = TypeVar("P", bound=Panel)
Query = PrometheusQuery | Sql
Overrides = Iterable[tuple[str, list[DynamicConfigValue]]]

POINT: Final = "/d/lienthong-diem?var-point={}&${{__url_time_range}}"


def _dress(
    panel: P, title: str, description: str, queries: Sequence[Query], *, unit: str, width: int, height: int
) -> P:
    source = POSTGRES if isinstance(queries[0], Sql) else PROMETHEUS
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        panel = panel.with_target(query.ref_id(letter))
    panel = panel.title(title).description(description).datasource(source)
    return panel.unit(unit).span(width).height(height)


def override(panel: P, overrides: Overrides) -> P:
    """``panel`` with properties of fields by their names."""
    for name, properties in overrides:
        panel = panel.override_by_name(name, properties)
    return panel


def _fixed(thresholds: ThresholdsConfig | None, panel: P) -> P:
    if thresholds is None:
        return panel.color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    return panel.thresholds(thresholds).color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))


def a_link(title: str, url: str, *, new_tab: bool = False) -> DashboardLink:
    """A link of a field."""
    link = DashboardLink(title).type(DashboardLinkType.LINK).url(url)
    return link.target_blank(new_tab)


def to_point(value: str) -> list[DashboardLink]:
    """From a tile to its point: the dashboard, and the wall's page. ``value`` is how Grafana names the point there."""
    return [
        a_link("Mở điểm này", POINT.format(value)),
        a_link("Xem trên màn hình trực", f"${{wall_url}}/points/{value}", new_tab=True),
    ]


def figure(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    thresholds: ThresholdsConfig | None = None,
    width: int = 4,
    height: int = 4,
    text: BigValueTextMode = BigValueTextMode.AUTO,
    mappings: list[ValueMapping] | None = None,
    decimals: int | None = None,
    graph: bool = False,
    ground: bool = False,
    overrides: Overrides = (),
) -> stat.Panel:
    """One number, or a few, large."""
    panel = _dress(stat.Panel(), title, description, queries, unit=unit, width=width, height=height)
    # A palette by name gives every figure without thresholds some colour; the field's own is wanted there.
    panel = _fixed(thresholds, panel).text_mode(text).reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.graph_mode(BigValueGraphMode.AREA if graph else BigValueGraphMode.NONE)
    panel = panel.color_mode(BigValueColorMode.BACKGROUND_SOLID if ground else BigValueColorMode.VALUE)
    if mappings:
        panel = panel.mappings(mappings)
    if decimals is not None:
        panel = panel.decimals(decimals)
    return override(panel.no_value("—"), overrides)


def lines(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    width: int = 12,
    height: int = 8,
    stacked: bool = False,
    thresholds: ThresholdsConfig | None = None,
    least: float | None = 0,
    most: float | None = None,
    overrides: Overrides = (),
) -> timeseries.Panel:
    """Values over time; thresholds are drawn as lines."""
    panel = _dress(timeseries.Panel(), title, description, queries, unit=unit, width=width, height=height)
    panel = panel.color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    legend = VizLegendOptions().display_mode(LegendDisplayMode.TABLE).placement(LegendPlacement.BOTTOM)
    panel = panel.legend(legend.show_legend(True).calcs(["lastNotNull", "max"]))
    panel = panel.tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI)).show_points(VisibilityMode.NEVER)
    if stacked:
        panel = panel.stacking(StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(60).line_width(1)
    if thresholds is not None:
        panel = panel.thresholds(thresholds)
    if least is not None:
        panel = panel.min(least)
    if most is not None:
        panel = panel.max(most)
    return override(panel, overrides)


def rows(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str = "none",
    width: int = 12,
    height: int = 8,
    transformations: Sequence[DataTransformerConfig] = (),
    overrides: Overrides = (),
    regexps: Overrides = (),
    sums: bool = False,
) -> table.Panel:
    """A table."""
    panel = _dress(table.Panel(), title, description, queries, unit=unit, width=width, height=height)
    panel = panel.transformations(list(transformations)).filterable(True)
    panel = panel.footer(TableFooterOptions().show(sums).reducer(["sum"])).no_value("—")
    for pattern, properties in regexps:
        panel = panel.override_by_regexp(pattern, properties)
    return override(panel, overrides)


def bars(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    thresholds: ThresholdsConfig,
    width: int = 8,
    height: int = 8,
    links: list[DashboardLink] | None = None,
    decimals: int | None = None,
    least: float = 0,
) -> bargauge.Panel:
    """The present values, side by side."""
    panel = _dress(bargauge.Panel(), title, description, queries, unit=unit, width=width, height=height)
    panel = _fixed(thresholds, panel).reduce_options(ReduceDataOptions().calcs(["lastNotNull"])).min(least)
    panel = panel.orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC).no_value("—")
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel.data_links(links) if links else panel


def timeline(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    mappings: list[ValueMapping],
    width: int = 24,
    height: int = 8,
    links: list[DashboardLink] | None = None,
    thresholds: ThresholdsConfig | None = None,
) -> statetimeline.Panel:
    """What was true from when to when, a line each."""
    panel = _dress(statetimeline.Panel(), title, description, queries, unit="none", width=width, height=height)
    panel = _fixed(thresholds or bucket_steps(), panel).mappings(mappings).merge_values(True)
    panel = panel.show_value(VisibilityMode.NEVER).align_value(TimelineValueAlignment.LEFT).row_height(0.9)
    panel = panel.legend(VizLegendOptions().show_legend(False)).fill_opacity(100).line_width(0)
    return panel.data_links(links or [])


def history(
    title: str, description: str, queries: Sequence[Query], *, width: int = 24, height: int = 24, points: int = 96
) -> statushistory.Panel:
    """What was true at so many moments, a line of cells each."""
    panel = _dress(statushistory.Panel(), title, description, queries, unit="none", width=width, height=height)
    panel = _fixed(bucket_steps(), panel).mappings(bucket_mappings()).max_data_points(points)
    panel = panel.show_value(VisibilityMode.NEVER).row_height(0.9).col_width(0.95).fill_opacity(100)
    panel = panel.legend(VizLegendOptions().show_legend(False))
    return panel.data_links(to_point("${__field.labels.point}"))


def map_of_points(
    title: str, description: str, query: PrometheusQuery, *, value: str, width: int = 12, height: int = 16
) -> geomap.Panel:
    """The points where they are. ``value`` is the field that colours them, beside ``latitude`` and ``longitude``."""
    panel = _dress(geomap.Panel(), title, description, [query], unit="none", width=width, height=height)
    panel = _fixed(bucket_steps(), panel).mappings(bucket_mappings())
    panel = panel.with_transformation(
        transform(
            "convertFieldType",
            conversions=[
                {"targetField": "latitude", "destinationType": "number"},
                {"targetField": "longitude", "destinationType": "number"},
            ],
        )
    )
    where = FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS).latitude("latitude").longitude("longitude")
    style: Mapping[str, Any] = {
        "color": {"field": value, "fixed": "dark-green"},
        "opacity": 0.9,
        "size": {"fixed": 7, "max": 15, "min": 2},
        "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
        "textConfig": {"fontSize": 12, "offsetX": 0, "offsetY": 0, "textAlign": "center", "textBaseline": "middle"},
    }
    config = {"showLegend": False, "style": style}
    layer = MapLayerOptions().type("markers").name("Điểm").config(config).location(where).tooltip(True)
    view = geomap.MapViewConfig().id("fit").all_layers(True).padding(10)
    # Grafana's own ground: on a closed network it stays grey, and the points show all the same.
    panel = panel.layers([layer]).basemap(MapLayerOptions().type("default").name("Nền")).view(view)
    panel = panel.controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(True).show_attribution(True))
    return panel.data_links(to_point("${__data.fields.point}"))


def transform(name: str, **options: Any) -> DataTransformerConfig:
    """A transformation of a panel's answers."""
    return DataTransformerConfig(id_val=name, options=options)


def field(name: str, **properties: Any) -> tuple[str, list[DynamicConfigValue]]:
    """An override of the field ``name``; a property's dots are written as two underscores."""
    return name, [DynamicConfigValue(id_val=key.replace("__", "."), value=value) for key, value in properties.items()]
