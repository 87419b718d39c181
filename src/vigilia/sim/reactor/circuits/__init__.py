"""The EZO circuits of a simulated reactor: what each kind measures or does, and the commands it understands."""

from vigilia.sim.reactor.circuits.air import Co2Circuit, HumidityCircuit
from vigilia.sim.reactor.circuits.circuit import BAUDS, BOOT_S, Circuit, Way
from vigilia.sim.reactor.circuits.conductivity import EcCircuit
from vigilia.sim.reactor.circuits.electrodes import OrpCircuit, PhCircuit, RtdCircuit
from vigilia.sim.reactor.circuits.oxygen import OxygenCircuit
from vigilia.sim.reactor.circuits.pump import PumpCircuit
from vigilia.sim.reactor.circuits.reply import SILENT, NotUnderstood, Reply

__all__ = [
    "BAUDS",
    "BOOT_S",
    "SILENT",
    "Circuit",
    "Co2Circuit",
    "EcCircuit",
    "HumidityCircuit",
    "NotUnderstood",
    "OrpCircuit",
    "OxygenCircuit",
    "PhCircuit",
    "PumpCircuit",
    "Reply",
    "RtdCircuit",
    "Way",
]
