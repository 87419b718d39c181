"""What a day's answer says: records of relays and inverters, whatever spelling or wrong shape they come in. Pure.

An item is an object with an id and `conteudojson`, an object with the reading's local time `tsleitura` and its fields.
An item that cannot be used is counted and left out, never fatal. See docs/explanation/pvoperation.md.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple, TypeGuard, cast

from vigilia.errors import BadAnswer, printable
from vigilia.points import Severity

FURTHEST_AHEAD_S = 600.0
"""A record further in the future than this has a wrong clock."""
LONGEST_ID = 40
_LARGEST_POWER_KW = 1e9
_MOST_FIELDS = 2_000

Fields = Mapping[str, Any]


class Record(NamedTuple):
    """One record, ordered by its time (seconds UTC): of a relay its set flags, of an inverter its power."""

    time: float
    equipment: str
    flags: tuple[str, ...] = ()
    """A relay's known flags that are set, by their usual spelling."""
    power: float | None = None
    """An inverter's active power in kW; None where the record has no usable one."""


@dataclass(frozen=True, slots=True)
class Day:
    """The usable records of an answer, and how many items were left out, by reason."""

    records: list[Record]
    skipped: Counter[str] = field(default_factory=Counter[str])


class FlagClass(NamedTuple):
    """A class of relay alarms: the point's name, the label on cards, the flags, and the severity."""

    name: str
    label: str
    flags: frozenset[str]
    severity: Severity


_OTHER_FLAGS = (
    "r32A r32A_2 r32B r32B_2 r32C r32C_2 r46Q r47 r67A r67A_2 r67B r67B_2 r67C r67C_2 r67N_1 r67N_2 r78 r86 rEPwd "
    "rERLS rEl2t rFR rGS rHLT rRL1 rRL2 rRL3 rRL4 rRL5 rRR"
)

CLASSES = (
    FlagClass("Overvoltage", "OVERVOLTAGE", frozenset(("r59A", "r59B", "r59C", "r59N")), Severity.MAJOR),
    FlagClass("Undervoltage", "UNDERVOLTAGE", frozenset(("r27A", "r27B", "r27C", "r27_0")), Severity.MINOR),
    FlagClass("Frequency", "FREQUENCY", frozenset(("r81O", "r81U")), Severity.MINOR),
    FlagClass("Thermal", "THERMAL", frozenset(("r49", "r49_2")), Severity.MAJOR),
    FlagClass("Lockout", "LOCKOUT", frozenset(("rAR", "rBA", "rDO")), Severity.MAJOR),
    FlagClass("Other", "OTHER", frozenset(_OTHER_FLAGS.split()), Severity.MINOR),
)
"""Every class, in the order in which they are tried: the first that matches is the record's."""

_KNOWN_FLAGS = {flag.lower(): flag for flags in CLASSES for flag in flags.flags}
_SET = frozenset(("1", "true", "on", "sim", "ativo", "active", "alarm", "alarme", "trip", "tripped"))

_TIME = ("tsleitura",)
_CONTENT = ("conteudojson",)
_POWER = ("Pac", "PAC", "Potencia_Saida", "Pout", "Potencia")
_POWER_UNITS = {"": 1.0, "kw": 1.0, "w": 0.001, "mw": 1000.0}


@dataclass(frozen=True, slots=True)
class Form:
    """How the items of one sort of equipment are spelt, and what is read of them."""

    ids: tuple[str, ...]
    """The keys of the item that may hold the id."""
    inner_ids: tuple[str, ...]
    """The keys of its content that may."""
    read: Callable[[float, str, Fields], Record]


def set_flags(content: Fields) -> tuple[str, ...]:
    """Return the known flags that are set, sorted, by their usual spelling; the case of a name does not matter."""
    found = {
        _KNOWN_FLAGS[name]
        for key, value in content.items()
        if value and is_set(value) and (name := key.lower()) in _KNOWN_FLAGS
    }
    return tuple(sorted(found))


def is_set(value: object) -> bool:
    """Whether a flag is set: true, exactly 1, or one of the texts that say so."""
    if isinstance(value, str):
        return value.strip().lower() in _SET
    return isinstance(value, int | float) and value == 1


def classify(flags: Sequence[str]) -> tuple[FlagClass, tuple[str, ...]] | None:
    """Return the class of a record and its flags of that class; None where no flag is set."""
    if not flags:
        return None
    for flag_class in CLASSES:
        matching = tuple(flag for flag in flags if flag in flag_class.flags)
        if matching:
            return flag_class, matching
    return None


