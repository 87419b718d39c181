"""For programs that watch the watch: `/healthz` and `/metrics`."""

import asyncio

from fastapi import APIRouter, Response

from vigilia.interfaces import metrics
from vigilia.interfaces.api.answers import JsonAnswer
from vigilia.interfaces.api.models import Healthy, Unhealthy
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.auth.roles import Role, needs
from vigilia.language import tr

_HEALTH_S = 5.0

router = APIRouter(tags=["health"])


@router.get(
    "/healthz", response_model=Healthy, responses={503: {"model": Unhealthy, "description": "something is missing"}}
)
@needs(Role.NOBODY)
async def healthz(parts: Parts) -> Response:
    """Tell whether the watch is healthy, by evidence of its progress."""
    try:
        async with asyncio.timeout(_HEALTH_S):
            missing = await parts.health()
    except TimeoutError:
        missing = [tr("no evidence within {seconds} s").format(seconds=f"{_HEALTH_S:g}")]
    if missing:
        return JsonAnswer({"status": "failing", "missing": missing}, 503)
    return JsonAnswer({"status": "ok"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "in Prometheus's format"}
    },
)
async def show_metrics(parts: Parts) -> Response:
    """Give points, links and the process as Prometheus metrics."""
    families = await metrics.collect(parts.table, parts.links, parts.clock, parts.version)
    families += metrics.of_viewers(len(parts.streams), parts.streams.replaced)
    # Tens of thousands of samples take their time to write down: not on the event loop.
    content = await asyncio.to_thread(metrics.render, families)
    return Response(content, media_type=metrics.CONTENT_TYPE)
