"""One request to the appliance over HTTP: its whole answer, with a deadline. aiohttp's errors are translated here."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from vigilia.errors import StartError, VigiliaError, printable

_LARGEST_ANSWER_BYTES = 10_000_000
_LONGEST_REASON = 200
_OWN_PATHS = ("/mgmt", "/retrieval")


class ArchiverError(VigiliaError):
    """The appliance gave no answer that can be used."""


class NoArchiver(ArchiverError):
    """The appliance gave no answer at all."""


def address_of(url: str) -> str:
    """Return the appliance's address without the path of one of its parts. Raises StartError."""
    wrong = StartError(f"{printable(url[:100])!r} is not the address of an archiver: write http://HOST:17665")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong from None
    if not valid or parts.username is not None or parts.query or parts.fragment:
        raise wrong
    path = parts.path.rstrip("/")
    for own in _OWN_PATHS:
        path = path.partition(own)[0]
    return f"{parts.scheme}://{parts.netloc}{path}"


class Appliance:
    """The connections to one appliance: `async with connected(url) as appliance`."""

    def __init__(self, address: str, http: aiohttp.ClientSession) -> None:
        self.address = address
        self._http = http

    async def post(self, path: str, **options: Any) -> bytes:
        """Return the body of the answer to a POST. Raises NoArchiver, or ArchiverError for any but a 200."""
        url = URL(f"{self.address}{path}", encoded=True)
        try:
            async with self._http.post(url, allow_redirects=False, **options) as answer:
                body = await self._whole_body(answer)
                if answer.status != 200:
                    said = printable(body[:_LONGEST_REASON].decode(errors="replace").strip())
                    raise ArchiverError(f"the archiver at {self.address} answered {answer.status} to {path}: {said}")
                return body
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            why = printable(str(error)) or "it gave no answer in time"
            raise NoArchiver(f"the archiver at {self.address} cannot be reached: {why}") from error

    async def _whole_body(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > _LARGEST_ANSWER_BYTES:
                answer.close()
                most = _LARGEST_ANSWER_BYTES // 1_000_000
                raise ArchiverError(f"the archiver at {self.address} gave an answer of more than {most} MB")
        return bytes(body)


@asynccontextmanager
async def connected(url: str, timeout_s: float) -> AsyncGenerator[Appliance]:
    """Give the appliance at `url`; each request has `timeout_s`. Raises StartError for what is no address."""
    address = address_of(url)
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Appliance(address, http)