def parse_power(value: object) -> float | None:
    """Return a power in kW, given as a number or as text such as "1.234,5 kW"; None where it is not usable."""
    power: float | None
    if isinstance(value, float):
        power = value
    elif isinstance(value, str):
        power = _power_of_text(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        power = value
    else:
        return None
    # Compared before it is made a float: an integer of JSON may be too large for one. NaN fails the comparison.
    return float(power) if power is not None and abs(power) < _LARGEST_POWER_KW else None


def _power_of_text(text: str) -> float | None:
    """Read a number with a decimal point or comma, whichever comes last; one alone is the decimal sign."""
    match = re.fullmatch(r"\s*([+\-−]?)\s*([0-9.,]{1,40})\s*([a-zA-Z]{0,3})\s*", text[:80])
    if not match or match[3].lower() not in _POWER_UNITS:
        return None
    digits = match[2]
    decimal = max(digits.rfind("."), digits.rfind(","))
    if decimal >= 0 and digits.count(digits[decimal]) == 1:
        whole, part = re.sub(r"[.,]", "", digits[:decimal]), digits[decimal + 1 :]
    else:  # none at all, or one that repeats: it parts thousands
        whole, part = re.sub(r"[.,]", "", digits), ""
    if not whole and not part:
        return None
    power = float(f"{whole or 0}.{part or 0}") * _POWER_UNITS[match[3].lower()]
    return -power if match[1] in ("-", "−") else power


def _read_relay(time: float, equipment: str, content: Fields) -> Record:
    flags = set_flags(content)
    if not flags and not any(_says(value) and key.lower() in _KNOWN_FLAGS for key, value in content.items()):
        raise _Unusable("flags")  # it says of none whether it is set: that is no evidence that none is
    return Record(time, equipment, flags)


def _says(value: object) -> bool:
    """Whether the value of a flag says anything: null, an empty text, NaN or a list does not."""
    return bool(value.strip()) if isinstance(value, str) else isinstance(value, int | float) and not math.isnan(value)


def _read_inverter(time: float, equipment: str, content: Fields) -> Record:
    value = content.get(_POWER[0])
    if type(value) is float and -_LARGEST_POWER_KW < value < _LARGEST_POWER_KW:
        return Record(time, equipment, (), value)
    return Record(time, equipment, (), parse_power(_first(content, _POWER) if value is None else value))


RELAYS = Form(("idrele", "idRele", "IdRele", "id_rele"), ("Rele", "rele", "idrele"), _read_relay)
INVERTERS = Form(("idinversor",), ("Inversor", "esn", "idinversor"), _read_inverter)


def parse_day(form: Form, items: object, *, zone: tzinfo, now: float, since: float) -> Day:
    """Return the records of `since` and later; times are local to `zone`, and `now` tells which lie in the future.

    Raises BadAnswer where the answer is no list at all.
    """
    if not isinstance(items, list):
        raise BadAnswer(f"a day that is no list but {_kind_of(items)}")
    day = Day([])
    latest = now + FURTHEST_AHEAD_S
    times: dict[str, float] = {}
    ids: dict[str, str] = {}
    first_id = form.ids[0]
    for item in cast("list[Any]", items):
        try:
            try:  # the usual shape, with a time and an id that came before: what most items have
                content = item["conteudojson"]
                time, equipment = times[content["tsleitura"]], ids[item[first_id]]
            except (KeyError, TypeError):
                time, equipment, content = _open(form, item, zone, times, ids)
            if len(content) > _MOST_FIELDS:
                raise _Unusable("shape")
            if time > latest:
                raise _Unusable("future")
            if time >= since:
                day.records.append(form.read(time, equipment, content))
        except _Unusable as error:
            day.skipped[str(error)] += 1
    return day


class _Unusable(Exception):
    """Why an item is left out, in a word."""


def _open(
    form: Form, item: object, zone: tzinfo, times: dict[str, float], ids: dict[str, str]
) -> tuple[float, str, Fields]:
    """Return an item's time, the id of its equipment and its content. Raises _Unusable.

    A day repeats its times and ids thousands of times: what was made of each is kept in `times` and `ids`.
    """
    if not _is_object(item):
        raise _Unusable("shape")
    content = item.get("conteudojson") or _first(item, _CONTENT)
    if not _is_object(content) or len(content) > _MOST_FIELDS:
        raise _Unusable("shape")
    spelt = item.get(form.ids[0])
    equipment = ids.get(spelt) if isinstance(spelt, str) else None
    if equipment is None:
        equipment = find_id(item, form.ids) or find_id(content, form.inner_ids)
        if equipment is None:
            raise _Unusable("id")
        if isinstance(spelt, str) and identity(spelt) is not None:
            ids[spelt] = equipment
    text = content.get("tsleitura") or _first(content, _TIME)
    if not isinstance(text, str):
        raise _Unusable("time")
    time = times.get(text) or local_time(text, zone)
    if time is None:
        raise _Unusable("time")
    times[text] = time
    return time, equipment, content


def _is_object(value: object) -> TypeGuard[Fields]:
    return isinstance(value, dict)


def local_time(text: str, zone: tzinfo) -> float | None:
    """Return a plant's naive local time as seconds UTC; None where it is no time.

    An hour that comes twice, when clocks are set back, is taken as its first pass; one that is left out, when they are
    set forward, counts on from before the change. A text with an offset of its own means what it says.
    """
    if not 16 <= len(text.strip()) <= 40:  # a date alone is no time
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone, fold=0)
        time = moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    return time if time > 0 else None


def identity(value: object) -> str | None:
    """Return an id as text that a point's name may hold: 5 and "5" are the same. None where it is none."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return str(value)
    if not isinstance(value, str) or len(value) > 4 * LONGEST_ID:
        return None
    text = printable("_".join(value.split()))
    return text if 0 < len(text) <= LONGEST_ID else None


def find_id(fields: Fields, keys: Sequence[str]) -> str | None:
    """Return the first usable id under any of `keys`, in whatever case they are written."""
    for key in keys:
        if (found := identity(fields.get(key))) is not None:
            return found
    lower = {key.lower() for key in keys}
    return next((found for key, value in fields.items() if key.lower() in lower and (found := identity(value))), None)


def _first(fields: Fields, keys: Sequence[str]) -> Any:
    """Return the first value under `keys` that is not null, in the keys' order, then without regard to case."""
    for key in keys:
        if (value := fields.get(key)) is not None:
            return value
    lower = {key.lower(): value for key, value in fields.items() if value is not None}
    return next((lower[key.lower()] for key in keys if key.lower() in lower), None)


def _kind_of(value: object) -> str:
    return "an object" if isinstance(value, dict) else "a plain value"
