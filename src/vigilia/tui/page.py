"""What all pages and screens of the terminal view share: a place for keys, a search, and the picture they draw."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, cast
from zoneinfo import ZoneInfo

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.widget import Widget
from textual.widgets import Input, Static

from vigilia.errors import printable
from vigilia.language import tr
from vigilia.tui.rows import Item, Rows
from vigilia.tui.texts import fit, moment

if TYPE_CHECKING:
    from vigilia.tui.app import TopApp
    from vigilia.tui.picture import Picture

Keys = Sequence[tuple[str, str]]
"""Keys and what they do, for the last line of the screen."""


class Line(Static):
    """One line of text, sent only when it says something else."""

    DEFAULT_CSS = "Line { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__("", id=id, markup=False)
        self._said: Text | None = None

    def say(self, text: Text | str) -> None:
        """Show this from now on."""
        made = text if isinstance(text, Text) else Text(text)
        if self._said is None or made != self._said or made.spans != self._said.spans:
            self._said = made
            self.update(made)


class KeyLine(Line):
    """The last line of a screen: which keys do what."""

    def show(self, keys: Keys) -> None:
        """Show keys; where there is no room for all, those before the last two give way."""
        shown = list(keys)
        while len(shown) > 3 and sum(len(key) + len(what) + 3 for key, what in shown) > top_of(self).size.width + 1:
            del shown[-3]
        text = Text(no_wrap=True, overflow="ellipsis")
        for key, what in shown:
            text.append(f" {key} ", "reverse")
            text.append(f"{what} ")
        self.say(text)


class Search(Input):
    """The words that a list is narrowed by; hidden while there are none."""

    DEFAULT_CSS = "Search { height: 1; border: none; padding: 0; display: none; } Search.-open { display: block; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("down", "done", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(
            placeholder=tr("search; Enter: keep, Esc: all"), select_on_focus=False, max_length=100, compact=True
        )
        self.cursor_blink = False  # each blink would be sent over the line

    def open(self) -> None:
        """Ask for words."""
        self.add_class("-open")
        self.focus()

    def narrow(self, words: str) -> None:
        """Show only what has these words."""
        self.value = words
        self.set_class(bool(words), "-open")

    def action_leave(self) -> None:
        """Show everything again."""
        self.value = ""
        self.action_done()

    def action_done(self) -> None:
        """Go back to the list."""
        if not self.value:
            self.remove_class("-open")
        self.post_message(self.Submitted(self, self.value))

    def matches(self, *texts: str) -> bool:
        """Return whether every word is in one of `texts`, in either case."""
        return all(any(word in text for text in map(str.casefold, texts)) for word in self.value.casefold().split())


class Page(Vertical):
    """One of the pages between the head and the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("slash", "search", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self.search = Search()
        """The words that the list is narrowed by."""

    def compose(self) -> ComposeResult:
        """Make the search and what the page consists of."""
        yield self.search
        yield from self.parts()

    def parts(self) -> ComposeResult:
        """Make what the page consists of."""
        raise NotImplementedError

    @property
    def main(self) -> Widget:
        """What has the keyboard when the page is shown."""
        raise NotImplementedError

    @property
    def keys(self) -> Keys:
        """The keys that mean something on this page."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show the picture as it is now."""
        raise NotImplementedError

    @property
    def top(self) -> "TopApp":
        """The program."""
        return top_of(self)

    @property
    def picture(self) -> "Picture":
        """What is known."""
        return self.top.vigil.picture

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return self.top.zone

    def action_search(self) -> None:
        """Ask for words."""
        self.search.open()

    def on_input_changed(self, _event: Input.Changed) -> None:
        """Narrow the list as somebody types."""
        self.draw()

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Go back to the list."""
        self.draw()
        self.main.focus()

    def moment(self, time: float | None) -> str:
        """Return a time as the site has it."""
        return moment(time, self.zone, self.top.vigil.now)


def top_of(node: DOMNode) -> "TopApp":
    """Return the program that a page or screen belongs to."""
    return cast("TopApp", node.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves its result open


def lines(pairs: Sequence[tuple[str, str]], width: int = 14) -> Text:
    """Return lines of a title and a text; texts of others are made harmless, line by line."""
    made = Text()
    for title, said in pairs:
        for number, part in enumerate(said.splitlines() or [""]):
            made.append(fit(title if number == 0 else "", width), "bold")
            made.append(" " + harmless(part) + "\n")
    return made


def harmless(text: str) -> str:
    """Return a text of others without anything that a terminal would obey."""
    return printable(text)


class ListPage(Page, Generic[Item]):
    """A page that is a list."""

    rows: Rows[Item]
    """The list: each page makes its own."""

    def parts(self) -> ComposeResult:
        """Make the list."""
        yield self.rows

    @property
    def main(self) -> Widget:
        """The list."""
        return self.rows
