"""The pages as the service hands them out."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from tests.pages import ROOT, built_pages

from vigilia.interfaces.api.answers import answer_failures
from vigilia.interfaces.web.serving import PATHS, POLICY, pages_router
from vigilia.language import use


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    built_pages()


@pytest.fixture
async def loaded(service: Any) -> list[str]:
    """What the document loads."""
    async with service.client.get("/") as answer:
        return re.findall(r'(?:src|href)="(/assets/[^"]+)"', await answer.text())


async def test_every_page_is_the_document(service: Any) -> None:
    for path in PATHS:
        async with service.client.get(path) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html"), path
            assert answer.headers["Content-Security-Policy"] == POLICY
            assert answer.headers["Cache-Control"] == "no-cache"
            text = await answer.text()
        assert '<div id="app">' in text
        assert not re.search(r"<script>|style=|\bon\w+=", text), "the policy would stop it"


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    assert POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


def test_the_pages_are_where_they_say() -> None:
    text = (ROOT / "web/src/pages.ts").read_text()
    assert set(re.findall(r'path: "([^"]+)"', text)) <= set(PATHS)


async def test_the_document_is_asked_for_each_time(service: Any) -> None:
    async with service.client.get("/points") as answer:
        tag = answer.headers["ETag"]
    async with service.client.get("/points", headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with service.client.head("/points") as answer:
        assert answer.status == 200


async def test_assets_never_change(service: Any, loaded: list[str]) -> None:
    assert len(loaded) >= 4
    for path in loaded:
        async with service.client.get(path, headers={"Accept-Encoding": "identity"}) as answer:
            assert answer.status == 200
            assert "Content-Encoding" not in answer.headers
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.content_type == ("text/css" if path.endswith(".css") else "text/javascript")
            plain, tag = await answer.read(), answer.headers["ETag"]
        async with service.client.get(path, headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304
        headers = {"Accept-Encoding": "gzip"}
        async with service.client.get(path, headers=headers, auto_decompress=False) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert gzip.decompress(await answer.read()) == plain


@pytest.mark.parametrize(
    ("accepts", "gets"),
    [("gzip, deflate, br, zstd", "br"), ("BR;q=0.5", "br"), ("br;q=0, gzip;q=1.0", "gzip"), ("zstd", None)],
)
async def test_the_best_encoding_is_chosen(service: Any, loaded: list[str], accepts: str, gets: str | None) -> None:
    async with service.client.get(loaded[0], headers={"Accept-Encoding": accepts}, auto_decompress=False) as answer:
        assert answer.headers.get("Content-Encoding") == gets


@pytest.mark.parametrize("name", ["none.js", "..%2Findex.html", "%2e%2e%2findex.html", "main.js.br", "."])
async def test_nothing_else_is_an_asset(service: Any, name: str) -> None:
    async with service.client.get(f"/assets/{name}") as answer:
        assert answer.status == 404


async def test_the_document_speaks_the_sites_language(service: Any) -> None:
    try:
        for code in ("pt-BR", "en"):
            use(code)
            async with service.client.get("/") as answer:
                assert f'<html lang="{code}">' in await answer.text()
    finally:
        use("en")


async def test_pages_that_were_not_built_are_said_to_be(tmp_path: Path) -> None:
    app = FastAPI()
    answer_failures(app)
    app.include_router(pages_router(tmp_path))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    assert sent[0]["status"] == 503
    assert b"hatch_build.py" in sent[1]["body"]
