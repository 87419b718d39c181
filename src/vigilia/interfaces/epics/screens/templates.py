"""The rows that screens are made of: displays of their own, which are given the PVs of one thing by macros."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from vigilia.interfaces.epics.screens.bob import (
    BAD,
    LINE,
    OFF,
    ON,
    PALE,
    RIGHT,
    STRONG,
    WARN,
    Box,
    Colour,
    Display,
)
from vigilia.language import tr

FOLDER = "templates"
ROW_WIDTH, ROW_HEIGHT = 1400, 40
NAME = "NAME"
"""The macro with the name of the thing; every template has it."""
NAME_BOX = Box(12, 4, 348, 32)
CLASSES = ("Overvoltage", "Undervoltage", "Frequency", "Thermal", "Lockout", "Other")
"""What a relay tells of, each a lamp."""
NOTE_WIDTH = 492
_LAMP = 26


class Look(Enum):
    """How a column shows its PV."""

    TEXT = "text"
    """It has no PV: its macro is a text."""
    NOTE = "note"
    """As a text, small, on two lines."""
    VALUE = "value"
    NUMBER = "number"
    """As a value, to the right."""
    LONG_TEXT = "long text"
    LAMP = "lamp"
    ENTRY = "entry"
    CHOICE = "choice"
    PICK = "pick"
    RUN = "run"


States = Sequence[tuple[int, str, Colour]]
_POWER: States = ((0, "", OFF), (1, "", ON))
_CONTACT: States = ((0, "", BAD), (1, "", ON))
_ALARM: States = ((0, "", OFF), (1, "", BAD))
_INVERTER: States = ((0, "", ON), (1, "", BAD), (2, "", WARN), (3, "", PALE))


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row has in one column."""

    title: str
    """Its heading, in English."""
    macro: str
    look: Look
    x: int
    width: int
    states: States = ()
    """Of a lamp."""


@dataclass(frozen=True, slots=True)
class Template:
    """A row of one sort."""

    name: str
    heading: str
    """Of the column with the names, in English."""
    columns: Sequence[Cell]

    @property
    def file(self) -> str:
        """Where it is, as seen from a screen."""
        return f"{FOLDER}/{self.name}.bob"

    def display(self) -> Display:
        """Return the row, drawn."""
        display = Display(self.name, ROW_WIDTH, ROW_HEIGHT)
        display.label(f"$({NAME})", NAME_BOX, STRONG)
        for column in self.columns:
            _draw(display, column)
        display.area(Box(0, ROW_HEIGHT - 1, ROW_WIDTH, 1), LINE)
        return display


