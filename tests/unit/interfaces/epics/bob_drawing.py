"""Draws a display roughly, as SVG in a page: to look at, and to find what overlaps or does not fit."""

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

_MACRO = re.compile(r"\$[({](\w+)[)}]")
_SAMPLE = {"led": "", "textupdate": "1.25 kW", "textentry": "1.25", "choice": "Off | On", "combo": "Auto ▾"}


class Widget(NamedTuple):
    """A widget as it is drawn: its macros replaced, its place on the whole screen."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    text: str
    size: float
    pv: str
    element: ET.Element
    file: Path
    owner: int
    """Which embedded display it is in; 0: the screen itself."""


def text_of(element: ET.Element, name: str, default: str = "") -> str:
    return element.findtext(name) or default


def expand(text: str, macros: Mapping[str, str]) -> str:
    return _MACRO.sub(lambda match: macros.get(match[1], match[0]), text)


def widgets(file: Path, macros: Mapping[str, str] | None = None, at: tuple[int, int] = (0, 0)) -> Iterator[Widget]:
    """Give every widget of a display, those of embedded ones in their places."""
    yield from _widgets(file, macros or {}, at, 0)


def _widgets(file: Path, macros: Mapping[str, str], at: tuple[int, int], owner: int) -> Iterator[Widget]:
    root = ET.parse(file).getroot()
    for number, element in enumerate(root.iter("widget"), 1):
        x, y, width, height = (int(text_of(element, name, "0")) for name in ("x", "y", "width", "height"))
        place = (at[0] + x, at[1] + y)
        kind = element.get("type", "")
        font = element.find("font/font")
        text = expand(text_of(element, "text", _SAMPLE.get(kind, "")), macros)
        pv = expand(text_of(element, "pv_name"), macros)
        size = float(font.get("size", "14")) if font is not None else 14.0
        yield Widget(kind, *place, width, height, text, size, pv, element, file, owner)
        if kind == "embedded":
            inner = {child.tag: expand(child.text or "", macros) for child in element.findall("macros/*")}
            inside = file.parent / expand(text_of(element, "file"), macros)
            yield from _widgets(inside, {**macros, **inner}, place, owner * 10_000 + number)


def _colour(element: ET.Element, name: str, default: str) -> str:
    found = element.find(f"{name}/color")
    return default if found is None else f"rgb({found.get('red')},{found.get('green')},{found.get('blue')})"


def svg(file: Path) -> str:
    """Return a drawing of a display."""
    root = ET.parse(file).getroot()
    width, height = (int(text_of(root, name, "100")) for name in ("width", "height"))
    shapes = [f'<rect width="{width}" height="{height}" fill="#fafafa"/>']
    for widget in widgets(file):
        shapes += _shape(widget)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="Liberation Sans, Arial">{"".join(shapes)}</svg>'
    )


def _shape(widget: Widget) -> Iterator[str]:
    x, y, width, height, element = widget.x, widget.y, widget.width, widget.height, widget.element
    box = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    match widget.kind:
        case "rectangle":
            yield f'<rect {box} fill="{_colour(element, "background_color", "#ddd")}"/>'
        case "multi_state_led":
            fill = _colour(element.findall("states/state")[1], "color", "#0f0")
            middle = f'cx="{x + width / 2}" cy="{y + height / 2}"'
            yield f'<ellipse {middle} rx="{width / 2}" ry="{height / 2}" fill="{fill}"/>'
        case "choice" | "combo" | "action_button":
            yield f'<rect {box} rx="4" fill="#e3e6e8" stroke="#90a4ae"/>'
        case "textentry":
            yield f'<rect {box} fill="#fff" stroke="#607d8b"/>'
        case "textupdate":
            yield f'<rect {box} fill="none" stroke="#b0bec5" stroke-dasharray="3"/>'
        case "stripchart":
            yield f'<rect {box} fill="#fff" stroke="#90a4ae"/>'
            legend = ", ".join(text_of(trace, "name") for trace in element.findall("traces/trace"))
            said = html.escape(f"{text_of(element, 'title')}: {legend}"[:170])
            yield f'<text x="{x + 8}" y="{y + 20}" font-size="13">{said}</text>'
        case _:
            pass
    if widget.text:
        align = int(
            text_of(element, "horizontal_alignment", "1" if "button" in widget.kind or widget.kind == "choice" else "0")
        )
        anchor, place = (("start", x), ("middle", x + width / 2), ("end", x + width))[align]
        font = element.find("font/font")
        weight = "bold" if font is not None and "BOLD" in font.get("style", "") else "normal"
        colour = _colour(element, "foreground_color", "#000")
        yield (
            f'<text x="{place}" y="{y + height / 2 + widget.size * 0.35}" font-size="{widget.size}" '
            f'font-weight="{weight}" fill="{colour}" text-anchor="{anchor}">{html.escape(widget.text)}</text>'
        )
