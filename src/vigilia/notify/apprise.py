"""Every other place: mail, Telegram, ntfy and what else Apprise knows. Plain text, made from the same card.

Apprise blocks, so each card is sent by a thread of its own. A place that took a card is not sent it again because
another did not.
"""

import asyncio
import importlib.util
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vigilia.errors import StartError
from vigilia.notify.cards import Card
from vigilia.notify.sender import NotDelivered
from vigilia.settings import Secret

DEADLINE_S = 60.0
"""Real seconds for one card to all places."""


class AppriseSender:
    """The channel "apprise"."""

    name = "apprise"
    mark = "[APPRISE] Falha ao enviar"

    def __init__(self, urls: Sequence[Secret], data_dir: Path) -> None:
        if importlib.util.find_spec("apprise") is None:
            raise StartError(
                "[notify.apprise] needs the package apprise, which is not installed: "
                "install vigilia with its extra, pip install 'vigilia[server]', or remove the section"
            )
        self._urls = urls
        self._data_dir = data_dir
        self._places: list[Callable[..., object]] = []
        self._taken: tuple[int | None, set[int]] = (None, set())
        """The number of the last card, and the places that took it."""
        self._busy = False

    def size(self, card: Card) -> int:
        """Return the bytes of the text."""
        return len(text_of(card).encode())

    async def send(self, card: Card) -> None:
        """Send a card to every place that has not taken it yet. Raises NotDelivered where one did not."""
        if self._busy:
            raise NotDelivered("the attempt before has not ended yet")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[list[int]] = loop.create_future()

        def work() -> None:
            try:
                result = self._send_to_all(card)
            except NotDelivered as error:
                result = error
            except Exception as error:  # noqa: BLE001 - plug-ins raise anything, and their words may hold an address
                result = NotDelivered(f"a fault in a plug-in of Apprise ({type(error).__name__})")
            self._busy = False
            _answer(loop, outcome, result)

        self._busy = True
        # Not in the pool that everybody shares: a place that hangs would take a thread from others, and hold the stop.
        threading.Thread(target=work, name="apprise", daemon=True).start()
        try:
            async with asyncio.timeout(DEADLINE_S):
                missed = await outcome
        except TimeoutError as error:
            raise NotDelivered(f"no answer within {DEADLINE_S:g} s") from error
        if missed:
            raise NotDelivered(
                f"not taken by number {', '.join(str(place + 1) for place in missed)} of [notify.apprise] urls"
            )

    async def close(self) -> None:
        """Nothing is held: a thread that still sends ends with the process."""

    def _send_to_all(self, card: Card) -> list[int]:
        """Send a card to every place, in a thread; return the indices of those that did not take it."""
        if not self._places:
            self._places = _open(self._urls)
        number, taken = self._taken
        if number != card.number or number is None:
            taken.clear()
            self._taken = (card.number, taken)
        content: dict[str, Any] = {"title": card.title, "body": text_of(card), "body_format": "text"}
        file = self._data_dir / card.attachment if card.attachment else None
        if file is not None and file.is_file():
            content["attach"] = str(file)
        taken.update(place for place, notify in enumerate(self._places) if place not in taken and notify(**content))
        return [place for place in range(len(self._places)) if place not in taken]


def text_of(card: Card) -> str:
    """Return what stands below the title, as plain text."""
    facts = [f"{title}: {text}" for title, text in card.facts]
    blocks = ("\n".join(card.lines), "\n".join(facts), "\n".join(filter(None, (card.footer, card.chart, card.link))))
    return "\n\n".join(block for block in blocks if block)


def _open(urls: Sequence[Secret]) -> list[Callable[..., object]]:
    """Return what sends to each of `urls`. Raises NotDelivered for one that Apprise does not understand."""
    import apprise

    # Its lines may hold addresses, which are secrets; what failed is told by its number.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    # Nothing is loaded from elsewhere: by itself a card has the address of a picture on a public host.
    asset = apprise.AppriseAsset(app_id="Vigilia", app_desc="Vigilia", app_url="", image_url_mask="", image_url_logo="")
    places: list[Callable[..., object]] = []
    for index, url in enumerate(urls, 1):
        place: Any = apprise.Apprise(asset=asset)
        if not place.add(url.get_secret_value()):
            raise NotDelivered(f"number {index} of [notify.apprise] urls is not an address that Apprise knows")
        places.append(place.notify)
    return places


def _answer(
    loop: asyncio.AbstractEventLoop, outcome: "asyncio.Future[list[int]]", result: "list[int] | NotDelivered"
) -> None:
    """Hand a result over to the loop, unless nobody waits for it any more."""

    def settle() -> None:
        if outcome.done():
            return
        if isinstance(result, NotDelivered):
            outcome.set_exception(result)
        else:
            outcome.set_result(result)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed: the program has ended
        return
