"""Sensors that are EZO circuits: what they declare, how they are read, set, calibrated and found."""

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from vigilia.agent.buses import Bus, BusError, Nack
from vigilia.agent.ezo import Circuit, NoData, WrongKind, circuit_on
from vigilia.agent.parts import Failed, Measured, Rejected
from vigilia.agent.sensors.calibration import BEGIN, CLEAR, END, LASTS_S, Request, parse_request
from vigilia.agent.sensors.compensation import Compensation, Temperature
from vigilia.agent.sensors.config import EzoConfig, circuit_address
from vigilia.agent.sensors.kinds import EZO_KINDS, Kept, least_conductivity
from vigilia.agent.sensors.moving import move
from vigilia.agent.sensors.parameters import ezo_parameters
from vigilia.agent.sensors.probe import Probe
from vigilia.agent.sensors.rhythm import LIVE_IN_CALIBRATION_S, LIVE_S
from vigilia.agent.sensors.sensor import LONGEST_RAW, Sensor, sensor_declaration
from vigilia.agent.sensors.watching import Watching
from vigilia.clock import Clock
from vigilia.errors import BadAnswer, printable
from vigilia.points import Severity, Status, Value

_logger = logging.getLogger(__name__)

FIND_S = 10.0
"""Real seconds without a reading after Find: the next command ends the circuit's blinking."""
_BAD_ANSWERS = 3
"""In a row; then the circuit is met anew: another may be there."""

Addresses = dict[tuple[str, int], str]
"""Which sensor is at which bus and address; shared by all of an agent."""


