"""The chart of a point: from ten minutes to years, by the keyboard."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize

from vigilia.history.backend import SECOND_MS, Bucket, HistoryError
from vigilia.language import tr
from vigilia.points import Severity
from vigilia.tui import chart
from vigilia.tui.detail import Detail
from vigilia.tui.model import Point
from vigilia.tui.page import Keys, harmless
from vigilia.tui.texts import STYLES, age, fit, mark, moment, number, value_text

_SPANS_S = (600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400, 3650 * 86_400)
_SCALE = 10
"""Cells beside a curve for its numbers."""
_LIVE_S = 5.0


class ChartScreen(Detail):
    """What one point said over a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign,up", "span(-1)", show=False),
        Binding("minus,down", "span(1)", show=False),
        Binding("left", "shift(-1)", show=False),
        Binding("right", "shift(1)", show=False),
        Binding("n,end", "now", show=False),
        Binding("r", "load", show=False),
    ]

    def __init__(self, name: str, around: tuple[float, float | None] | None = None) -> None:
        """Show the last hour of a point, or what lies `around` a beginning and an end."""
        super().__init__()
        self._name = name
        self._span = 1
        self._end: float | None = None
        """None: now, whenever that is."""
        self._around = around
        self._buckets: Sequence[Bucket] = ()
        self._interval = (0.0, 1.0)
        self._trouble = tr("reading …")

    def on_mount(self) -> None:
        """Ask the history."""
        if self._around is not None:
            self._place(*self._around)
        super().on_mount()
        self.action_load()
        self.set_interval(_LIVE_S, self._load_live)

    @property
    def keys(self) -> Keys:
        """The keys of this screen."""
        return (("+ -", tr("shorter, longer")), ("← →", tr("earlier, later")), ("n", tr("now")), ("Esc", tr("back")))

    def on_resize(self, _event: Resize) -> None:
        """Ask for as many readings as there is room for now."""
        self.draw()
        self.action_load()

    def action_span(self, by: int) -> None:
        """Look at a longer or a shorter time; its middle stays, unless its end is now."""
        before = _SPANS_S[self._span]
        self._span = min(max(0, self._span + by), len(_SPANS_S) - 1)
        if self._end is not None:
            self._move_to(self._end + (_SPANS_S[self._span] - before) / 2)
        self.action_load()

    def action_shift(self, by: int) -> None:
        """Go half a span back or ahead, at most to now."""
        now = self.top.vigil.now
        self._move_to((self._end if self._end is not None else now) + by * _SPANS_S[self._span] / 2)
        self.action_load()

    def action_now(self) -> None:
        """Go to now, and stay there."""
        self._end = None
        self.action_load()

    def action_load(self) -> None:
        """Ask the history."""
        self.run_worker(self._load, exclusive=True)

    def draw(self) -> None:
        """Show what was read."""
        point = self._point
        said = "" if point is None else value_text(point.value, point.labels, point.units)
        title = Text().append(harmless(self._name), "bold").append(f"  {harmless(said)}")
        if point is not None and point.severity:
            title.append(f"  {mark(point.severity).strip()}", STYLES[point.severity])
        self.tell(title, self._made())

    @property
    def _point(self) -> Point | None:
        return self.top.vigil.picture.points.get(self._name)

    @property
    def _room(self) -> tuple[int, int]:
        size = self.query_one(VerticalScroll).size
        return max(10, size.width - _SCALE - 1), max(3, size.height - 4)

    def _place(self, began: float, ended: float | None) -> None:
        """Choose the shortest time that shows a beginning and an end, and something before and after."""
        lasted = max((self.top.vigil.now if ended is None else ended) - began, 60)
        self._span = next((n for n, span in enumerate(_SPANS_S) if span > lasted * 1.5), len(_SPANS_S) - 1)
        self._move_to(began + lasted / 2 + _SPANS_S[self._span] / 2)

    def _move_to(self, end: float) -> None:
        now = self.top.vigil.now
        self._end = None if end >= now else max(end, 0.0)

    def _load_live(self) -> None:
        if self._end is None and self.is_current:
            self.action_load()

    async def _load(self) -> None:
        watch = self.top.vigil
        end = watch.now if self._end is None else self._end
        start = max(0.0, end - _SPANS_S[self._span])
        try:
            self._buckets = await watch.series(self._name, start, end, self._room[0] * 2)
            self._trouble = "" if self._buckets else tr("the history has nothing of that time")
        except HistoryError as error:
            self._buckets, self._trouble = (), str(error)
        self._interval = start, end
        self.draw()

    def _made(self) -> Text:
        top, (width, height) = self.top, self._room
        start, end = self._interval
        head = tr("the last {age}") if self._end is None else tr("{age} until {time}")
        said = head.format(age=age(_SPANS_S[self._span]), time=moment(end, top.zone, top.vigil.now))
        text = Text(no_wrap=True)
        units = self._point.units if self._point is not None else ""
        text.append(f"{said}{f', {harmless(units)}' if units else ''}\n", "dim")
        if self._trouble:
            text.no_wrap = False
            return text.append("\n  " + harmless(self._trouble))
        point = self._point
        labels = point.labels if point is not None else ()
        limits = chart.bounds(self._buckets)
        if labels:
            self._append_states(text, labels, width)
        elif limits is not None:
            self._append_curve(text, limits, width, height)
        else:
            return self._append_texts(text, height)
        signs = chart.alarm_signs(self._buckets, start, end, width)
        text.append(" " * _SCALE + "└")
        for severity in signs:
            text.append(chart.sign(severity, plain=top.plain) if severity else "─", STYLES[severity])
        text.append("\n" + " " * (_SCALE + 1) + chart.times(start, end, width, top.zone))
        if any(signs):
            worst = max(signs)
            text.append(f"\n{mark(worst).strip()}", STYLES[worst])
        return text

    def _append_curve(self, text: Text, limits: tuple[float, float], width: int, height: int) -> None:
        canvas = chart.Canvas(width, height, plain=self.top.plain)
        chart.curve(self._buckets, *self._interval, *limits, canvas)
        for line, beside in zip(canvas.lines(), chart.scale(*limits, height), strict=True):
            text.append(fit(beside, _SCALE, right=True) + "│", "dim")
            text.append(line + "\n", "cyan")

    def _append_states(self, text: Text, labels: Sequence[str], width: int) -> None:
        lines = chart.states(self._buckets, *self._interval, len(labels), width)
        for label, line in zip(reversed(labels), lines, strict=True):
            text.append(fit(label, _SCALE, right=True) + "│", "dim")
            text.append(line + "\n", "cyan")

    def _append_texts(self, text: Text, height: int) -> Text:
        """Say what a text point said, the newest first."""
        top = self.top
        for bucket in list(reversed(self._buckets))[: height + 2]:
            said = _plainly(bucket.value)
            style = STYLES[bucket.severity if bucket.value is not None else Severity.NO_ALARM]
            text.append(f"{moment(bucket.time_ms / SECOND_MS, top.zone, top.vigil.now):<20} ", "dim")
            text.append(harmless(said) + "\n", style)
        return text


def _plainly(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else number(value)
