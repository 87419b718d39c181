"""The running service, over its API: live values, and the way to act."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError

from vigilia.clock import iso, moment
from vigilia.errors import VigiliaError
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.api.models import AlarmAnswer, LinkAnswer, Page, PointAnswer
from vigilia.language import tr
from vigilia.local import address_of, why_not_to_be_asked
from vigilia.points import Severity, Status
from vigilia.tui.model import Alarm, Link, Point

_DEADLINE_S = 5.0
_WRITE_DEADLINE_S = 40.0
"""Longer than the service waits for the slowest equipment."""
_LARGEST_ANSWER_BYTES = 20_000_000
_LARGEST_EVENT_BYTES = 100_000
_SILENCE_S = 40.0
"""The stream says something each 15 s."""
_PAGE = 5000
_MOST_PAGES = 40
_MOST_STREAMED = 200
_ASKED = ("-SP", "-Sel", "-Cmd")
"""How names of points end that hold what was asked for last: their time is that of the asking, and no scan moves it."""

Answer = TypeVar("Answer", bound=BaseModel)
Action = Literal["acknowledge", "shelve", "unshelve"]


class ServiceError(VigiliaError):
    """The service gave no answer, or none that helps; the text is a sentence for people."""


class NoService(ServiceError):
    """Nobody answers."""


class NotAllowed(ServiceError):
    """It answers, and wants to know who asks, or does not let them."""


class NotKnown(ServiceError):
    """Something was asked for, and no answer says whether it was done: it may have been, or be done yet."""


class _Health(BaseModel):
    status: str
    missing: list[str] = []


class _Failure(BaseModel):
    error: str = ""
    detail: str


class Service:
    """A client of the API at the first of its addresses that answers. Its methods raise ServiceError."""

    def __init__(self, web: WebConfig, token: str = "", local: Callable[[], str] = str) -> None:
        """`token`: an API token that somebody gave us, for wherever the service answers.

        Without one, `local` finds what lets us in at our own listener, and nobody else is shown that. It is asked again
        where it does not let us in: a service that starts makes another.
        """
        self._addresses, self._why_not = addresses(web)
        self._token = token
        self._find_local = local
        self._local = local()
        self._tls = _tls(web)
        self._own = self._addresses[0] if self._addresses and not why_not_to_be_asked(web) else ""
        self._http: aiohttp.ClientSession | None = None
        self._acting: aiohttp.ClientSession | None = None
        self.address = self._addresses[0] if self._addresses else ""
        """Where it answered last, or is asked first."""

    async def __aenter__(self) -> Self:
        """Be ready to ask."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_DEADLINE_S))
        # What acts has a connection of its own each time: one that was kept may have been closed meanwhile, and whether
        # a request still got through it nobody knows. aiohttp repeats a PUT that was cut off by itself; its own test
        # client switches that off by this attribute.
        self._acting = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._acting._retry_connection = False  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Part from it."""
        for session in filter(None, (self._http, self._acting)):
            await session.close()

    async def health(self) -> list[str]:
        """Return a sentence for each thing that the service misses; none: it is healthy. Finds who answers."""
        if not self._addresses:
            raise NoService(self._why_not)
        problem: ServiceError | None = None
        for address in (self.address, *(other for other in self._addresses if other != self.address)):
            try:
                answer = await self._ask(address, "/healthz", _Health, accept=503)
            except ServiceError as error:
                problem = problem or error
                continue
            self.address = address
            return answer.missing if answer.missing or answer.status == "ok" else [answer.status]
        raise problem or NoService(self._why_not)

    async def links(self) -> list[Link]:
        """Return the links and how they fare."""
        answer = await self._ask(self.address, "/api/v1/links", Page[LinkAnswer])
        return [
            Link(item.name, item.contact, moment(item.since), item.error, item.round_trip_ms) for item in answer.items
        ]

    async def alarms(self) -> list[Alarm]:
        """Return the alarms that are not normal."""
        return [_alarm(item) for item in await self._pages("/api/v1/alarms", Page[AlarmAnswer])]

    async def points(self) -> dict[str, Point]:
        """Return every point with its present reading."""
        return {item.name: point_of(item) for item in await self._pages("/api/v1/points", Page[PointAnswer])}

    async def point(self, name: str) -> Point:
        """Return a point with its present reading."""
        return point_of(await self._ask(self.address, f"/api/v1/points/{quote(name, safe='')}", PointAnswer))

    async def follow(self, names: Sequence[str]) -> AsyncIterator[Point]:
        """Give points as they are, and then each change, until the stream breaks. Raises ServiceError then."""
        wanted = [("name", name) for name in names[:_MOST_STREAMED]]
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_DEADLINE_S, sock_read=_SILENCE_S)
        url = f"{self.address}/api/v1/events"
        try:
            async with _at_work(self._http).get(
                url, params=wanted, headers=self._pass(self.address), timeout=timeout, ssl=self._trust(self.address)
            ) as answer:
                await self._check(answer, 200)
                async for raw in answer.content:
                    if raw.startswith(b"data:") and len(raw) < _LARGEST_EVENT_BYTES:
                        yield point_of(PointAnswer.model_validate_json(raw.removeprefix(b"data:")))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _no_answer(self.address, error) from error

    async def act(self, alarm: Alarm, action: Action, comment: str, until: str | None = None) -> Alarm:
        """Acknowledge or shelve an alarm (until a time, ISO 8601), or end its shelving; return it as it is then.

        One that was raised anew since it was like `alarm` is left alone: nobody has seen that.
        """
        body = {"comment": comment, "expected": alarm.latest or None} | ({"until": until} if until else {})
        path = f"/api/v1/alarms/{quote(alarm.id, safe='')}/{action}"
        return _alarm(await self._ask(self.address, path, AlarmAnswer, method="POST", body=body))

    async def write(self, name: str, value: object, seen: Point) -> tuple[Point, bool]:
        """Write to a point that is as it was `seen`; one that has changed meanwhile is left alone.

        Return it as it is then, and whether it is not confirmed yet: being done, or kept for equipment that is away.
        """
        body = {"value": value, "expected": _expected(seen)}
        if name.endswith(_ASKED):
            body["expected_timestamp"] = None if seen.time is None else iso(seen.time)
        path = f"/api/v1/points/{quote(name, safe='')}/value"
        status, content = await self._fetch(self.address, path, method="PUT", body=body, accept=202)
        return point_of(_parsed(self.address, PointAnswer, content, asked=True)), status == 202

    async def _pages(self, path: str, model: type[Page[Any]]) -> list[Any]:
        items: list[Any] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await self._ask(self.address, f"{path}?limit={_PAGE}{cursor}", model)
            items += page.items
            if page.next is None:
                break
            cursor = f"&next={quote(page.next, safe='')}"
            await asyncio.sleep(0)
        return items

    async def _ask(
        self, address: str, path: str, model: type[Answer], *, method: str = "GET", body: Any = None, accept: int = 200
    ) -> Answer:
        _, content = await self._fetch(address, path, method=method, body=body, accept=accept)
        return _parsed(address, model, content, asked=method != "GET")

    async def _fetch(
        self, address: str, path: str, *, method: str = "GET", body: Any = None, accept: int = 200
    ) -> tuple[int, bytes]:
        """Return the status, which is 200 or `accept`, and the content of an answer."""
        asked = method != "GET"
        timeout = aiohttp.ClientTimeout(total=_WRITE_DEADLINE_S if asked else _DEADLINE_S)
        data = None if body is None else json.dumps(body).encode()
        headers = self._pass(address) | ({"Content-Type": "application/json"} if data else {})
        from yarl import URL

        url = URL(address + path, encoded=True)
        try:
            async with _at_work(self._acting if asked else self._http).request(
                method, url, data=data, headers=headers, timeout=timeout, ssl=self._trust(address)
            ) as answer:
                await self._check(answer, accept, asked=asked)
                return answer.status, await _content(answer)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _no_answer(address, error, asked=asked) from error

    def _pass(self, address: str) -> dict[str, str]:
        """Return what shows who we are there."""
        token = self._token or (self._local if address == self._own else "")
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def _check(self, answer: aiohttp.ClientResponse, accept: int, *, asked: bool = False) -> None:
        """Raise ServiceError for an answer that is a refusal; of one for who asks, look for another token first."""
        if answer.status == 401:
            self._local = await asyncio.to_thread(self._find_local)
        await _check(answer, accept, asked)

    def _trust(self, address: str) -> ssl.SSLContext | bool:
        """Return whom to trust: of our own listener the certificate that it has, whatever its name."""
        return self._tls if self._tls is not None and address == self._own else True


def _at_work(session: aiohttp.ClientSession | None) -> aiohttp.ClientSession:
    if session is None:
        raise NoService(tr("nobody is asked any more"))
    return session


def addresses(web: WebConfig) -> tuple[list[str], str]:
    """Return where the service may answer, and why there is nowhere, if so."""
    why = why_not_to_be_asked(web)
    found = [] if why else [address_of(web)]
    if web.enabled and web.public_url and web.public_url not in found:
        found.append(web.public_url)
    return found, why


def point_of(item: PointAnswer) -> Point:
    """Return a point of an answer."""
    limits = item.limits
    return Point(
        name=item.name,
        kind=item.kind,
        device=item.device,
        link=item.link,
        description=item.description,
        units=item.units or "",
        labels=tuple(item.labels),
        limits=(limits[0], limits[1]) if limits else None,
        writable=item.access == "rw",
        value=item.value,
        severity=Severity[item.severity],
        status=Status[item.status],
        time=moment(item.timestamp) if item.timestamp else None,
    )


def _alarm(item: AlarmAnswer) -> Alarm:
    return Alarm(
        id=item.id,
        point=item.point,
        device=item.device,
        name=item.name,
        state=item.state,
        severity=Severity[item.severity],
        since=moment(item.since),
        suppressed_by=item.suppressed_by or "",
        acknowledged_by=item.acknowledged_by or "",
        shelved_until=moment(item.shelved_until) if item.shelved_until else None,
        detail=item.detail,
        told_at=moment(item.told_at) if item.told_at else None,
        latest=item.latest_incident or "",
    )


async def _check(answer: aiohttp.ClientResponse, accept: int, asked: bool) -> None:
    """Raise ServiceError for an answer that is a refusal, NotKnown where what was `asked` for may be done yet."""
    if answer.status in (200, accept):
        return
    content = await _content(answer)
    try:
        failure = _Failure.model_validate_json(content)
    except ValidationError:
        failure = _Failure(detail=tr("status {status}").format(status=answer.status))
    detail = failure.detail
    # 502 is what the service says of equipment that refused; a proxy's own says nothing of what became of the request.
    if asked and answer.status >= 500 and not (answer.status == 502 and failure.error):
        raise NotKnown(detail)
    if answer.status == 401:
        raise NotAllowed(tr("sign-in is required: {detail}; set VIGILIA_TOKEN to an API token").format(detail=detail))
    if answer.status == 403:
        raise NotAllowed(tr("not allowed: {detail}").format(detail=detail))
    raise ServiceError(detail)


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    """Return the whole body. Raises ValueError where it is larger than any of ours."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(65_536):
        parts.append(part)
        size += len(part)
        if size > _LARGEST_ANSWER_BYTES:
            raise ValueError(tr("the answer is too large"))
    return b"".join(parts)


