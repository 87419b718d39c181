"""What the screens of one thing share: a title, a text that may be long, the keys, and the way back."""

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from vigilia.tui.page import KeyLine, Keys, Line, top_of
from vigilia.tui.texts import moment

if TYPE_CHECKING:
    from vigilia.tui.app import TopApp


class Detail(Screen[None]):
    """One thing, on the whole screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "app.pop_screen", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._drawn = Text()
        self._title = Line()
        self._text = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """Make the title, the text and the keys."""
        yield self._title
        with VerticalScroll(can_focus=True) as scroll:
            scroll.styles.height = "1fr"
            yield self._text
        yield KeyLine()

    def on_mount(self) -> None:
        """Show what is known."""
        self.query_one(KeyLine).show(self.keys)
        self.query_one(VerticalScroll).focus()
        self.draw()

    @property
    def keys(self) -> Keys:
        """The keys that mean something here."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show what is known as it is now."""
        raise NotImplementedError

    @property
    def top(self) -> "TopApp":
        """The program."""
        return top_of(self)

    def tell(self, title: Text, text: Text) -> None:
        """Show a title and a text; the text is sent only where it is another one."""
        self._title.say(title)
        if text != self._drawn or text.spans != self._drawn.spans:
            self._drawn = text
            self._text.update(text)

    def moment(self, time: float | None) -> str:
        """Return a time as the site has it."""
        return moment(time, self.top.zone, self.top.vigil.now)
