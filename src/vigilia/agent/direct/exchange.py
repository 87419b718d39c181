"""One request to an HTTP server, and its whole answer: by the standard library, in a thread, with a deadline on all.

A Pi has no room for more. Redirects are not followed: they would take the password along.
"""

import asyncio
import http.client
import json
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from vigilia.agent.direct.rows import DirectError
from vigilia.errors import printable
from vigilia.redaction import redact

_WHOLE_S = 30.0
_STEP_S = 10.0
"""For the connection, and for each piece of an answer."""
_LARGEST_ANSWER = 64_000
_LONGEST_REASON = 400


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes

    @cached_property
    def reason(self) -> str:
        """What the server said of an error, in a line; nothing where it is a page for people, as a proxy gives."""
        said: object = ""
        try:
            said = json.loads(self.body).get("error", "")
        except (ValueError, AttributeError):
            if self.headers.get("content-type", "").startswith("text/plain"):
                said = self.body.decode(errors="replace")
        return redact(printable(said.strip()[:_LONGEST_REASON])) if isinstance(said, str) else ""


class Exchange:
    """Requests to one server, each over a connection of its own."""

    def __init__(
        self, name: str, tls: bool, host: str, port: int | None, path: str, headers: Mapping[str, str]
    ) -> None:
        """`path` begins that of every request; `headers` go along with every one, and are secret."""
        self._name = name
        self._tls = ssl.create_default_context() if tls else None
        self._host, self._port, self._path = host, port, path
        self._headers = headers

    async def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a request. Raises DirectError where there is none, or one that is about the way."""
        connection = self._connection()
        try:
            async with asyncio.timeout(_WHOLE_S):
                answer = await asyncio.to_thread(self._ask, connection, method, path, body, headers or {})
        except TimeoutError as error:
            raise self.error("no answer in time") from error
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise self.error(_words(error)) from error
        finally:
            _hang_up(connection)  # which ends the thread as well, where it is still at work
        self._check_way(answer)
        return answer

    def error(self, what: str) -> DirectError:
        """Return an error that names the database."""
        return DirectError(f"the history at {self._name}: {what}")

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=_STEP_S, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=_STEP_S)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        connection.request(method, self._path + path, body, {**self._headers, **headers, "Connection": "close"})
        response = connection.getresponse()
        found = response.read(_LARGEST_ANSWER)
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, found)

    def _check_way(self, answer: Answer) -> None:
        """Raise DirectError for an answer that says nothing of what was sent."""
        status = answer.status
        if status == 401 or (status == 403 and not answer.reason):
            raise self.error("it does not let us in: check user and password in the address that the server tells")
        if status == 403:
            raise self.error(f"the user may not do that ({answer.reason}): give it the right to write")
        if 300 <= status < 400:
            raise self.error("it points elsewhere, which is not followed: the server is to tell the address itself")
        if status == 429 or status >= 500:
            raise self.error(f"status {status}" + (f": {answer.reason}" if answer.reason else ""))


def _hang_up(connection: http.client.HTTPConnection) -> None:
    held: socket.socket | None = connection.sock
    if held is not None:
        with suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)
    connection.close()


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        words = os.strerror(error.errno)
        return words[:1].lower() + words[1:]
    return f"no answer that could be read ({type(error).__name__})"