def _draw(display: Display, column: Cell) -> None:
    """Draw one column of a row."""
    pv, box = f"$({column.macro})", Box(column.x, 4, column.width, 32)
    match column.look:
        case Look.TEXT:
            display.label(pv, box)
        case Look.NOTE:
            display.note(pv, box)
        case Look.VALUE:
            display.value(pv, box)
        case Look.NUMBER:
            display.value(pv, box, RIGHT)
        case Look.LONG_TEXT:
            display.value(pv, box, long_text=True)
        case Look.LAMP:
            display.lamp(pv, Box(column.x + 4, (ROW_HEIGHT - _LAMP) // 2 - 1, _LAMP, _LAMP), column.states)
        case Look.ENTRY:
            display.entry(pv, box)
        case Look.CHOICE:
            display.choice(pv, box, _question())
        case Look.PICK:
            display.pick(pv, box, _question())
        case Look.RUN:
            display.write_button(pv, "1", tr("Run"), box, _question())


def _question() -> str:
    return tr("Really change this: {name}?").format(name=f"$({NAME})")


PORT = Template(
    "port",
    "Device",
    (
        Cell("Port", "PORT", Look.TEXT, 372, 60),
        Cell("On", "STS", Look.LAMP, 436, 52, _POWER),
        Cell("Choice", "SEL", Look.CHOICE, 496, 168),
        Cell("State", "RAW", Look.VALUE, 684, 140),
        Cell("Power", "POWER", Look.NUMBER, 832, 88),
        Cell("Voltage", "VOLTAGE", Look.NUMBER, 928, 88),
        Cell("Explanation", "DESC", Look.LONG_TEXT, 1036, 356),
    ),
)
COUNTERS = Template(
    "counters",
    "Device",
    (
        Cell("Port", "PORT", Look.TEXT, 372, 64),
        Cell("Class", "CLASS", Look.NUMBER, 444, 120),
        Cell("Power denied", "DENIED", Look.NUMBER, 584, 180),
        Cell("Over-currents", "OVERCURRENT", Look.NUMBER, 784, 180),
        Cell("Short circuits", "SHORT", Look.NUMBER, 984, 180),
        Cell("Device absent", "ABSENT", Look.NUMBER, 1184, 200),
    ),
)
SWITCH = Template(
    "switch",
    "Network switch",
    (
        Cell("", "LAMP", Look.LAMP, 364, 40, _CONTACT),
        Cell("Contact", "CONTACT", Look.VALUE, 408, 136),
        Cell("Since", "SINCE", Look.VALUE, 552, 250),
        Cell("Round trip", "ROUNDTRIP", Look.NUMBER, 810, 92),
        Cell("Slowest 1 %", "ROUNDTRIP99", Look.NUMBER, 910, 92),
        Cell("Reconnects", "RECONNECTS", Look.NUMBER, 1010, 84),
        Cell("Sessions", "SESSIONS", Look.NUMBER, 1102, 64),
        Cell("Last error", "ERROR", Look.LONG_TEXT, 1186, 206),
    ),
)
CONTACT = Template(
    "contact",
    "Link",
    (
        Cell("", "LAMP", Look.LAMP, 364, 40, _CONTACT),
        Cell("Contact", "CONTACT", Look.VALUE, 408, 136),
        Cell("Since", "SINCE", Look.VALUE, 552, 250),
        Cell("Last error", "ERROR", Look.LONG_TEXT, 810, 582),
    ),
)
RELAY = Template(
    "relay",
    "Relay",
    (
        Cell("Overvoltage", "OVERVOLTAGE", Look.LAMP, 372, 150, _ALARM),
        Cell("Undervoltage", "UNDERVOLTAGE", Look.LAMP, 540, 150, _ALARM),
        Cell("Frequency", "FREQUENCY", Look.LAMP, 708, 150, _ALARM),
        Cell("Thermal", "THERMAL", Look.LAMP, 876, 150, _ALARM),
        Cell("Lockout", "LOCKOUT", Look.LAMP, 1044, 150, _ALARM),
        Cell("Other", "OTHER", Look.LAMP, 1212, 150, _ALARM),
    ),
)
INVERTER = Template(
    "inverter",
    "Inverter",
    (
        Cell("", "LAMP", Look.LAMP, 364, 40, _INVERTER),
        Cell("State", "STATE", Look.VALUE, 408, 180),
        Cell("Active power", "PAC", Look.NUMBER, 596, 160),
    ),
)
_NOTE = Cell("Explanation", "NOTE", Look.NOTE, 900, NOTE_WIDTH)
SENSOR = Template("sensor", "Reading", (Cell("Value", "PV", Look.NUMBER, 372, 240), _NOTE))
TEXT = Template("text", "Reading", (Cell("Value", "PV", Look.LONG_TEXT, 372, 500), _NOTE))
ACTUATOR = Template(
    "actuator",
    "Setting",
    (Cell("Desired", "SP", Look.ENTRY, 372, 240), Cell("Reported", "RB", Look.NUMBER, 632, 240), _NOTE),
)
ACTUATOR_CHOICE = Template(
    "actuator-choice",
    "Setting",
    (Cell("Desired", "SP", Look.CHOICE, 372, 240), Cell("Reported", "RB", Look.VALUE, 632, 240), _NOTE),
)
ACTUATOR_PICK = Template(
    "actuator-pick",
    "Setting",
    (Cell("Desired", "SP", Look.PICK, 372, 240), Cell("Reported", "RB", Look.VALUE, 632, 240), _NOTE),
)
DOSE = Template("dose", "Command", (Cell("Each entry does it once", "CMD", Look.ENTRY, 372, 240), _NOTE))
RUN = Template("run", "Command", (Cell("", "CMD", Look.RUN, 372, 240), _NOTE))
LOOP = Template(
    "loop",
    "Loop",
    (
        Cell("On", "STS", Look.LAMP, 364, 52, _POWER),
        Cell("Desired", "SEL", Look.CHOICE, 420, 192),
        Cell("Set point", "SP", Look.ENTRY, 632, 180),
        Cell("Reported", "RB", Look.NUMBER, 832, 180),
    ),
)
ALL = (
    PORT,
    COUNTERS,
    SWITCH,
    CONTACT,
    RELAY,
    INVERTER,
    SENSOR,
    TEXT,
    ACTUATOR,
    ACTUATOR_CHOICE,
    ACTUATOR_PICK,
    DOSE,
    RUN,
    LOOP,
)
