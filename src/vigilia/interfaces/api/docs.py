"""The interactive documentation at `/api/docs`: Swagger UI from our own origin, under a strict policy.

The script and the style sheet are the files of npm's `swagger-ui-dist`, as the package `fastapi-swagger` carries them;
nothing of that package is run, and the page loads nothing from any other host.
"""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, HTMLResponse

from vigilia.errors import StartError

SCHEMA_PATH = "/api/openapi.json"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Vigilia: REST API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript; <a href="/api/openapi.json">openapi.json</a> says the same.</noscript>
<div id="docs"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""

_START = f"""SwaggerUIBundle({{
  url: "{SCHEMA_PATH}",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
}});
"""

_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}


def docs_router() -> APIRouter:
    """Return the routes of the documentation. Raises StartError where Swagger UI is not installed."""
    folder = _swagger_ui()
    router = APIRouter(prefix="/api/docs", include_in_schema=False)

    @router.get("")
    async def page() -> Response:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})

    @router.get("/start.js")
    async def start() -> Response:
        return Response(_START, media_type="text/javascript")

    for name, media_type in _FILES.items():
        router.add_api_route(f"/{name}", _file_route(folder / name, media_type))
    return router


def _file_route(path: Path, media_type: str):
    async def send_file() -> Response:
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": "max-age=86400"})

    return send_file


def _swagger_ui() -> Path:
    """Return the folder with Swagger UI's files."""
    spec = find_spec("fastapi_swagger")
    folder = Path(spec.origin).with_name("resources") if spec and spec.origin else None
    if folder is None or not all((folder / name).is_file() for name in _FILES):
        raise StartError('the files of /api/docs are not installed: pip install "vigilia[server]"')
    return folder
