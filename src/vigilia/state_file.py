"""The JSON file in which the PV monitor before this one kept its state, `monitor_state.json`: read and composed.

Nothing here touches the store. The format is described in docs/reference/state-file.md.
"""

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from vigilia.errors import VigiliaError, printable
from vigilia.points import shorten

LARGEST_FILE_BYTES = 20_000_000
CLASSES = ("SOBRETENSÃO", "SUBTENSÃO", "FREQUÊNCIA", "TÉRMICO", "BLOQUEIO", "OUTROS")
"""The classes of relay alarms, as the file names them."""

_LARGEST_COUNT = 1_000_000
_MILLISECONDS = 1e11
"""Larger times are milliseconds since 1970: in seconds they would lie beyond the year 5000."""
_FIRST, _LAST = 946_684_800.0, 4_102_444_800.0
"""The years 2000 and 2100: a time outside is a mistake."""
_BRAZILIAN = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M")

Converted = TypeVar("Converted")


class StateFileError(VigiliaError):
    """The file cannot be used; the text names the field, what is wrong with it, and what would be right."""


@dataclass(frozen=True, slots=True)
class InverterState:
    """Where the judgement of an inverter stands."""

    active: bool
    """Whether it is in alarm."""
    zeros: int
    """Readings in a row without power."""
    recoveries: int
    """Readings in a row with power, after a failure."""


@dataclass(frozen=True, slots=True)
class MonitorState:
    """What the file says. Times in seconds UTC; plants, relays and inverters by their ids as texts."""

    relay_scans: Mapping[str, float] = field(default_factory=dict[str, float])
    """The last scan of each plant's relays."""
    inverter_scans: Mapping[str, float] = field(default_factory=dict[str, float])
    """The last scan of each plant's inverters."""
    relay_alarms: tuple[tuple[str, str, str], ...] = ()
    """The active ones: plant, relay, class (one of CLASSES)."""
    inverters: Mapping[tuple[str, str], InverterState] = field(default_factory=dict[tuple[str, str], InverterState])
    """By plant and inverter."""
    pending: tuple[str, ...] = ()
    """Texts of notices that were not sent yet."""
    relay_scan: float | None = None
    """The last scan of relays as a whole: what counts for a plant that `relay_scans` lacks."""
    inverter_scan: float | None = None
    """The last scan of inverters as a whole."""


