"""Signing in, being signed in, and a session that ends while somebody is at work."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.browsing import LOOKS, Look, check
from tests.browser.conftest import Open
from tests.browser.people import (
    GuardedService,
    GuardedSite,
    add,
    end_sessions,
    fill_in,
    open_as,
    password_of,
)
from tests.browser.site import Service

pytestmark = pytest.mark.system

SEL = "SIM-01:Cam-04:PwrState-Sel"
BARE = '[site]\nname = "Sirius"\nlanguage = "en"\n[reactor]\nlisten = "127.0.0.1:0"\n'


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_in_every_look(visit: Open, guarded: GuardedSite, look: Look, picture: Callable[..., None]) -> None:
    page = visit(look, to=guarded).open("/alarms?view=figures")
    expect(page).to_have_url(re.compile(r"/sign-in\?to=%2Falarms%3Fview%3Dfigures$"))
    expect(page.get_by_role("heading", level=1)).to_have_text({"en": "Sign in", "pt-BR": "Entrar"}[look.language])
    check(page)
    fill_in(page, "vera", "not her password")
    wrong = {"en": "The user or the password is wrong.", "pt-BR": "Usuário ou senha incorretos."}[look.language]
    expect(page.get_by_role("alert").get_by_text(wrong)).to_be_visible()
    check(page)
    picture(page, f"sign-in-{look}")
    fill_in(page, "vera")
    expect(page).to_have_url(guarded.url + "/alarms?view=figures")
    expect(page.get_by_role("heading", level=1)).to_have_text({"en": "Alarms", "pt-BR": "Alarmes"}[look.language])
    check(page)


def test_by_keyboard_alone(visit: Open, guarded: GuardedSite) -> None:
    page = visit(to=guarded).open("/")
    expect(page.get_by_label("User")).to_be_focused()
    page.keyboard.type("otto")
    page.keyboard.press("Tab")
    page.keyboard.type(password_of("otto"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_role("navigation", name="Pages").get_by_text("otto")).to_be_visible()


def test_the_first_administrator(visit: Open, serve: Callable[..., Any]) -> None:
    service: GuardedService = serve(BARE, kind=GuardedService)
    token = service.first_token()
    opened = visit(to=service)
    page = opened.open("/")
    expect(page.get_by_text("Nobody can sign in yet.")).to_be_visible()
    check(page)
    page = opened.open(f"/sign-in?to=/users#first={token}")
    expect(page.get_by_role("heading", level=1)).to_have_text("The first administrator")
    expect(page).to_have_url(f"{service.url}/sign-in?to=/users")
    assert token not in page.evaluate("JSON.stringify([location.href, history.state, document.body.outerHTML])")
    check(page)
    page.get_by_label("User").fill("Ana")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("A password has at least 10 characters.")).to_be_visible()
    page.get_by_label("New password", exact=True).fill(password_of("ana"))
    page.get_by_label("New password, once more").fill("another")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("This is not the same as above.")).to_be_visible()
    page.get_by_label("New password, once more").fill(password_of("ana"))
    page.get_by_role("button", name="Begin").click()
    expect(page).to_have_url(service.url + "/users")
    expect(page.get_by_role("navigation", name="Pages").get_by_text("administrator")).to_be_visible()
    assert [user["name"] for user in service.get("/api/v1/users")["items"]] == ["ana"]

    other = visit(to=service).open(f"/sign-in#first={token}")
    expect(other.get_by_text("The first administrator exists already")).to_be_visible()
    expect(other).to_have_url(f"{service.url}/sign-in")
    fill_in(other, "ana")
    expect(other.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_link_that_is_worth_nothing(visit: Open, serve: Callable[..., Any]) -> None:
    service: GuardedService = serve(BARE, kind=GuardedService)
    page = visit(Look(language="pt-BR"), to=service).open("/sign-in#first=guessed")
    page.get_by_label("Usuário").fill("eva")
    page.get_by_label("Nova senha", exact=True).fill(password_of("eva"))
    page.get_by_label("Nova senha, outra vez").fill(password_of("eva"))
    page.get_by_role("button", name="Começar").click()
    expect(page.get_by_role("alert").get_by_text("Este link já foi usado")).to_be_visible()
    assert service.get("/api/v1/users")["items"] == []


def test_who_guesses_is_locked_out_and_told_for_how_long(visit: Open, serve: Callable[..., Any]) -> None:
    service: GuardedService = serve(BARE, kind=GuardedService, VIGILIA_CLOCK="2026-03-10T11:20:00 x5")
    add(service, "ana", "admin")
    page = visit(to=service).open("/")
    button = page.get_by_role("button", name="Sign in")
    for attempt in range(5):
        with page.expect_response("**/api/v1/session") as answered:
            fill_in(page, "ana", f"wrong number {attempt}")
        assert answered.value.status == 401
        expect(button).to_be_enabled()
    fill_in(page, "ana")
    expect(
        page.get_by_role("alert").get_by_text("Too many attempts have failed. The next one is taken in")
    ).to_be_visible()
    expect(button).to_be_disabled()
    check(page)
    expect(button).to_be_enabled(timeout=30_000)
    expect(page.get_by_role("alert").get_by_text("Too many")).to_have_count(0)
    button.click()  # nothing of what was typed is lost
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


@pytest.mark.parametrize("to", ["//evil.example/", "/.//evil.example", "http://", "/sign-in", "javascript:alert(1)"])
def test_it_leads_nowhere_else(visit: Open, guarded: GuardedSite, to: str) -> None:
    page = visit(to=guarded).open(f"/sign-in?to={to}")
    fill_in(page, "vera")
    expect(page).to_have_url(guarded.url + "/")


def test_sign_out(visit: Open, guarded: GuardedSite) -> None:
    page = open_as(visit(to=guarded), "otto", "/points?q=Cam-01")
    expect(page.get_by_role("grid", name="Points")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{guarded.url}/sign-in?to=%2Fpoints%3Fq%3DCam-01")
    expect(page.get_by_role("grid")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    fill_in(page, "vera")
    expect(page).to_have_url(guarded.url + "/points?q=Cam-01")
    expect(page.get_by_role("navigation", name="Pages").get_by_text("vera")).to_be_visible()


def test_change_of_ones_own_password(visit: Open, guarded: GuardedSite) -> None:
    add(guarded, "rita", "viewer")
    page = open_as(visit(to=guarded), "rita", "/points")
    other = open_as(visit(to=guarded), "rita", "/points")
    page.get_by_role("button", name="Change password").click()
    dialog = page.get_by_role("dialog", name="Change password")
    check(page)
    dialog.get_by_label("Present password").fill("not this one")
    dialog.get_by_label("New password", exact=True).fill("other words of rita")
    dialog.get_by_label("New password, once more").fill("other words of rita")
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog.get_by_role("alert").get_by_text("The present password is wrong.")).to_be_visible()
    dialog.get_by_label("Present password").fill(password_of("rita"))
    dialog.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    expect(dialog).to_have_count(0)
    asked = other.get_by_role("dialog", name="Sign in")  # the other browser's session has ended
    expect(asked).to_be_visible()
    fill_in(other, "rita", "other words of rita")
    expect(asked).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("grid", name="Points")).to_be_visible()


def choose(page: Page, value: str) -> None:
    """Open the point, choose a value and come to the question whether to write it."""
    page.get_by_role("row").filter(has_text=SEL).click()
    dialog = page.get_by_role("dialog", name=SEL)
    dialog.get_by_role("radio", name=value).check()
    dialog.get_by_role("button", name="Write …").click()


def test_a_session_that_ends_in_mid_action(visit: Open, guarded: GuardedSite) -> None:
    guarded.put(SEL, "On")
    page = open_as(visit(to=guarded), "otto", f"/points?q={SEL}")
    choose(page, "Off")
    writes: list[Request] = []
    page.on("request", lambda request: writes.append(request) if request.method == "PUT" else None)
    end_sessions(guarded, "otto")
    dialog = page.get_by_role("dialog", name=SEL)
    asked = page.get_by_role("dialog", name="Sign in")
    expect(asked.get_by_text("Your session has ended.")).to_be_visible()  # the stream's end told it
    expect(asked.get_by_label("User")).to_have_value("otto")
    check(page)
    asked.get_by_role("button", name="Cancel").click()
    expect(dialog.get_by_text("Off", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Write Off").click()
    expect(asked).to_be_visible()
    asked.get_by_label("Password").fill("wrong words")
    asked.get_by_role("button", name="Sign in").click()
    expect(asked.get_by_role("alert")).to_have_text("The user or the password is wrong.")
    fill_in(page, "otto")
    expect(page.get_by_text(f"{SEL}: Off, confirmed by the equipment")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert guarded.point(SEL)["label"] == "Off"
    assert [request.response().status for request in writes] == [401, 200]
    mine = [item for item in guarded.get("/api/v1/audit")["items"] if item["user"] == "otto" and item["point"] == SEL]
    assert [(item["via"], item["host"], item["outcome"]) for item in mine] == [("web", "127.0.0.1", "confirmed")]
    reading = page.get_by_role("row").filter(has_text=SEL).locator(".value")
    expect(reading).not_to_have_class(re.compile("old"))
    guarded.put(SEL, "On")
    expect(reading).to_contain_text("On")  # the stream goes on


def test_a_comment_outlives_the_session(visit: Open, guarded: GuardedSite) -> None:
    page = open_as(visit(to=guarded), "otto", "/alarms")
    page.get_by_role("grid", name="Alarms").get_by_role("row").nth(1).click()
    page.get_by_role("button", name="Acknowledge", exact=True).last.click()
    dialog = page.get_by_role("dialog").filter(has=page.locator("textarea"))
    comment = dialog.locator("textarea").first
    comment.fill("the crew is on its way")
    end_sessions(guarded, "otto")
    asked = page.get_by_role("dialog", name="Sign in")
    expect(asked).to_be_visible()
    fill_in(page, "otto")
    expect(asked).to_have_count(0)
    expect(comment).to_have_value("the crew is on its way")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    entry = guarded.until(
        "/api/v1/journal?limit=50",
        lambda found: [item for item in found["items"] if "the crew is on its way" in str(item)],
    )[0]
    assert [entry[key] for key in ("user", "host", "via")] == ["otto", "127.0.0.1", "web"]
    (written,) = guarded.until(
        f"/api/v1/audit?user=otto&point={quote(entry['alarm'].partition('@')[2])}&limit=1",
        lambda found: [item for item in found["items"] if item["outcome"]],
    )
    assert [written[key] for key in ("host", "via", "previous", "outcome")] == [
        "127.0.0.1",
        "web",
        "unacknowledged",
        "confirmed",
    ]
    assert "the crew is on its way" in written["value"]


def test_settings_of_a_reactor_outlive_the_session(visit: Open, guarded: GuardedSite) -> None:
    """What was typed stands while one signs in again, and after that it is looked over, and written once."""
    duty = "R1:heater:Duty-SP"
    assert guarded.put(duty, 0)[0] == 200
    page = open_as(visit(to=guarded), "otto", "/reactors")
    heater = page.locator(".part-tile").filter(has=page.get_by_role("heading", name="heater", exact=True))
    heater.get_by_role("button", name="Settings …").click()
    dialog = page.get_by_role("dialog", name="Settings of heater")
    field = dialog.get_by_label("Duty").first
    field.fill("12.5")
    end_sessions(guarded, "otto")
    asked = page.get_by_role("dialog", name="Sign in")
    expect(asked).to_be_visible()
    check(page)
    fill_in(page, "otto")
    expect(asked).to_have_count(0)
    expect(field).to_have_value("12.5")
    dialog.get_by_role("button", name="Look over …").click()
    end_sessions(guarded, "otto")
    expect(asked).to_be_visible()
    asked.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Set 1 value").click()  # is refused, and goes on by itself
    expect(asked).to_be_visible()
    try:
        fill_in(page, "otto")
        expect(page.get_by_text("Duty: 12.5 %, confirmed by the equipment")).to_be_visible()
        expect(dialog).to_have_count(0)
        (written,) = guarded.get(f"/api/v1/audit?point={duty}&limit=1")["items"]
        found = [written[key] for key in ("user", "host", "value", "previous", "outcome")]
        assert found == ["otto", "127.0.0.1", 12.5, 0, "confirmed"]
    finally:
        guarded.put(duty, 0)


def test_a_session_that_another_tab_began_anew(visit: Open, guarded: GuardedSite) -> None:
    """The first tab's proof of who it is comes from the session before: the page gets another, and goes on."""
    guarded.put(SEL, "On")
    opened = visit(to=guarded)
    page = open_as(opened, "otto", f"/points?q={SEL}")
    choose(page, "Off")
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status) if answer.request.method == "PUT" else None)
    with page.expect_response("**/api/v1/session"):
        opened.context.request.post(
            f"{guarded.url}/api/v1/session", data={"user": "otto", "password": password_of("otto")}
        )
    page.get_by_role("dialog", name=SEL).get_by_role("button", name="Write Off").click()
    expect(page.get_by_text(f"{SEL}: Off, confirmed by the equipment")).to_be_visible()
    assert statuses[-1] == 200


