"""Every route of the application needs a role, and gets it checked."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from vigilia.interfaces.api.app import build_app
from vigilia.interfaces.auth.caller import allow
from vigilia.interfaces.auth.roles import Role, needs, role_needed
from vigilia.interfaces.web.serving import PATHS

DECLARED = {
    **{(method, path): Role.NOBODY for method in ("GET", "HEAD") for path in (*PATHS, "/assets/{name}")},
    ("GET", "/healthz"): Role.NOBODY,
    ("GET", "/api/v1/session"): Role.NOBODY,
    ("POST", "/api/v1/session"): Role.NOBODY,
    ("DELETE", "/api/v1/session"): Role.VIEWER,
    ("POST", "/api/v1/session/first"): Role.NOBODY,
    ("GET", "/api/v1/users"): Role.ADMIN,
    ("POST", "/api/v1/users"): Role.ADMIN,
    ("DELETE", "/api/v1/users/{name}"): Role.ADMIN,
    ("PUT", "/api/v1/users/{name}/role"): Role.ADMIN,
    ("PUT", "/api/v1/users/{name}/password"): Role.VIEWER,  # one's own; the route sees to it
    ("GET", "/api/v1/tokens"): Role.ADMIN,
    ("POST", "/api/v1/tokens"): Role.ADMIN,
    ("DELETE", "/api/v1/tokens/{name}"): Role.ADMIN,
    ("GET", "/api/v1/access"): Role.ADMIN,
    ("POST", "/api/v1/reactors/{reactor}/accept"): Role.ADMIN,
    ("POST", "/api/v1/reactors/{reactor}/enrol"): Role.ADMIN,
    **{(method, path): Role.NOBODY for method in ("GET", "HEAD") for path in (*PATHS, "/assets/{name}")},
}
"""The routes that need another role than their method says: a viewer to read, an operator for all else."""
NOT_OURS = {"/api/openapi.json"}
"""Routes of the framework's own kind, which the gate keeps for those who may look."""


def routes_of(app: Any) -> Iterator[tuple[str, str, Any]]:
    """Every method and path of an application, with its route."""
    for context in iter_route_contexts(app.routes):
        for method in sorted(context.methods or {"?"}):
            yield method, context.path.replace(":path}", "}"), context


def filled(path: str) -> str:
    return re.sub(r"\{action\}", "acknowledge", re.sub(r"\{(?!action)[^}]*\}", "x", path))


def test_every_route_needs_the_role_that_is_expected(place_parts: Any) -> None:
    app = build_app(place_parts)
    seen = set()
    for method, path, context in routes_of(app):
        if path in NOT_OURS:
            continue
        route = context.original_route
        assert isinstance(route, APIRoute), f"{path} is no route that can declare a role: the gate alone guards it"
        dependencies = [dependency.call for dependency in context.dependant.dependencies]
        assert allow in dependencies, f"{method} {path} lets everybody in"
        usual = Role.VIEWER if method in ("GET", "HEAD") else Role.OPERATOR
        assert role_needed(route.endpoint, method) is DECLARED.get((method, path), usual), f"{method} {path}"
        seen.add((method, path))
    assert len(seen) > 30
    assert DECLARED.keys() <= seen


async def test_whoever_has_too_little_is_refused_by_every_route(place: Any) -> None:
    browsers = {
        Role.NOBODY: place.browser(),
        Role.VIEWER: await place.signed_in("vera"),
        Role.OPERATOR: await place.signed_in("otto"),
    }
    refused = 0
    for method, path, context in routes_of(build_app(place.service.parts)):
        needed = Role.VIEWER if context.path in NOT_OURS else role_needed(context.original_route.endpoint, method)
        for role, browser in browsers.items():
            if role >= needed:
                continue
            headers = {"X-Vigilia-CSRF": browser.csrf} if browser.csrf else {}
            async with browser.client.request(method, filled(path), headers=headers, json={}) as answer:
                expected = (401, "not-signed-in") if role is Role.NOBODY else (403, "not-allowed")
                if method == "HEAD":
                    assert answer.status == expected[0], f"{method} {path} as {role.word}"
                else:
                    found = (answer.status, (await answer.json())["error"])
                    assert found == expected, f"{method} {path} as {role.word}"
            refused += 1
    assert refused > 40
    assert place.service.equipment.writes == []


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
async def test_methods_that_no_route_has_are_nobodys(place: Any, method: str) -> None:
    for path in ("/api/v1/points", "/healthz", "/api/openapi.json", "/api/v1/session/first/"):
        async with place.browser().client.request(method, path) as answer:
            assert answer.status == 401, (method, path)


async def test_an_operator_writes_and_a_viewer_does_not(place: Any) -> None:
    level = "/api/v1/points/T2:Level-SP/value"
    viewer, operator, admin = [await place.signed_in(name) for name in ("vera", "otto", "ana")]
    status, answer = await viewer.ask("PUT", level, {"value": 1})
    assert (status, answer["error"]) == (403, "not-allowed")
    assert answer["detail"] == "vera is viewer, and this needs operator"
    assert (await operator.ask("PUT", level, {"value": 2}))[0] == 200
    assert (await admin.ask("PUT", level, {"value": 3}))[0] == 200
    assert place.service.equipment.writes == [("T2:Level-SP", 2.0), ("T2:Level-SP", 3.0)]
    assert [(origin.via, origin.user, origin.host) for _, _, origin in place.service.journal.writes] == [
        ("web", "otto", "127.0.0.1"),
        ("web", "ana", "127.0.0.1"),
    ]


def test_a_declaration_holds_for_every_method() -> None:
    @needs(Role.ADMIN)
    async def route() -> None: ...

    async def plain() -> None: ...

    assert role_needed(route, "GET") is Role.ADMIN
    assert [role_needed(plain, method) for method in ("GET", "HEAD", "PUT", "DELETE", "BREW")] == [
        *(Role.VIEWER, Role.VIEWER),
        *(Role.OPERATOR, Role.OPERATOR, Role.OPERATOR),
    ]


@pytest.mark.parametrize("word", ["", "ADMIN", "nobody", "root", "Viewer"])
def test_a_word_that_is_no_role_may_do_nothing(word: str) -> None:
    assert Role.read(word) is Role.NOBODY
