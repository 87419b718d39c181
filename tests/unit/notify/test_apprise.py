"""Other places through Apprise: plain text, attachments, no place told twice, and nothing that hangs."""

import asyncio
import base64
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from vigilia.notify import apprise
from vigilia.notify.apprise import AppriseSender, text_of
from vigilia.notify.cards import Card, Tone
from vigilia.notify.sender import NotDelivered
from vigilia.settings import Secret

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise's own plug-ins
CARD = Card("Falha de relé – UFV A", Tone.ATTENTION, ("R1", "R2"), (("kWp", "5"),), 7, "Vigilia", "https://v.example/")


class Places:
    """Receivers of Apprise's JSON, one for each path."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.fail: set[str] = set()
        self.stuck = asyncio.Event()
        self.stuck.set()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        await self.stuck.wait()
        self.got.append((request.path, body))
        return web.Response(status=500 if request.path in self.fail else 200)

    def url(self, path: str) -> Secret:
        return Secret(f"json://user:s3cret@127.0.0.1:{self.port}/{path}")


@asynccontextmanager
async def serving() -> AsyncIterator[Places]:
    places = Places()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/{tail:.*}", places.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    places.port = runner.addresses[0][1]
    yield places
    await runner.cleanup()


@pytest.fixture
async def places() -> AsyncIterator[Places]:
    async with serving() as places:
        yield places


async def test_a_card_as_text_with_its_file(places: Places, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "week.xlsx").write_bytes(b"table")
    sender = AppriseSender([places.url("a")], tmp_path)
    await sender.send(Card(CARD.title, CARD.tone, CARD.lines, CARD.facts, 7, "Vigilia", attachment="reports/week.xlsx"))
    ((_, body),) = places.got
    assert body["title"] == CARD.title
    assert body["message"] == "R1\nR2\n\nkWp: 5\n\nno. 7 · Vigilia"
    (file,) = body["attachments"]
    assert base64.b64decode(file["base64"]) == b"table"
    assert sender.size(CARD) == len(text_of(CARD).encode())


async def test_a_place_that_took_a_card_is_not_told_again(
    places: Places, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sender = AppriseSender([places.url("good"), places.url("bad")], tmp_path)
    places.fail = {"/bad"}
    with pytest.raises(NotDelivered, match="not taken by number 2 of"):
        await sender.send(CARD)
    places.fail = set()
    await sender.send(CARD)
    assert [path for path, _ in places.got] == ["/good", "/bad", "/bad"]
    await sender.send(Card("next", Tone.GOOD, (), number=8))
    assert len(places.got) == 5
    assert "s3cret" not in caplog.text


async def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotDelivered, match=r"number 1 of .* is not an address") as raised:
        await AppriseSender([Secret("nonsense://s3cret")], tmp_path).send(CARD)
    assert "s3cret" not in str(raised.value)


async def test_a_place_that_hangs_is_left_alone(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apprise, "DEADLINE_S", 0.3)
    sender = AppriseSender([places.url("a")], tmp_path)
    places.stuck.clear()
    with pytest.raises(NotDelivered, match=r"no answer within 0.3 s"):
        await sender.send(CARD)
    with pytest.raises(NotDelivered, match="has not ended yet"):
        await sender.send(CARD)
    places.stuck.set()
    async with asyncio.timeout(10):
        while any(thread.name == "apprise" for thread in threading.enumerate()):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
    monkeypatch.setattr(apprise, "DEADLINE_S", 10.0)
    await sender.send(CARD)
    assert len(places.got) == 1, "the late success counts"
