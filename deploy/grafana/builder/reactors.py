"""The dashboard of reactors: what probes read, what outputs do and dose, the loops, and the agents themselves."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from builder.history import RECORDS_GAP_S, Column, History, Points, Target
from builder.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SEVERITIES,
    YELLOW,
    Panel,
    dashboard,
    grid,
    lines,
    timeline,
    variable,
)

_QUANTITIES = (
    (2, "pH", ("pH-Mon",), "pH"),
    (3, "Temperature", ("Temp-Mon",), "celsius"),
    (4, "Conductivity", ("EC-Mon",), "µS/cm"),
    (5, "Dissolved oxygen", ("DO-Mon",), "mg/L"),
    (6, "Redox potential", ("ORP-Mon",), "mvolt"),
    (7, "Dissolved solids", ("TDS-Mon",), "ppm"),
    (8, "Salinity and specific gravity", ("Salinity-Mon", "SG-Mon"), ""),
    (9, "Humidity", ("Hum-Mon",), "humidity"),
    (10, "Carbon dioxide", ("CO2-Mon",), "ppm"),
)
"""Of probes: the panel's number and title, the points, and Grafana's name of their unit."""
_PROBES = tuple(suffix for _, _, suffixes, _ in _QUANTITIES for suffix in suffixes)
_OUTPUTS = ("Duty-RB", "Power-Sts", "Dosed-Mon")
_LOOPS = ("Setpoint-RB",)
_AGENTS = ("Buffered-Mon",)

_REACTORS = (("area", "reactor"),)
_OF_PROBES = (*_REACTORS, ("device", "probe"))
_OF_OUTPUTS = (*_REACTORS, ("device", "output"))
_OF_LOOPS = (*_REACTORS, ("device", "loop"))
_OF_AGENTS = (*_REACTORS, ("device", "agent"))

_ON_OFF = {"0": ("Off", GREY), "1": ("On", GREEN), "0.5": ("Both", ORANGE)}
_SAFE = {"0": ("Normal", GREEN), "1": ("Safe", RED), "0.5": ("Both", ORANGE)}
_STATES = {
    "0": ("Off", GREY),
    "1": ("Holding", PURPLE),
    "2": ("Waiting", YELLOW),
    "3": ("Steady", BLUE),
    "4": ("Acting", GREEN),
}


def make(history: History) -> Dashboard:
    """Return the dashboard for one kind of history."""
    source = history.source

    def probes(suffixes: tuple[str, ...]) -> Points:
        """Nothing is known of the pace at which a probe is sampled."""
        return Points(suffixes, _OF_PROBES, "device" if len(suffixes) == 1 else "name", RECORDS_GAP_S)

    def outputs(*suffixes: str) -> Points:
        return Points(suffixes, _OF_OUTPUTS, "device" if len(suffixes) == 1 else "name")

    def agents(number: int, title: str, *suffixes: str, unit: str = "", **more: str) -> Panel:
        points = Points(suffixes, _OF_AGENTS, "device" if len(suffixes) == 1 else "name")
        return lines(number, title, source, history.numbers(points), unit=unit, **more)

    panels = [
        *(lines(n, title, source, history.numbers(probes(s)), unit=unit) for n, title, s, unit in _QUANTITIES),
        timeline(
            11,
            "Worst severity of each probe",
            source,
            history.severities(Points(_PROBES, _OF_PROBES, "name", RECORDS_GAP_S)),
            SEVERITIES,
            width=12,
            gap_s=RECORDS_GAP_S,
        ),
        lines(12, "Duty", source, history.numbers(outputs("Duty-RB")), unit="percent", steps=True),
        timeline(13, "Outputs on", source, history.flags(outputs("Power-Sts")), _ON_OFF, width=12),
        timeline(
            14,
            "Outputs that fell to safe",
            source,
            history.flags(outputs("Safe-Sts")),
            _SAFE,
            width=12,
            description="Safe: the output stays off until it is set anew, or told to resume.",
        ),
        lines(15, "Dosed in all", source, history.numbers(outputs("Dosed-Mon")), unit="mlitre", steps=True),
        lines(
            16,
            "Dosed within an hour and a day",
            source,
            history.numbers(outputs("DoseHour-Mon", "DoseDay-Mon")),
            unit="mlitre",
            steps=True,
        ),
        lines(17, "Set points", source, history.numbers(Points(_LOOPS, _OF_LOOPS)), steps=True),
        timeline(18, "Loops", source, history.states(Points(("State-Sts",), _OF_LOOPS)), _STATES, width=12),
        timeline(19, "Loops enabled", source, history.flags(Points(("Enable-Sts",), _OF_LOOPS)), _ON_OFF, width=12),
        agents(
            20,
            "Samples that wait on the reactor",
            "Buffered-Mon",
            description="They rise while the server is away, and fall when it is back.",
        ),
        agents(21, "How long the oldest of them has waited", "OldestWaiting-Mon", unit="s"),
        agents(22, "Samples dropped", "Dropped-Mon"),
        agents(23, "Memory of the agent", "Memory-Mon", unit="decmbytes"),
    ]
    if now := _now(history):
        columns = {"oldest waiting": {"unit": "s"}, "agent since": {"unit": "s"}}
        panels.insert(0, grid(1, "Reactors now", source, now, columns=columns))
    return dashboard(
        "vigilia-reactors",
        "Reactors",
        "Probes, outputs, loops and agents, by reactor.",
        [
            variable(
                "reactor",
                "Reactor",
                source,
                *history.values_of("area", Points(_AGENTS)),
                everything=history.everything,
            ),
            variable("probe", "Probe", source, *history.values_of("device", Points(_PROBES, _REACTORS))),
            variable("output", "Output", source, *history.values_of("device", Points(_OUTPUTS, _REACTORS))),
            variable("loop", "Loop", source, *history.values_of("device", Points(_LOOPS, _REACTORS))),
            variable("agent", "Agent", source, *history.values_of("device", Points(_AGENTS, _REACTORS))),
        ],
        panels,
    )


def _now(history: History) -> "list[Target]":
    """Return the query of the table of reactors; none where the history has no such."""
    columns = (
        Column("outputs safe", ("Safe-Sts",), "count"),
        Column("samples waiting", ("Buffered-Mon",), "sum"),
        Column("oldest waiting", ("OldestWaiting-Mon",), "sum"),
        Column("samples dropped", ("Dropped-Mon",), "sum"),
        Column("agent since", ("Uptime-Mon",), "sum"),
    )
    suffixes = tuple(suffix for column in columns for suffix in column.suffixes)
    return list(history.newest(Points(suffixes, _REACTORS, "area"), columns))
