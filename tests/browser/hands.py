"""Somebody who does things on a page: by keyboard alone at a desk, by touch on a phone; and what things are called."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import Look, Visit
from tests.browser.people import GuardedSite, come_in
from tests.pages import ROOT

HANDS = (Look(), Look("phone", "pt-BR", "dark"))
"""Both languages, both sizes, both themes, and both ways to do something."""
MOST_STOPS = 200
_FOCUSED = "element => element === document.activeElement"


def in_portuguese(text: str, n: int = 1) -> str:
    """Return what the catalogues have for a text, with its placeholders; of a plural, for so many."""
    entry = rf'^msgid(?:_plural)? "{re.escape(text)}"\n(?:msgid_plural ".*"\n)?((?:msgstr.*\n?)+)'
    for catalogue in (ROOT / "web/src").rglob("pt_BR.po"):
        if found := re.search(entry, catalogue.read_text("utf-8"), re.MULTILINE):
            forms = re.findall(r'^msgstr(?:\[\d\])? "(.+)"$', found[1], re.MULTILINE)
            return forms[0 if n == 1 else -1]
    raise AssertionError(f"no catalogue has {text!r}")


@dataclass(frozen=True)
class Hands:
    """One who looks at a page so. Targets are waited for; what is done is not."""

    page: Page
    look: Look

    def word(self, text: str, n: int = 1, **values: object) -> str:
        """Return what the page says for a text of its source, in its language; of a plural, for so many."""
        said = in_portuguese(text, n) if self.look.language == "pt-BR" else text
        return said.format(n=n, **values)

    def button(self, text: str, within: Locator | None = None, n: int = 1, **values: object) -> Locator:
        """Return the button of that name, and of no longer one."""
        name = self.word(text, n, **values)
        return (within or self.page.locator("body")).get_by_role("button", name=name, exact=True)

    def dialog(self, text: str, **values: object) -> Locator:
        """Return the dialog of that title."""
        return self.page.get_by_role("dialog", name=self.word(text, **values), exact=True)

    def says(self, text: str, n: int = 1, **values: object) -> None:
        """See that the page says so."""
        expect(self.page.get_by_text(self.word(text, n, **values)).first).to_be_visible()

    def press(self, target: Locator) -> None:
        """Press a button."""
        expect(target).to_be_enabled()
        if self._touches:
            target.tap()
            return
        self.reach(target)
        self.page.keyboard.press("Enter")

    def open_row(self, grid: str, row: Locator, key: str = "Enter") -> None:
        """Open a row of a list, or do with it what a key does."""
        expect(row).to_be_visible()
        if self._touches:
            row.tap()
            return
        listed = self.page.get_by_role("grid", name=self.word(grid))
        self.reach(listed)
        self.page.keyboard.press("Home")
        for _ in range(MOST_STOPS):
            active = listed.get_attribute("aria-activedescendant")
            if active == row.get_attribute("id"):
                break
            self.page.keyboard.press("ArrowDown")
            expect(listed).not_to_have_attribute("aria-activedescendant", active or "")
        self.page.keyboard.press(key)

    def write(self, field: Locator, text: str) -> None:
        """Write into a field, in place of what is there."""
        if self._touches:
            field.tap()
        else:
            self.reach(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        expect(field).to_have_value(text)

    def tick(self, target: Locator) -> None:
        """Tick a box, or one of several."""
        expect(target).to_be_enabled()
        if self._touches:
            target.check()
        elif target.get_attribute("type") == "radio":
            group = target.get_attribute("name")
            self._tab_until(lambda: self.page.evaluate("name => document.activeElement.name === name", group))
            for _ in range(MOST_STOPS):
                if target.is_checked():
                    break
                self.page.keyboard.press("ArrowRight")
        else:
            self.reach(target)
            self.page.keyboard.press("Space")
        expect(target).to_be_checked()

    def choose(self, menu: Locator, label: str) -> None:
        """Choose from a menu."""
        if self._touches:
            menu.select_option(label=label)
            return
        self.reach(menu)
        self.page.keyboard.press("Home")
        for _ in range(MOST_STOPS):
            if menu.evaluate("menu => menu.selectedOptions[0].label") == label:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no choice is called {label!r}")

    def reach(self, target: Locator) -> None:
        """Go to something by Tab."""
        expect(target).to_be_visible()
        self._tab_until(lambda: target.evaluate(_FOCUSED))

    @property
    def _touches(self) -> bool:
        return self.look.device == "phone"

    def _tab_until(self, there: Callable[[], bool]) -> None:
        for _ in range(MOST_STOPS):
            if there():
                return
            self.page.keyboard.press("Tab")
        raise AssertionError("Tab does not lead there")


def begin(visit: Callable[..., Visit], guarded: GuardedSite, look: Look, path: str, user: str = "otto") -> Hands:
    """Open a page as somebody."""
    opened = visit(look, to=guarded)
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    come_in(opened, user)
    return Hands(opened.open(path), look)
