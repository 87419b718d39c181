"""Simulated reactors: EZO circuits on an I2C bus and on ptys, 1-wire, PWM, a vessel, the truth, faults on request."""

from vigilia.sim.aruba.faults import FaultError
from vigilia.sim.reactor.control import Control
from vigilia.sim.reactor.faults import FAULTS, PLACES
from vigilia.sim.reactor.fleet import Fleet
from vigilia.sim.reactor.reactor import Options, SimReactor, UnknownPartError
from vigilia.sim.reactor.sample import config_text
from vigilia.sim.reactor.vessel import Vessel

__all__ = [
    "FAULTS",
    "PLACES",
    "Control",
    "FaultError",
    "Fleet",
    "Options",
    "SimReactor",
    "UnknownPartError",
    "Vessel",
    "config_text",
]
