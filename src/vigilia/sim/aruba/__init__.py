"""Simulated ArubaOS-Switch: REST over HTTP or HTTPS, PoE ports, sessions, and faults on request."""

from vigilia.sim.aruba.control import Control
from vigilia.sim.aruba.faults import FAULTS, FaultError
from vigilia.sim.aruba.fleet import Fleet
from vigilia.sim.aruba.model import PortChanges, PortModel, SwitchModel, UnknownPortError
from vigilia.sim.aruba.server import RequestRecord, SimSwitch

__all__ = [
    "FAULTS",
    "Control",
    "FaultError",
    "Fleet",
    "PortChanges",
    "PortModel",
    "RequestRecord",
    "SimSwitch",
    "SwitchModel",
    "UnknownPortError",
]
