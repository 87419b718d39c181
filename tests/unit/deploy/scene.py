"""Thirty hours of a small site, as its history has them: ports with and without a room, two plants, the service."""

import math
from collections.abc import Iterator

from vigilia.history.backend import PointInfo, Row
from vigilia.points import Severity, Status

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
END = 1_773_144_000_000
"""2026-03-10T12:00:00Z."""
START = END - 30 * HOUR
LATELY = END - 3 * HOUR
"""Since when there is more than the ports."""
SPIKE = END - 5 * HOUR + 7 * MINUTE + 30 * SECOND
"""When the port T1 drew 95 W, for one reading."""
FLICKER = END - 2 * HOUR + 30 * SECOND
"""When T1 was off, for one reading."""
GAP_START, GAP_END = END - 30 * MINUTE, END - 10 * MINUTE
"""Between them nothing was kept of T2."""
FAILED = END - 2 * HOUR
"""Since when the inverter 100:Inverter-2 gives nothing."""
FAULT = END - 26 * HOUR
"""T2 was in a fault for five minutes from then on."""

RAW_LABELS = ("Searching", "Delivering", "Disabled", "Fault", "Other Fault", "Test", "Unknown")
ROOM, ODD_ROOM = "Connectivity room", "O'Brien's \"100%\" room"
PORTS = {"T1": ROOM, "T2": ROOM, "O'Neill%": ODD_ROOM, "T4": ""}
LINKS = {"vigilia:sw-1": ROOM, "vigilia:sw-2": ODD_ROOM, "vigilia:pvoperation": ""}
PLANTS = {"100": "Plant A", "200": "Plant B"}
INVERTERS = {"100:Inverter-1": "Plant A", "100:Inverter-2": "Plant A", "200:Inverter-1": "Plant B"}
RELAYS = {"100:Relay-1": "Plant A", "200:Relay-9": "Plant B"}
CLASSES = ("Overvoltage", "Undervoltage", "Frequency", "Thermal", "Lockout", "Other")
REACTORS = ("R1", "R2")
PROBES = {"ph": ("pH",), "temp": ("Temp",), "ec": ("EC", "TDS", "Salinity", "SG"), "do": ("DO",), "orp": ("ORP",)} | {
    "air": ("Hum", "CO2")
}
OUTPUTS = {"heater": ("Duty-RB", "Power-Sts"), "acid": ("Dosed-Mon", "DoseHour-Mon", "DoseDay-Mon")}
LOOPS = {"ph-control": ("Setpoint-RB", "State-Sts", "Enable-Sts")}
AGENT = ("Buffered-Mon", "OldestWaiting-Mon", "Dropped-Mon", "Memory-Mon", "Uptime-Mon", "Temp-Mon")
DOSED = END - 2 * HOUR
"""When R1's pump gave 5 ml; and R2's heater fell to safe."""
COUNTERS = ("PowerDenied", "OverCurrent", "Short", "MpsAbsent")
OWN = (
    *("Memory", "AlarmsActive", "AlarmsWaiting", "NoticesWaiting", "OldestNotice", "AuditWaiting"),
    *("HistoryWaiting", "HistoryLag", "HistoryDropped", "HistoryRefused"),
)
OF_LINKS = ("RoundTrip", "RoundTrip99", "Reconnects", "BadAnswers", "Queue")


def points() -> Iterator[PointInfo]:
    """Every point of the site."""

    def info(name: str, kind: str, area: str = "", labels: tuple[str, ...] = ()) -> PointInfo:
        return PointInfo(name, kind, device=name.rpartition(":")[0], area=area, labels=labels)

    for device, room in PORTS.items():
        yield info(f"{device}:PwrState-Raw", "enum", room, RAW_LABELS)
        yield info(f"{device}:PwrState-Sts", "enum", room, ("Off", "On"))
        yield from (info(f"{device}:{name}-Mon", "number", room) for name in ("Power", "Voltage", *COUNTERS))
    for device, area in LINKS.items():
        yield info(f"{device}:Connected-Sts", "enum", area, ("Disconnected", "Connected"))
        yield from (info(f"{device}:{name}-Mon", "number") for name in OF_LINKS)
    for plant, area in PLANTS.items():
        yield info(f"{plant}:LastRecord-Mon", "text", area)
    for device, area in INVERTERS.items():
        yield info(f"{device}:Pac-Mon", "number", area)
        yield info(f"{device}:State-Sts", "enum", area, ("Normal", "Failed", "Suppressed", "NoData"))
    for device, area in RELAYS.items():
        yield from (info(f"{device}:{name}-Sts", "enum", area, ("Normal", "Active")) for name in CLASSES)
    yield from (info(f"vigilia:{name}-Mon", "number") for name in OWN)
    for name in reactor_points():
        kind = "enum" if name.endswith("-Sts") else "number"
        yield info(name, kind, name.partition(":")[0], ("Normal", "Safe") if name.endswith(":Safe-Sts") else ())


