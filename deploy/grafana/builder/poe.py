"""The dashboard of Power over Ethernet: what each port does and draws, and how the switches answer."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from builder.history import Column, History, Points
from builder.panels import (
    BLUE,
    CONTACT,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    dashboard,
    grid,
    lines,
    severity_cell,
    timeline,
    variable,
)
from builder.panels import SEVERITIES as SEVERITY_STATES

_ON_OFF = {"0": ("Off", GREY), "1": ("On", GREEN), "0.5": ("Both", ORANGE)}
_RAW = {
    "0": ("Searching", BLUE),
    "1": ("Delivering", GREEN),
    "2": ("Disabled", GREY),
    "3": ("Fault", RED),
    "4": ("Other Fault", RED),
    "5": ("Test", YELLOW),
    "6": ("Unknown", PURPLE),
}
_FAULTS = ("PowerDenied-Mon", "OverCurrent-Mon", "Short-Mon", "MpsAbsent-Mon")
_PORTS = (("area", "room"), ("device", "device"))
_LINKS = (("device", "link"),)


def make(history: History) -> Dashboard:
    """Return the dashboard for one kind of history."""
    source = history.source
    rooms = history.values_of("area", Points(("PwrState-Raw",)))
    contact = Points(("Connected-Sts",), (("area", "room"),))
    ports = Points(("PwrState-Raw",), (("area", "room"),))
    now = history.newest(
        Points((), _PORTS),
        (
            Column("state", ("PwrState-Raw",), "label"),
            Column("severity", ("PwrState-Raw",), "severity"),
            Column("power", ("Power-Mon",), "value"),
            Column("voltage", ("Voltage-Mon",), "value"),
            Column("read", ("PwrState-Raw",), "time"),
        ),
    )
    panels = [
        timeline(
            10,
            "State of each port, as the switch reports it",
            source,
            history.states(Points(("PwrState-Raw",), _PORTS)),
            _RAW,
            description="Of a longer time on one spot the last state; the next panel keeps the worst.",
        ),
        timeline(
            3,
            "Worst severity of each port",
            source,
            history.severities(Points(("PwrState-Raw",), _PORTS)),
            SEVERITY_STATES,
            width=12,
        ),
        timeline(
            2,
            "Power delivered",
            source,
            history.flags(Points(("PwrState-Sts",), _PORTS)),
            _ON_OFF,
            width=12,
            description="Both: within the time of one spot the port was on and off.",
        ),
        lines(4, "Power", source, history.numbers(Points(("Power-Mon",), _PORTS)), unit="watt"),
        lines(5, "Voltage", source, history.numbers(Points(("Voltage-Mon",), _PORTS)), unit="volt"),
        lines(
            9,
            "Power of the chosen ports together",
            source,
            history.total(Points(("Power-Mon",), _PORTS, "area")),
            unit="watt",
            steps=True,
            stacked=not history.adds_up,
        ),
        lines(
            6,
            "Faults counted by the switch",
            source,
            history.numbers(Points(_FAULTS, _PORTS, "name")),
            steps=True,
            description="Each counts from the switch's last start.",
        ),
        timeline(
            7,
            "Contact with the switches",
            source,
            history.flags(Points(("Connected-Sts",), _LINKS)),
            CONTACT,
            width=12,
        ),
        lines(
            8,
            "Round trip, median and 99th percentile",
            source,
            history.numbers(Points(("RoundTrip-Mon", "RoundTrip99-Mon"), _LINKS, "name")),
            unit="ms",
        ),
    ]
    if now:
        panels.insert(
            0,
            grid(
                1,
                "Ports now",
                source,
                now,
                columns={
                    "severity": severity_cell(),
                    "power": {"unit": "watt"},
                    "voltage": {"unit": "volt"},
                    "read": {"unit": "dateTimeAsIso"},
                },
            ),
        )
    return dashboard(
        "vigilia-poe",
        "Power over Ethernet",
        "The ports of the switches, by room.",
        [
            variable("room", "Room", source, *rooms, everything=history.everything),
            variable("device", "Device", source, *history.values_of("device", ports)),
            variable("link", "Switch", source, *history.values_of("device", contact)),
        ],
        panels,
    )
