"""The panels of which the dashboards are made, in one style."""

from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, DynamicConfigValue

from builder.history import GAP_S, Target

Panel = Builder[models.Panel]

GREEN, YELLOW, ORANGE, RED, PURPLE, BLUE, GREY = "green", "yellow", "orange", "red", "purple", "blue", "#8e8e8e"

SEVERITIES = {"0": ("NO_ALARM", GREEN), "1": ("MINOR", YELLOW), "2": ("MAJOR", RED), "3": ("INVALID", PURPLE)}
CONTACT = {"0": ("Disconnected", RED), "1": ("Connected", GREEN), "0.5": ("Both", ORANGE)}

_EXTREMES = "/^(low|high) /"
"""The names of lines of least and greatest values; Grafana puts a line's label after the column."""


def lines(
    number: int,
    title: str,
    source: DataSourceRef,
    targets: Sequence[Target],
    *,
    unit: str = "",
    width: int = 12,
    description: str = "",
    steps: bool = False,
    bars: bool = False,
    stacked: bool = False,
    connect: bool = False,
    gap_s: int = GAP_S,
) -> Panel:
    """Return a panel of values over time: the mean as a line, least and greatest as grey dots.

    With `connect`, a value holds until the next one, however long that takes.
    """
    panel = (
        timeseries.Panel()
        .id(number)
        .title(title)
        .datasource(source)
        .targets(list(targets))
        .span(width)
        .height(9)
        .show_points(common.VisibilityMode.AUTO)
        .line_width(1)
        .span_nulls(True if connect else gap_s * 1000)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull"])
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        .override_by_regexp(
            _EXTREMES,
            [
                DynamicConfigValue("color", {"mode": "fixed", "fixedColor": GREY}),
                DynamicConfigValue("custom.lineStyle", {"fill": "dot", "dash": [0, 4]}),
                DynamicConfigValue("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False}),
            ],
        )
    )
    if unit:
        panel = panel.unit(unit)
    if description:
        panel = panel.description(description)
    if steps:
        panel = panel.line_interpolation(common.LineInterpolation.STEP_AFTER)
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(30)
    if bars:
        panel = panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60)
    return panel


def timeline(
    number: int,
    title: str,
    source: DataSourceRef,
    targets: Sequence[Target],
    states: Mapping[str, tuple[str, str]],
    *,
    width: int = 24,
    description: str = "",
    height: int = 8,
    connect: bool = False,
    gap_s: int = GAP_S,
) -> Panel:
    """Return a panel of states over time, a row for each series; `states` are text and colour by value.

    With `connect`, a state holds until the next one, however long that takes.
    """
    panel = (
        statetimeline.Panel()
        .id(number)
        .title(title)
        .datasource(source)
        .targets(list(targets))
        .span(width)
        .height(height)
        .mappings([_mapping(states)])
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(True)
        .fill_opacity(80)
        .line_width(0)
        .color_scheme(dashboard_builders.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(GREY))
        .override_by_regexp("/.*/", [DynamicConfigValue("custom.spanNulls", True if connect else gap_s * 1000)])
    )
    return panel.description(description) if description else panel


def grid(
    number: int,
    title: str,
    source: DataSourceRef,
    targets: Sequence[Target],
    *,
    columns: Mapping[str, Mapping[str, Any]],
    width: int = 24,
    height: int = 9,
    description: str = "",
) -> Panel:
    """Return a table; `columns` are field settings (such as "unit") by the column's title."""
    panel = table.Panel().id(number).title(title).datasource(source).targets(list(targets)).span(width).height(height)
    for column, settings in columns.items():
        panel = panel.override_by_name(column, [DynamicConfigValue(name, value) for name, value in settings.items()])
    return panel.description(description) if description else panel


def figures(
    number: int,
    title: str,
    source: DataSourceRef,
    targets: Sequence[Target],
    *,
    columns: Mapping[str, Mapping[str, Any]],
    width: int = 24,
) -> Panel:
    """Return a panel of single figures, one for each column of a query of one row."""
    panel = stat.Panel().id(number).title(title).datasource(source).targets(list(targets)).span(width).height(4)
    panel = panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/"))
    for column, settings in columns.items():
        panel = panel.override_by_name(column, [DynamicConfigValue(name, value) for name, value in settings.items()])
    return panel


def severity_cell() -> dict[str, Any]:
    """Return the settings of a column that holds a severity."""
    return {"mappings": [_mapping(SEVERITIES)], "custom.cellOptions": {"type": "color-text"}}


def variable(
    name: str,
    title: str,
    source: DataSourceRef,
    query: str,
    regex: str = "",
    *,
    everything: str = "",
    whole: bool = True,
) -> dashboard_builders.QueryVariable:
    """Return a variable whose values a query gives, several of which may be chosen; `regex` picks them out of it.

    With `whole` all of them may be, and are at first; `everything` is what then stands for them, where a list of them
    all is not wanted.
    """
    made = (
        dashboard_builders.QueryVariable(name)
        .label(title)
        .datasource(source)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(True)
        .include_all(whole)
    )
    if whole:
        made = made.current(models.VariableOption(True, ["All"], ["$__all"]))
    if regex:
        made = made.regex(regex)
    return made.all_value(everything) if everything else made


def dashboard(
    uid: str,
    title: str,
    description: str,
    variables: Sequence[dashboard_builders.QueryVariable],
    panels: Sequence[Panel],
    *,
    hours: int = 24,
) -> models.Dashboard:
    """Return a dashboard; it shows the last `hours` at first, and leads to the others of Vigilia."""
    made = (
        dashboard_builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["vigilia"])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(f"now-{hours}h", "now")
        .refresh("1m")
        .readonly()
        .link(
            dashboard_builders.DashboardLink("Vigilia")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags(["vigilia"])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(False)
        )
    )
    for one in variables:
        made = made.with_variable(one)
    for panel in panels:
        made = made.with_panel(panel)
    return made.build()


def _mapping(states: Mapping[str, tuple[str, str]]) -> models.ValueMap:
    return models.ValueMap(
        {
            value: models.ValueMappingResult(text, color, None, index)
            for index, (value, (text, color)) in enumerate(states.items())
        }
    )
