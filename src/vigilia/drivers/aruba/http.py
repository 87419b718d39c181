"""One kept-alive HTTP connection to a switch: a request, its whole answer, and a deadline on both.

aiohttp's errors are translated here, and nowhere else. Nothing is ever sent twice: the HTTP client's own silent
repetition on a reused connection is switched off, and redirects are not followed.
"""

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from vigilia.errors import BadAnswer, ConnectionLost, printable
from vigilia.points import shorten

LARGEST_ANSWER_BYTES = 2_000_000
"""A 48-port switch answers with about 12 kB."""
_KEEP_ALIVE_S = 300.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, and the body as it came."""

    status: int
    content_type: str
    body: bytes
    request: str = ""
    """What it answers: method and path, for messages."""

    def json(self) -> Any:
        """Return the body as JSON. Raises BadAnswer where it is none."""
        try:
            return orjson.loads(self.body)
        except ValueError as error:
            raise BadAnswer(f"not JSON: {shorten(self.body[:100])}{self._to_what}") from error

    @property
    def _to_what(self) -> str:
        return f" ({self.request})" if self.request else ""

    @property
    def asks_for_login(self) -> bool:
        """Say whether this is a missing or expired session: 401, or 400 with an HTML page in place of JSON."""
        return self.status == 401 or (
            self.status == 400 and (b"<html" in self.body[:2000].lower() or "html" in self.content_type)
        )

    def explain(self) -> str:
        """Return status and, where the answer has one, its message; and what it was the answer to."""
        try:
            message = orjson.loads(self.body).get("message", "")
        except (ValueError, AttributeError):
            message = ""
        said = f": {printable(message[:200])}" if message and isinstance(message, str) else ""
        return f"status {self.status}{said}{self._to_what}"


class Connection:
    """At most one TCP connection to one switch, opened when first needed."""

    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        self._url = url
        self._tls = tls
        self._http: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        deadline_s: float,
        cookie: str | None = None,
        body: object = None,
        on_cookie: Callable[[str], None] | None = None,
    ) -> Answer:
        """Send one request and return its whole answer; `on_cookie` gets a cookie as soon as the head brings it.

        Raises ConnectionLost where no answer began, or where it was not complete within `deadline_s` real seconds;
        BadAnswer where it began and was cut short, is no HTTP, or is larger than LARGEST_ANSWER_BYTES.
        """
        try:
            return await self._exchange(method, path, deadline_s, cookie, body, on_cookie)
        except BadAnswer:
            await self.close()  # at once: the next request must not connect beside a connection that is being closed
            raise

    async def _exchange(
        self,
        method: str,
        path: str,
        deadline_s: float,
        cookie: str | None,
        body: object,
        on_cookie: Callable[[str], None] | None,
    ) -> Answer:
        asked = f"{method} {path}"
        headers = {"Accept": "application/json"}
        data = None
        if cookie is not None:
            headers["Cookie"] = cookie
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = orjson.dumps(body)
        began = False
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session().request(
                    method, self._url + path, headers=headers, data=data, allow_redirects=False
                ) as response,
            ):
                began = True
                if on_cookie and response.ok and "Set-Cookie" in response.headers:
                    on_cookie(response.headers["Set-Cookie"].partition(";")[0].strip())
                content = await self._whole_body(response)
                return Answer(response.status, response.content_type, content, asked)
        except TimeoutError as error:
            raise ConnectionLost(f"no answer within {deadline_s:g} s ({asked})") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise ConnectionLost(
                f"its certificate is not trusted ({error.certificate_error}): "
                "set ca_file to its authority, and url to the name it is made out to"
            ) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            if began:
                raise BadAnswer(f"an answer cut short ({asked}: {type(error).__name__})") from error
            raise ConnectionLost(f"{_connection_words(error)} ({asked})") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise BadAnswer(f"not an HTTP answer ({asked}: {type(error).__name__})") from error

    async def close(self) -> None:
        """Close the connection; a later request opens another."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()
            await asyncio.sleep(0)  # sockets are closed on the loop's next round

    async def _whole_body(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > LARGEST_ANSWER_BYTES:
                response.close()
                raise BadAnswer(f"an answer of more than {LARGEST_ANSWER_BYTES // 1_000_000} MB")
        return bytes(content)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(
                limit=1,
                ssl=self._tls if self._tls is not None else True,
                keepalive_timeout=_KEEP_ALIVE_S,
                happy_eyeballs_delay=None,  # one connection at a time, to a name with two kinds of address as well
            )
            self._http = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
            # aiohttp repeats GET, PUT and DELETE by itself when a reused connection is cut; its own test client
            # switches that off by this attribute. A command must never be sent twice unasked.
            self._http._retry_connection = False  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
        return self._http


def _connection_words(error: Exception) -> str:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer began"
    if isinstance(error, OSError) and error.strerror:
        # asyncio puts "Connect call failed" and the address in place of the system's reason.
        unnamed = error.strerror.startswith("Connect call failed")
        words = os.strerror(error.errno) if error.errno and unnamed else error.strerror
        return words[:1].lower() + words[1:]
    return str(error) or type(error).__name__