def reactor_points() -> Iterator[str]:
    """The names of the points of both reactors."""
    for reactor in REACTORS:
        for probe, parameters in PROBES.items():
            yield from (f"{reactor}:{probe}:{parameter}-Mon" for parameter in parameters)
        for part, suffixes in (*OUTPUTS.items(), *LOOPS.items(), ("agent", AGENT)):
            yield from (f"{reactor}:{part}:{suffix}" for suffix in suffixes)
        yield from (f"{reactor}:{part}:Safe-Sts" for part in OUTPUTS)


def rows() -> Iterator[Row]:
    """Every reading: a minute apart, records of plants a quarter of an hour, and two in between."""
    for time in range(START, END + 1, MINUTE):
        for device in PORTS:
            if device != "T2" or not GAP_START < time < GAP_END:
                yield from _port(device, time)
    for time in range(LATELY, END + 1, MINUTE):
        for device in PORTS:
            yield from (_row(f"{device}:{name}-Mon", time, 2) for name in COUNTERS)
        for device in LINKS:
            yield _row(f"{device}:Connected-Sts", time, 1)
            yield from (_row(f"{device}:{name}-Mon", time, 12.5) for name in OF_LINKS)
        yield from (_row(f"vigilia:{name}-Mon", time, 100.25) for name in OWN)
        for device in RELAYS:
            active = device == "100:Relay-1" and time >= END - HOUR
            yield from (_row(f"{device}:{name}-Sts", time, int(active and name == "Thermal")) for name in CLASSES)
        for device in INVERTERS:
            failed = device == "100:Inverter-2" and time >= FAILED
            yield _row(f"{device}:State-Sts", time, int(failed), Severity.MAJOR if failed else Severity.NO_ALARM)
    for place, (device, _) in enumerate(INVERTERS.items()):
        # Their records are not of the same moments.
        for time in range(START + place * MINUTE, END + 1, 15 * MINUTE):
            yield _row(f"{device}:Pac-Mon", time, power_of(device, time))
    for plant in PLANTS:
        for time in range(START, END + 1, 15 * MINUTE):
            text = "2026-03-10T12:00:00Z" if time == END else "2026-03-08T00:00:00Z"
            yield Row(f"{plant}:LastRecord-Mon", time, None, text, Severity.NO_ALARM, Status.NO_ALARM)
    for name in reactor_points():
        for time in range(LATELY, END + 1, MINUTE):
            yield _row(name, time, reactor_value(name, time))
    yield _row("T1:Power-Mon", SPIKE, 95.0)
    yield _row("T1:PwrState-Sts", FLICKER, 0)


def power_of(device: str, time: int) -> float:
    """What an inverter gives, kW: constant but for one, which fails."""
    if device == "100:Inverter-2":
        return 0.0 if time >= FAILED else 20.5
    return 10.25


def reactor_value(name: str, time: int) -> float:
    """What a point of a reactor says: 2, but for the pH, one pump, one heater and the agents."""
    match name.split(":"):
        case [_, "ph", _]:
            return 7.25
        case ["R1", "acid", "Dosed-Mon"]:
            return 15.0 if time >= DOSED else 10.0
        case [reactor, part, "Safe-Sts"]:
            return int((reactor, part) == ("R2", "heater") and time >= DOSED)
        case [reactor, "agent", "Buffered-Mon"]:
            return 120 if reactor == "R1" else 0
        case [_, _, suffix] if suffix in ("Power-Sts", "Enable-Sts"):
            return 1
        case _:
            return 2


def _port(device: str, time: int) -> Iterator[Row]:
    fault = device == "T2" and FAULT <= time < FAULT + 5 * MINUTE
    yield _row(f"{device}:PwrState-Raw", time, 3 if fault else 1, Severity.MAJOR if fault else Severity.NO_ALARM)
    yield _row(f"{device}:PwrState-Sts", time, int(not fault))
    yield _row(f"{device}:Power-Mon", time, math.floor(time / MINUTE) % 2 + 4.5)
    yield _row(f"{device}:Voltage-Mon", time, 53.7)


def _row(name: str, time: int, value: float, severity: Severity = Severity.NO_ALARM) -> Row:
    status = Status.NO_ALARM if severity is Severity.NO_ALARM else Status.STATE
    return Row(name, time, float(value), None, severity, status)
