"""A site with something wrong: what a service would have left behind, with alarms, incidents, notices and values."""

import math
import time
from pathlib import Path

from tests.unit.tui.seeded import alarm_row, fill_history, fill_store, good, incident_row, notice, urls_in
from vigilia.history.backend import Row
from vigilia.points import Kind, Point, Severity, Status

PLANT = "UFV Cedro"
RELAY = Point("19480:Relay-1:Lockout-Sts", Kind.ENUM, "Relay 1", "pvoperation", area=PLANT, labels=("Normal", "Active"))
INVERTERS = [
    Point(f"19480:Inverter-{n}:Pac-Mon", Kind.NUMBER, f"Inverter {n}", "pvoperation", units="kW", area=PLANT)
    for n in (1, 2, 3)
]
STATES = ("Searching", "Delivering", "Disabled", "Fault")
PORT = Point("TB-01:CamMF-01:PwrState-Raw", Kind.ENUM, "TB-01:CamMF-01", "sw-1", labels=STATES, area="Room 1")
PH = Point("R1:ph:pH-Mon", Kind.NUMBER, "R1", units="pH", area="Reactor 1", description="Acidity")
SELECT = Point(
    "TB-01:CamMF-01:PwrState-Sel", Kind.BOOLEAN, "TB-01:CamMF-01", "sw-1", labels=("Off", "On"), writable=True
)
OWN = [
    Point(f"vigilia:{link}:Connected-Sts", Kind.ENUM, f"vigilia:{link}", labels=("Disconnected", "Connected"))
    for link in ("sw-1", "pvoperation")
]
POINTS = {"aruba": [PORT, SELECT], "pvoperation": [RELAY, *INVERTERS], "reactor": [PH], "vigilia": OWN}


async def fill(folder: Path) -> None:
    """Make the store, the history and the configuration of the site in a folder."""
    now = time.time()
    store, history = urls_in(folder)
    cause = f"relay-lockout@{RELAY.name}"
    alarms = [
        alarm_row("relay-lockout", RELAY.name, now - 2520, "i-0"),
        *(alarm_row("inverter-failure", p.name, now - 2400, f"i-{n}") for n, p in enumerate(INVERTERS, 1)),
        alarm_row("poe-fault", PORT.name, now - 4300, "i-5", "acknowledged"),
        alarm_row("ph-low", PH.name, now - 600, "i-6", "returned"),
    ]
    lockout = {"family": "Relay alarms", "label": "LOCKOUT", "detail": "86 tripped"}
    incidents = [
        incident_row("i-0", "relay-lockout", RELAY, "pvoperation", now - 2520, told=True, **lockout),
        *(
            incident_row(
                *(f"i-{n}", "inverter-failure", p, "pvoperation", now - 2400),
                family="Inverter failures",
                suppressed_by=cause,
            )
            for n, p in enumerate(INVERTERS, 1)
        ),
        incident_row("i-5", "poe-fault", PORT, "aruba", now - 4300, family="PoE faults", label="PoE fault", told=True),
        incident_row(
            "i-6", "ph-low", PH, "reactor", now - 900, family="", severity=1, ended_at=now - 600, detail="5.31 pH"
        ),
    ]
    told = [
        (notice(cause, "i-0", f"Relay failure - {PLANT}", now - 2500), now - 2490),
        (notice("", "i-5", "Alarm - TB-01:CamMF-01", now - 4300), now - 4290),
    ]
    await fill_store(store, {name: its for name, its in POINTS.items() if name != "vigilia"}, alarms, incidents, told)
    rows = [good(PH.name, now - 3500 + n * 10, 6.2 + math.sin(n / 40) * 0.9 + (n % 7) / 60) for n in range(350)]
    rows += [good(PORT.name, now - 3500 + n * 60, float(n % 3 == 0)) for n in range(55)]
    rows += [good(p.name, now - 12, 1.0) for p in (*OWN, SELECT)]
    rows += [Row(RELAY.name, round((now - 40) * 1000), 1.0, None, Severity.MAJOR, Status.STATE)]
    await fill_history(history, POINTS, rows)
    (folder / "vigilia.toml").write_text('[site]\nname = "Canteiro"\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:1"\n')
