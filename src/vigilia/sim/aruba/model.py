"""What a simulated switch supplies: its PoE ports, their states and the JSON that describes them.

Pure: no sockets and no clock of its own. Times are seconds on the caller's monotonic clock.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack
from urllib.parse import quote

DISABLED = "PPDS_DISABLED"
SEARCHING = "PPDS_SEARCHING"
DELIVERING = "PPDS_DELIVERING"
PRIORITIES = ("PPP_CRITICAL", "PPP_HIGH", "PPP_LOW")

Fields = Literal["full", "minimal"]


class UnknownPortError(LookupError):
    """The switch has no port of that name."""


class PortChanges(TypedDict, total=False):
    """What may be changed on a port; absent = as it was. `state` None gives a forced state up."""

    enabled: bool
    attached: bool
    state: str | None
    priority: str
    power_w: float
    voltage_v: float
    power_class: int
    power_denied_count: int
    over_current_count: int
    mps_absent_count: int
    short_count: int


@dataclass(slots=True)
class PortModel:
    """One PoE port. `attached`: a powered device is plugged in. `state`: forced status text, or None."""

    port_id: str
    enabled: bool = True
    attached: bool = True
    state: str | None = None
    priority: str = "PPP_LOW"
    power_w: float = 6
    voltage_v: float = 54
    power_class: int = 3
    power_denied_count: int = 0
    over_current_count: int = 0
    mps_absent_count: int = 0
    short_count: int = 0
    delivers_from: float = -math.inf

    def status(self, now: float) -> str:
        """`poe_detection_status` at `now`."""
        if self.state is not None:
            return self.state
        if not self.enabled:
            return DISABLED
        return DELIVERING if self.attached and now >= self.delivers_from else SEARCHING

    def stats(self, now: float) -> dict[str, object]:
        """The object that `ports/{id}/poe/stats` answers with."""
        status = self.status(now)
        delivering = status == DELIVERING
        return {
            "uri": f"/ports/{quote(self.port_id, safe='')}/poe/stats",
            "port_id": self.port_id,
            "port_voltage_in_volts": self.voltage_v if delivering else 0,
            "power_denied_count": self.power_denied_count,
            "over_current_count": self.over_current_count,
            "mps_absent_count": self.mps_absent_count,
            "short_count": self.short_count,
            "actual_power_in_watts": self.power_w if delivering else 0,
            "power_class": self.power_class if delivering else 0,
            "poe_detection_status": status,
        }

    def settings(self) -> dict[str, object]:
        """The object that `ports/{id}/poe` answers with."""
        return {
            "uri": f"/ports/{quote(self.port_id, safe='')}/poe",
            "port_id": self.port_id,
            "is_poe_enabled": self.enabled,
            "poe_priority": self.priority,
            "poe_allocation_method": "PPAM_USAGE",
            "allocated_power_in_watts": 17,
            "port_configured_type": "",
            "pre_standard_detect_enabled": False,
        }


def encode(value: object) -> bytes:
    """Compact JSON, as UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def collection_result(count: int) -> dict[str, int]:
    """The header that every collection answer carries."""
    return {"total_elements_count": count, "filtered_elements_count": count}


class SwitchModel:
    """The ports of one switch.

    Ports attached to a device deliver from the first moment; after any change or restart detection takes `detect_s`.
    `fields` "minimal" reports only the id and the status, as older firmware does.
    """

    def __init__(self, ports: int | Iterable[str] = 24, *, detect_s: float = 0.2, fields: Fields = "full") -> None:
        names = [str(number) for number in range(1, ports + 1)] if isinstance(ports, int) else list(ports)
        if len(set(names)) != len(names):
            raise ValueError(f"a port is named twice in {names}: give each port its own name")
        self.ports: Mapping[str, PortModel] = {name: PortModel(name) for name in names}
        self.detect_s = detect_s
        self.fields: Fields = fields
        self._encoded: dict[str, bytes] = {}
        self._collection: bytes | None = None
        self._encoded_until = math.inf

    def port(self, port_id: str) -> PortModel:
        """The port of that name; raises UnknownPortError."""
        if port_id not in self.ports:
            raise UnknownPortError(f"no port {port_id!r}: this switch has {', '.join(self.ports)}")
        return self.ports[port_id]

    def change(self, port_id: str, now: float, **changes: Unpack[PortChanges]) -> PortModel:
        """Change a port. Enabling it, or plugging a device in, starts detection; raises UnknownPortError."""
        port = self.port(port_id)
        was_supplying = port.enabled and port.attached
        unplugged = changes.get("attached") is False and port.status(now) == DELIVERING
        for field, value in changes.items():
            setattr(port, field, value)
        if port.enabled and port.attached and not was_supplying:
            port.delivers_from = now + self.detect_s
            self._encoded_until = min(self._encoded_until, port.delivers_from)
        if unplugged:
            port.mps_absent_count += 1
        self._encoded.pop(port_id, None)
        self._collection = None
        return port

    def restart(self, ready_at: float) -> None:
        """As after a reboot: counters at zero, every device detected anew from `ready_at` on."""
        for port in self.ports.values():
            port.delivers_from = ready_at + self.detect_s
            port.power_denied_count = port.over_current_count = port.mps_absent_count = port.short_count = 0
        self._encoded_until = -math.inf

    def stats(self, port_id: str, now: float) -> bytes:
        """Encoded statistics of one port; raises UnknownPortError."""
        self._forget_outdated(now)
        encoded = self._encoded.get(port_id)
        if encoded is None:
            stats = self.port(port_id).stats(now)
            if self.fields == "minimal":
                stats = {key: stats[key] for key in ("port_id", "poe_detection_status")}
            encoded = self._encoded[port_id] = encode(stats)
        return encoded

    def all_stats(self, now: float, missing: frozenset[str] = frozenset()) -> bytes:
        """The encoded collection of all ports' statistics, without the `missing` ones."""
        self._forget_outdated(now)
        if missing:
            return self._join_stats(now, missing)
        if self._collection is None:
            self._collection = self._join_stats(now, missing)
        return self._collection

    def all_settings(self, missing: frozenset[str] = frozenset()) -> bytes:
        """The encoded collection of all ports' settings, without the `missing` ones."""
        settings = [port.settings() for name, port in self.ports.items() if name not in missing]
        return encode({"collection_result": collection_result(len(settings)), "port_poe": settings})

    def _join_stats(self, now: float, missing: frozenset[str]) -> bytes:
        parts = [self.stats(name, now) for name in self.ports if name not in missing]
        header = encode(collection_result(len(parts)))
        return b'{"collection_result":' + header + b',"port_poe_stats":[' + b",".join(parts) + b"]}"

    def _forget_outdated(self, now: float) -> None:
        """Drop what was encoded before a detection finished, and note when the next one will."""
        if now < self._encoded_until:
            return
        self._encoded.clear()
        self._collection = None
        self._encoded_until = min(
            (port.delivers_from for port in self.ports.values() if port.delivers_from > now), default=math.inf
        )
