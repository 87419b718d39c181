"""Sends cards to a Microsoft Teams webhook, and understands its answers.

The URL authorises whoever has it: no message holds any part of it.
"""

import asyncio
import math
import os
import re
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

import aiohttp
import orjson
from yarl import URL

from vigilia.errors import printable
from vigilia.notify.cards import Card
from vigilia.notify.sender import NotDelivered
from vigilia.notify.teams_cards import adaptive, message_card
from vigilia.settings import Secret

DEADLINE_S = 15.0
"""Real seconds for one request, from sending it to the last byte of its answer."""
LONGEST_RETRY_AFTER_S = 600.0
_LARGEST_ANSWER_BYTES = 65_536
_REFUSED = (400, 413)
"""What is wrong with the card. Anything else is wrong with the channel as a whole."""

_FAILED_ALL_THE_SAME = "webhook message delivery failed"
"""What a connector says in the body of an answer 200 (msteams-docs, `connectors-using.md`)."""
_TOO_MANY = re.compile(r"(?<![\w.:+-])429(?![\w:+-])|too many requests", re.IGNORECASE)


class TeamsSender:
    """The channel "teams"."""

    name = "teams"
    mark = "[TEAMS] Falha ao enviar webhook"

    def __init__(self, url: Secret, form: Literal["adaptive", "messagecard"]) -> None:
        self._url = URL(url.get_secret_value().strip(), encoded=True)  # opaque: nothing of it is written anew
        self._render = adaptive if form == "adaptive" else message_card
        self._http: aiohttp.ClientSession | None = None

    def size(self, card: Card) -> int:
        """Return the bytes of the request's body."""
        return len(orjson.dumps(self._render(card)))

    async def send(self, card: Card) -> None:
        """Post a card. Raises NotDelivered for every answer but success, and for none within DEADLINE_S."""
        body = orjson.dumps(self._render(card))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            async with (
                asyncio.timeout(DEADLINE_S),
                self._session().post(self._url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                if response.status == 202:
                    return  # queued: whatever follows says nothing more
                said = await response.content.read(_LARGEST_ANSWER_BYTES)
                _judge(response.status, response.headers, said.decode(errors="replace"))
        except TimeoutError as error:
            raise NotDelivered(f"no answer within {DEADLINE_S:g} s") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise NotDelivered("its certificate is not trusted: set SSL_CERT_FILE to its authority") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDelivered(_connection_words(error)) from None  # their own words may quote the URL

    async def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            # Cards are rare, and a connection that was kept may be dead: each request has its own.
            connector = aiohttp.TCPConnector(ssl=_trust(), force_close=True, limit=1)
            self._http = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._http


def _judge(status: int, headers: Mapping[str, str], said: str) -> None:
    """Raise NotDelivered unless the answer means success."""
    if status == 200:
        if _FAILED_ALL_THE_SAME in said.lower() or _TOO_MANY.search(said):
            raise NotDelivered(f"status 200, but: {printable(said[:200])}")
        return
    if 300 <= status < 400:
        raise NotDelivered(f"status {status}: it points elsewhere, and is not followed")
    raise NotDelivered(
        f"status {status}",
        retry_after_s=_retry_after(headers) if status in (429, 503) else None,
        refused=status in _REFUSED,
        too_large=status == 413,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for, given as such or as a date (RFC 9110 10.2.3), within bounds.

    A date is compared with the answer's own `Date`, so that a clock that goes wrong here, or runs faster, is no matter.
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        moment = _http_date(text)
        if moment is None:
            return None
        seconds = moment - (_http_date(headers.get("Date", "")) or time.time())
    return None if math.isnan(seconds) else min(LONGEST_RETRY_AFTER_S, max(1.0, seconds))


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _trust() -> ssl.SSLContext:
    """Return whom to trust: the machine's authorities, or those of the two environment names already in use."""
    context = ssl.create_default_context()  # OpenSSL itself reads SSL_CERT_FILE
    bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    if bundle and not os.environ.get("SSL_CERT_FILE"):
        try:
            context.load_verify_locations(bundle)
        except OSError as error:
            raise NotDelivered(f"REQUESTS_CA_BUNDLE cannot be read ({error.strerror or 'no certificates'})") from error
    return context


def _connection_words(error: Exception) -> str:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer began"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        words = os.strerror(error.errno)
        return words[:1].lower() + words[1:]
    return f"no connection ({type(error).__name__})"
