"""The program `vigilia top`: the head, four pages, the keys, and what keeps them up to date."""

import asyncio
import signal
from typing import ClassVar
from zoneinfo import ZoneInfo

from rich.text import Text
from rich.traceback import Traceback
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from vigilia.errors import printable
from vigilia.language import tr
from vigilia.tui.alarms import AlarmsPage
from vigilia.tui.detail import Detail
from vigilia.tui.help import HelpScreen
from vigilia.tui.incidents import IncidentsPage
from vigilia.tui.page import KeyLine, Line, Page
from vigilia.tui.picture import Life
from vigilia.tui.points import PointsPage
from vigilia.tui.systems import SystemsPage
from vigilia.tui.texts import moment
from vigilia.tui.watch import Watch

_REDRAW_S = 1.0
"""The view is brought up to date no more often than this, so that a slow line keeps up."""
_SAID_S = 8.0
_PAGES = ("systems", "alarms", "points", "incidents")
_STYLES = {Life.HEALTHY: "green", Life.UNHEALTHY: "bold red", Life.DOWN: "bold red", Life.SILENT: "bold red"}


class TopApp(App[None]):
    """The terminal view."""

    CSS = """
    * { scrollbar-size: 0 0; }
    Screen { layout: vertical; }
    #head, #tabs, #keys { height: 1; }
    #trouble { height: auto; max-height: 5; display: none; }
    #trouble.-there { display: block; }
    Page { height: 1fr; display: none; }
    Page.-shown { display: block; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c,ctrl+q", "quit", show=False, priority=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("question_mark,f1", "help", show=False),
        Binding("r", "again", show=False),
        Binding("tab", "turn(1)", show=False, priority=True),
        Binding("shift+tab", "turn(-1)", show=False, priority=True),
        *(Binding(str(number), f"page('{page}')", show=False) for number, page in enumerate(_PAGES, 1)),
    ]

    def __init__(self, vigil: Watch, site: str, zone: ZoneInfo, *, plain: bool = False) -> None:
        """Show what `vigil` finds. `plain`: a console that has no braille."""
        super().__init__(ansi_color=True)  # said here, or NO_COLOR would give shades of grey
        self.theme = "ansi-dark"  # the terminal's own colours, and its own background
        self.animation_level = "none"
        self.vigil = vigil
        self.zone = zone
        self.plain = plain
        self._site = printable(site)
        self._pages: dict[str, Page] = {
            "systems": SystemsPage(),
            "alarms": AlarmsPage(),
            "points": PointsPage(),
            "incidents": IncidentsPage(),
        }
        self.page: Page = self._pages["systems"]
        """The page that is shown."""
        self._said: tuple[str, float] | None = None

    def compose(self) -> ComposeResult:
        """Make the head, the pages and the keys."""
        yield Line(id="head")
        yield Line(id="tabs")
        yield Line(id="trouble")
        yield from self._pages.values()
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Begin to ask, and to draw."""
        self.vigil.on_fault = self._fail
        self.set_interval(_REDRAW_S, self.draw)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, self.exit)
        self.action_page("systems")

    def say(self, sentence: str) -> None:
        """Tell the operator something, below the head, for some seconds."""
        self._said = printable(sentence), asyncio.get_running_loop().time() + _SAID_S
        self.draw()

    def action_page(self, name: str) -> None:
        """Turn to a page; from wherever one is."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.page = self._pages[name]
        for page in self._pages.values():
            page.set_class(page is self.page, "-shown")
        if name != "points":
            self.vigil.follow(())
        self.page.main.focus()
        self.draw()

    def action_turn(self, by: int) -> None:
        """Turn to the next page, or the one before."""
        if len(self.screen_stack) > 1:
            (self.screen.focus_next if by > 0 else self.screen.focus_previous)()
            return
        self.action_page(_PAGES[(_PAGES.index(self._name_of_page) + by) % len(_PAGES)])

    @property
    def _name_of_page(self) -> str:
        return next(name for name, page in self._pages.items() if page is self.page)

    def action_help(self) -> None:
        """Show every key."""
        self.push_screen(HelpScreen())

    def action_again(self) -> None:
        """Ask everything again."""
        self.vigil.refresh()

    def show_alarms_of(self, system: str) -> None:
        """Turn to the alarms of one system."""
        self._turn_to("alarms", system)

    def show_points_of(self, link: str) -> None:
        """Turn to what the service publishes of one link."""
        self._turn_to("points", f"{self.vigil.instance}:{link}:")

    def _turn_to(self, page: str, words: str) -> None:
        self.action_page(page)
        self.page.search.narrow(words)
        self.page.draw()

    def draw(self) -> None:
        """Bring everything that is seen up to date."""
        base = self.screen_stack[0]
        if not base.query("#head"):
            return  # it is not made yet, or is being taken down
        base.query_one("#head", Line).say(self._head())
        base.query_one("#tabs", Line).say(self._tabs())
        self._draw_trouble(base.query_one("#trouble", Line))
        top = self.screen
        if isinstance(top, Detail):
            top.draw()
        elif top is base:
            self.page.draw()
            more = (("?", tr("help")), ("q", tr("end")))
            base.query_one("#keys", KeyLine).show((*self.page.keys, *more))

    def _fail(self, error: BaseException) -> None:
        """End with the traceback of a fault of ours."""
        self.panic(Traceback.from_exception(type(error), error, error.__traceback__))

    def _head(self) -> Text:
        picture, now = self.vigil.picture, self.vigil.now
        text = Text(no_wrap=True).append(f"Vigilia {self._site}", "bold")
        said = picture.headline(now)
        clock = moment(now, self.zone, now)[:5]
        width = self.size.width
        room = width - len(text) - len(clock) - 3
        if len(said) > room:
            text.truncate(max(8, width - len(said) - len(clock) - 3), overflow="ellipsis")
        text.append("  ").append(said, _STYLES.get(picture.life, "bold"))
        text.append(" " * max(1, width - len(text) - len(clock)) + clock)
        return text

    def _tabs(self) -> Text:
        picture = self.vigil.picture
        new = sum(alarm.state in ("unacknowledged", "returned") for alarm in picture.alarms)
        titles = (
            tr("Systems"),
            tr("Alarms") + (f" ({len(picture.alarms)}" + (f", !! {new})" if new else ")") if picture.alarms else ""),
            tr("Points"),
            tr("Incidents"),
        )
        text = Text(no_wrap=True)
        for number, (page, title) in enumerate(zip(_PAGES, titles, strict=True), 1):
            text.append(f" {number} {title} ", "reverse bold" if page == self._name_of_page else "")
            text.append(" ")
        if not picture.live and picture.loaded:
            text.append(tr("from history"), "dim")
        return text

    def _draw_trouble(self, line: Line) -> None:
        said = self._said
        if said is not None and said[1] < asyncio.get_running_loop().time():
            said = self._said = None
        troubles = [said[0]] if said is not None else self.vigil.picture.troubles()
        line.set_class(bool(troubles), "-there")
        text = Text("\n".join(f"!! {printable(trouble)}" for trouble in troubles), "bold")
        line.say(text)
