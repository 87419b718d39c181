"""`vigilia status`: asks the service that runs with a configuration how it fares, over its own listener."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import BaseModel

from vigilia.errors import printable
from vigilia.interfaces.api.config import WebConfig
from vigilia.language import tr
from vigilia.local import NO_ANSWER, LocalService, RequestRefused, local_token, no_answer, why_not_to_be_asked


class _Health(BaseModel):
    """What is used of `/healthz`."""

    status: str
    missing: list[str] = []


class _Links(BaseModel):
    """What is used of `/api/v1/links`."""

    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said of itself."""

    running: bool
    healthy: bool
    missing: list[str] = field(default_factory=list[str])
    """A sentence for each piece of evidence that is missing, or why there was no answer."""
    links: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """As of `/api/v1/links`."""


def ask(web: WebConfig, data_dir: str = "") -> Answer:
    """Ask the service that listens at `web`; no answer is an answer too."""
    if why := why_not_to_be_asked(web):
        return Answer(running=False, healthy=False, missing=[why])
    address = web.listen
    try:
        service = LocalService(web, local_token(data_dir))
        address = service.address
        health = service.get("/healthz", _Health, accept=503)
        links = _links(service)
    except NO_ANSWER as error:
        return Answer(running=False, healthy=False, missing=[no_answer(address, error)])
    healthy = health.status == "ok" and not health.missing
    return Answer(running=True, healthy=healthy, missing=health.missing, links=links.items)


def _links(service: LocalService) -> _Links:
    """Return the links; none where people sign in, and whoever asks is not the service's own user."""
    try:
        return service.get("/api/v1/links", _Links)
    except RequestRefused:
        return _Links(items=[])


def show(answer: Answer, *, as_json: bool) -> str:
    """Return an answer for a person, or as one JSON object."""
    if as_json:
        return json.dumps(asdict(answer), ensure_ascii=False)
    if answer.healthy:
        lines = [tr("healthy")]
    else:
        lines = [tr("not healthy") if answer.running else tr("not running, or not to be asked")]
        lines += [f"  {reason}" for reason in answer.missing]
    for link in answer.links:
        error = "" if link.get("contact") == "connected" else link.get("error")
        since = tr("since {time}").format(time=link.get("since"))
        lines.append(f"{link.get('name')}: {link.get('contact')}, {since}" + (f": {error}" if error else ""))
    return "\n".join(printable(line) for line in lines)
