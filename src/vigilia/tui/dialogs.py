"""Dialogs: a few lines over the page, answered by the keyboard, with the service's answer shown in them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vigilia.language import tr
from vigilia.tui.page import harmless
from vigilia.tui.service import NotKnown, ServiceError


@dataclass(frozen=True, slots=True)
class Field:
    """One line that is asked for."""

    title: str
    value: str = ""
    check: Callable[[str], str] = lambda _text: ""
    """Returns what is wrong with a text; empty: nothing."""
    consent: bool = False
    """Whether it is meant: given for one attempt, and asked for anew where nobody knows how that ended."""


class Dialog(ModalScreen[None]):
    """Asks, acts once it is confirmed, and shows the answer."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical { width: 72; max-width: 100%; height: auto; max-height: 100%; border: round ansi_default;
      padding: 0 1; }
    Dialog Input { height: 1; border: none; padding: 0; }
    Dialog OptionList { height: auto; max-height: 10; border: none; padding: 0; }
    Dialog Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, title: str, about: str) -> None:
        super().__init__()
        self._title = title
        self._about = about
        self._acting = False
        self._over = False
        self._unsure = False
        """Whether it was sent, and may have been done."""

    def compose(self) -> ComposeResult:
        """Make the frame, and what is asked in it."""
        with Vertical():
            yield Static(Text(harmless(self._title), "bold"), markup=False)
            yield Static(Text("\n".join(map(harmless, self._about.splitlines()))), markup=False, id="about")
            yield from self.asked()
            yield Static("", markup=False, id="answer")

    def asked(self) -> ComposeResult:
        """Make what is asked."""
        raise NotImplementedError

    def answer(self, text: str, style: str = "") -> None:
        """Show a sentence below what was asked."""
        self.query_one("#answer", Static).update(Text("\n" + harmless(text), style))

    def action_leave(self) -> None:
        """Close it; what was sent already goes on."""
        self.dismiss()

    def ask_anew(self) -> None:
        """Forget that it was confirmed; what was entered stays."""

    def act(self, work: Callable[[], Awaitable[str]]) -> None:
        """Do something, once, and show how it ended."""
        if self._over:
            self.dismiss()
        elif self._acting:
            return
        elif self._unsure:
            self._unsure = False
            self.answer(tr("It may have been done already: Enter does it once more, Esc does not."), "bold")
        else:
            self._acting = True
            self.answer(tr("waiting for the answer …"))
            self.run_worker(partial(self._carry_out, work))

    async def _carry_out(self, work: Callable[[], Awaitable[str]]) -> None:
        try:
            said = await work()
        except NotKnown as error:
            self._acting = False
            self._unsure = True
            self.ask_anew()
            self.answer(
                tr("?? NOT KNOWN whether it was done: {reason}. Look before you repeat it.").format(reason=error),
                "bold red",
            )
        except ServiceError as error:
            self._acting = False
            self.answer(tr("!! NOT DONE: {reason}").format(reason=error), "bold red")
        else:
            self._over = True
            self.answer(tr("{answer}. Enter closes.").format(answer=said), "bold green")


class Form(Dialog):
    """Asks for some lines; Enter goes on to the next one, and in the last one acts."""

    def __init__(
        self, title: str, about: str, fields: Sequence[Field], work: Callable[[Sequence[str]], Awaitable[str]]
    ) -> None:
        super().__init__(title, about)
        self._fields = fields
        self._work = work

    def asked(self) -> ComposeResult:
        """Make the lines."""
        for number, field in enumerate(self._fields):
            yield Static(Text(field.title, "dim"), markup=False)
            line = Input(field.value, max_length=500, id=f"field-{number}", select_on_focus=False, compact=True)
            line.cursor_blink = False
            yield line

    def on_mount(self) -> None:
        """Begin with the first line."""
        self.query_one("#field-0", Input).focus()

    def ask_anew(self) -> None:
        """Have it be said again that it is meant."""
        for number, field in enumerate(self._fields):
            if field.consent:
                self.query_one(f"#field-{number}", Input).value = ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on, or act."""
        event.stop()
        lines = [self.query_one(f"#field-{number}", Input) for number in range(len(self._fields))]
        place = lines.index(event.input)
        for line, field in list(zip(lines, self._fields, strict=True))[: place + 1]:
            if wrong := field.check(line.value):
                self.answer(wrong, "bold red")
                line.focus()
                return
        if place + 1 < len(lines):
            lines[place + 1].focus()
            return
        texts = [line.value for line in lines]
        self.act(lambda: self._work(texts))


class Choice(Dialog):
    """Asks for one of some texts, and then whether it is meant."""

    def __init__(
        self, title: str, about: str, choices: Sequence[str], present: int | None, work: Callable[[int], Awaitable[str]]
    ) -> None:
        super().__init__(title, about)
        self._choices = choices
        self._present = present
        self._work = work
        self._confirmed: int | None = None

    def asked(self) -> ComposeResult:
        """Make the list."""
        yield OptionList(*(Option(Text(harmless(choice))) for choice in self._choices))

    def on_mount(self) -> None:
        """Begin where the point is."""
        choices = self.query_one(OptionList)
        choices.highlighted = self._present if self._present is not None else 0
        choices.focus()

    def ask_anew(self) -> None:
        """Have it be confirmed again."""
        self._confirmed = None

    def on_option_list_option_highlighted(self) -> None:
        """Ask again: what was confirmed was another one."""
        if self._confirmed is not None and not self._acting and not self._over:
            self._confirmed = None
            self.answer("")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Have it confirmed by another Enter."""
        event.stop()
        index = event.option_index
        if self._confirmed != index and not self._over:
            self._confirmed = index
            chosen = self._choices[index]
            self.answer(tr("{choice}: Enter writes it, Esc does not.").format(choice=chosen), "bold")
            return
        self.act(lambda: self._work(index))
