import re
from typing import Any

import pytest

from vigilia.errors import StartError
from vigilia.interfaces.api import docs


async def test_the_documentation_loads_only_from_here(service: Any) -> None:
    async with service.client.get("/api/docs") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "//" not in page
    used = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert len(used) == 4
    for path in used:
        async with service.client.get(path) as answer:
            assert answer.status == 200, path
            assert len(await answer.read()) > 50
    assert not re.search(r"<script>|style=|onload=", page), "the policy would stop it"


async def test_the_files_have_their_types(service: Any) -> None:
    for path, kind in (
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("start.js", "text/javascript"),
    ):
        async with service.client.get(f"/api/docs/{path}") as answer:
            assert answer.content_type == kind


async def test_nothing_else_of_the_package_is_served(service: Any) -> None:
    for path in ("__init__.py", "..%2fmain.py", "favicon-32x32.png"):
        async with service.client.get(f"/api/docs/{path}") as answer:
            assert answer.status == 404


async def test_the_schema_names_every_route(service: Any) -> None:
    schema = await service.get("/api/openapi.json")
    assert set(schema["paths"]) == {
        "/api/v1/points",
        "/api/v1/points/{name}",
        "/api/v1/points/{name}/value",
        "/api/v1/links",
        "/api/v1/systems",
        "/api/v1/systems/{name}",
        "/api/v1/alarms/figures",
        "/api/v1/journal",
        "/api/v1/reactors/{reactor}",
        "/api/v1/reactors/{reactor}/doses",
        "/api/v1/reactors/{reactor}/calibration/{part}",
        "/api/v1/outbox/channels",
        "/api/v1/outbox/{notice}/resend",
        "/api/v1/reports",
        "/api/v1/reports/{day}.xlsx",
        "/api/v1/reactors",
        "/api/v1/reactors/{reactor}/accept",
        "/api/v1/reactors/{reactor}/enrol",
        "/api/v1/alarms",
        "/api/v1/alarms/{alarm}/{action}",
        "/api/v1/incidents",
        "/api/v1/outbox",
        "/api/v1/history",
        "/api/v1/history/{name}",
        "/api/v1/evidence",
        "/api/v1/events",
        "/api/v1/audit",
        "/api/v1/session",
        "/api/v1/session/first",
        "/api/v1/users",
        "/api/v1/users/{name}",
        "/api/v1/users/{name}/role",
        "/api/v1/users/{name}/password",
        "/api/v1/tokens",
        "/api/v1/tokens/{name}",
        "/api/v1/access",
        "/healthz",
        "/metrics",
    }
    streamed = schema["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]
    assert streamed == {"text/event-stream": {"schema": {"$ref": "#/components/schemas/StreamEvents"}}}
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status >= "400" and path != "/healthz":
                    shape = answer["content"]["application/json"]["schema"]
                    references = {one["$ref"].rpartition("/")[2] for one in shape.get("anyOf", [shape])}
                    more = {
                        ("/api/v1/points/{name}/value", "409"): {"ChangedAnswer"},
                        ("/api/v1/alarms/{alarm}/{action}", "409"): {"AlarmChangedAnswer"},
                    }.get((path, status), set[str]())
                    assert references == {"ErrorAnswer"} | more, (path, method, status)


def test_a_missing_package_is_a_clear_sentence(monkeypatch: Any) -> None:
    monkeypatch.setattr(docs, "find_spec", lambda _name: None)
    with pytest.raises(StartError, match=r"pip install .vigilia\[server\]"):
        docs.docs_router()
