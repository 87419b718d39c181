"""A service in which people have to sign in: its users, and how they come in."""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import requests
from playwright.sync_api import Page, expect

from tests.browser.browsing import Visit
from tests.browser.site import Service, Site

Role = Literal["viewer", "operator", "admin"]
PEOPLE: dict[str, Role] = {"ana": "admin", "otto": "operator", "vera": "viewer"}


def password_of(user: str) -> str:
    """Return the password of one of the people."""
    return f"four words of {user}s"


def _as_local(service: Service, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask the API as the commands on this machine do."""
    token = (service.folder / "state/local.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.request(method, service.url + path, json=body, headers=headers, timeout=30)
    return answer.status_code, answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text


class GuardedService(Service):
    """A service of a test's own, with `[web.auth]`. Nobody is in it yet: see `add`."""

    def __init__(self, folder: Path, configuration: str, environment: dict[str, str] | None = None) -> None:
        auth = "" if "[web.auth]" in configuration else "[web.auth]\n"
        super().__init__(folder, auth + configuration, environment)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask the API as the commands on this machine do."""
        return _as_local(self, method, path, body)

    def first_token(self) -> str:
        """Return the token of the first administrator's link."""
        return self._process.line("nobody can sign in yet").rpartition("#first=")[2]


class GuardedSite(Site):
    """The whole site, with `[web.auth]` and the people."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "[web.auth]\n")
        for user, role in PEOPLE.items():
            add(self, user, role)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask the API as the commands on this machine do."""
        return _as_local(self, method, path, body)


def add(service: Service, user: str, role: Role) -> None:
    """Add a user, unless there is one of that name."""
    status, answer = service.call("POST", "/api/v1/users", {"name": user, "role": role, "password": password_of(user)})
    assert status in (201, 409), answer


def fill_in(page: Page, user: str, password: str = "") -> None:
    """Fill in who one is, and send it."""
    asked = page.get_by_role("dialog").filter(has=page.locator("input[autocomplete=current-password]"))
    fields = asked if asked.count() else page.locator("main")
    fields.locator("input[autocomplete=username]").fill(user)
    fields.locator("input[autocomplete=current-password]").fill(password or password_of(user))
    fields.locator("button[type=submit]").click()


def open_as(visited: Visit, user: str, path: str) -> Page:
    """Open a page, sign in where the way leads over the page for it, and come to where one wanted to."""
    page = visited.open(path)
    fill_in(page, user)
    expect(page).to_have_url(visited.base + path)
    page.locator("main h1").first.wait_for()
    return page


def come_in(visited: Visit, user: str) -> None:
    """Sign in without a page: whatever is opened then is somebody's."""
    body = {"user": user, "password": password_of(user)}
    answer = visited.context.request.post(f"{visited.base}/api/v1/session", data=body)
    assert answer.ok, answer.text()


def end_sessions(service: Service, user: str) -> None:
    """End all sessions of a user, who keeps the password."""
    body = {"password": password_of(user), "current": ""}
    status, answer = service.call("PUT", f"/api/v1/users/{user}/password", body)
    assert status == 200, answer


def last_write(service: Service, point: str) -> tuple[Any, ...]:
    """Who wrote last to a point, from where, what, in place of what, and how that ended."""
    (one,) = service.get(f"/api/v1/audit?point={quote(point)}&limit=1")["items"]
    return tuple(one[key] for key in ("user", "host", "via", "value", "previous", "outcome"))
