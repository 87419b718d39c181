"""What the appliance is asked to archive: each PV with how it is to be sampled."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vigilia.points import Kind, Point

MONITOR, SCAN = "MONITOR", "SCAN"
MONITOR_S = 1.0
"""The shortest time between two changes that the appliance makes room for; the equipment is read no faster."""
SCAN_S = 60.0
"""For what the service measures of itself each second, and what nobody needs each second of."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A PV to be archived."""

    pv: str
    method: str
    """MONITOR: each change is kept. SCAN: the value at each period."""
    period_s: float
    policy: str = ""
    """One of the appliance's policies; empty: the appliance chooses."""

    def entry(self) -> dict[str, str]:
        """Return it as the appliance's `archivePV` takes it: numbers as texts, or the entry is skipped in silence."""
        entry = {"pv": self.pv, "samplingmethod": self.method, "samplingperiod": f"{self.period_s:g}"}
        return entry | ({"policy": self.policy} if self.policy else {})


def wanted(points: Iterable[tuple[str, Point, str]], own: str, policy: str = "") -> list[Wanted]:
    """Return what is to be archived of points, given with their systems and PVs; `own` is the service's own system."""
    return [
        Wanted(pv, SCAN, SCAN_S, policy)
        if system == own and point.kind in (Kind.NUMBER, Kind.INTEGER)
        else Wanted(pv, MONITOR, MONITOR_S, policy)
        for system, point, pv in points
    ]


def listed(entries: Sequence[Wanted]) -> str:
    """Return the list as JSON, a PV a line: what `curl` can send to `archivePV` as it is."""
    lines = ",\n".join(json.dumps(entry.entry()) for entry in entries)
    return f"[\n{lines}\n]" if lines else "[]"
