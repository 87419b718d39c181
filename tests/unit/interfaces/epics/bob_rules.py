"""What a `.bob` file must be: the widget types and properties that Phoebus knows, and nothing that does not resolve.

Names are those of the widgets' models in ControlSystemStudio phoebus, `app/display/model`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

_EVERY = {"name", "x", "y", "width", "height", "visible", "tooltip", "actions"}
_PV = {"pv_name", "border_alarm_sensitive"}
_TEXT = {"font", "foreground_color", "background_color", "transparent", "horizontal_alignment", "vertical_alignment"}
_CONFIRM = {"confirm_dialog", "confirm_message", "enabled"}
WIDGETS: Mapping[str, set[str]] = {
    "label": _EVERY | _TEXT | {"text", "wrap_words", "auto_size"},
    "rectangle": _EVERY | {"line_width", "line_color", "background_color", "transparent"},
    "textupdate": _EVERY | _PV | _TEXT | {"format", "precision", "show_units", "wrap_words"},
    "textentry": _EVERY | _PV | _TEXT | {"format", "precision", "show_units", "wrap_words", "enabled"},
    "multi_state_led": _EVERY | _PV | {"states", "fallback_label", "fallback_color", "font", "square"},
    "choice": _EVERY | _PV | _TEXT | _CONFIRM | {"selected_color", "items_from_pv", "horizontal"},
    "combo": _EVERY | _PV | _TEXT | _CONFIRM | {"items_from_pv"},
    "action_button": _EVERY | _PV | _TEXT | _CONFIRM | {"text"},
    "embedded": _EVERY | {"file", "macros", "resize", "transparent"},
    "stripchart": _EVERY | {"title", "show_toolbar", "show_legend", "show_grid", "start", "end", "y_axes", "traces"},
}
_ACTIONS = {
    "open_display": {"file", "target", "description", "macros"},
    "write_pv": {"pv_name", "value", "description"},
}
_INNER = {
    "state": {"value", "label", "color"},
    "y_axis": {"title", "autoscale", "show_grid", "visible", "log_scale", "minimum", "maximum"},
    "trace": {"name", "y_pv", "axis", "trace_type", "color", "line_width", "visible"},
}
_MACRO = re.compile(r"\$[({](\w+)[)}]")
_BUILT_IN = {"actions", "pv_name"}
"""What a widget's own properties stand for in its texts."""


def faults(folder: Path) -> list[str]:
    """Return everything that is wrong with the displays of a folder."""
    found: list[str] = []
    for file in sorted(folder.glob("*.bob")):
        found += [f"{file.name}: {fault}" for fault in _faults(folder, file, {})]
    return found


def pvs(folder: Path) -> set[str]:
    """Return every PV that any display names, with macros replaced."""
    return {pv for file in folder.glob("*.bob") for pv in _pvs(file, {})}


def opened(file: Path) -> set[str]:
    """Return the files that buttons of a display open."""
    return {
        action.findtext("file", "") for action in ET.parse(file).iter("action") if action.get("type") == "open_display"
    }


def _faults(folder: Path, file: Path, macros: Mapping[str, str]) -> Iterator[str]:
    root = ET.parse(file).getroot()
    if (root.tag, root.get("version")) != ("display", "2.0.0"):
        yield f"is no display: {root.tag} {root.attrib}"
    width, height = (int(root.findtext(name, "0")) for name in ("width", "height"))
    names: set[str] = set()
    for widget in root.findall("widget"):
        kind, name = widget.get("type", ""), widget.findtext("name", "")
        if kind not in WIDGETS or name in names:
            yield f"{kind} {name}: no widget of ours, or twice"
            continue
        names.add(name)
        yield from (f"{name}: has {child.tag}" for child in widget if child.tag not in WIDGETS[kind])
        yield from _inner_faults(widget)
        x, y, wide, high = (int(widget.findtext(key, "-1")) for key in ("x", "y", "width", "height"))
        if min(x, y) < 0 or min(wide, high) < 1 or x + wide > width or y + high > height:
            yield f"{name}: lies outside of the display: {x} {y} {wide} {high} in {width} {height}"
        yield from _unresolved(widget, macros)
        yield from _embedded_faults(folder, file, widget, macros)


def _inner_faults(widget: ET.Element) -> Iterator[str]:
    for kind, keys in _INNER.items():
        for element in widget.iter(kind):
            yield from (f"{kind}: has {child.tag}" for child in element if child.tag not in keys)
    for action in widget.findall("actions/action"):
        keys = _ACTIONS.get(action.get("type", ""))
        if keys is None or {child.tag for child in action} - keys:
            yield f"action {action.attrib}: {[child.tag for child in action]}"


def _unresolved(widget: ET.Element, macros: Mapping[str, str]) -> Iterator[str]:
    for element in widget.iter():
        for name in _MACRO.findall(element.text or ""):
            if name not in macros and name not in _BUILT_IN:
                yield f"{widget.findtext('name')}: $({name}) stands for nothing in {element.tag}"


def _embedded_faults(folder: Path, file: Path, widget: ET.Element, macros: Mapping[str, str]) -> Iterator[str]:
    if widget.get("type") == "embedded":
        inside = file.parent / widget.findtext("file", "")
        if not inside.is_file():
            yield f"embeds {inside}, which is not there"
            return
        size = ET.parse(inside).getroot()
        if any(size.findtext(key) != widget.findtext(key) for key in ("width", "height")):
            yield f"{inside.name} has another size than its place"
        inner = {child.tag: child.text or "" for child in widget.findall("macros/*")}
        yield from _faults(folder, inside, {**macros, **inner})
    for target in (action.findtext("file", "") for action in widget.findall("actions/action")):
        if target and not (file.parent / target).is_file():
            yield f"opens {target}, which is not there"


def _pvs(file: Path, macros: Mapping[str, str]) -> Iterator[str]:
    def value(text: str) -> str:
        return _MACRO.sub(lambda match: macros.get(match[1], match[0]), text)

    root = ET.parse(file).getroot()
    for widget in root.findall("widget"):
        names = [widget.findtext("pv_name", ""), *(trace.findtext("y_pv", "") for trace in widget.iter("trace"))]
        yield from (value(name) for name in names if name)
        if widget.get("type") == "embedded":
            inner = {child.tag: value(child.text or "") for child in widget.findall("macros/*")}
            yield from _pvs(file.parent / widget.findtext("file", ""), {**macros, **inner})
