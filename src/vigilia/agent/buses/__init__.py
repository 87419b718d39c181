"""The buses that circuits and thermometers hang on: I2C, serial lines, 1-wire, and a simulated I2C bus.

One transaction at a time on each, every one with a deadline. A bus opens at its first transaction and anew after one
failed: what vanishes and returns heals by itself.
"""

from collections.abc import Sequence

from vigilia.agent.buses.bus import BusError, I2cBus, Nack, Operation
from vigilia.agent.buses.config import BusConfig, I2cBusConfig, OneWireBusConfig, SimBusConfig, UartBusConfig
from vigilia.agent.buses.i2c import DeviceI2cBus
from vigilia.agent.buses.onewire import OneWireBus
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.buses.uart import UartBus

__all__ = ["Bus", "BusError", "I2cBus", "Nack", "OneWireBus", "Operation", "UartBus", "open_buses"]

Bus = I2cBus | UartBus | OneWireBus
"""Any bus."""


def open_buses(configs: Sequence[BusConfig]) -> dict[str, Bus]:
    """Return the buses by their names. None of them touches its device before its first transaction.

    Raises StartError where the library that a bus needs is not installed.
    """
    return {config.name: _open(config) for config in configs}


def _open(config: I2cBusConfig | UartBusConfig | OneWireBusConfig | SimBusConfig) -> Bus:
    match config:
        case I2cBusConfig():
            return DeviceI2cBus(config.name, config.number)
        case UartBusConfig():
            return UartBus(config.name, config.device, config.baud)
        case OneWireBusConfig():
            return OneWireBus(config.name, config.path)
        case SimBusConfig():
            return SimulatedI2cBus(config.name, config.address)
