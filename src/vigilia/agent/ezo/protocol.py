"""What Atlas Scientific EZO circuits are told and what they answer: pure, and the same on every bus.

Facts are from Atlas Scientific's data sheets (EZO-pH pp. 46 and 51, EZO-DO p. 44, EZO-EC, EZO-PMP); see "Atlas EZO" in
the documentation of reactors.
"""

import math
import re
from typing import NamedTuple

from vigilia.errors import BadAnswer, printable
from vigilia.points import shorten

READ_BYTES = 40
"""How much an I2C read asks for: a code, a text, and the NUL that ends it."""

_READ_WAITS_S = {"EC": 0.6, "RTD": 0.6, "DO": 0.6, "PMP": 0.3, "HUM": 0.3}
_LONG_WAIT_S = 0.9
_WAIT_S = 0.3
_STOP = "X"
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,6})?")

RESTARTS = {
    "P": "power was off",
    "S": "software reset",
    "B": "brown-out",
    "W": "watchdog",
    "U": "unknown reason",
}
"""What `Status` says of why a circuit started last, by its letter."""

UNASKED = {
    "*OV": "its supply voltage is too high",
    "*UV": "its supply voltage is too low",
    "*RS": "it was reset",
    "*RE": "it started",
    "*SL": "it sleeps",
    "*WA": "it woke up",
}
"""What a circuit on a serial line says by itself."""


class NotUnderstood(BadAnswer):
    """The circuit does not take the command: syntax error (code 2), or `*ER`. Nothing was done."""


class NoData(BadAnswer):
    """The circuit has nothing to say (code 255): it missed the command, or has started anew since."""


class WrongKind(BadAnswer):
    """Another kind of circuit is there."""


class Identity(NamedTuple):
    """What a circuit says it is."""

    type: str
    """In one spelling: "pH", "EC", "DO", "ORP", "RTD", "HUM", "CO2", "PMP" …"""
    firmware: str


class Health(NamedTuple):
    """What a circuit says of itself."""

    restart: str
    """The letter of the reason for its last start, one of RESTARTS; empty where it does not say."""
    voltage: float | None
    """Of its supply, V."""


class Lines(NamedTuple):
    """What came over a serial line, sorted."""

    data: tuple[str, ...]
    codes: tuple[str, ...]
    """`*OK`, `*ER`, and what circuits say unasked, in capitals."""
    garbled: bool
    """Whether something came that is no text."""


def wait_of(command: str, circuit_type: str) -> float:
    """Return the seconds that a circuit needs for a command before its answer can be read."""
    word, _, rest = command.upper().partition(",")
    if word in ("R", "RT"):
        return _READ_WAITS_S.get(circuit_type, _LONG_WAIT_S)
    return _LONG_WAIT_S if word in ("CAL", "TCAL") and rest != "?" else _WAIT_S


def repeatable(command: str) -> bool:
    """Say whether a command may be written again where nobody acknowledged it: not what begins a dose."""
    return not command.upper().startswith(("D,", "DC,")) or command.endswith("?")


def check_command(command: str) -> bytes:
    """Return a command's bytes. Raises ValueError for what cannot be one: a fault of whoever made it."""
    if not re.fullmatch(r"[ -~]{1,40}", command):
        raise ValueError(f"{shorten(command)} is no command of an EZO circuit")
    return command.encode("ascii")


def decode_i2c(data: bytes) -> str | None:
    """Return the text of an I2C answer; None where the circuit is still processing.

    The Raspberry Pi may set the top bit of bytes it receives: it is masked in the text, which is ASCII. A text without
    its NUL was cut, and a cut number looks like another number. Raises BadAnswer, and NotUnderstood.
    """
    if not data:
        raise BadAnswer("an empty answer")
    match data[0]:
        case 1:
            text, end, _ = bytes(byte & 0x7F for byte in data[1:]).partition(b"\0")
            if not end:
                raise BadAnswer(f"an answer without its end: {shorten(text.decode('ascii'))}")
            return _clean(text.decode("ascii"))
        case 2:
            raise NotUnderstood("a syntax error (code 2)")
        case 254:
            return None
        case 255:
            raise NoData("no data to send (code 255): it missed the command, or has just started")
        case code:
            raise BadAnswer(f"code {code}, which no EZO circuit gives: two devices at one address, or another device?")


