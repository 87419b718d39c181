"""Puts the API together."""

from fastapi import FastAPI
from fastapi.routing import APIRoute

from vigilia.interfaces.api import (
    alarms,
    audit,
    events,
    evidence,
    figures,
    health,
    history,
    incidents,
    journal,
    links,
    outbox,
    points,
    reactorrecords,
    reactors,
    reports,
    systems,
)
from vigilia.interfaces.api.answers import answer_failures, failures
from vigilia.interfaces.api.docs import SCHEMA_PATH, docs_router
from vigilia.interfaces.api.live import Hub
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.web.serving import pages_router

_DESCRIPTION = """Points of field equipment: read them, follow them, write to them; and the alarms they make;
and what they said before.

Lists are `{"items": […], "next": …}`: ask again with `next` for what follows. Times are UTC, severity and status are
EPICS's. Every error is `{"error": "…", "detail": "…"}`: `error` for programs (`unknown-point`, `read-only`,
`invalid-value`, `not-writable`, `refused`, `write-timeout`, `unknown-alarm`, `alarm-refused`, `unknown-reactor`,
`unknown-part`, `unknown-notice`, `notice-refused`, `invalid-request`, …), `detail` a sentence for people."""


def build_app(parts: ApiParts) -> FastAPI:
    """Return the application that shows `parts`. Raises StartError where a package is missing."""
    app = FastAPI(
        title="Vigilia",
        version=parts.version,
        description=_DESCRIPTION,
        openapi_url=SCHEMA_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses=failures(
            _400="this is no HTTP request, or one with too long a head",
            _403="a page of another site asks",
            _421="the request names another host than this service's",
        ),
        # The watch sends nothing to anybody it was not told of, whatever the environment says.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.parts = parts
    app.state.hub = Hub(parts)
    answer_failures(app)
    for module in (points, links, systems, reactors, figures, alarms, journal, incidents, outbox, reports, history):
        app.include_router(module.router)
    for module in (reactorrecords, events, audit, health):
        app.include_router(module.router)
    app.include_router(evidence.router)
    app.include_router(docs_router())
    app.include_router(pages_router())
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