def test_another_site_can_do_nothing_in_ones_name(visit: Open, guarded: GuardedSite) -> None:
    opened = visit(to=guarded)
    open_as(opened, "otto", "/points")
    before = guarded.point(SEL)["value"]
    answer = opened.context.request.put(f"{guarded.url}/api/v1/points/{SEL}/value", data={"value": 1 - before})
    assert (answer.status, answer.json()["error"]) == (403, "csrf")
    assert guarded.point(SEL)["value"] == before


def test_a_role_that_changes_under_an_open_page(visit: Open, guarded: GuardedSite) -> None:
    add(guarded, "nils", "operator")
    page = open_as(visit(to=guarded), "nils", f"/points?q={SEL}")
    choose(page, "Off" if guarded.point(SEL)["label"] == "On" else "On")
    guarded.call("PUT", "/api/v1/users/nils/role", {"role": "viewer"})
    dialog = page.get_by_role("dialog", name=SEL)
    dialog.get_by_role("button", name=re.compile("^Write (On|Off)")).click()
    expect(page.get_by_role("navigation", name="Pages").get_by_text("viewer")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Write"))).to_have_count(0)


def test_who_looks_without_signing_in(visit: Open, serve: Callable[..., Any]) -> None:
    service: GuardedService = serve('[web.auth]\nanonymous = "viewer"\n' + BARE, kind=GuardedService)
    add(service, "ana", "admin")
    page = visit(to=service).open("/points?q=Memory")
    expect(page.get_by_role("grid", name="Points")).to_be_visible()
    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    expect(links.filter(has_text="Users")).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    check(page)
    page.get_by_role("link", name="Look without signing in").click()
    expect(page).to_have_url(service.url + "/points?q=Memory")
    page.get_by_role("button", name="Sign in").click()
    fill_in(page, "ana")
    expect(page).to_have_url(service.url + "/points?q=Memory")
    expect(links.filter(has_text="Users")).to_be_visible()
    page.goto(service.url + "/users")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("This page is for: administrator")).to_be_visible()
    check(page)


def test_where_nobody_has_to_sign_in_nothing_of_it_is_in_the_way(visit: Open, serve: Callable[..., Any]) -> None:
    service: Service = serve(BARE)
    page = visit(to=service).open("/points")
    expect(page.get_by_role("grid", name="Points")).to_be_visible()
    for name in ("Sign in", "Sign out", "Change password"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link").filter(has_text="Users")).to_have_count(0)
    page.goto(service.url + "/sign-in")
    expect(page).to_have_url(service.url + "/")
    page.goto(service.url + "/users")
    expect(page.get_by_text("Nobody has to sign in here")).to_be_visible()
    check(page)


def test_a_restart_signs_nobody_out(visit: Open, serve: Callable[..., Any]) -> None:
    service: GuardedService = serve(BARE, kind=GuardedService)
    add(service, "ana", "admin")
    opened = visit(to=service)
    page = open_as(opened, "ana", "/points")
    service.kill()
    expect(page.get_by_role("alert").filter(has_text="Out of touch")).to_be_visible()
    service.start_again()
    expect(page.get_by_role("alert").filter(has_text="Out of touch")).to_be_hidden(timeout=30_000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Pages").get_by_text("ana")).to_be_visible()
