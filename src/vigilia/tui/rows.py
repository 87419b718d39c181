"""A list of any length in a terminal: only the lines that are seen are made, and only those that changed are sent."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vigilia.tui.texts import fit

Item = TypeVar("Item")
Cell = tuple[str, str]
"""A text and its style."""

_HEAD = Style.parse("bold underline")
_CURSOR = Style.parse("reverse")
_FAINT = Style.parse("dim")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what stands above it, and its width in cells; 0 takes what the others leave."""

    title: Callable[[], str]
    width: int
    right: bool = False
    middle: bool = False
    """Cut in the middle, for the ends of names tell the most."""
    from_width: int = 0
    """Shown only where the list has at least so many cells."""


class Rows(Widget, Generic[Item], can_focus=True):
    """The list. It keeps its place by the key of the line it stands on, whatever comes and goes around it."""

    DEFAULT_CSS = "Rows { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("home,g", "end(0)", show=False),
        Binding("end,G", "end(1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Chosen(Message):
        """Somebody pressed Enter on a line."""

        def __init__(self, rows: "Rows[Item]") -> None:
            super().__init__()
            self.rows = rows

    class Moved(Message):
        """Other lines are seen than before, or the cursor stands elsewhere."""

        def __init__(self, rows: "Rows[Item]") -> None:
            super().__init__()
            self.rows = rows

    class Edge(Message):
        """Somebody wants to go beyond the first (-1) or the last line (1)."""

        def __init__(self, rows: "Rows[Item]", by: int) -> None:
            super().__init__()
            self.rows = rows
            self.by = by

    def __init__(
        self,
        columns: Sequence[Column],
        draw: Callable[[Item], Sequence[Cell]],
        key: Callable[[Item], Hashable],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._draw = draw
        self._key = key
        self._items: Sequence[Item] = ()
        self._cursor = 0
        self._top = 0
        self._sent: dict[int, tuple[Cell, ...]] = {}
        """What the lines of the window said when they were last drawn."""
        self.empty = ""
        """What is said where there are no lines."""

    def show(self, items: Sequence[Item]) -> None:
        """Show other lines, or the same with other texts; the cursor stays on its line where that is still there."""
        before = self.current
        self._items = items
        if before is not None and not self._at_cursor(before):
            key = self._key(before)
            place = next((index for index, item in enumerate(items) if self._key(item) == key), None)
            if place is not None:
                self._top += place - self._cursor
                self._cursor = place
        self._keep_within()
        self._repaint()

    @property
    def current(self) -> Item | None:
        """The line that the cursor stands on; None where there is none."""
        return self._items[self._cursor] if self._cursor < len(self._items) else None

    @property
    def seen(self) -> Sequence[Item]:
        """The lines in the window."""
        return self._items[self._top : self._top + self._room]

    @property
    def at_end(self) -> bool:
        """Whether the last line is seen."""
        return self._top + self._room >= len(self._items)

    @property
    def place(self) -> str:
        """Where the cursor is, of how many lines."""
        return f"{self._cursor + 1}/{len(self._items)}" if self._items else "0"

    def action_move(self, by: int) -> None:
        """Go some lines up or down."""
        if not 0 <= self._cursor + by < len(self._items):
            self.post_message(self.Edge(self, by))
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Go a window up or down."""
        step = max(1, self._room - 1) * by
        self._top += step
        self._go(self._cursor + step)

    def action_end(self, last: int) -> None:
        """Go to the first or the last line."""
        self._go(len(self._items) - 1 if last else 0)

    def action_choose(self) -> None:
        """Say that this line was chosen."""
        if self.current is not None:
            self.post_message(self.Chosen(self))

    def on_resize(self, _event: Resize) -> None:
        """Keep the cursor in the window."""
        self._keep_within()
        self._repaint(everything=True)

    def on_focus(self) -> None:
        """Show where the cursor is."""
        self._repaint(everything=True)

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self._repaint(everything=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Take what room there is."""
        return container.height

    def render_line(self, y: int) -> Strip:
        """Return one line of the window; the first one is the head."""
        width = self.size.width
        if y == 0:
            cells = [(column.title(), "") for column in self._columns]
            return self._strip(cells, width, _HEAD)
        index = self._top + y - 1
        if index >= len(self._items):
            text = self.empty if not self._items and y == 2 else ""
            return Strip([Segment(fit(f"  {text}", width), _FAINT)], width)
        cells = self._cells(index)
        self._sent[y] = cells
        return self._strip(cells, width, _CURSOR if index == self._cursor and self.has_focus else Style.null())

    def _cells(self, index: int) -> tuple[Cell, ...]:
        return tuple(self._draw(self._items[index]))

    def _strip(self, cells: Sequence[Cell], width: int, over: Style) -> Strip:
        shown = [
            (column, cell) for column, cell in zip(self._columns, cells, strict=True) if width >= column.from_width
        ]
        fixed = sum(column.width for column, _ in shown) + len(shown) - 1
        flexible = [column for column, _ in shown if column.width == 0]
        left, sharing = max(0, width - fixed), len(flexible)
        segments: list[Segment] = []
        for number, (column, (text, style)) in enumerate(shown):
            size = column.width
            if size == 0:
                size = left // sharing
                left, sharing = left - size, sharing - 1
            if number:
                segments.append(Segment(" ", over))
            made = fit(text, size, middle=column.middle, right=column.right)
            segments.append(Segment(made, Style.parse(style) + over if style else over))
        return Strip(segments).adjust_cell_length(width, over)

    @property
    def _room(self) -> int:
        return max(0, self.size.height - 1)

    def _at_cursor(self, item: Item) -> bool:
        return self._cursor < len(self._items) and self._key(self._items[self._cursor]) == self._key(item)

    def _go(self, index: int) -> None:
        before = self._cursor, self._top
        self._cursor = index
        self._keep_within()
        if before[1] != self._top:
            self._repaint(everything=True)
        elif before[0] != self._cursor:
            for line in (before[0], self._cursor):
                self.refresh(Region(0, line - self._top + 1, self.size.width, 1))
        self.post_message(self.Moved(self))

    def _keep_within(self) -> None:
        count, room = len(self._items), self._room
        self._cursor = min(max(0, self._cursor), max(0, count - 1))
        self._top = min(max(self._top, self._cursor - room + 1, 0), max(0, count - room), self._cursor)

    def _repaint(self, *, everything: bool = False) -> None:
        """Have those lines sent that say something else than they did."""
        if not self.is_attached or not self.size:
            return
        now = {
            y: self._cells(self._top + y - 1) for y in range(1, self._room + 1) if self._top + y - 1 < len(self._items)
        }
        state = (self._top, self._cursor, len(self._items), self.empty)
        if everything or state != self._state:
            self.refresh()
        else:
            for y, cells in now.items():
                if self._sent.get(y) != cells:
                    self.refresh(Region(0, y, self.size.width, 1))
        moved = state != self._state
        self._state, self._sent = state, now
        if moved:
            self.post_message(self.Moved(self))

    _state: tuple[object, ...] = ()
