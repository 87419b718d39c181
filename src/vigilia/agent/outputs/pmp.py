"""What an EZO-PMP is told and answers (EZO-PMP data sheet, pp. 26, 55, 56), over whatever circuit it hangs on."""

import math
from typing import Protocol

from vigilia.agent.ezo.protocol import NotUnderstood, WrongKind, check_kind, fields, parse_identity
from vigilia.agent.parts import Rejected
from vigilia.agent.safeops import Operation
from vigilia.errors import BadAnswer
from vigilia.points import shorten

_STOP = "X"
_TYPE = "PMP"
_MOST_ML_MIN = 200.0
"""The fastest that an EZO-PMP says it is: 105 ml/min, and more or less by its calibration."""
_LARGEST_CALIBRATION_ML = 100_000.0


class PumpCircuit(Protocol):
    """The circuit of a pump, on its bus."""

    @property
    def place(self) -> str:
        """Where it is, for people: "i2c-1, address 103"."""
        ...

    async def ask(self, command: str, wait_s: float | None = None) -> str:
        """Give a command; return its answer's text, which may be empty. Raises VigiliaError."""
        ...

    def operation(self, command: str) -> Operation:
        """Return how the guardian gives a command without this program."""
        ...


class Pmp:
    """The pump's own words. Every method raises VigiliaError: the bus does not work, or the answer makes no sense."""

    def __init__(self, circuit: PumpCircuit) -> None:
        self._circuit = circuit
        self._is_sure = False
        self.place = circuit.place

    @property
    def stop_operation(self) -> Operation:
        """How the guardian stops it."""
        return self._circuit.operation(_STOP)

    def doubt(self) -> None:
        """Take note that it did not answer: another may be there by now."""
        self._is_sure = False

    async def make_sure(self) -> None:
        """Find out that it is the pump whose limits are known here, unless that is sure. Raises WrongKind."""
        if not self._is_sure:
            await self._recognise()
            self._is_sure = True

    async def _recognise(self) -> None:
        """Raise WrongKind for another circuit.

        Its larger brother, EZO-PMP-L (10 to 750 ml/min), speaks the same; what that says of itself could not be found
        out, and so it is known by its rate, too.
        """
        check_kind(parse_identity(await self._circuit.ask("i")), _TYPE, self.place)
        try:
            answer = await self._circuit.ask("DC,?")
        except NotUnderstood:  # firmware that does not tell
            return
        (rate, *_) = fields(answer, "DC,?") or ("",)
        if self._number("DC", rate) > _MOST_ML_MIN:
            raise WrongKind(
                f"{self.place} holds a pump of {rate} ml/min, which is no EZO-PMP: exchange it; a larger one is not "
                "supported"
            )

    async def tell(self, command: str) -> None:
        """Give a command whose answer says nothing."""
        await self._circuit.ask(command)

    async def stop(self) -> None:
        """Have it stand, whether it runs or not."""
        await self._circuit.ask(_STOP)

    async def stand(self) -> None:
        """Have it stand, whatever it did, and make sure of what it is. Raises WrongKind: what is there does not run."""
        self.doubt()
        try:
            await self.stop()
        except NotUnderstood:  # every pump knows how to stop: it is another circuit, or there is noise
            await self.make_sure()
            raise
        await self.make_sure()

    async def total(self) -> float:
        """Return its own total, ml: since its power came on, or `clear`."""
        return (await self._numbers("TV"))[0]

    async def supply(self) -> float:
        """Return the voltage of the motor's supply."""
        return (await self._numbers("PV"))[0]

    async def is_running(self) -> bool:
        """Say whether it moves: `?D,<ml>,<1 or 0>`, and `*` in place of the volume where nothing would end it."""
        return self._number("D", (await self._values("D"))[-1]) != 0

    async def clear(self) -> None:
        """Set its total to 0."""
        await self._circuit.ask("Clear")

    async def calibrate(self, text: str) -> str:
        """Tell it what its last dose truly gave, ml, or to forget its calibration; return what it is calibrated for."""
        if text.strip().lower() == "clear":
            await self._circuit.ask("Cal,clear")
        else:
            try:
                ml = float(text)
            except ValueError:
                ml = math.nan
            if not 0 < ml <= _LARGEST_CALIBRATION_ML:
                raise Rejected(f'{shorten(text)}: write what the last dose gave, ml, or "clear"', over_limit=True)
            await self._circuit.ask(f"Cal,{ml:.2f}")
        points = (await self._numbers("Cal"))[0]
        names = {0: "not calibrated", 1: "calibrated for volume", 2: "calibrated for rate", 3: "calibrated for both"}
        return names.get(int(points), f"calibration {points:g}")

    async def _numbers(self, word: str) -> list[float]:
        """Ask `word,?` and return the numbers of the answer."""
        return [self._number(word, text) for text in await self._values(word)]

    async def _values(self, word: str) -> list[str]:
        """Ask `word,?` and return the values of the answer, at least one. Firmware differs in capitals."""
        answer = await self._circuit.ask(f"{word},?")
        head, *values = answer.split(",")
        if head.strip().upper() != f"?{word.upper()}" or not values:
            raise BadAnswer(f"{self.place}: {word},? was answered {shorten(answer)}")
        return values

    def _number(self, word: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise BadAnswer(f"{self.place}: {word},? was answered with {shorten(text)} where a number belongs")
        return number
