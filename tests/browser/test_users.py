"""Users, tokens and the access log, for administrators."""

from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import LOOKS, Look, check
from tests.browser.conftest import Open
from tests.browser.people import PEOPLE, GuardedSite, add, fill_in, open_as, password_of
from tests.browser.site import Site

pytestmark = pytest.mark.system


@pytest.fixture(autouse=True)
def _as_before(guarded: GuardedSite) -> Iterator[None]:
    """Take away whom a test has added."""
    yield
    for user in guarded.get("/api/v1/users")["items"]:
        if user["name"] not in PEOPLE:
            guarded.call("DELETE", f"/api/v1/users/{user['name']}")
    for token in guarded.get("/api/v1/tokens")["items"]:
        guarded.call("DELETE", f"/api/v1/tokens/{token['name']}")


def row(page: Page, name: str) -> Locator:
    """Return a user's or token's row."""
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def role_of(site: GuardedSite, name: str) -> str | None:
    """Return a user's role; None where there is none."""
    return next((user["role"] for user in site.get("/api/v1/users")["items"] if user["name"] == name), None)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, guarded: GuardedSite, look: Look, picture: Callable[..., None]) -> None:
    guarded.call("POST", "/api/v1/tokens", {"name": "grafana", "role": "viewer", "ends_at": "2026-09-01T00:00:00Z"})
    page = open_as(visit(look, to=guarded), "ana", "/users")
    expect(row(page, "vera")).to_be_visible()
    check(page)
    picture(page, f"users-{look}")
    words = {"en": ("Programs", "Access log"), "pt-BR": ("Programas", "Acessos")}[look.language]
    page.get_by_role("link", name=words[0]).click()
    expect(row(page, "grafana")).to_be_visible()
    check(page)
    page.get_by_role("link", name=words[1]).click()
    log = page.get_by_role("grid", name=words[1])
    expect(log.get_by_role("row").nth(3)).to_be_visible()
    expect(log.get_by_text({"en": "ana signed in", "pt-BR": "ana entrou"}[look.language]).first).to_be_visible()
    check(page)


def test_a_user_from_added_to_removed(visit: Open, guarded: GuardedSite) -> None:
    page = open_as(visit(to=guarded), "ana", "/users")
    page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog", name="Add a user")
    check(page)
    dialog.get_by_label("User").fill("Maria")
    dialog.get_by_label("Role").select_option("viewer")
    dialog.get_by_label("New password", exact=True).fill("aaaaaaaaaaaa")
    dialog.get_by_label("New password, once more").fill("aaaaaaaaaaaa")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("The password is too easy to guess")
    for field in ("New password", "New password, once more"):
        dialog.get_by_label(field, exact=True).fill(password_of("maria"))
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(row(page, "maria").get_by_text("viewer")).to_be_visible()
    hers = open_as(visit(to=guarded), "maria", "/points")

    page.get_by_role("button", name="Change the role of maria").click()
    dialog = page.get_by_role("dialog", name="The role of maria")
    dialog.get_by_label("Role").select_option("operator")
    check(page)
    dialog.get_by_role("button", name="Change the role").click()
    expect(row(page, "maria").get_by_text("operator")).to_be_visible()
    assert role_of(guarded, "maria") == "operator"

    page.get_by_role("button", name="New password for maria").click()
    dialog = page.get_by_role("dialog", name="New password for maria")
    for field in ("New password", "New password, once more"):
        dialog.get_by_label(field, exact=True).fill("maria has other words")
    dialog.get_by_role("button", name="Set the password").click()
    expect(dialog).to_have_count(0)
    expect(hers.get_by_role("dialog", name="Sign in")).to_be_visible()
    fill_in(hers, "maria", "maria has other words")
    expect(hers.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="Remove maria").click()
    dialog = page.get_by_role("dialog", name="Remove maria?")
    check(page)
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(row(page, "maria")).to_have_count(0)
    assert role_of(guarded, "maria") is None
    expect(hers.get_by_role("dialog", name="Sign in")).to_be_visible()

    page.get_by_role("link", name="Access log").click()
    for text in ("The user maria was removed", "maria has another password", "The user maria was added"):
        expect(page.get_by_text(text)).to_be_visible()
    changed = page.get_by_role("row").filter(has_text="maria has another role")
    expect(changed.get_by_text("viewer → operator")).to_be_visible()
    expect(changed.get_by_text("ana", exact=True)).to_be_visible()


