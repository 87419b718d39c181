"""A circuit: one command at a time, each answered, on whatever bus it hangs."""

import asyncio

from vigilia.agent.buses import Bus, OneWireBus, Operation, UartBus
from vigilia.agent.ezo.lines import I2cLine, Line, UartLine
from vigilia.agent.ezo.protocol import Health, Identity, fields, parse_health, parse_identity, wait_of
from vigilia.errors import BadAnswer
from vigilia.points import shorten

_MOST_EXPORT_LINES = 64
_MOST_EXPORT_CHARACTERS = 1024


class Circuit:
    """One EZO circuit. Commands to it wait for each other; commands to several circuits of a bus do not."""

    def __init__(self, line: Line, circuit_type: str = "") -> None:
        """`circuit_type`: what it is believed to be ("pH"), for how long it needs; `identify` finds out."""
        self._line = line
        self._type = circuit_type
        self._lock = asyncio.Lock()
        self._busy_until = 0.0

    @property
    def place(self) -> str:
        """Where it is, for people: "i2c-1, address 99"."""
        return self._line.place

    async def ask(self, command: str, wait_s: float | None = None) -> str:
        """Give a command; return its answer's text, which may be empty.

        `wait_s`: how long the circuit needs, where that is not what the data sheets say of the command.
        Raises Nack, BusError, BadAnswer, and NotUnderstood where the circuit does not take the command.
        """
        wait_s = wait_of(command, self._type) if wait_s is None else wait_s
        loop = asyncio.get_running_loop()
        async with self._lock:
            # Somebody who gave up waiting has left the circuit at work: it would not hear.
            await asyncio.sleep(max(0.0, self._busy_until - loop.time()))
            self._busy_until = loop.time() + wait_s
            try:
                answer = await self._line.exchange(command, wait_s)
            except BadAnswer as error:
                self._busy_until = 0.0
                raise type(error)(f"{self.place}: {error}") from error
            self._busy_until = 0.0
            return answer

    async def query(self, command: str) -> tuple[str, ...]:
        """Return the values that a query is answered with: ("1.0",) of "?K,1.0". Raises as `ask` does."""
        answer = await self.ask(command)
        try:
            return fields(answer, command)
        except BadAnswer as error:
            raise BadAnswer(f"{self.place}: {error}") from error

    async def tell(self, command: str) -> None:
        """Give a command that circuits do not answer: `I2C,n`, `Baud,n`, `Sleep`. Raises Nack or BusError."""
        async with self._lock:
            await self._line.send(command)

    async def identify(self) -> Identity:
        """Return what the circuit says it is. Raises as `ask` does."""
        answer = await self.ask("i")
        try:
            identity = parse_identity(answer)
        except BadAnswer as error:
            raise BadAnswer(
                f"{self.place} does not say what it is ({error}): another device, or two at this address?"
            ) from error
        self._type = identity.type
        return identity

    async def health(self) -> Health:
        """Return what the circuit says of its last start and its supply. Raises as `ask` does."""
        answer = await self.ask("Status")
        try:
            return parse_health(answer)
        except BadAnswer as error:
            raise BadAnswer(f"{self.place}: {error}") from error

    async def export(self) -> str:
        """Return the circuit's calibration, to be kept: its lines with ";" between. Raises as `ask` does."""
        # Data sheets say "10,120" is the answer; circuits give "?EXPORT,10,120".
        announced = (await self.ask("Export,?")).upper().removeprefix("?EXPORT,").split(",")
        lines: list[str] = []
        while len(lines) < _MOST_EXPORT_LINES:
            line = await self.ask("Export")
            if line.upper().startswith("*DONE"):
                break
            if not line:
                raise BadAnswer(f"{self.place}: an empty line in its export")
            lines.append(line)
        text = ";".join(lines)
        if announced[0] != str(len(lines)) or len(text) > _MOST_EXPORT_CHARACTERS:
            raise BadAnswer(f"{self.place}: {len(lines)} lines of export where {shorten(announced[0])} were announced")
        return text

    def heard(self) -> list[str]:
        """Return what the circuit said unasked since the last call, such as `*RE`; over I2C nothing."""
        return self._line.heard()

    def operation(self, command: str) -> Operation:
        """Return how the guardian gives a command without this program."""
        return self._line.operation(command)


def circuit_on(bus: Bus, address: int | None, circuit_type: str = "") -> Circuit:
    """Return the circuit at an address of an I2C bus, or on a serial line, which takes no address.

    Raises ValueError for a bus that has no circuits, or an address that is missing: the configuration was not checked.
    """
    if isinstance(bus, UartBus):
        return Circuit(UartLine(bus), circuit_type)
    if isinstance(bus, OneWireBus) or address is None:
        raise ValueError(f"the bus {bus.name} has no EZO circuit at {address}")
    return Circuit(I2cLine(bus, address), circuit_type)