class EzoSensor(Sensor):
    """A probe on an EZO circuit. What the circuit tells of itself besides its readings is in `Watching`."""

    def __init__(self, config: EzoConfig, bus: Bus, clock: Clock, addresses: Addresses) -> None:
        kind = EZO_KINDS[config.kind]
        self._address = circuit_address(config, bus.kind)
        circuit = circuit_on(bus, self._address, kind.type)
        parameters = ezo_parameters(kind, addressed=self._address is not None)
        super().__init__(
            sensor_declaration(config.name, config.kind, circuit.place, parameters), config.sample_s, clock
        )
        self.compensation: Compensation | None = None
        """Where the temperature comes from; None: the circuit assumes one."""
        self._kind = kind
        self._bus = bus
        self._addresses = addresses
        self._probe = Probe(kind, circuit)
        self._watching = Watching(config.name, self._probe, clock, self._keep, self._tell_event)
        self._met = False
        self._bad_answers = 0
        self._calibrating_until: float | None = None
        self._wanted: dict[str, float] = {}
        """Settings that the circuit is to keep, by parameter, as they were set here last."""
        self._wanted_outputs: frozenset[str] | None = None
        if self._address is not None:
            addresses[bus.name, self._address] = config.name

    @property
    def calibrating(self) -> bool:
        """Whether the probe is being calibrated; it ends by itself, 15 minutes after the last step."""
        return self._calibrating_until is not None and self._clock.monotonic() < self._calibrating_until

    def resume_calibration(self, left_s: float) -> None:
        """Be in calibration, as before a restart, for so many seconds more or until its end is asked for."""
        self._begin_calibration(left_s)

    def settings(self) -> Mapping[str, Value]:
        """Return what holds of every setting; of those that the circuit keeps, what it told."""
        held: dict[str, Value] = {**super().settings(), **self._probe.kept}
        if self._address is not None:
            held["Address"] = self._address
        if self._kind.selectable and self._probe.outputs:
            held["Outputs"] = self._probe.outputs
        return held

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a setting hold from now on. Raises Rejected, and then nothing has changed.

        Before the sensor runs nothing is asked of equipment: settings hold from when the circuit is met.
        """
        kept = next((kept for kept in self._kind.kept if kept.parameter == parameter), None)
        match value:
            case int() if parameter == "Address" and self._address is not None:
                await self._move(value)
            case int() | float() if kept is not None:
                await self._have_kept(kept, float(value))
            case str() if parameter == "Outputs" and self._kind.selectable:
                await self._select(value)
            case _:
                await super().apply(parameter, value)

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        """Do what a command asks; return what there is to say. Raises Rejected or Failed."""
        try:
            match parameter, value:
                case "Calibrate", str() as text:
                    return await self._calibrate(parse_request(self._kind, text))
                case "Find", _:
                    return await self._find()
                case _:
                    return await super().command(parameter, value, command_id)
        except (Nack, BusError, BadAnswer) as error:
            raise Failed(printable(str(error))) from error

    async def _measure(self) -> Sequence[Measured]:
        self._mind_calibration()
        self._probe.raw = ""
        try:
            if self._met:
                await self._watching.look()
            else:
                await self._meet()
            temperature = None if self.compensation is None else await self.compensation.temperature()
            values = await self._probe.read(None if temperature is None else temperature.celsius)
        except (Nack, BusError) as error:
            self._met = False
            self._watching.lose(printable(str(error)), gone=isinstance(error, Nack))
            raise
        except BadAnswer as error:
            if isinstance(error, NoData):
                self._watching.suspect()
            self._bad_answers += 1
            if self._bad_answers >= _BAD_ANSWERS or isinstance(error, WrongKind):
                self._met = False
            raise
        finally:
            if self._probe.raw:
                self._keep([Measured("Raw", printable(self._probe.raw)[:LONGEST_RAW], self._clock.now())])
        self._bad_answers = 0
        self._drop_others(values)
        return self._judged(values, temperature)

    def _quantities(self) -> Sequence[str]:
        return [quantity.parameter for quantity in self._probe.quantities]

    def _drop_others(self, values: Mapping[str, float]) -> None:
        """Have what the circuit gives no longer, because its outputs were chosen anew, not pass for what it reads."""
        detail = f"not among the outputs of the circuit, which are {self._probe.outputs}"
        others = [self._readings.get(quantity.parameter) for quantity in self._kind.quantities]
        self._keep(
            [
                other._replace(time=self._clock.now(), severity=Severity.INVALID, status=Status.READ, detail=detail)
                for other in others
                if other is not None and other.parameter not in values and other.detail != detail
            ]
        )

    def _judged(self, values: Mapping[str, float], temperature: Temperature | None) -> list[Measured]:
        """Return the reading, with what is to be held against it."""
        now = self._clock.now()
        doubt = "in calibration" if self.calibrating else temperature.doubt if temperature else ""
        if doubt:
            return [Measured(name, value, now, Severity.MINOR, Status.STATE, doubt) for name, value in values.items()]
        detail = ""
        if "EC" in values and "K" in self._probe.kept:
            least, k = least_conductivity(self._probe.kept["K"]), self._probe.kept["K"]
            detail = f"below {least:g} µS/cm, the least that a K {k:g} probe tells" if values["EC"] < least else ""
        return [Measured(name, value, now, detail=detail) for name, value in values.items()]

    async def _meet(self) -> None:
        """Make sure that the circuit there is known, and set as it was here: another may have come in its place."""
        if self._met:
            return
        await self._probe.meet()
        try:
            for kept in self._kind.kept:
                if kept.parameter in self._wanted:
                    await self._probe.keep(kept, self._wanted[kept.parameter])
            if self._wanted_outputs is not None:
                await self._probe.select(self._wanted_outputs)
        except BadAnswer as error:
            _logger.warning("%s is not set as it was: %s", self.name, error)
        await self._watching.begin()
        self._met = True
        self._bad_answers = 0

    async def _have_kept(self, kept: Kept, value: float) -> None:
        """Have the circuit keep a setting. Raises Rejected."""
        if self._listener is not None:
            await self._set(lambda: self._probe.keep(kept, value))
        self._wanted[kept.parameter] = value

    async def _select(self, text: str) -> None:
        """Have a reading consist of some of what the circuit can give. Raises Rejected."""
        by_name = {column.upper(): column for column in self._kind.selectable}
        wanted = frozenset(by_name.get(name.strip().upper(), "") for name in text.split(","))
        if not all(wanted):
            right = ",".join(self._kind.selectable)
            raise Rejected(f"{printable(text[:40])!r} names no outputs: write some of {right}", over_limit=True)
        if self._listener is not None:
            await self._set(lambda: self._probe.select(wanted))
        self._wanted_outputs = wanted

    async def _set(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have the circuit set as it should be; it must be there. Raises Rejected."""
        async with self._talk:
            try:
                await self._meet()
                await work()
            except (Nack, BusError, BadAnswer) as error:
                raise Rejected(printable(str(error))) from error
        self._tell_change()

    async def _move(self, address: int) -> None:
        """Be at another I2C address from now on. Raises Rejected."""
        if address == self._address:
            return
        circuit = circuit_on(self._bus, address, self._kind.type)
        place = (self._bus.name, address)
        if self._listener is None:  # as it was before a restart; others may still have to leave that address
            self._addresses[place] = self.name
            self._be_at(address, circuit)
            return
        if other := self._addresses.get(place):
            raise Rejected(f"{circuit.place} is that of {other}: choose another address")
        # Taken at once: two that are set to one address at one time are not both let through.
        self._addresses[place] = self.name
        try:
            async with self._talk:
                await move(self._probe.circuit, circuit, address, self._kind.type)
                self._be_at(address, circuit)
        finally:
            if self._address != address:
                del self._addresses[place]

    def _be_at(self, address: int, circuit: Circuit) -> None:
        left = (self._bus.name, self._address or 0)
        if self._addresses.get(left) == self.name:
            del self._addresses[left]
        self._address = address
        self._probe.circuit = circuit
        self._met = False
        self._declaration = dataclasses.replace(self._declaration, place=circuit.place)
        self._rhythm.hurry()
        self._wake.set()
        self._tell_change()

    async def _calibrate(self, request: Request) -> str:
        """Do a step; a probe that is out of the vessel, or has just changed what it says, is in calibration."""
        if request.word == END:
            self._calibrating_until = self._clock.monotonic()
            self._mind_calibration()
            return "the calibration has ended"
        holds = f"what depends on it holds for {LASTS_S / 60:g} minutes, or until {END!r}"
        if request.word == BEGIN:
            self._begin_calibration()
            return f"in calibration: {holds}"
        async with self._talk:
            await self._meet()
            if request.points_before and (await self._probe.calibration()).points < request.points_before:
                first = self._kind.steps[0].name
                raise Rejected(f"calibrate {first!r} before {request.word!r}: {first!r} clears the others")
            self._begin_calibration()
            await self._probe.circuit.ask(request.command)
            return f"{request.word}: done; {await self._after(request)}; {holds}"

    async def _after(self, request: Request) -> str:
        """Show and store what has become of the calibration; return it in words. The step itself is done."""
        try:
            state = await self._watching.note_calibration()
            if request.word != CLEAR and self._kind.exports:
                await self._watching.save_export()
        except (Nack, BusError, BadAnswer) as error:
            return f"what has become of the calibration could not be read: {printable(str(error))}"
        return state.text

    def _begin_calibration(self, lasts_s: float = LASTS_S) -> None:
        self._calibrating_until = self._clock.monotonic() + lasts_s
        self._rhythm.live_s = LIVE_IN_CALIBRATION_S
        self._rhythm.hurry()
        self._wake.set()
        self._show_calibrating(calibrating=True)

    def _mind_calibration(self) -> None:
        """Show that the calibration has ended, where its time is over; before the first one, that there is none."""
        over = self._calibrating_until is not None and not self.calibrating
        if over or "Calibrating" not in self._readings:
            self._calibrating_until = None
            self._rhythm.live_s = LIVE_S
            self._show_calibrating(calibrating=False)

    def _show_calibrating(self, *, calibrating: bool) -> None:
        self._keep([Measured("Calibrating", calibrating, self._clock.now())])
        self._tell_change()

    async def _find(self) -> str:
        async with self._talk:
            await self._probe.circuit.ask("Find")
            self._quiet_until = self._clock.monotonic() + self._clock.of_real(FIND_S)
        return f"the light of the circuit at {self._probe.circuit.place} blinks for {FIND_S:g} s"
