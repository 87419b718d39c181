"""What stands around every page: navigation, keys, languages, colours, and being out of touch."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import LOOKS, Look, check
from tests.browser.conftest import Open

pytestmark = pytest.mark.system


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_first_page_in_every_look(visit: Open, look: Look) -> None:
    page = visit(look).open("/")
    expect(page.locator("html")).to_have_attribute("lang", look.language)
    expect(page.get_by_role("navigation")).to_be_visible()
    check(page)


def test_keyboard_alone(visit: Open) -> None:
    page = visit().open("/points")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_path_without_a_page(visit: Open, site) -> None:
    opened = visit()
    page = opened.open("/points")
    page.evaluate("history.pushState(null, '', '/nothing<b>here'); dispatchEvent(new PopStateEvent('popstate'))")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="Go to the first page").click()
    expect(page).to_have_url(site.url + "/")


def test_language_and_colours_are_chosen_and_kept(visit: Open) -> None:
    page = visit().open("/points")
    page.get_by_label("Language").select_option("pt-BR")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pontos")
    expect(page).to_have_title(re.compile("^Pontos"))
    page.get_by_label("Cores").select_option("dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pontos")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    page.get_by_label("Cores").select_option("light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_the_language_of_the_site_unless_another_is_chosen(visit: Open, serve) -> None:
    service = serve('[site]\nlanguage = "pt-BR"\n[reactor]\nlisten = "127.0.0.1:0"\n')
    page = visit(Look(language="site"), to=service).open("/points")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pontos")


def test_a_phone_has_a_bar_and_a_menu(visit: Open) -> None:
    page = visit(Look("phone")).open("/points")
    menu = page.get_by_role("button", name="Menu")
    expect(page.get_by_label("Language")).to_be_hidden()
    menu.click()
    expect(page.get_by_label("Language")).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    expect(page.get_by_label("Language")).to_be_hidden()


def test_the_service_restarted_under_an_open_page(visit: Open, serve) -> None:
    service = serve('[site]\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n')
    page = visit(to=service).open("/points")
    memory = page.get_by_role("row").filter(has_text="vigilia:Memory-Mon")
    expect(memory.locator(".value")).not_to_have_class(re.compile("old"))
    service.kill()
    banner = page.get_by_role("alert").filter(has_text="Out of touch since")
    expect(banner).to_be_visible()
    expect(memory.locator(".value")).to_have_class(re.compile("old"))
    check(page)
    service.start_again()
    expect(banner).to_be_hidden(timeout=30_000)
    expect(memory.locator(".value")).not_to_have_class(re.compile("old"))
