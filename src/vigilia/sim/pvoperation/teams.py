"""The Teams sink: takes cards as a Workflows webhook does, keeps them in order, and misbehaves when told."""

import asyncio
import hmac
import ssl
from collections import deque
from dataclasses import dataclass
from urllib.parse import parse_qs

from vigilia.clock import Clock
from vigilia.sim.aruba.rest import Answer
from vigilia.sim.pvoperation.cards import CardText, NoCardError, read_card
from vigilia.sim.pvoperation.disturb import json_answer, throttled
from vigilia.sim.pvoperation.faults import TEAMS_FAULTS, Fault, Faults
from vigilia.sim.pvoperation.serving import Call, Serving

LARGEST_CARD = 28 * 1024
"""Bytes; Microsoft's pages say "about 28 KB", and larger ones are answered 413."""
KEPT_CARDS = 20_000
DELIVERY_FAILED = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 "
    "with ContextId tcid=0,server=SIM,cv=sim.0."
)
"""What the old connector said with a 200 when the card was lost (MicrosoftDocs/msteams-docs)."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card that was taken: its number from 1, when (by the clock), its size in bytes, its body and its text."""

    number: int
    time: float
    size: int
    body: bytes
    text: CardText


class TeamsSink(Serving):
    """A Teams webhook on a socket: `async with TeamsSink(clock) as teams: … teams.url, teams.cards`.

    `secret` makes the address, which is opaque; the same one gives the same. With `tls` it is https.
    """

    name = "teams"

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        secret: str = "vigilia",  # noqa: S107 - of a simulation
        latency_s: float = 0.0,
    ) -> None:
        super().__init__(clock or Clock(), Faults(TEAMS_FAULTS), host, port, tls, latency_s)
        workflow = hmac.digest(secret.encode(), b"workflow", "sha256").hex()[:32]
        self._signature = hmac.digest(secret.encode(), b"signature", "sha256").hex()
        self._path = f"/powerautomate/automations/direct/workflows/{workflow}/triggers/manual/paths/invoke"
        self.cards: deque[Card] = deque(maxlen=KEPT_CARDS)
        self.taken = 0
        self.refused = 0
        self._came = asyncio.Event()

    @property
    def url(self) -> str:
        """The webhook's address, a secret like a real one."""
        return f"{self.origin}{self._path}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={self._signature}"

    async def after(self, number: int) -> list[Card]:
        """Wait for cards later than that number, and return them in order."""
        while self.taken <= number:
            self._came.clear()
            await self._came.wait()
        return [card for card in self.cards if card.number > number]

    def forget(self) -> None:
        """Drop the cards kept so far; their numbers go on."""
        self.cards.clear()

    def answer(self, call: Call, fault: Fault | None) -> Answer:
        """The answer to a POST: 202 without a body, or as the fault has it."""
        answer = self._refused(call) or (None if fault is None else self._faulty(fault))
        if answer is None and len(call.body) > LARGEST_CARD:
            answer = _message(413, f"the request is larger than {LARGEST_CARD} bytes")
        if answer is None:
            try:
                self._take(call.body)
            except NoCardError as error:
                answer = _message(400, str(error))
        if answer is not None:
            self.refused += 1
            return answer
        is_legacy = fault is not None and fault.kind == "legacy"
        return Answer(200, b"1", "text/plain") if is_legacy else Answer(202, content_type="text/plain")

    def _refused(self, call: Call) -> Answer | None:
        """The refusal of a request that is not for this webhook, or not allowed."""
        if call.path != self._path:
            return _message(404, "no such workflow")
        given = parse_qs(call.query).get("sig", [""])[0]
        if not hmac.compare_digest(given.encode(), self._signature.encode()):
            return _message(401, "the signature is not valid")
        return None if call.method == "POST" else _message(405, f"method {call.method} is not allowed")

    def _faulty(self, fault: Fault) -> Answer | None:
        """What a fault has a card answered with that is not taken, or None if it is."""
        match fault.kind:
            case "429":
                return throttled(fault, self.clock.now())
            case "500":
                return _message(500, "internal error")
            case "delivery-failed":
                return Answer(200, DELIVERY_FAILED.encode(), "text/plain")
            case "redirect":
                return Answer(307, headers=(("Location", fault.location or ""),))
            case _:
                return None

    def _take(self, body: bytes) -> None:
        text = read_card(body)
        self.taken += 1
        self.cards.append(Card(self.taken, self.clock.now(), len(body), body, text))
        self._came.set()


def _message(status: int, text: str) -> Answer:
    return json_answer(status, {"error": {"message": text}})
