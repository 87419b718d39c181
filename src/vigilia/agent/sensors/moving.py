"""Another I2C address for a sensor: its circuit is there already, or is told to move there."""

import asyncio

from vigilia.agent.buses import BusError, Nack
from vigilia.agent.ezo import Circuit
from vigilia.agent.parts import Rejected
from vigilia.errors import BadAnswer

_RESTARTS_S = 5.0
"""Real seconds within which a circuit that was told another address answers there: it starts anew, 2 s or so."""
_LOOK_S = 0.25


async def move(old: Circuit, new: Circuit, address: int, circuit_type: str) -> None:
    """Have the circuit of a sensor be at `new`, which is `address`, from now on.

    A circuit of the right type that answers there is taken as it is. Where nobody answers there, the one at `old` is
    told to move. Where nobody answers at either, `new` is where it is looked for from now on.
    Raises Rejected, and then all is as it was.
    """
    there = await _who(new)
    if there == circuit_type:
        return
    if there is not None:
        raise Rejected(f"{new.place} holds {there}, not a circuit of type {circuit_type}: choose another address")
    if await _who(old) != circuit_type:
        return
    try:
        await old.tell(f"I2C,{address}")
    except (Nack, BusError) as error:
        raise Rejected(f"the circuit could not be told its new address: {error}") from error
    loop = asyncio.get_running_loop()
    until = loop.time() + _RESTARTS_S
    while loop.time() < until:
        await asyncio.sleep(_LOOK_S)
        if await _who(new) == circuit_type:
            return
    if await _who(old) == circuit_type:
        raise Rejected(f"the circuit at {old.place} did not move: its protocol is locked, perhaps (Plock)")


async def _who(circuit: Circuit) -> str | None:
    """Return the type of the circuit that answers; None where nobody does."""
    try:
        return (await circuit.identify()).type
    except (Nack, BusError):
        return None
    except BadAnswer:
        return "something that does not say what it is"
