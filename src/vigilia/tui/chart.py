"""A curve in characters: of numbers in braille dots, or half blocks where a console has none; of states as bars."""

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from vigilia.history.backend import SECOND_MS, Bucket
from vigilia.points import Severity

_DAY_S = 86_400
_FORMS = ((600, "%H:%M:%S"), (_DAY_S, "%H:%M"), (8 * _DAY_S, "%m-%d %H:%M"))
"""How times are written, up to which span."""
_BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a braille character's dots (Unicode 10.2, U+2800): by column, from above."""
_SIGNS = {Severity.NO_ALARM: " ", Severity.MINOR: "!", Severity.MAJOR: "‼", Severity.INVALID: "?"}
_PLAIN_SIGNS = _SIGNS | {Severity.MAJOR: "#"}


class Canvas:
    """Dots, to be had as lines of characters."""

    def __init__(self, width: int, height: int, *, plain: bool) -> None:
        """Make room for `width` times `height` characters."""
        self.plain = plain
        self.columns, self.rows = (width, height * 2) if plain else (width * 2, height * 4)
        self._width, self._height = width, height
        self._bits = [[0] * width for _ in range(height)]

    def dot(self, x: int, y: int) -> None:
        """Set a dot, counted from the left and from above; outside of the canvas nothing happens."""
        if not (0 <= x < self.columns and 0 <= y < self.rows):
            return
        if self.plain:
            self._bits[y // 2][x] |= 1 << (y % 2)
        else:
            self._bits[y // 4][x // 2] |= _BRAILLE[x % 2][y % 4]

    def upright(self, x: int, first: int, last: int) -> None:
        """Set the dots of a column between two rows, both included."""
        for y in range(max(0, min(first, last)), min(self.rows - 1, max(first, last)) + 1):
            self.dot(x, y)

    def lines(self) -> list[str]:
        """Return what was drawn."""
        if self.plain:
            return ["".join(" ▀▄█"[bits] for bits in line) for line in self._bits]
        return ["".join(chr(0x2800 + bits) if bits else " " for bits in line) for line in self._bits]


def bounds(buckets: Sequence[Bucket]) -> tuple[float, float] | None:
    """Return the lowest and the highest number, a little apart where they are the same; None where there is none."""
    lows = [bucket.low for bucket in buckets if bucket.low is not None and math.isfinite(bucket.low)]
    highs = [bucket.high for bucket in buckets if bucket.high is not None and math.isfinite(bucket.high)]
    if not lows or not highs:
        return None
    low, high = min(lows), max(highs)
    if high - low < max(abs(high), abs(low), 1e-12) * 1e-9:
        room = abs(high) * 0.05 or 1.0
        return low - room, high + room
    return low, high


def curve(buckets: Sequence[Bucket], start: float, end: float, low: float, high: float, canvas: Canvas) -> None:
    """Draw numbers from `start` to `end` (seconds UTC) and from `low` to `high`: extremes upright, means joined."""
    scale_x = (canvas.columns - 1) / max(end - start, 1e-9)
    scale_y = (canvas.rows - 1) / max(high - low, 1e-300)

    def row(value: float) -> int:
        return canvas.rows - 1 - round((value - low) * scale_y)

    before: tuple[int, int] | None = None
    for bucket in buckets:
        if bucket.low is None or bucket.high is None or not isinstance(bucket.value, int | float):
            before = None  # from here on nothing is known
            continue
        x = round((bucket.time_ms / SECOND_MS - start) * scale_x)
        y = row(float(bucket.value))
        canvas.upright(x, row(bucket.low), row(bucket.high))
        if before is not None:
            _join(canvas, before, (x, y))
        before = (x, y)


def _join(canvas: Canvas, a: tuple[int, int], b: tuple[int, int]) -> None:
    """Draw a straight line."""
    steps = max(abs(b[0] - a[0]), abs(b[1] - a[1]), 1)
    for step in range(steps + 1):
        canvas.dot(round(a[0] + (b[0] - a[0]) * step / steps), round(a[1] + (b[1] - a[1]) * step / steps))


def states(buckets: Sequence[Bucket], start: float, end: float, count: int, width: int) -> list[str]:
    """Return a line for each state of an enum, the last one first: a bar where the point was in it.

    A state holds until the next reading, or until a gap.
    """
    cells = [[" "] * width for _ in range(count)]
    scale = width / max(end - start, 1e-9)

    def column(bucket: Bucket) -> int:
        return int((bucket.time_ms / SECOND_MS - start) * scale)

    for index, bucket in enumerate(buckets):
        if not isinstance(bucket.value, int | float) or not math.isfinite(bucket.value):
            continue
        last = column(buckets[index + 1]) if index + 1 < len(buckets) else column(bucket)
        held = range(max(0, column(bucket)), min(width, max(last, column(bucket) + 1)))
        inside = {int(value) for value in (bucket.low, bucket.high) if value is not None and math.isfinite(value)}
        for state in {int(bucket.value)} | inside:
            if not 0 <= state < count:
                continue
            for x in held if state == int(bucket.value) else held[:1]:
                cells[state][x] = "█"
    return ["".join(line) for line in reversed(cells)]


def alarm_signs(buckets: Sequence[Bucket], start: float, end: float, width: int) -> list[Severity]:
    """Return the worst severity of each column of characters; one holds until the next reading."""
    found = [Severity.NO_ALARM] * width
    scale = width / max(end - start, 1e-9)
    for index, bucket in enumerate(buckets):
        if bucket.value is None or not bucket.severity:
            continue
        until = buckets[index + 1] if index + 1 < len(buckets) else bucket
        first, last = (int((one.time_ms / SECOND_MS - start) * scale) for one in (bucket, until))
        for x in range(max(0, first), min(width, max(first + 1, last))):
            found[x] = max(found[x], bucket.severity)
    return found


def sign(severity: Severity, *, plain: bool) -> str:
    """Return the one character that marks a severity below a curve."""
    return (_PLAIN_SIGNS if plain else _SIGNS)[severity]


def scale(low: float, high: float, height: int) -> list[str]:
    """Return what stands beside the lines of a curve: the highest, the lowest and what lies between."""
    texts = [""] * height
    for place in sorted({0, (height - 1) // 2, height - 1}):
        share = place / max(1, height - 1)
        texts[place] = f"{high - (high - low) * share:.4g}"
    return texts


def times(start: float, end: float, width: int, zone: ZoneInfo) -> str:
    """Return the line of times below a curve: as many as there is room for."""
    span = end - start
    form = (
        "%H:%M:%S" if span < 600 else "%H:%M" if span <= _DAY_S else "%d/%m %H:%M" if span < 8 * _DAY_S else "%Y-%m-%d"
    )
    size = len(datetime.now(zone).strftime(form))
    places = max(2, min(6, width // (size + 4)))
    line = [" "] * width
    for place in range(places):
        text = datetime.fromtimestamp(start + span * place / (places - 1), zone).strftime(form)
        begin = round((width - size) * place / (places - 1))
        line[begin : begin + size] = text
    return "".join(line)[:width]
