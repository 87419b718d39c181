"""Serves the pages: one document for every page's path, and the hashed files it loads.

The build compressed every file once and gave it a name that changes with its content, so that a browser asks for it
only once; only the document itself is asked for each time.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from vigilia.interfaces.api.answers import Failed
from vigilia.interfaces.auth.roles import Role, needs
from vigilia.language import language

PATHS = (
    "/",
    "/poe",
    "/plants",
    "/reactors",
    "/points",
    "/alarms",
    "/incidents",
    "/notices",
    "/audit",
    "/users",
    "/sign-in",
)
"""Where pages are. web/src/pages.ts has the same list; a test compares them."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_PAGES = Path(__file__).with_name("pages")
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""What a browser may accept, the best first, and how such a file's name ends."""
_FOR_EVER = "public, max-age=31536000, immutable"
_NOT_BUILT = "The pages were not built: python hatch_build.py, or install the package anew. The API is at /api/docs.\n"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the document loads, as it is and compressed."""

    media_type: str
    tag: str
    contents: dict[str, bytes]
    """By encoding; "identity" is the file as it is."""


def pages_router(folder: Path = _PAGES) -> APIRouter:
    """Return the routes of the pages that were built into `folder`."""
    router = APIRouter(include_in_schema=False)

    @needs(Role.NOBODY)
    async def page(request: Request) -> Response:
        document = _document(folder, _built(folder), language())
        if document is None:
            return PlainTextResponse(_NOT_BUILT, 503)
        tag = _tag(document)
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(document, media_type="text/html; charset=utf-8", headers=headers)

    @needs(Role.NOBODY)
    async def asset(request: Request, name: str) -> Response:
        found = _assets(folder, _built(folder)).get(name)
        if found is None:
            raise Failed(404, "not-found", f"no page loads {name!r} any more: load the page again")
        headers = {"Cache-Control": _FOR_EVER, "ETag": found.tag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == found.tag:
            return Response(status_code=304, headers=headers)
        encoding = _accepted(request.headers.get("accept-encoding", ""), found)
        if encoding != "identity":
            headers["Content-Encoding"] = encoding
        return Response(found.contents[encoding], media_type=found.media_type, headers=headers)

    for path in PATHS:
        router.add_api_route(path, page, methods=["GET", "HEAD"])
    router.add_api_route("/assets/{name}", asset, methods=["GET", "HEAD"])
    return router


def _built(folder: Path) -> int:
    """Return what changes when the pages are built anew; 0 where they were not built."""
    try:
        return (folder / "index.html").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=4)
def _document(folder: Path, built: int, code: str) -> bytes | None:
    """Return the document in a language, None where the pages were not built."""
    if not built:
        return None
    path = folder / "index.html"
    return path.read_text(encoding="utf-8").replace('<html lang="en">', f'<html lang="{code}">', 1).encode()


@lru_cache(maxsize=2)
def _assets(folder: Path, built: int) -> dict[str, Asset]:
    """Return every file by name. They are a few hundred kilobytes altogether."""
    found: dict[str, Asset] = {}
    paths = sorted((folder / "assets").glob("*")) if built else []
    for path in paths:
        if path.suffix in {".br", ".gz"}:
            continue
        contents = {"identity": path.read_bytes()}
        for encoding, ending in _ENCODINGS:
            compressed = path.with_name(path.name + ending)
            if compressed.is_file():
                contents[encoding] = compressed.read_bytes()
        found[path.name] = Asset(_media_type(path), _tag(contents["identity"]), contents)
    return found


def _accepted(header: str, asset: Asset) -> str:
    """Return the best encoding of `asset` that a browser accepts."""
    accepted: set[str] = set()
    for part in header.split(","):
        name, _, parameters = part.partition(";")
        if parameters.strip().replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            accepted.add(name.strip().lower())
    return next((name for name, _ in _ENCODINGS if name in accepted and name in asset.contents), "identity")


def _media_type(path: Path) -> str:
    if path.suffix == ".js":
        return "text/javascript; charset=utf-8"  # some machines' tables say something else
    if path.suffix == ".css":
        return "text/css; charset=utf-8"
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