def has_ended(came: bytes, command: str = "") -> bool:
    """Say whether what came over a serial line holds what ends the answer to a command: `*OK` or `*ER`.

    A pump's `X` is answered `*DONE,v` with what it gave, and no code after it.
    """
    lines = [line.strip().upper() for line in came.split(b"\r")[:-1]]
    stops = command.upper() == _STOP
    return any(line in (b"*OK", b"*ER") or (stops and line.startswith(b"*DONE")) for line in lines)


def sort_lines(came: bytes) -> Lines:
    """Return what came over a serial line, as lines; what is not ended by CR is left out."""
    data: list[str] = []
    codes: list[str] = []
    garbled = False
    for line in came.split(b"\r")[:-1]:
        text = line.strip().decode("ascii", "replace")
        if not text:
            continue
        if not text.isascii() or not text.isprintable():
            garbled = True
        elif text.startswith("*") and not text.upper().startswith("*DONE"):
            codes.append(text.upper())
        else:
            data.append(text)
    return Lines(tuple(data), tuple(codes), garbled)


def decode_uart(came: bytes, command: str) -> str:
    """Return the answer to a command among what came over a serial line: the last line of its kind, or nothing.

    Lines of continuous mode, or a `*DONE` of a dose that ended meanwhile, may stand before it. Raises BadAnswer, and
    NotUnderstood.
    """
    lines = sort_lines(came)
    if "*ER" in lines.codes:
        raise NotUnderstood("a syntax error (*ER)")
    if not has_ended(came, command):
        raise BadAnswer(f"an answer without its *OK: {shorten(came)}")
    asks = command.endswith("?") or command.upper() in ("I", "STATUS")
    fitting = [line for line in lines.data if line.startswith("?") == asks]
    plain = [line for line in fitting if not line.startswith("*")]
    if not fitting and lines.garbled:
        raise BadAnswer(f"noise: {shorten(came)}")
    return (plain or fitting or [""])[-1]


def fields(answer: str, command: str) -> tuple[str, ...]:
    """Return the values of the answer to a query: ("25.1",) of "?T,25.1".

    Its word must be that of the query, or the answer belongs to another. `O,?` and the `P,?` of DO are answered with a
    comma after the question mark ("?,O,EC"). Raises BadAnswer.
    """
    word = command.partition(",")[0].upper()
    word = "MAXRATE" if word == "DC" else word  # EZO-PMP data sheet: DC,? is answered ?MAXRATE,58.5
    found, *values = answer.removeprefix("?").lstrip(",").split(",")
    if not answer.startswith("?") or found.strip().upper() != word:
        raise BadAnswer(f"{shorten(answer)} in answer to {command!r}")
    return tuple(value.strip() for value in values)


def number(text: str) -> float:
    """Return the number that a text is. Raises BadAnswer: NaN and the like are none."""
    if not _NUMBER.fullmatch(text.strip()):
        raise BadAnswer(f"{shorten(text)} where a number belongs")
    value = float(text)
    if not math.isfinite(value):
        raise BadAnswer(f"{shorten(text)} where a number belongs")
    return value


def parse_identity(answer: str) -> Identity:
    """Return what the answer to `i` says, such as "?I,pH,2.16". Raises BadAnswer."""
    values = fields(answer, "i")
    if not values or not re.fullmatch(r"[A-Za-z0-9. _-]{1,12}", values[0]):
        raise BadAnswer(f"{shorten(answer)} where a circuit says what it is")
    return Identity(_one_spelling(values[0]), printable(values[1]) if len(values) > 1 else "")


def check_kind(identity: Identity, wanted: str, place: str) -> None:
    """Raise WrongKind where the circuit at a place is not of the type that is wanted."""
    if identity.type != wanted:
        raise WrongKind(
            f"{place} holds a circuit of type {identity.type} (firmware {identity.firmware}), not {wanted}: correct "
            "the address, or exchange the circuits"
        )


def parse_health(answer: str) -> Health:
    """Return what the answer to `Status` says, such as "?Status,P,5.04". Raises BadAnswer."""
    values = fields(answer, "Status")
    restart = values[0].upper() if values else ""
    voltage = number(values[1]) if len(values) > 1 and values[1] else None
    return Health(restart if restart in RESTARTS else "", voltage)


def _one_spelling(said: str) -> str:
    """Return a circuit's type in one spelling: firmwares say "D.O." for DO, and "OR" for ORP."""
    plain = said.upper().replace(".", "").strip()
    return {"PH": "pH", "OR": "ORP"}.get(plain, plain)


def _clean(text: str) -> str:
    """Return a text that is fit to be read. Raises BadAnswer for control characters: two answers at once, or noise."""
    if not text.isprintable():
        raise BadAnswer(f"noise: {shorten(text)}")
    return text.strip()
