"""A probe with its circuit, as sensors and the guided calibration talk to it: in terms of what it measures."""

import contextlib
import logging

from vigilia.agent.ezo import Circuit, Health, NoData, NotUnderstood
from vigilia.agent.ezo.protocol import check_kind, number
from vigilia.agent.sensors.calibration import State, describe
from vigilia.agent.sensors.kinds import EzoKind, Kept, Quantity, temperature_scale, to_celsius
from vigilia.errors import BadAnswer
from vigilia.points import shorten

_logger = logging.getLogger(__name__)

_NO_PROBE_C = -1023.0
"""What an RTD circuit gives where no probe is connected (EZO-RTD data sheet)."""
_SAME_DEGREES = 0.06
"""A circuit's temperature is what it was told, but for rounding."""


class ColumnsChanged(BadAnswer):
    """A reading has more or fewer values than the circuit said it would."""


class Probe:
    """One probe. `meet` it first, and anew after it was lost; all methods raise Nack, BusError and BadAnswer."""

    def __init__(self, kind: EzoKind, circuit: Circuit) -> None:
        self.circuit = circuit
        self.firmware = ""
        self.raw = ""
        """The last reading as the circuit gave it."""
        self.kept: dict[str, float] = {}
        """Settings that the circuit keeps, by parameter, as far as it told."""
        self._kind = kind
        self._columns: tuple[Quantity, ...] | None = None
        """What a reading consists of; None: not known, because the circuit does not say."""
        self._scale = "c"
        self._takes_rt = True
        self.told_celsius: float | None = None
        """The temperature that the circuit was told last."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What a reading is expected to give."""
        return self._kind.quantities[:1] if self._columns is None else self._columns

    @property
    def outputs(self) -> str:
        """The names of what a reading consists of, as `O,` takes them; empty: it is always one value, or not known."""
        return ",".join(quantity.column for quantity in self._columns or ())

    async def meet(self) -> None:
        """Find out what is there and how it is set. Raises WrongKind."""
        await self.recognise()
        self._takes_rt = True
        await self._learn_columns()
        if self._kind.type == "RTD":
            self._scale = temperature_scale(await self._optional("S,?") or ())
        for kept in self._kind.kept:
            await self._learn_kept(kept)

    async def recognise(self) -> None:
        """Make sure of the kind of circuit that is there. Raises WrongKind."""
        identity = await self.circuit.identify()
        check_kind(identity, self._kind.type, self.circuit.place)
        self.firmware = identity.firmware

    async def read(self, celsius: float | None) -> dict[str, float]:
        """Return one reading, by parameter, compensated for a temperature where one is given."""
        self.raw = await self._read_at(celsius)
        try:
            return self._parse(self.raw)
        except ColumnsChanged:
            await self._learn_columns()
            return self._parse(self.raw)

    async def was_restarted(self) -> bool:
        """Say whether the circuit has lost the temperature that it was told: it does not survive a power cut."""
        if self.told_celsius is None:
            return False
        try:
            values = await self.circuit.query("T,?")
        except NoData:  # it started between the question and the answer
            return True
        return abs(number(values[0] if values else "") - self.told_celsius) > _SAME_DEGREES

    async def health(self) -> Health:
        """Return what the circuit says of its last start and its supply."""
        return await self.circuit.health()

    async def calibration(self) -> State:
        """Return what the circuit says of its calibration."""
        points = await self.circuit.query(f"{self._kind.calibrated_by},?")
        slope = await self._optional("Slope,?") if self._kind.has_slope else None
        return describe(points, slope)

    async def keep(self, kept: Kept, value: float) -> None:
        """Have the circuit keep a setting; nothing is written where it does already. Raises BadAnswer if it does not.

        What it keeps is asked for afterwards, and is what counts.
        """
        text = f"{value:.{kept.decimals}f}"
        if self.kept.get(kept.parameter) == float(text):
            return
        await self.circuit.ask(",".join(part for part in (kept.word, text, kept.suffix) if part))
        await self._learn_kept(kept)
        if self.kept.get(kept.parameter) != float(text):
            raise BadAnswer(f"{self.circuit.place}: {kept.parameter} is not {text} after it was set to that")

    async def select(self, columns: frozenset[str]) -> None:
        """Have readings consist of some columns; nothing is written where they do already.

        Raises BadAnswer where they do not afterwards.
        """
        if self._consists_of(columns):
            return
        for quantity in self._kind.quantities:
            if quantity.always and quantity.column not in columns:
                raise BadAnswer(f"{self.circuit.place}: {quantity.column} cannot be left out of its readings")
            if not quantity.always:
                await self.circuit.ask(f"O,{quantity.column},{int(quantity.column in columns)}")
        await self._learn_columns()
        if not self._consists_of(columns):
            raise BadAnswer(f"{self.circuit.place}: its outputs are {self.outputs or 'not known'} after they were set")

    def _consists_of(self, columns: frozenset[str]) -> bool:
        return self._columns is not None and columns == frozenset(quantity.column for quantity in self._columns)

    async def _learn_columns(self) -> None:
        self._columns = None
        if self._kind.selectable and (said := await self._optional("O,?")) is not None:
            always = {quantity.column.upper() for quantity in self._kind.quantities if quantity.always}
            names = {name.upper() for name in said} | always
            # The order in a reading is fixed, whatever that in the answer: a DO circuit says "%,mg" and gives mg first.
            columns = tuple(quantity for quantity in self._kind.quantities if quantity.column.upper() in names)
            if columns and len(columns) == len(names):
                self._columns = columns

    async def _learn_kept(self, kept: Kept) -> None:
        self.kept.pop(kept.parameter, None)
        values = await self._optional(f"{kept.word},?")
        if not values or (kept.suffix and values[1:] != (kept.suffix,)):
            return  # salinity in µS/cm, say, which is no ppt
        with contextlib.suppress(BadAnswer):
            self.kept[kept.parameter] = number(values[0])

    async def _optional(self, query: str) -> tuple[str, ...] | None:
        """Return the values of a query; None where the circuit's firmware does not answer it well."""
        try:
            return await self.circuit.query(query)
        except BadAnswer as error:
            _logger.debug("%s: to %s: %s", self.circuit.place, query, error)
            return None

    async def _read_at(self, celsius: float | None) -> str:
        if celsius is None:
            return await self.circuit.ask("R")
        told = f"{celsius:.1f}"
        if self._takes_rt:
            try:
                raw = await self.circuit.ask(f"RT,{told}")
            except NotUnderstood:  # older firmware
                self._takes_rt = False
            else:
                self.told_celsius = float(told)
                return raw
        await self.circuit.ask(f"T,{told}")
        self.told_celsius = float(told)
        return await self.circuit.ask("R")

    def _parse(self, raw: str) -> dict[str, float]:
        """Return what a reading says, by parameter. Raises BadAnswer."""
        place = self.circuit.place
        if not raw:
            raise BadAnswer(f"{place}: an empty answer to R")
        if raw.upper().startswith("*WARM"):
            raise BadAnswer(f"{place}: it is warming up")
        names = {name.upper() for name in self._kind.selectable}
        # A HUM circuit writes "Dew" before the dew point.
        texts = [text.strip() for text in raw.split(",") if text.strip().upper() not in names]
        columns = self._kind.quantities[: len(texts)] if self._columns is None else self._columns
        if len(texts) != len(columns):
            if not self._kind.selectable or self._columns is None:
                raise BadAnswer(f"{place}: {len(texts)} values in {shorten(raw)}, more than it can give")
            raise ColumnsChanged(f"{place}: {len(texts)} values in {shorten(raw)}, and not {self.outputs}")
        return {column.parameter: self._in_range(column, text) for column, text in zip(columns, texts, strict=True)}

    def _in_range(self, quantity: Quantity, text: str) -> float:
        place = self.circuit.place
        try:
            value = number(text)
        except BadAnswer as error:
            raise BadAnswer(f"{place}: {error}") from error
        if self._kind.type == "RTD":
            if value == _NO_PROBE_C:
                raise BadAnswer(f"{place}: no temperature probe is connected (it gives {text})")
            value = to_celsius(value, self._scale)
        if not quantity.lowest <= value <= quantity.highest:
            raise BadAnswer(f"{place}: {quantity.parameter} of {text}, which it cannot measure")
        return value
