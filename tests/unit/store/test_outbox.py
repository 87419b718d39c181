"""The outbox: queued with its cause, claimed before it is sent, withdrawn only unseen, told to the end."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from vigilia.notices import Notice, NoticeKind
from vigilia.points import Severity
from vigilia.store import Store, StoreError, outbox, schema
from vigilia.store.marks import mark, marked

DAY = 86_400.0


def notice(kind: NoticeKind = NoticeKind.RAISED, incident: str = "i1", **more: str) -> Notice:
    facts = (("Capacity", "2500 kWp"),)
    return Notice(kind, "Falha", "UFV Açaí", "INV-1", 5.0, Severity.MAJOR, "pvoperation", facts, "a1", incident, **more)


async def queue(store: Store, *notices: Notice, channels: tuple[str, ...] = ("teams",), now: float = 10.0) -> int:
    async with store.writing() as connection:
        return await outbox.queue(connection, [(notice, channels) for notice in notices], now)


async def withdraw(store: Store, incident: str = "i1") -> bool:
    async with store.writing() as connection:
        return await outbox.withdraw(connection, incident)


async def test_a_notice_comes_back_as_it_was(store: Store) -> None:
    sent = notice(attachment="reports/w.xlsx")
    assert await queue(store, sent, channels=("teams", "apprise")) == 2
    (row,) = await outbox.waiting(store, "teams", 10)
    assert row == outbox.Waiting(1, sent, 10.0, None, 0)
    assert type(row.notice.kind) is NoticeKind
    assert type(row.notice.severity) is Severity


async def test_hostile_texts_do_not_break_the_transaction(store: Store) -> None:
    hostile = Notice(NoticeKind.RAISED, "T", "\ud800\x00\n" + "ç" * 30_000, "\ud800🔥" * 10_000, 1.0)
    await queue(store, hostile)
    mended = replace(hostile, area="??\n" + "ç" * 30_000, line="?🔥" * 10_000)
    assert (await outbox.waiting(store, "teams", 1))[0].notice == mended


async def test_nothing_is_queued_where_the_transaction_fails(store: Store) -> None:
    async def fail() -> None:
        async with store.writing() as connection:
            await outbox.queue(connection, [(notice(), ("teams",))], 1.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await outbox.backlog(store, ["teams"]) == (0, None)


async def test_without_a_channel_a_notice_is_a_log_line(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert await queue(store, notice(), channels=()) == 0
    assert "Falha - UFV Açaí: INV-1" in caplog.text


async def test_the_end_goes_where_the_beginning_went(store: Store) -> None:
    await queue(store, notice(), channels=("apprise",))
    await queue(store, notice(NoticeKind.CLEARED), channels=("teams",))
    assert await outbox.waiting(store, "teams", 10) == []
    assert [row.notice.kind for row in await outbox.waiting(store, "apprise", 10)] == ["raised", "cleared"]
    await queue(store, notice(NoticeKind.CLEARED, "taken over"), channels=("teams",))
    assert len(await outbox.waiting(store, "teams", 10)) == 1


async def test_numbers_go_up_by_channel_and_start_at_one(store: Store) -> None:
    for _ in range(3):
        await queue(store, notice(), channels=("teams", "apprise"))
    assert await outbox.claim(store, "teams", [[1], [3, 5]], 11.0) == [1, 2]
    assert await outbox.claim(store, "apprise", [[2]], 11.0) == [1]
    assert [(row.id, row.card) for row in await outbox.waiting(store, "teams", 10)] == [(1, 1), (3, 2), (5, 2)]
    assert await outbox.reclaim(store, "teams", [5], 12.0) == 3
    assert [(row.id, row.card) for row in await outbox.waiting(store, "teams", 10)] == [(1, 1), (3, 2), (5, 3)]


async def test_a_claim_is_all_or_nothing(store: Store) -> None:
    await queue(store, notice(), notice(incident="i2"))
    assert await withdraw(store, "i2")
    assert await outbox.claim(store, "teams", [[1], [2]], 11.0) is None
    assert [row.card for row in await outbox.waiting(store, "teams", 10)] == [None]
    assert await outbox.claim(store, "teams", [[1]], 11.0) == [1], "the number is not lost"
    assert await outbox.claim(store, "teams", [[1]], 11.0) is None


async def test_what_nobody_can_have_seen_is_withdrawn_whole(store: Store) -> None:
    await queue(store, notice(), notice(incident="i2"), channels=("teams", "apprise"))
    assert await withdraw(store)
    assert [row.notice.incident for row in await outbox.waiting(store, "teams", 10)] == ["i2"]
    assert [row.notice.incident for row in await outbox.waiting(store, "apprise", 10)] == ["i2"]
    assert await withdraw(store, "never heard of")


async def test_what_one_channel_claimed_stays_on_all(store: Store) -> None:
    await queue(store, notice(), channels=("teams", "apprise"))
    assert await outbox.claim(store, "apprise", [[2]], 11.0)
    assert not await withdraw(store)
    assert len(await outbox.waiting(store, "teams", 10)) == 1
    await outbox.delivered(store, "apprise", 1, 12.0)
    assert not await withdraw(store)


async def test_attempts_errors_and_delivery(store: Store) -> None:
    await queue(store, notice(), notice(), now=10.0)
    await queue(store, notice(), now=8.0)
    await outbox.claim(store, "teams", [[1, 2]], 11.0)
    await outbox.attempt(store, "teams", 1, [11.5])
    await outbox.failed(store, "teams", 1, "status 500\x1b" + "x" * 5000)
    assert [row.attempts for row in await outbox.waiting(store, "teams", 10)] == [1, 1, 0]
    assert await outbox.sent_lately(store, "teams") == [11.5]
    assert await outbox.sent_lately(store, "apprise") == []
    assert (await outbox.backlog(store, ["teams"]))[1] == 8.0
    await outbox.delivered(store, "teams", 1, 12.0)
    assert await outbox.backlog(store, ["teams", "apprise"]) == (1, 8.0)
    assert [row.id for row in await outbox.waiting(store, "teams", 10)] == [3]


async def test_old_deliveries_are_pruned_but_not_the_beginning_of_what_goes_on(store: Store) -> None:
    for incident in ("on", "over", "unknown", "young", "waits"):
        await queue(store, notice(incident=incident))
    await queue(store, notice(NoticeKind.HEARTBEAT, ""))
    numbers = await outbox.claim(store, "teams", [[1], [2], [3], [4], [6]], 1.0)
    for card in numbers or []:
        await outbox.delivered(store, "teams", card, 100 * DAY if card == 4 else DAY)
    columns = {"alarm": "a", "rule": "r", "system": "s", "point": "p", "device": "d", "area": "", "equipment": ""}
    texts = {"family": "", "label": "", "detail": "", "suppressed_by": ""}
    texts |= {"brief": False, "told": True, "outage": True, "found_at": 0.0}
    async with store.writing() as connection:
        for incident, ended in (("on", None), ("over", 2.0)):
            times = {"id": incident, "severity": 1, "began_at": 1.0, "last_seen_at": 1.0, "ended_at": ended}
            await connection.execute(insert(schema.incidents).values(**columns, **texts, **times))
    assert await outbox.prune(store, 101 * DAY) == 3
    async with store.writing() as connection:
        await connection.execute(update(schema.outbox).values(delivered_at=None))
    left = [row.notice.incident for row in await outbox.waiting(store, "teams", 10)]
    assert left == ["on", "young", "waits"]


async def test_marks(store: Store) -> None:
    assert await marked(store, "heartbeat") is None
    for slot in ("a", "b"):
        async with store.writing() as connection:
            await mark(connection, "heartbeat", {"slot": slot})
    assert await marked(store, "heartbeat") == {"slot": "b"}


async def test_a_store_that_is_gone_is_said(store: Store) -> None:
    async with store.writing() as connection:
        await connection.run_sync(schema.outbox.drop)
    with pytest.raises(StoreError):
        await outbox.waiting(store, "teams", 10)