def _expected(seen: Point) -> object:
    """Return what the service is told that a point must still be: the label where it has labels."""
    if seen.labels and isinstance(seen.value, int | float) and 0 <= int(seen.value) < len(seen.labels):
        return seen.labels[int(seen.value)]
    return seen.value


def _parsed(address: str, model: type[Answer], content: bytes, *, asked: bool = False) -> Answer:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise _no_answer(address, error, asked=asked) from error


def _no_answer(address: str, error: Exception, *, asked: bool = False) -> ServiceError:
    """Return what to raise where there was no answer; NotKnown where what was `asked` for may have got there."""
    if isinstance(error, ValidationError):
        reason = tr("another program answers there")
    elif isinstance(error, TimeoutError):
        reason = tr("no answer in time")
    else:
        wrong = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        code = wrong.errno if isinstance(wrong, OSError) else None
        reason = (os.strerror(code) if code else str(wrong)) or type(wrong).__name__
    kind = NotKnown if asked and not isinstance(error, aiohttp.ClientConnectorError) else NoService
    return kind(tr("no answer from {address}: {reason}").format(address=address, reason=reason))


def _tls(web: WebConfig) -> ssl.SSLContext | None:
    """Return trust in the certificate that our own listener has; None where it has none, or we may not read it."""
    if not web.tls_cert:
        return None
    try:
        context = ssl.create_default_context(cafile=web.tls_cert)
    except OSError:
        return None
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
