"""Puts the API together."""

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from vigilia.interfaces.api import (
    access,
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
    session,
    systems,
    tokens,
    users,
)
from vigilia.interfaces.api.answers import answer_failures, failures
from vigilia.interfaces.api.docs import SCHEMA_PATH, docs_router
from vigilia.interfaces.api.live import Hub
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.auth.caller import allow
from vigilia.interfaces.auth.gate import Gate
from vigilia.interfaces.web.serving import pages_router

_DESCRIPTION = """Points of field equipment: read them, follow them, write to them; and the alarms they make;
and what they said before.

Lists are `{"items": […], "next": …}`: ask again with `next` for what follows. Times are UTC, severity and status are
EPICS's. Every error is `{"error": "…", "detail": "…"}`: `error` for programs (`unknown-point`, `read-only`,
`invalid-value`, `not-writable`, `refused`, `write-timeout`, `unknown-alarm`, `alarm-refused`, `unknown-reactor`,
`unknown-part`, `unknown-notice`, `notice-refused`, `invalid-request`, `not-signed-in`, `not-allowed`, `csrf`,
`too-many-attempts`, …), `detail` a sentence for people."""


def build_app(parts: ApiParts) -> FastAPI:
    """Return the application that shows `parts`. Raises StartError where a package is missing."""
    app = _Api(
        title="Vigilia",
        version=parts.version,
        description=_DESCRIPTION,
        openapi_url=SCHEMA_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        dependencies=[Depends(allow)],
        responses=failures(
            _400="this is no HTTP request, or one with too long a head",
            _401="nobody is signed in, where somebody must be",
            _403="a page of another site asks, or somebody who may not",
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
    for module in (
        *(points, links, systems, reactors, figures, alarms, journal, incidents, outbox, reports, history),
        *(events, reactorrecords, audit, health, session, users, tokens, access),
    ):
        app.include_router(module.router)
    app.include_router(evidence.router)
    app.include_router(docs_router())
    app.include_router(pages_router())
    app.add_middleware(Gate, auth=parts.sign_in.auth)
    return app


class _Api(FastAPI):
    """The application. Its document says that event streams are event streams."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document: FastAPI takes every answer with a schema for plain JSON."""
        document = super().openapi()
        content = document["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]
        if "application/json" in content:
            content["text/event-stream"] = content.pop("application/json")
        return document


def _operation_id(route: APIRoute) -> str:
    return route.name
