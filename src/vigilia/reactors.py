"""`vigilia reactor list|accept|enrol`: asks the running service about its reactors, and lets them in."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from vigilia.errors import StartError, printable
from vigilia.interfaces.api.config import WebConfig
from vigilia.language import tr
from vigilia.local import NO_ANSWER, LocalService, RequestRefused, local_service, no_answer


class _Reactor(BaseModel):
    """What is used of a reactor."""

    id: str
    name: str
    state: str
    since: str
    version: str
    points: int
    settings: list[dict[str, Any]]
    trouble: str


class _Page(BaseModel):
    """What is used of `/api/v1/reactors`."""

    items: list[_Reactor]


class _Token(BaseModel):
    """What is used of the answer to an enrolment."""

    token: str


def list_reactors(web: WebConfig, data_dir: str = "", *, as_json: bool) -> str:
    """Return the reactors as lines, or as one JSON object. Raises StartError where the service does not answer."""
    service = local_service(web, data_dir)
    with _in_words(service):
        items = service.get("/api/v1/reactors", _Page).items
    if as_json:
        return json.dumps({"items": [item.model_dump() for item in items]}, ensure_ascii=False)
    if not items:
        return tr("no reactor has called, and none is enrolled")
    return "\n".join(printable(_line(item)) for item in items)


def accept(web: WebConfig, reactor: str, data_dir: str = "") -> str:
    """Accept a reactor that waits; return what to print. Raises StartError where that is refused."""
    service = local_service(web, data_dir)
    with _in_words(service):
        service.post(f"/api/v1/reactors/{quote(reactor, safe='')}/accept", _Reactor)
    return tr("{reactor} is accepted: its agent registers within seconds").format(reactor=reactor)


def enrol(web: WebConfig, reactor: str, data_dir: str = "") -> str:
    """Give a reactor a new token; return it. Raises StartError where that is refused."""
    service = local_service(web, data_dir)
    with _in_words(service):
        return service.post(f"/api/v1/reactors/{quote(reactor, safe='')}/enrol", _Token).token


@contextmanager
def _in_words(service: LocalService) -> Generator[None]:
    """Raise StartError where the service refuses what is asked within, or does not answer."""
    try:
        yield
    except RequestRefused as refused:
        raise StartError(str(refused)) from refused
    except NO_ANSWER as error:
        raise StartError(no_answer(service.address, error)) from error


def _line(item: _Reactor) -> str:
    state = {"waiting": tr("waits to be accepted"), "away": tr("away"), "connected": tr("connected")}
    line = f"{item.id}: {state.get(item.state, item.state)}, {tr('since {time}').format(time=item.since)}"
    if item.name:
        line += f", {item.name}"
    if item.settings:
        line += ", " + tr("{count} settings do not hold yet").format(count=len(item.settings))
    return line + (f": {item.trouble}" if item.trouble else "")
