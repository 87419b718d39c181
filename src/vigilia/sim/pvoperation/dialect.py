"""The spellings that PVOperation's records come in: names of ids and of the power, numbers and texts."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

RelayId = Literal["idrele", "idRele", "IdRele", "id_rele", "Rele", "rele", "idrele inside"]
InverterId = Literal["idinversor", "Inversor", "esn"]
PacName = Literal["Pac", "PAC", "Potencia_Saida", "Pout", "Potencia"]
PacForm = Literal["number", "text"]
IdForm = Literal["text", "number"]
FlagForm = Literal[
    "number", "boolean", "1", "true", "on", "sim", "ativo", "active", "alarm", "alarme", "trip", "tripped"
]

_INSIDE = {"Rele": "Rele", "rele": "rele", "idrele inside": "idrele", "Inversor": "Inversor", "esn": "esn"}
# Flags that a relay's records always carry, set or not; the others come only when they are set.
_ALWAYS = ("r27A", "r27B", "r27C", "r32A", "r49", "r59A", "r59B", "r59C", "r59N", "r81O", "r81U", "r86", "rAR", "rBA")
_FLAGS_OFF: dict[str, object] = {"number": 0, "boolean": False, "1": "0", "true": "false", "on": "off", "sim": "não"}
_OFF = "normal"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one plant's records are spelled. The default is the usual spelling.

    `relay_id` and `inverter_id`: the field that names the equipment, those of the second kind inside `conteudojson`;
    `id_as`: a text, or a number where it is one; `pac_as` text: `"1.234,5 kW"`; `flags_as`: how a set flag is written;
    `flag_case`: whether flags' names come in capitals.
    """

    relay_id: RelayId = "idrele"
    inverter_id: InverterId = "idinversor"
    id_as: IdForm = "text"
    pac_name: PacName = "Pac"
    pac_as: PacForm = "number"
    flags_as: FlagForm = "number"
    flag_case: Literal["usual", "capitals"] = "usual"

    def relay_record(self, relay_id: str, text: str, flags: list[str]) -> bytes:
        """A relay's record at a plant-local time, as JSON."""
        on: object = {"number": 1, "boolean": True}.get(self.flags_as, self.flags_as)
        off = _FLAGS_OFF.get(self.flags_as, _OFF)
        values: dict[str, object] = dict.fromkeys(_ALWAYS, off) | dict.fromkeys(flags, on)
        if self.flag_case == "capitals":
            values = {name.upper(): value for name, value in values.items()}
        return _record(self.relay_id, self._id(relay_id), {"tsleitura": text, **values})

    def inverter_writer(self, inverter_id: str) -> Callable[[str, float], bytes]:
        """A function that gives an inverter's record, as JSON, from a plant-local time and a power in kW."""
        # Built once and only filled in for each record: a day of a plant has thousands.
        content: dict[str, object] = {"tsleitura": "\0time", self.pac_name: "\0pac", "Tensao": 800}
        frame = _record(self.inverter_id, self._id(inverter_id), content)
        head, rest = frame.split(json.dumps("\0time").encode())
        middle, tail = rest.split(json.dumps("\0pac").encode())
        is_text = self.pac_as == "text"

        def write(text: str, pac_kw: float) -> bytes:
            pac = json.dumps(spoken(pac_kw)) if is_text else repr(pac_kw)
            return b'%b"%b"%b%b%b' % (head, text.encode(), middle, pac.encode(), tail)

        return write

    def _id(self, name: str) -> object:
        return int(name) if self.id_as == "number" and name.isdecimal() else name


def _record(id_field: str, name: object, content: dict[str, object]) -> bytes:
    inside = _INSIDE.get(id_field)
    record: dict[str, object] = {} if inside else {id_field: name}
    record["conteudojson"] = content | {inside: name} if inside else content
    return json.dumps(record, separators=(",", ":")).encode()


def spoken(pac_kw: float) -> str:
    """A power as the API's texts have it: `"1.234,5 kW"`."""
    digits = f"{pac_kw:,.2f}".rstrip("0").rstrip(".")
    return digits.translate(str.maketrans(",.", ".,")) + " kW"


_RELAY_IDS: tuple[RelayId, ...] = get_args(RelayId)
_INVERTER_IDS: tuple[InverterId, ...] = get_args(InverterId)
_PAC_NAMES: tuple[PacName, ...] = get_args(PacName)
_FLAG_FORMS: tuple[FlagForm, ...] = get_args(FlagForm)


def varied(number: int) -> Dialect:
    """The `number`-th of the spellings, from 0, which is the usual one: neighbours differ in everything."""
    return Dialect(
        _RELAY_IDS[number % len(_RELAY_IDS)],
        _INVERTER_IDS[number % len(_INVERTER_IDS)],
        "number" if number % 2 else "text",
        _PAC_NAMES[number % len(_PAC_NAMES)],
        "text" if number % 2 else "number",
        _FLAG_FORMS[number % len(_FLAG_FORMS)],
        "capitals" if number % 2 else "usual",
    )
