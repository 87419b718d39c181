"""The notifier as the app uses it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import until
from tests.unit.notify.webhook import Webhook, failure, recovery, status
from vigilia.clock import Clock, parse_clock
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.config import NotifyConfig
from vigilia.notify.heartbeat import Vitals
from vigilia.notify.notifier import Notifier
from vigilia.store import Store, StoreError, outbox, schema

ZONE = ZoneInfo("America/Sao_Paulo")


def make(store: Store, clock: Clock, teams: dict[str, Any] | None) -> Notifier:
    config = NotifyConfig.model_validate({"teams": teams} if teams else {})
    return Notifier(config, store, clock, "Vigilia", ZONE)


@asynccontextmanager
async def running(notifier: Notifier) -> AsyncIterator[None]:
    task = asyncio.create_task(notifier.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_from_the_engine_s_transaction_to_the_card(store: Store, webhook: Webhook) -> None:
    clock = Clock(speed=100)
    notifier = make(store, clock, {"webhook_url": webhook.url})
    async with running(notifier):
        for notice in (failure("A", "INV-1"), recovery("A", "INV-1")):
            async with store.writing() as connection:
                await outbox.queue(connection, [(notice, notifier.channels_for(notice))], clock.now())
            notifier.wake()
        await until(lambda: notifier.waiting > 0)
        assert notifier.oldest_unsent_s >= 0
        await until(lambda: len(webhook.accepted) == 2 and notifier.waiting == 0)
        assert notifier.oldest_unsent_s == 0
        assert clock.monotonic() - notifier.progress < notifier.longest_silence_s


async def test_a_channel_that_is_off_queues_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    notifier = make(store, Clock(), {"enabled": False})
    async with running(notifier):
        await notifier.tell(Notice(NoticeKind.SERVICE, "Monitor: falha ao salvar estado", "", "disk full", 1.0))
        assert notifier.waiting == 0
        assert notifier.oldest_unsent_s == 0
        assert notifier.progress > 0
    assert "Monitor: falha ao salvar estado: disk full" in caplog.text
    assert await outbox.backlog(store, ["teams"]) == (0, None)


async def test_heartbeats_through_a_day(store: Store, webhook: Webhook) -> None:
    """Two of them at their times, through a restart of the service at the very time of the second."""
    teams = {"webhook_url": webhook.url, "heartbeat_times": ["07:00", "12:00"]}
    clock = parse_clock("2026-03-10T06:30 x20000", ZONE)
    notifier = make(store, clock, teams)
    assert await notifier.last_heartbeat() is None
    await notifier.heartbeat(Vitals(), [])
    assert await outbox.backlog(store, ["teams"]) == (0, None), "none is due"
    async with running(notifier):
        for served in (1, 2):
            await asyncio.wait_for(notifier.wait_for_heartbeat(), 30)
            await notifier.heartbeat(Vitals(waiting=served), [])
            await notifier.heartbeat(Vitals(waiting=99), [])
        await until(lambda: len(webhook.accepted) == 2)
        last = await notifier.last_heartbeat()
    assert last is not None
    assert last >= parse_clock("2026-03-10T12:00", ZONE).now() - 1
    again = make(store, Clock(last + 1), teams)
    await again.heartbeat(Vitals(waiting=99), [])
    assert await outbox.backlog(store, ["teams"]) == (0, None), "that slot was served before the restart"
    assert webhook.titles == ["Heartbeat", "Heartbeat"]
    values = [str(body).count("'value': '99'") for body in webhook.accepted]
    assert values == [0, 0]


async def test_without_heartbeat_times_none_is_due(store: Store, webhook: Webhook) -> None:
    clock = Clock(speed=100_000)
    notifier = make(store, clock, {"webhook_url": webhook.url, "heartbeat_times": []})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(notifier.wait_for_heartbeat(), 1.0)


async def test_the_test_card(webhook: Webhook, tmp_path: Path) -> None:
    config = NotifyConfig.model_validate({"teams": {"webhook_url": webhook.url}})
    assert await Notifier.test_card(config, "Vigilia", "", tmp_path) == {"teams": ""}
    assert webhook.texts == [["Test card", "This channel works.", "Vigilia"]]
    webhook.always = status(403)
    assert await Notifier.test_card(config, "Vigilia", "", tmp_path) == {"teams": "status 403"}
    assert await Notifier.test_card(NotifyConfig(), "Vigilia", "", tmp_path) == {}


async def test_that_the_store_is_away_is_told_past_it(store: Store, webhook: Webhook) -> None:
    notifier = make(store, Clock(), {"webhook_url": webhook.url})
    async with store.writing() as connection:
        await connection.run_sync(schema.outbox.drop)
    service = Notice(NoticeKind.SERVICE, "Monitor: falha ao salvar estado", "", "disk full", 1.0)
    async with running(notifier):
        await notifier.tell(service)
        webhook.always = status(500)
        await notifier.tell(service)
        with pytest.raises(StoreError):
            await notifier.tell(failure("A", "INV-1"))
    assert webhook.texts == [["Monitor: falha ao salvar estado", "disk full", "Vigilia"]]
    assert len(webhook.requests) == 2


async def test_a_heartbeat_waits_for_a_store_that_is_away(store: Store, webhook: Webhook) -> None:
    clock = parse_clock("2026-03-10T06:59 x1000", ZONE)
    notifier = make(store, clock, {"webhook_url": webhook.url})
    async with store.writing() as connection:
        await connection.run_sync(schema.marks.drop)
    due = asyncio.create_task(notifier.wait_for_heartbeat())
    await clock.sleep(300)
    assert not due.done()
    async with store.writing() as connection:
        await connection.run_sync(schema.marks.create)
    await asyncio.wait_for(due, 10)
