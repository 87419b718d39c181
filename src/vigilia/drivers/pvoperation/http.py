"""HTTPS requests to the API: one attempt each, its whole answer, a deadline and a limit of size on both.

aiohttp's errors are translated here, and nowhere else. Redirects are not followed: they could carry the token away.
"""

import asyncio
import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from vigilia.drivers.pvoperation.loads import parse_json
from vigilia.errors import BadAnswer, ConnectionLost

_KEEP_ALIVE_S = 30.0
_RETRIED = frozenset((408, 429))


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, the headers that matter, and the body as it came."""

    status: int
    body: bytes
    request: str
    """What it answers: method and path, for messages."""
    retry_after: str = ""
    date: str = ""

    @property
    def is_worth_repeating(self) -> bool:
        """Whether the same request may well be answered better a little later."""
        return self.status in _RETRIED or self.status >= 500

    def retry_after_s(self, now: float) -> float | None:
        """Return the seconds the answer asks to wait, given as such or as a date; None where it does not ask."""
        text = self.retry_after.strip()
        if text.isascii() and text.isdecimal():
            return float(text[:9])
        try:
            until = parsedate_to_datetime(text).timestamp()
        except (ValueError, OverflowError):
            return None
        with suppress(ValueError, OverflowError):  # by the server's own clock: ours may differ, above all in a drill
            now = parsedate_to_datetime(self.date).timestamp()
        return max(0.0, until - now)

    def expect(self) -> "Answer":
        """Return the answer where it is a success. Raises BadAnswer for any other."""
        if not 200 <= self.status < 300:
            raise BadAnswer(f"status {self.status} ({self.request})")
        return self

    def json(self) -> Any:
        """Return the body as JSON. Raises BadAnswer where it is none. Not for a large one on the event loop."""
        return parse_json(self.body, self.request)


class Connections:
    """The TCP connections to the API, opened when needed and kept for a while."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._http: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        request: str,
        deadline_s: float,
        most_bytes: int,
        token: str | None = None,
        body: object = None,
    ) -> Answer:
        """Send one request and return its whole answer; `request` is what messages call it.

        Raises ConnectionLost where it is not complete within `deadline_s` real seconds, or was cut; BadAnswer where it
        is no HTTP, or larger than `most_bytes`.
        """
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["x-access-token"] = token
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else orjson.dumps(body)
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session().request(method, url, headers=headers, data=data, allow_redirects=False) as response,
            ):
                content = await _whole_body(response, most_bytes)
                found = response.headers
                return Answer(response.status, content, request, found.get("Retry-After", ""), found.get("Date", ""))
        except TimeoutError as error:
            raise TimedOut(f"no answer within {deadline_s:g} s ({request})") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise ConnectionLost(
                f"its certificate is not trusted ({error.certificate_error}): "
                "set SSL_CERT_FILE to a bundle with its authority"
            ) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise ConnectionLost(f"no connection ({request}: {_reason(error)})") from error
        except (aiohttp.ClientError, ValueError) as error:  # its own text may quote a header: the token
            raise BadAnswer(f"not an HTTP answer ({request}: {type(error).__name__})") from None

    async def close(self) -> None:
        """Close all connections; a later request opens others."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,  # the caller limits; a wait in here would count against the deadline
                    ssl=self._tls if self._tls is not None else True,
                    keepalive_timeout=_KEEP_ALIVE_S,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._http


class TimedOut(ConnectionLost):
    """No complete answer in time. It is not asked for again at once: it has had its time."""


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return type(error).__name__
    # asyncio puts "Connect call failed" and the address in place of the system's reason.
    unnamed = error.errno and error.strerror.startswith("Connect call failed")
    return os.strerror(error.errno or 0) if unnamed else error.strerror


async def _whole_body(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > most_bytes:
            response.close()
            raise BadAnswer(f"an answer of more than {most_bytes / 1e6:g} MB")
    return bytes(content)
