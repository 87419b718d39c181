"""The dashboard of photovoltaic plants: power, inverters, relays, and whether records still come."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from builder.history import RECORDS_GAP_S, Column, History, Points
from builder.panels import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    dashboard,
    grid,
    lines,
    timeline,
    variable,
)

RELAY_SUFFIXES = tuple(
    f"{name}-Sts" for name in ("Overvoltage", "Undervoltage", "Frequency", "Thermal", "Lockout", "Other")
)
_ACTIVE = {"0": ("Normal", GREEN), "1": ("Active", RED), "0.5": ("Both", ORANGE)}
_STATES = {"0": ("Normal", GREEN), "1": ("Failed", RED), "2": ("Suppressed", BLUE), "3": ("NoData", PURPLE)}
_INVERTERS = (("area", "plant"), ("device", "inverter"))
_RELAYS = (("area", "plant"), ("device", "relay"))
_PLANTS = (("area", "plant"),)


def _points(suffixes: tuple[str, ...], chosen: tuple[tuple[str, str], ...], label: str = "device") -> Points:
    return Points(suffixes, chosen, label, RECORDS_GAP_S)


def make(history: History) -> Dashboard:
    """Return the dashboard for one kind of history."""
    source = history.source
    plants = history.values_of("area", Points(("LastRecord-Mon",)))
    now = history.newest(
        Points((), _PLANTS, "area"),
        (
            Column("power", ("Pac-Mon",), "sum"),
            Column("inverters failed", ("State-Sts",), "count"),
            Column("relay alarms", RELAY_SUFFIXES, "count"),
            Column("newest record", ("LastRecord-Mon",), "text"),
            Column("age of it", ("LastRecord-Mon",), "age"),
        ),
    )
    panels = [
        lines(
            2,
            "Power of each plant",
            source,
            history.total(_points(("Pac-Mon",), _INVERTERS, "area")),
            unit="kwatt",
            width=24,
            gap_s=RECORDS_GAP_S,
            steps=True,
            stacked=not history.adds_up,
            description="The chosen inverters together, each by its newest record; one without contact counts as 0.",
        ),
        lines(
            3,
            "Power of each inverter",
            source,
            history.numbers(_points(("Pac-Mon",), _INVERTERS)),
            unit="kwatt",
            width=24,
            gap_s=RECORDS_GAP_S,
        ),
        timeline(
            4,
            "Inverters",
            source,
            history.states(_points(("State-Sts",), _INVERTERS)),
            _STATES,
            height=10,
            gap_s=RECORDS_GAP_S,
        ),
        timeline(
            5,
            "Relays",
            source,
            history.flags(_points(RELAY_SUFFIXES, _RELAYS, "name")),
            _ACTIVE,
            height=10,
            gap_s=RECORDS_GAP_S,
            description="Both: within the time of one spot the relay was in alarm and out of it.",
        ),
        lines(
            6,
            "Records received",
            source,
            history.counts(_points(("LastRecord-Mon",), _PLANTS, "area")),
            width=24,
            gap_s=RECORDS_GAP_S,
            bars=True,
            description="A plant without bars by day sends nothing.",
        ),
    ]
    if now:
        settings = {"power": {"unit": "kwatt"}, "age of it": {"unit": "s"}}
        panels.insert(0, grid(1, "Plants now", source, now, columns=settings))
    return dashboard(
        "vigilia-plants",
        "Photovoltaic plants",
        "Inverters and protection relays, by plant.",
        [
            variable("plant", "Plant", source, *plants, everything=history.everything),
            variable("inverter", "Inverter", source, *history.values_of("device", Points(("Pac-Mon",), _PLANTS))),
            variable("relay", "Relay", source, *history.values_of("device", Points(RELAY_SUFFIXES, _PLANTS))),
        ],
        panels,
    )
