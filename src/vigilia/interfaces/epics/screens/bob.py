"""The display format of Phoebus (`.bob`, XML version 2.0.0): widgets with the properties that are used of them.

Widget types and the names of their properties are those of Phoebus's own models and examples (ControlSystemStudio
phoebus, `app/display/model`). A property that is left out has the default that Phoebus gives it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree import ElementTree as ET

from vigilia.errors import printable

VERSION = "2.0.0"
_WIDGET_VERSIONS = {"action_button": "3.0.0", "stripchart": "2.1.0"}
"""Of widget types whose version is not that of the format."""
_MACRO_START = re.compile(r"\$(?=[({])")
_WIDTH_OF_CHARACTER = 0.56
"""Mean width of a character of Liberation Sans, in units of its size: what a text takes, with a little to spare."""
LEFT, CENTRE, RIGHT = 0, 1, 2
AS_TEXT = 6
"""The format of a text update that shows an array of characters as text."""


class Box(NamedTuple):
    """Where a widget is, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Colour(NamedTuple):
    """A colour; each part 0 to 255."""

    red: int
    green: int
    blue: int


class Font(NamedTuple):
    """A font of the family that comes with Phoebus."""

    size: int
    style: str = "REGULAR"


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of a strip chart."""

    pv: str
    title: str
    axis: int


INK, PALE, WHITE = Colour(33, 37, 41), Colour(108, 117, 125), Colour(255, 255, 255)
PAPER, BAND, LINE, BAR = Colour(250, 250, 250), Colour(233, 236, 239), Colour(206, 212, 218), Colour(38, 50, 56)
ON, OFF, WARN, BAD, CHOSEN = (
    Colour(0, 200, 83),
    Colour(84, 98, 91),
    Colour(255, 179, 0),
    Colour(213, 0, 0),
    Colour(255, 224, 130),
)
_LINES = (
    Colour(21, 101, 192),
    Colour(216, 67, 21),
    Colour(46, 125, 50),
    Colour(106, 27, 154),
    Colour(0, 131, 143),
    Colour(173, 20, 87),
    Colour(93, 64, 55),
    Colour(158, 157, 36),
)
BODY, STRONG, SMALL, TITLE = Font(18), Font(18, "BOLD"), Font(13), Font(26, "BOLD")

Property = str | int | bool | Colour | Font
_State = tuple[int, str, Colour]


def plain(text: str) -> str:
    """Return a text as a display shows it: without control characters, and with nothing that begins a macro."""
    return _MACRO_START.sub("$ ", printable(text))


def fitted(text: str, width: int, font: Font = BODY) -> str:
    """Return a text as a display shows it within `width` pixels: in its middle cut where it is longer."""
    shown = plain(text)
    most = max(4, int(width / (font.size * _WIDTH_OF_CHARACTER)))
    if len(shown) <= most:
        return shown
    tail = most // 2
    return plain(f"{shown[: most - tail - 1]}…{shown[-tail:]}")


class Display:
    """One display, as it is put together."""

    def __init__(self, name: str, width: int, height: int) -> None:
        self._root = ET.Element("display", version=VERSION)
        _put(self._root, {"name": plain(name), "width": width, "height": height, "background_color": PAPER})
        self._count = 0

    def label(self, text: str, box: Box, font: Font = BODY, colour: Colour = INK, align: int = LEFT) -> None:
        """Add a text that stays as it is; `text` may refer to macros."""
        self._add(
            "label",
            box,
            text=text,
            font=font,
            foreground_color=colour,
            transparent=True,
            horizontal_alignment=align,
            vertical_alignment=1,
            wrap_words=False,
        )

    def note(self, text: str, box: Box) -> None:
        """Add a small text that takes as many lines as it needs."""
        self._add(
            "label",
            box,
            text=text,
            font=SMALL,
            foreground_color=PALE,
            transparent=True,
            vertical_alignment=1,
            wrap_words=True,
        )

    def area(self, box: Box, colour: Colour) -> None:
        """Add a filled rectangle."""
        self._add("rectangle", box, line_width=0, line_color=colour, background_color=colour)

    def value(self, pv: str, box: Box, align: int = LEFT, *, long_text: bool = False) -> None:
        """Add the value of a PV, with its unit and an alarm border; a long text is small, and takes several lines."""
        self._add(
            "textupdate",
            box,
            pv_name=pv,
            font=SMALL if long_text else STRONG,
            foreground_color=INK,
            transparent=True,
            horizontal_alignment=align,
            vertical_alignment=1,
            show_units=not long_text,
            format=AS_TEXT if long_text else 0,
            wrap_words=long_text,
            border_alarm_sensitive=True,
        )

    def entry(self, pv: str, box: Box) -> None:
        """Add a field that takes a new value for a PV."""
        self._add(
            "textentry",
            box,
            pv_name=pv,
            font=STRONG,
            horizontal_alignment=RIGHT,
            show_units=True,
            border_alarm_sensitive=True,
        )

    def lamp(self, pv: str, box: Box, states: Sequence[_State]) -> None:
        """Add a lamp with a colour for each state of a PV, and an alarm border."""
        widget = self._add("multi_state_led", box, pv_name=pv, border_alarm_sensitive=True, font=SMALL)
        array = ET.SubElement(widget, "states")
        for value, label, colour in states:
            _put(ET.SubElement(array, "state"), {"value": value, "label": label, "color": colour})
        _put(widget, {"fallback_label": "", "fallback_color": PALE})

    def choice(self, pv: str, box: Box, question: str) -> None:
        """Add a button for each state of a PV, which asks before it writes."""
        self._add(
            "choice",
            box,
            pv_name=pv,
            font=STRONG,
            selected_color=CHOSEN,
            items_from_pv=True,
            horizontal=True,
            confirm_dialog=True,
            confirm_message=question,
            border_alarm_sensitive=True,
        )

    def pick(self, pv: str, box: Box, question: str) -> None:
        """Add a list of the states of a PV, for those that have too many for buttons; it asks before it writes."""
        self._add(
            "combo",
            box,
            pv_name=pv,
            font=STRONG,
            items_from_pv=True,
            confirm_dialog=True,
            confirm_message=question,
            border_alarm_sensitive=True,
        )

    def write_button(self, pv: str, value: str, text: str, box: Box, question: str) -> None:
        """Add a button that asks, and then writes a value."""
        action = {"pv_name": "$(pv_name)", "value": value, "description": text}
        self._button(box, text, "write_pv", action, pv, confirm_dialog=True, confirm_message=question)

    def open_button(self, file: str, text: str, box: Box, pv: str = "", *, font: Font = STRONG) -> None:
        """Add a button that opens another display in the place of this one; with a PV it has its alarm border."""
        action = {"file": file, "target": "replace", "description": text}
        self._button(box, text, "open_display", action, pv, font=font)

    def embedded(self, file: str, box: Box, macros: Mapping[str, str]) -> None:
        """Add another display within this one, with what its macros stand for."""
        widget = self._add("embedded", box, file=file, resize=0, transparent=True)
        _put(ET.SubElement(widget, "macros"), macros)

    def chart(self, title: str, box: Box, axes: Sequence[str], traces: Sequence[Trace], since: str) -> None:
        """Add values over time, from `since` ("1 hour") to now, with an axis for each title of `axes`."""
        widget = self._add(
            "stripchart", box, title=title, show_toolbar=False, show_legend=True, show_grid=True, start=since, end="now"
        )
        array = ET.SubElement(widget, "y_axes")
        for axis in axes:
            _put(ET.SubElement(array, "y_axis"), {"title": axis, "autoscale": True, "show_grid": True, "visible": True})
        array = ET.SubElement(widget, "traces")
        for number, trace in enumerate(traces):
            properties: dict[str, Property] = {
                "name": trace.title,
                "y_pv": trace.pv,
                "axis": trace.axis,
                "trace_type": 2,
                "color": _LINES[number % len(_LINES)],
                "line_width": 2,
                "visible": True,
            }
            _put(ET.SubElement(array, "trace"), properties)

    def xml(self, mark: str) -> bytes:
        """Return the file, with `mark` as a comment below its first line."""
        ET.indent(self._root)
        body = ET.tostring(self._root, encoding="unicode", short_empty_elements=True)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {mark} -->\n{body}\n'.encode()

    def _button(
        self, box: Box, text: str, kind: str, action: Mapping[str, Property], pv: str, **properties: Property
    ) -> None:
        font = properties.pop("font", STRONG)
        alarm = bool(pv)
        widget = self._add("action_button", box, pv_name=pv, text=text, font=font, border_alarm_sensitive=alarm)
        _put(widget, {**properties, "tooltip": "$(actions)"})
        _put(ET.SubElement(ET.SubElement(widget, "actions"), "action", type=kind), action)

    def _add(self, kind: str, box: Box, **properties: Property) -> ET.Element:
        self._count += 1
        version = _WIDGET_VERSIONS.get(kind, VERSION)
        widget = ET.SubElement(self._root, "widget", type=kind, version=version)
        _put(widget, {"name": f"{kind}_{self._count}", **box._asdict(), **properties})
        return widget


def _put(element: ET.Element, properties: Mapping[str, Property] | Mapping[str, str]) -> None:
    """Give an element a child for each property."""
    for name, value in properties.items():
        child = ET.SubElement(element, name)
        match value:
            case Colour():
                _attributes(ET.SubElement(child, "color"), value._asdict().items())
            case Font():
                font = {"family": "Liberation Sans", "style": value.style, "size": f"{value.size}.0"}
                _attributes(ET.SubElement(child, "font"), font.items())
            case bool():
                child.text = "true" if value else "false"
            case _:
                child.text = str(value)


def _attributes(element: ET.Element, pairs: Iterable[tuple[str, object]]) -> None:
    for name, value in pairs:
        element.set(name, str(value))
