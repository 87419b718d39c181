"""Charts as SVG, in the manner of the documentation's pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#0f766e", "#b45309", "#6d28d9", "#475569")
WIDTH, HEIGHT = 300, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 22, 34, 44
COLUMNS = 3
_LEGEND = 34
_STYLE = """
    .ground { fill: #ffffff }
    .axis { stroke: #475569; stroke-width: 1 }
    .grid { stroke: #e2e8f0; stroke-width: 1 }
    .name { font-size: 14px; font-weight: 600; fill: #0f172a }
    .note { font-size: 12px; fill: #475569 }
    .line { fill: none; stroke-width: 2.5 }
    .middle { text-anchor: middle } .end { text-anchor: end }
"""


@dataclass(frozen=True)
class Chart:
    """A chart: its lines by name, over a horizontal axis that is always logarithmic."""

    title: str
    across: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = False
    """Whether the vertical axis is, too; else it begins at 0."""


def draw(title: str, text: str, charts: Sequence[Chart]) -> str:
    """Return an SVG of charts, three in a row, with one legend; `text` says what they show."""
    names = list(dict.fromkeys(name for chart in charts for name in chart.lines))
    colours = dict(zip(names, COLOURS, strict=False))
    columns = min(COLUMNS, len(charts))
    width, height = columns * WIDTH, math.ceil(len(charts) / columns) * HEIGHT + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-labelledby="title text"\n'
        "     font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif\">",
        f'  <title id="title">{escape(title)}</title>',
        f'  <desc id="text">{escape(text)}</desc>',
        f"  <style>{_STYLE}  </style>",
        f'  <rect class="ground" width="{width}" height="{height}"/>',
    ]
    for number, chart in enumerate(charts):
        row, column = divmod(number, columns)
        parts.append(f'  <g transform="translate({column * WIDTH} {row * HEIGHT})">')
        parts += _chart(chart, colours)
        parts.append("  </g>")
    for number, name in enumerate(names):
        at = LEFT + number * 170
        parts += [
            f'  <path class="line" stroke="{colours[name]}" d="M{at} {height - 18} h28"/>',
            f'  <text class="note" x="{at + 36}" y="{height - 14}">{escape(name)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(chart: Chart, colours: Mapping[str, str]) -> list[str]:
    across = sorted({x for line in chart.lines.values() for x, _ in line})
    values = [y for line in chart.lines.values() for _, y in line]
    marks = _decades(values) if chart.logarithmic else _even(max(values))

    def place(x: float, y: float) -> tuple[float, float]:
        part_x = math.log(x / across[0]) / (math.log(across[-1] / across[0]) or 1)
        part_y = math.log(y / marks[0]) / math.log(marks[-1] / marks[0]) if chart.logarithmic else y / marks[-1]
        left, bottom = LEFT + part_x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - part_y * (HEIGHT - TOP - BOTTOM)
        return round(left, 1), round(bottom, 1)

    parts = [f'    <text class="name" x="{LEFT}" y="20">{escape(chart.title)}</text>']
    for mark in marks:
        _, y = place(across[0], mark)
        parts += [
            f'    <path class="grid" d="M{LEFT} {y} H{WIDTH - RIGHT}"/>',
            f'    <text class="note end" x="{LEFT - 6}" y="{y + 4}">{_shown(mark)}</text>',
        ]
    bottom = HEIGHT - BOTTOM
    parts.append(f'    <path class="axis" d="M{LEFT} {bottom} H{WIDTH - RIGHT}"/>')
    for x in across:
        left, _ = place(x, marks[-1])
        parts.append(f'    <text class="note middle" x="{left}" y="{bottom + 17}">{_shown(x)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'    <text class="note middle" x="{middle:g}" y="{bottom + 34}">{escape(chart.across)}</text>')
    for name, line in chart.lines.items():
        places = [place(x, y) for x, y in line]
        path = " L".join(f"{x} {y}" for x, y in places)
        parts.append(f'    <path class="line" stroke="{colours[name]}" d="M{path}"/>')
        parts += [f'    <circle fill="{colours[name]}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in places]
    return parts


def _decades(values: Sequence[float]) -> list[float]:
    """Marks at powers of ten around all values."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _even(most: float) -> list[float]:
    """Marks from 0 to beyond the largest value, at round distances."""
    power = 10.0 ** math.floor(math.log10(most))
    step = next(power * part for part in (0.2, 0.25, 0.5, 1, 2, 2.5) if most / (power * part) <= 5)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def _shown(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"
