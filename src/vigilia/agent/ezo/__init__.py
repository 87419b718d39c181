"""Atlas Scientific EZO circuits, as they speak over I2C and serial lines."""

from vigilia.agent.ezo.circuit import Circuit, circuit_on
from vigilia.agent.ezo.protocol import Health, Identity, NoData, NotUnderstood, WrongKind

__all__ = ["Circuit", "Health", "Identity", "NoData", "NotUnderstood", "WrongKind", "circuit_on"]
