"""One conversation over HTTP with a line-protocol engine: a request, its whole answer, and a deadline on both.

aiohttp's errors are translated here, and nowhere else. Redirects are not followed: they would take the password along.
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, cast

import aiohttp
import orjson

from vigilia.errors import printable
from vigilia.history.backend import HistoryError, RefusedRowsError
from vigilia.history.engine_url import Address, Door
from vigilia.history.lineprotocol import requests
from vigilia.redaction import redact

READ_S = 10.0
"""A question that takes longer is given up."""
WRITE_S = 30.0
LARGEST_ANSWER_BYTES = 100_000_000
"""Ten thousand points with all that is known of them are about 5 MB, a page of an export about the same."""
FOR_EVER_DAYS = 3650
"""An engine that keeps rows for ten years does what a history that keeps them for ever asks of it."""
_CONNECTIONS = 8
_LONGEST_REASON = 4_000
_NEVER = re.compile(r"(?:partial write: )?(?:unable to parse|field type conflict|invalid field name|max key length)")
"""What InfluxDB says of lines that it takes at no time. Other refusals (max-series-per-database, max-values-per-tag, a
body cut short on its way to VictoriaMetrics) end when somebody sees to the cause."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        """What the engine said of an error, in a line; nothing where it is a page for people, as a proxy gives."""
        said: object = ""
        try:
            said = orjson.loads(self.body).get("error", "")
        except (ValueError, AttributeError):
            if self.headers.get("Content-Type", "").startswith("text/plain"):
                said = self.body[:_LONGEST_REASON].decode(errors="replace")
        return redact(printable(said.strip()[:_LONGEST_REASON])) if isinstance(said, str) else ""


class NoDatabase(HistoryError):
    """The engine is there; the database in it is not."""


class Engine:
    """The connections to one engine."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._http: aiohttp.ClientSession | None = None

    async def deliver(
        self, lines: Sequence[str], query: Mapping[str, str], dropped: re.Pattern[str] | None = None
    ) -> None:
        """Have lines written, in as many requests as it takes; all are there when the call returns.

        `dropped` matches the engine's words for lines that it leaves out because it would drop them at once anyway.
        Raises HistoryError where they are not taken now, NoDatabase where there is none, RefusedRowsError where they
        never will be.
        """
        for part in requests(lines):
            await self._deliver(part, query, dropped)

    async def _deliver(self, lines: Sequence[str], query: Mapping[str, str], dropped: re.Pattern[str] | None) -> None:
        body = "\n".join(lines).encode()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        answer = await self._exchange("POST", self.address.write, "/write", WRITE_S, headers, params=query, data=body)
        self.check_way(answer)
        if answer.status == 204 or (dropped and dropped.match(answer.reason)):
            return
        if answer.status == 413 and len(lines) > 1:  # a proxy's limit: the engines take far more
            half = len(lines) // 2
            await self._deliver(lines[:half], query, dropped)
            await self._deliver(lines[half:], query, dropped)
            return
        if answer.status == 404 and "database not found" in answer.reason:
            raise NoDatabase(f"the history at {self.address.name}: {answer.reason}")
        if answer.status == 413 or (answer.status == 400 and _NEVER.match(answer.reason)):
            raise RefusedRowsError(f"rows refused by {self.address.name}: {answer.reason or 'one alone is too large'}")
        said = f": {answer.reason}" if answer.reason else ", which is not an answer to rows: check [history] url"
        raise self.error(f"status {answer.status}{said}")

    async def get(self, door: Door, path: str) -> Answer:
        """Ask for a page. Raises HistoryError where there is no answer."""
        return await self._exchange("GET", door, path, READ_S, {})

    async def ask(self, path: str, form: Mapping[str, str]) -> Answer:
        """Ask the reading side; what is asked is in the body, so that no name is too long for it.

        Raises HistoryError where there is no answer, or one that is about the way and not about the question: a
        refused user, a redirect, a failing proxy.
        """
        answer = await self._exchange("POST", self.address.read, path, READ_S, {}, data=dict(form))
        self.check_way(answer)
        return answer

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[None]:
        """Do what it takes to answer one question: within the time of one request, and of answers of whatever shape.

        Raises HistoryError where that takes longer, or where an answer is not of the shape that it is read by.
        """
        try:
            async with asyncio.timeout(READ_S):
                yield
        except TimeoutError as error:
            raise self._late(READ_S) from error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise self.error("an answer of another shape than such a database's: check [history] url") from error

    def check_way(self, answer: Answer) -> None:
        """Raise HistoryError for an answer that says nothing of what was sent."""
        status = answer.status
        if status == 401 or (status == 403 and not answer.reason):
            raise self.error("it does not let us in: check the user and the password in [history] url")
        if status == 403:
            raise self.error(f"the user may not do that ({answer.reason}): give it the right to read and write")
        if 300 <= status < 400:
            raise self.error("it points elsewhere, which is not followed: give [history] url the address itself")
        if status == 429 or status >= 500:
            raise self.error(f"status {status}" + (f": {answer.reason}" if answer.reason else ""))

    def json(self, answer: Answer) -> dict[str, Any]:
        """Return an answer's JSON object. Raises HistoryError where it is none."""
        return self._object(answer, answer.body)

    def json_lines(self, answer: Answer) -> list[dict[str, Any]]:
        """Return an answer's JSON objects, one a line. Raises HistoryError where it has none, or something else."""
        return [self._object(answer, line) for line in answer.body.splitlines() or [b""]]

    def _object(self, answer: Answer, text: bytes) -> dict[str, Any]:
        try:
            found = orjson.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.error(f"status {answer.status}, and not an answer of such a database: check [history] url")
        return cast(dict[str, Any], found)

    def error(self, what: str) -> HistoryError:
        """Return an error that names the database."""
        return HistoryError(f"the history at {self.address.name}: {what}")

    async def close(self) -> None:
        """Close the connections; a later request opens others."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()
            await asyncio.sleep(0)  # sockets are closed on the loop's next round

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _exchange(
        self, method: str, door: Door, path: str, deadline_s: float, headers: Mapping[str, str], **what: Any
    ) -> Answer:
        url = door.url.with_path(f"{door.url.path.rstrip('/')}{path}")
        if door.authorization is not None:
            headers = {**headers, "Authorization": door.authorization}
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session().request(method, url, headers=headers, allow_redirects=False, **what) as response,
            ):
                return Answer(response.status, response.headers, await self._whole_body(response))
        except TimeoutError as error:
            raise self._late(deadline_s) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise self.error(f"its certificate is not trusted ({error.certificate_error})") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self.error(_words(error)) from error

    def _late(self, deadline_s: float) -> HistoryError:
        return self.error(f"no answer within {deadline_s:g} s; ask for less time at once, or see how busy it is")

    async def _whole_body(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > LARGEST_ANSWER_BYTES:
                response.close()
                raise self.error(f"an answer of more than {LARGEST_ANSWER_BYTES // 1_000_000} MB: ask for less")
        return bytes(content)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._http


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer began"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "an answer that was cut short"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        words = os.strerror(error.errno)
        return words[:1].lower() + words[1:]
    return f"no answer that could be read ({type(error).__name__})"
