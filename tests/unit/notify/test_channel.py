"""A channel from the outbox to a real webhook: outages, refusals, restarts, storms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import select

from tests.conftest import until
from tests.unit.notify.webhook import Webhook, failure, hang, listening, recovery, reset, status
from vigilia.clock import Clock
from vigilia.notices import Notice, NoticeKind
from vigilia.notify import channel as module
from vigilia.notify import teams
from vigilia.notify.channel import Channel
from vigilia.notify.config import BUDGET
from vigilia.notify.teams import TeamsSender
from vigilia.settings import Secret
from vigilia.store import Store, outbox, schema

FAST = 200.0
"""The clock's speed: gathering takes 25 ms, an hour 18 s."""
WINDOWS = [(count, float(seconds)) for count, seconds in BUDGET]


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wakes the channel here, unless the test is about that."""
    monkeypatch.setattr(module, "_LONGEST_IDLE_S", 0.05)


async def queue(store: Store, clock: Clock, *notices: Notice, channel: str = "teams") -> None:
    async with store.writing() as connection:
        await outbox.queue(connection, [(notice, (channel,)) for notice in notices], clock.now())


@asynccontextmanager
async def running(
    store: Store, url: str, clock: Clock, windows: list[tuple[int, float]] = WINDOWS
) -> AsyncIterator[Channel]:
    channel = Channel(TeamsSender(Secret(url), "adaptive"), windows, store, clock, "Vigilia", "")
    task = asyncio.create_task(channel.run())
    try:
        yield channel
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def delivered_all(store: Store) -> None:
    """Wait until everything in the outbox is recorded as delivered."""
    async with asyncio.timeout(30):
        while (await outbox.backlog(store, ["teams"]))[0]:  # noqa: ASYNC110 - the outbox has no event of its own
            await asyncio.sleep(0.01)


async def test_what_is_queued_is_told_and_recorded(store: Store, webhook: Webhook) -> None:
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock) as channel:
        await queue(store, clock, failure("A", "INV-1"), failure("A", "INV-2"), failure("B", "INV-1"))
        channel.wake()
        await until(lambda: channel.waiting == 3)
        assert channel.oldest_at is not None
        await delivered_all(store)
        await until(lambda: channel.waiting == 0)
        assert channel.oldest_at is None
    assert webhook.texts == [
        ["Falha de inversor – A", "INV-1: Pac 0", "INV-2: Pac 0", "no. 1 · Vigilia"],
        ["Falha de inversor – B", "INV-1: Pac 0", "no. 2 · Vigilia"],
    ]
    async with running(store, webhook.url, clock) as again:
        before = again.progressed
        await until(lambda: again.progressed > before)
    assert len(webhook.requests) == 2, "what was delivered is not told again by the next start"


async def test_an_outage_of_every_kind(store: Store, webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(teams, "DEADLINE_S", 1.0)
    webhook.answers = [
        status(500),
        hang,
        reset,
        status(200, "Webhook message delivery failed with error: 429"),
        status(307, "", {"Location": "/elsewhere"}),
        status(429, "", {"Retry-After": "3"}),
        status(404),
    ]
    failures = len(webhook.answers)
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock):
        await queue(store, clock, failure("A", "INV-1"))
        await queue(store, clock, recovery("A", "INV-1"))
        await delivered_all(store)
    monkeypatch.undo()
    assert webhook.titles == ["Falha de inversor – A", "Inversor normalizado – A"]
    numbers = [body["attachments"][0]["content"]["body"][-1]["text"] for _, body, _ in webhook.requests]
    assert numbers == ["no. 1 · Vigilia"] * (failures + 1) + ["no. 2 · Vigilia"], "a repetition has its number"
    marked = [record.message for record in caplog.records if "[TEAMS] Falha ao enviar webhook" in record.message]
    assert len(marked) == failures
    assert not [record for record in caplog.records if "s3cr" in record.getMessage() or "127.0.0.1" in record.message]


async def test_retry_after_is_obeyed(store: Store, webhook: Webhook) -> None:
    webhook.answers = [status(429, "", {"Retry-After": "100"})]
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock):
        await queue(store, clock, failure("A", "INV-1"))
        await delivered_all(store)
    assert (webhook.times[1] - webhook.times[0]) * FAST >= 100


async def test_a_kill_between_sending_and_recording_repeats_the_same_card(tmp_path: Path, webhook: Webhook) -> None:
    """The state on disk is what counts: claimed and sent, but not recorded."""
    url = f"sqlite:///{tmp_path}/vigilia.db"
    clock = Clock(speed=FAST)
    store = await Store.open(url)
    webhook.always = hang  # it has the card, and the service is killed before it hears so
    async with running(store, webhook.url, clock):
        await queue(store, clock, failure("A", "INV-1"), failure("A", "INV-2"))
        await until(lambda: len(webhook.requests) == 1)
    await store.close()

    store = await Store.open(url)
    webhook.always = status(202)
    await queue(store, clock, failure("A", "INV-3"))
    async with running(store, webhook.url, clock):
        await delivered_all(store)
    await store.close()
    first, again, new = (body for _, body, _ in webhook.requests)
    assert first == again
    assert webhook.texts[1] == ["Falha de inversor – A", "INV-3: Pac 0", "no. 2 · Vigilia"]
    assert new == webhook.accepted[1]


async def test_the_number_is_on_the_disk_before_the_first_attempt(store: Store, webhook: Webhook) -> None:
    seen: list[tuple[int | None, float | None]] = []

    async def look(_: object) -> object:
        async with store.reading() as connection:
            row = (await connection.execute(select(schema.outbox))).one()
            sent = await connection.scalar(select(schema.channels.c.sent))
        seen.append((row.card, row.delivered_at))
        assert row.attempts == 1
        assert len(sent) == 1
        return await status(200)(None)  # type: ignore[arg-type]

    webhook.always = look  # type: ignore[assignment]
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock):
        await queue(store, clock, failure("A", "INV-1"))
        await delivered_all(store)
    assert seen == [(1, None)]


async def test_a_card_that_is_refused_rests_and_others_go_on(store: Store, webhook: Webhook) -> None:
    async def picky(request: object) -> object:
        body = webhook.requests[-1][1]
        return await status(400 if "Poison" in str(body) and len(webhook.requests) < 6 else 202)(request)  # type: ignore[arg-type]

    webhook.always = picky  # type: ignore[assignment]
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock):
        await queue(store, clock, failure("Poison", "INV-1"))
        await until(lambda: len(webhook.requests) == 1)
        await queue(store, clock, failure("A", "INV-1"), recovery("Poison", "INV-1"))
        await delivered_all(store)
    assert webhook.titles == ["Falha de inversor – A", "Falha de inversor – Poison", "Inversor normalizado – Poison"]


async def test_a_card_too_large_for_the_channel_is_sent_in_halves(store: Store, webhook: Webhook) -> None:
    async def small(request: object) -> object:
        return await status(413 if webhook.requests[-1][2] > 1500 else 202)(request)  # type: ignore[arg-type]

    webhook.always = small  # type: ignore[assignment]
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock):
        await queue(store, clock, *(failure("A", f"INV-{number}", alarm=f"a{number}") for number in range(20)))
        await queue(store, clock, *(recovery("A", f"INV-{number}", alarm=f"a{number}") for number in range(20)))
        await delivered_all(store)
    lines = [line for texts in webhook.texts for line in texts[1:-1]]
    assert sorted(lines[:20]) == sorted(f"INV-{number}: Pac 0" for number in range(20))
    assert sorted(lines[20:]) == sorted(f"INV-{number}: 12 min" for number in range(20))
    assert len(webhook.accepted) > 2


async def test_one_notice_too_large_is_sent_without_its_facts(store: Store, webhook: Webhook) -> None:
    webhook.answers = [status(413)]
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock):
        await queue(store, clock, failure("A", "INV-1", facts=(("Nota", "x" * 200),)))
        await delivered_all(store)
    (body,) = webhook.accepted
    assert "FactSet" not in str(body)
    assert webhook.titles == ["Falha de inversor – A"]


async def test_a_storm_that_grows_costs_few_cards(store: Store, webhook: Webhook) -> None:
    """25 plants with 20 alarms each, one plant each second of the clock: not a card for each."""
    clock = Clock(speed=FAST)
    async with running(store, webhook.url, clock) as channel:
        for plant in range(25):
            names = (f"INV-{plant}-{number} desde 10:15 de 21/11/2026;" for number in range(20))
            await queue(store, clock, *(failure(f"UFV {plant}", name) for name in names))
            channel.wake()
            await clock.sleep(1.0)
        await delivered_all(store)
    assert len(webhook.accepted) <= 10
    assert max(size for _, _, size in webhook.requests) <= 20_000
    text = "\n".join(line for texts in webhook.texts for line in texts)
    assert all(text.count(f"INV-{plant}-{number} ") == 1 for plant in range(25) for number in range(20))


async def test_the_budget_outlives_a_restart(store: Store, webhook: Webhook) -> None:
    clock = Clock(speed=FAST)
    windows = [(2, 200.0)]
    beats = [Notice(NoticeKind.HEARTBEAT, "Heartbeat", "", str(number), 1.0) for number in range(3)]
    async with running(store, webhook.url, clock, windows):
        await queue(store, clock, *beats[:2])
        await delivered_all(store)
    async with running(store, webhook.url, clock, windows):
        await queue(store, clock, beats[2])
        await delivered_all(store)
    assert (webhook.times[2] - webhook.times[0]) * FAST >= 200


async def test_what_is_withdrawn_in_time_is_not_told(store: Store, webhook: Webhook) -> None:
    clock = Clock()
    async with running(store, webhook.url, clock) as channel:
        await queue(store, clock, failure("A", "INV-1"))
        channel.wake()
        await until(lambda: channel.waiting == 1)
        async with store.writing() as connection:
            assert await outbox.withdraw(connection, "i-A/INV-1")
        channel.wake()
        await until(lambda: channel.waiting == 0)
    assert webhook.requests == []


async def test_a_store_that_goes_away_is_said_once_and_waited_for(
    store: Store, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(speed=FAST)
    async with store.writing() as connection:
        await connection.run_sync(schema.outbox.drop)
    async with running(store, webhook.url, clock) as channel:
        before = channel.progressed
        await until(lambda: channel.progressed > before + 5)
        async with store.writing() as connection:
            await connection.run_sync(schema.outbox.create)
        await queue(store, clock, failure("A", "INV-1"))
        await delivered_all(store)
    assert caplog.text.count("the store does not answer") == 1
    assert len(webhook.accepted) == 1


async def test_a_fault_in_the_program_is_logged_and_not_the_end(
    store: Store, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(speed=FAST)
    await queue(store, clock, failure("A", "INV-1"))
    async with store.writing() as connection:
        await connection.execute(schema.outbox.update().values(notice={"kind": "unknown"}))
    async with running(store, webhook.url, clock):
        await until(lambda: "a fault" in caplog.text)
        async with store.writing() as connection:
            await connection.execute(schema.outbox.delete())
        await queue(store, clock, failure("B", "INV-1"))
        await delivered_all(store)
    assert webhook.titles == ["Falha de inversor – B"]


async def test_one_channel_that_hangs_does_not_hold_another(store: Store, webhook: Webhook) -> None:
    clock = Clock(speed=FAST)
    async with listening() as dead:
        dead.always = hang
        sender = TeamsSender(Secret(dead.url), "adaptive")
        sender.name = "apprise"
        other = Channel(sender, WINDOWS, store, clock, "Vigilia", "")
        task = asyncio.create_task(other.run())
        await queue(store, clock, failure("A", "INV-1"), channel="apprise")
        async with running(store, webhook.url, clock) as channel:
            await until(lambda: len(dead.requests) == 1)
            await queue(store, clock, failure("A", "INV-1"))
            channel.wake()
            await delivered_all(store)
        assert (await outbox.backlog(store, ["apprise"]))[0] == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_card_under_way_when_the_service_stops_is_recorded(store: Store, webhook: Webhook) -> None:
    clock = Clock(speed=FAST)
    stopped = asyncio.Event()

    async def slowly(request: web.Request) -> web.StreamResponse:
        await stopped.wait()
        return await status(202)(request)

    webhook.always = slowly
    await queue(store, clock, failure("A", "INV-1"))
    channel = Channel(TeamsSender(Secret(webhook.url), "adaptive"), WINDOWS, store, clock, "Vigilia", "")
    task = asyncio.create_task(channel.run())
    await until(lambda: len(webhook.requests) == 1)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    stopped.set()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled()
    assert (await outbox.backlog(store, ["teams"]))[0] == 0


async def test_a_channel_that_does_not_answer_holds_no_stop_up(
    store: Store, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FAREWELL_S", 0.1)
    clock = Clock(speed=FAST)
    webhook.always = hang
    await queue(store, clock, failure("A", "INV-1"))
    async with asyncio.timeout(teams.DEADLINE_S / 2), running(store, webhook.url, clock):
        await until(lambda: len(webhook.requests) == 1)
    assert (await outbox.backlog(store, ["teams"]))[0] == 1
    assert "it is sent again: no answer in time" in caplog.text


def test_waits_grow_are_bounded_and_differ() -> None:
    waits = [[module._backoff(failures) for _ in range(20)] for failures in (1, 3, 9, 50)]  # noqa: SLF001
    assert [max(some) <= most for some, most in zip(waits, (1, 4, 256, 300), strict=True)] == [True] * 4
    assert min(waits[3]) >= 150
    assert len(set(waits[2])) > 1


@pytest.mark.parametrize("turns", range(5))
async def test_it_ends_also_where_the_end_meets_a_wake(
    store: Store, webhook: Webhook, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_IDLE_S", 60.0)
    channel = Channel(TeamsSender(Secret(webhook.url), "adaptive"), WINDOWS, store, Clock(), "Vigilia", "")
    before = channel.progressed
    task = asyncio.create_task(channel.run())
    await until(lambda: channel.progressed > before)
    await asyncio.sleep(0)
    channel.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done
    assert task.cancelled()
