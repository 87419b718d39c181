"""What drives equipment: PWM, relays and dosing pumps, with their limits, and how each is made safe."""

from collections.abc import Callable, Sequence

from vigilia.agent.outputs.config import PMP_ADDRESS, ActuatorConfig, PmpConfig
from vigilia.agent.outputs.gear import Contact, Gear
from vigilia.agent.outputs.guard import Guard
from vigilia.agent.outputs.hardware import make_hardware
from vigilia.agent.outputs.pmp import PumpCircuit
from vigilia.agent.outputs.pump import Pump
from vigilia.agent.outputs.switch import Switch
from vigilia.agent.outputs.switchwork import safe_level
from vigilia.agent.safeops import Operation

__all__ = ["CircuitAt", "Contact", "Gear", "Guard", "Output", "make_outputs", "pump_addresses", "safe_operations"]

Output = Switch | Pump
CircuitAt = Callable[[str, int], PumpCircuit]
"""Gives the circuit on a bus, by the bus's name, at an address; on a serial line there is only one."""


def make_outputs(configs: Sequence[ActuatorConfig], circuit_at: CircuitAt, gear: Gear) -> list[Output]:
    """Return the outputs, untouched. Raises StartError where a library is missing that one needs."""
    return [_make(config, circuit_at, gear) for config in configs]


def _make(config: ActuatorConfig, circuit_at: CircuitAt, gear: Gear) -> Output:
    if isinstance(config, PmpConfig):
        return Pump(config, circuit_at(config.bus, _address(config)), gear)
    return Switch(config, make_hardware(config), gear)


def safe_operations(configs: Sequence[ActuatorConfig], circuit_at: CircuitAt) -> dict[str, list[Operation]]:
    """Return, by name, what makes each output safe: for `vigilia.agent.safeops.SafeHands`, when no agent runs."""
    return {
        config.name: [circuit_at(config.bus, _address(config)).operation("X")]
        if isinstance(config, PmpConfig)
        else make_hardware(config).operations(safe_level(config))
        for config in configs
    }


def pump_addresses(configs: Sequence[ActuatorConfig]) -> dict[tuple[str, int], str]:
    """Return the pumps' names by where they are: the bus's name, and the address there."""
    return {(config.bus, _address(config)): config.name for config in configs if isinstance(config, PmpConfig)}


def _address(config: PmpConfig) -> int:
    return PMP_ADDRESS if config.address is None else config.address