def read(path: Path, zone: tzinfo) -> MonitorState:
    """Return what the file at `path` says; its times without a zone are in `zone`. Raises StateFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StateFileError(f"{path} cannot be read ({reason}): name the monitor's monitor_state.json") from error
    if len(content) > LARGEST_FILE_BYTES:
        raise StateFileError(f"{path} is larger than {LARGEST_FILE_BYTES // 1_000_000} MB: this is no state file")
    try:
        return parse(content, zone)
    except StateFileError as error:
        raise StateFileError(f"{path}: {error}") from error


def parse(content: bytes, zone: tzinfo) -> MonitorState:
    """Return what a file of this content says; its times without a zone are in `zone`. Raises StateFileError."""
    try:
        whole: object = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise StateFileError("the content is not text in UTF-8: nothing is taken from it") from error
    except (ValueError, RecursionError) as error:
        raise StateFileError(f"the content is not JSON ({error}): nothing is taken from it") from error
    fields = _object(whole, "the content")

    def times(name: str) -> dict[str, float]:
        found = _each(fields, name, lambda value, where: None if value is None else _time(value, where, zone))
        return {plant: moment for plant, moment in found.items() if moment is not None}

    def single(name: str) -> float | None:
        return None if fields.get(name) is None else _time(fields[name], name, zone)

    return MonitorState(
        relay_scans=times("ultima_varredura_rele_por_usina"),
        inverter_scans=times("ultima_varredura_inversor_por_usina"),
        relay_alarms=_relay_alarms(fields.get("rele_alertas_ativos"), "rele_alertas_ativos"),
        inverters={
            _inverter_key(key): state for key, state in _each(fields, "estado_inversores", _inverter_state).items()
        },
        pending=_pending(fields.get("pending_notifications"), "pending_notifications"),
        relay_scan=single("ultima_varredura_rele"),
        inverter_scan=single("ultima_varredura_inversor"),
    )


def write(state: MonitorState, zone: tzinfo) -> str:
    """Return the content of the file that says `state`, its times in `zone` and without its offset.

    That is how the monitor before wrote them. Of an hour that comes twice, the earlier is read: a scan then only looks
    further back.
    """
    return (
        json.dumps(
            {
                "ultima_varredura_rele": _said(_latest(state.relay_scan, state.relay_scans), zone),
                "ultima_varredura_inversor": _said(_latest(state.inverter_scan, state.inverter_scans), zone),
                "ultima_varredura_rele_por_usina": _said_each(state.relay_scans, zone),
                "ultima_varredura_inversor_por_usina": _said_each(state.inverter_scans, zone),
                "rele_alertas_ativos": [":".join(alarm) for alarm in state.relay_alarms],
                "estado_inversores": {
                    ":".join(key): {"ativa": one.active, "seq_zero": one.zeros, "rec_seq": one.recoveries}
                    for key, one in state.inverters.items()
                },
                "pending_notifications": list(state.pending),
            },
            ensure_ascii=False,
            indent=2,
        )
        + "\n"
    )


def class_named(text: str) -> str | None:
    """Return the class that `text` names, with or without accents and in either case; None where it is none."""
    wanted = _plain(text)
    return next((name for name in CLASSES if _plain(name) == wanted), None)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.strip().upper())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _wrong(where: str, value: object, right: str) -> NoReturn:
    raise StateFileError(printable(f"{where[:200]} cannot be {shorten(value)}: {right}"))


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _wrong(where, value, "write an object, in braces")
    return cast(dict[str, Any], value)


def _each(fields: Mapping[str, Any], name: str, convert: Callable[[object, str], Converted]) -> dict[str, Converted]:
    """Return the entries of the object in a field, converted; none where the field is missing or null."""
    value: object = fields.get(name)
    if value is None:
        return {}
    return {key: convert(inner, f"{name}[{key!r}]") for key, inner in _object(value, name).items()}


def _time(value: object, where: str, zone: tzinfo) -> float:
    """Return a time in seconds UTC, in any of the forms in which Python programs write one."""
    moment: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        moment = _epoch(value)
    elif isinstance(value, str):
        moment = _time_of_text(value.strip(), zone)
    if moment is None or not _FIRST <= moment <= _LAST:
        _wrong(where, value, 'write a time such as "2026-11-20T10:15:00", or seconds since 1970')
    return moment


def _time_of_text(text: str, zone: tzinfo) -> float | None:
    try:
        return _epoch(float(text))
    except ValueError:
        pass
    try:
        return _local(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        pass
    for form in _BRAZILIAN:
        try:
            return _local(datetime.strptime(text, form), zone)  # noqa: DTZ007 - the zone comes next
        except (ValueError, OverflowError):
            continue
    return None


def _epoch(number: float) -> float | None:
    try:
        seconds = float(number)
    except OverflowError:
        return None
    return seconds / 1000 if seconds > _MILLISECONDS else seconds


def _local(moment: datetime, zone: tzinfo) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _relay_alarms(value: object, where: str) -> tuple[tuple[str, str, str], ...]:
    if value is None:
        return ()
    # Where the program before kept more of each alarm, the keys are the alarms.
    entries = list(cast("dict[str, Any]", value)) if isinstance(value, dict) else _list(value, where)
    return tuple(dict.fromkeys(_relay_alarm(entry, where) for entry in entries))


def _relay_alarm(entry: object, where: str) -> tuple[str, str, str]:
    right = 'write "plant:relay:class"'
    if not isinstance(entry, str):
        _wrong(f"an entry of {where}", entry, right)
    plant, _, rest = entry.partition(":")
    relay, _, named = rest.rpartition(":")
    if not (plant.strip() and relay.strip() and named.strip()):
        _wrong(f"an entry of {where}", entry, right)
    kind = class_named(named)
    if kind is None:
        _wrong(f"the class of an entry of {where}", entry, f"the classes are {', '.join(CLASSES)}")
    return plant.strip(), relay.strip(), kind


def _inverter_key(key: str) -> tuple[str, str]:
    plant, _, inverter = key.partition(":")
    if not (plant.strip() and inverter.strip()):
        _wrong("a key of estado_inversores", key, 'write "plant:inverter"')
    return plant.strip(), inverter.strip()


def _inverter_state(value: object, where: str) -> InverterState:
    fields = _object(value, where)
    active: object = fields.get("ativa", False)
    if not isinstance(active, bool) and active not in (0, 1):
        _wrong(f"{where}.ativa", active, "write true or false")
    return InverterState(bool(active), _count(fields, "seq_zero", where), _count(fields, "rec_seq", where))


def _count(fields: Mapping[str, Any], name: str, where: str) -> int:
    value: object = fields.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_COUNT:
        _wrong(f"{where}.{name}", value, f"write a whole number, 0 to {_LARGEST_COUNT}")
    return value


def _pending(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    # What is no plain text is kept as it stands in the file, so that nothing that waits is lost.
    entries = cast("list[object]", _list(value, where))
    return tuple(entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False) for entry in entries)


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        _wrong(where, value, "write a list, in brackets")
    return cast("list[Any]", value)


def _latest(whole: float | None, each: Mapping[str, float]) -> float | None:
    return max(each.values(), default=None) if whole is None else whole


def _said_each(times: Mapping[str, float], zone: tzinfo) -> dict[str, str | None]:
    return {plant: _said(moment, zone) for plant, moment in times.items()}


def _said(moment: float | None, zone: tzinfo) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).replace(tzinfo=None).isoformat()