def test_what_is_refused_says_why(visit: Open, guarded: GuardedSite) -> None:
    page = open_as(visit(to=guarded), "ana", "/users")
    page.get_by_role("button", name="Remove ana").click()
    dialog = page.get_by_role("dialog", name="Remove ana?")
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("ana is the last administrator")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog", name="Add a user")
    dialog.get_by_label("User").fill("otto")
    for field in ("New password", "New password, once more"):
        dialog.get_by_label(field, exact=True).fill("some words for another")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is a user otto already")
    expect(dialog.get_by_label("User")).to_have_value("otto")
    dialog.get_by_label("User").fill("no blanks, please")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("A name has 1 to 60 of a-z")


@pytest.mark.parametrize("clipboard", [True, False])
def test_a_token_is_shown_once_and_lets_a_program_in(visit: Open, guarded: GuardedSite, clipboard: bool) -> None:
    opened = visit(to=guarded)
    if clipboard:
        opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_as(opened, "ana", "/users?view=tokens")
    if not clipboard:  # as in a page that comes without TLS
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    expect(page.get_by_text("There is no token")).to_be_visible()
    page.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Program").fill("prometheus")
    dialog.get_by_label("Ends").select_option("30")
    dialog.get_by_role("button", name="Make", exact=True).click()
    shown = page.get_by_label("Token", exact=True)
    token = shown.input_value()
    page.get_by_role("button", name="Copy").click()
    if clipboard:
        expect(page.get_by_text("The token is in the clipboard")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == token
    else:
        expect(shown).to_be_focused()
        assert page.evaluate("getSelection().toString()") == token
    check(page)
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{guarded.url}/metrics", headers=headers, timeout=30).status_code == 200
    dialog.get_by_role("button", name="Close").last.click()
    expect(row(page, "prometheus").get_by_text("viewer")).to_be_visible()
    assert token not in page.content()
    (kept,) = guarded.get("/api/v1/tokens")["items"]
    assert kept["ends_at"][:10] == "2026-04-09"
    page.get_by_role("button", name="Remove prometheus").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("There is no token")).to_be_visible()
    assert requests.get(f"{guarded.url}/metrics", headers=headers, timeout=30).status_code == 401


def test_by_keyboard_alone(visit: Open, guarded: GuardedSite) -> None:
    page = open_as(visit(to=guarded), "ana", "/points")
    expect(page.get_by_role("grid", name="Points")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    button = page.get_by_role("button", name="Change the role of vera")
    expect(button).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="The role of vera")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_for_others_than_administrators_there_is_no_such_page(visit: Open, guarded: GuardedSite) -> None:
    page = open_as(visit(to=guarded), "otto", "/users")
    expect(page.get_by_text("This page is for: administrator")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link").filter(has_text="Users")).to_have_count(0)
    check(page)


def test_an_administrator_who_becomes_less(visit: Open, guarded: GuardedSite) -> None:
    add(guarded, "zoe", "admin")
    page = open_as(visit(to=guarded), "zoe", "/users")
    page.get_by_role("button", name="Change the role of zoe").click()
    dialog = page.get_by_role("dialog", name="The role of zoe")
    dialog.get_by_label("Role").select_option("viewer")
    dialog.get_by_role("button", name="Change the role").click()
    expect(page.get_by_text("This page is for: administrator")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_where_nobody_signs_in_the_log_tells_who_accepted_a_reactor(visit: Open, site: Site, look: Look) -> None:
    page = visit(look).open("/users")
    words = {"en": ("Nobody has to sign in here", "Access log"), "pt-BR": ("Aqui ninguém precisa entrar", "Acessos")}
    nobody, log = words[look.language]
    expect(page.get_by_text(nobody)).to_be_visible()
    tabs = page.get_by_role("main").get_by_role("navigation")
    expect(tabs.get_by_role("link")).to_have_count(2)
    check(page)
    tabs.get_by_role("link", name=log).click()
    entries = page.get_by_role("grid", name=log).get_by_role("row")
    said = {"en": "The reactor R1 was accepted", "pt-BR": "O reator R1 foi aceito"}[look.language]
    expect(entries.filter(has_text=said)).to_have_count(1)
    (kept,) = [entry for entry in site.get("/api/v1/access")["items"] if entry["event"] == "reactor-accepted"]
    assert (kept["about"], kept["user"], kept["host"]) == ("R1", "", "127.0.0.1")
    expect(entries.filter(has_text=said)).to_contain_text("127.0.0.1")
    check(page)
