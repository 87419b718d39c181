"""A notice once more: as a row of its own that says so, and never two by accident."""

import asyncio

import pytest

from vigilia.errors import NoticeRefused, UnknownNotice
from vigilia.language import use
from vigilia.notices import Notice, NoticeKind
from vigilia.store import Store, notices, outbox
from vigilia.store.notices import NoticeFilter
from vigilia.store.repeating import repeat

NOW = 1_795_180_800.0
RAISED = Notice(NoticeKind.RAISED, "Relay failure", "UFV Sol", "Relay 1", NOW, facts=(("kWp", "9"),), alarm="a@p")
BOTH = ("teams", "apprise")


@pytest.fixture(autouse=True)
def _english() -> None:
    use("en")


async def queued(store: Store, notice: Notice = RAISED, *, sent: bool = True) -> int:
    async with store.writing() as connection:
        await outbox.queue(connection, [(notice, ("teams",))], NOW)
    row = (await outbox.waiting(store, "teams", 100))[-1]
    if sent:
        await send(store, row.id)
    return row.id


async def send(store: Store, number: int) -> None:
    cards = await outbox.claim(store, "teams", [[number]], NOW)
    assert cards
    await outbox.delivered(store, "teams", cards[0], NOW + 1)


async def test_it_is_a_new_row_that_says_what_it_is(store: Store) -> None:
    first = await queued(store)
    second = await repeat(store, first, BOTH, "ana", NOW + 100)
    assert second != first
    (row,) = await outbox.waiting(store, "teams", 10)
    assert (row.id, row.notice.title, row.card) == (second, "Repetition: Relay failure", None)
    assert row.notice.facts == (("Sent once more for", "ana"), ("kWp", "9"))
    assert (row.notice.line, row.notice.alarm, row.notice.kind) == ("Relay 1", "a@p", NoticeKind.RAISED)
    (shown,) = await notices.newest(store, NoticeFilter(number=second))
    assert (shown["repeats"], shown["state"], shown["channel"]) == (first, "waiting", "teams")


async def test_there_are_not_two(store: Store) -> None:
    first = await queued(store)
    second = await repeat(store, first, BOTH, "ana", NOW + 100)
    with pytest.raises(NoticeRefused, match=f"notice {second} says it once more already, and waits"):
        await repeat(store, first, BOTH, "bia", NOW + 1000)
    await send(store, second)
    with pytest.raises(NoticeRefused, match="less than a minute ago: wait 20 s"):
        await repeat(store, first, BOTH, "bia", NOW + 140)
    with pytest.raises(NoticeRefused, match="less than a minute ago"):
        await repeat(store, second, BOTH, "bia", NOW + 140)
    third = await repeat(store, second, BOTH, "bia", NOW + 160)
    (row,) = await outbox.waiting(store, "teams", 10)
    assert (row.notice.title, row.notice.facts[0][1]) == ("Repetition: Relay failure", "bia")
    assert (await notices.newest(store, NoticeFilter(number=third)))[0]["repeats"] == first


async def test_of_many_who_ask_at_once_one_is_heard(store: Store) -> None:
    first = await queued(store)
    answers = await asyncio.gather(
        *(repeat(store, first, BOTH, "ana", NOW + 100) for _ in range(10)), return_exceptions=True
    )
    assert [isinstance(answer, NoticeRefused) for answer in answers].count(False) == 1
    assert len(await outbox.waiting(store, "teams", 10)) == 1


async def test_what_waits_is_not_sent_twice(store: Store) -> None:
    first = await queued(store, sent=False)
    with pytest.raises(NoticeRefused, match=r"waits to be sent, and is tried again by itself$"):
        await repeat(store, first, BOTH, "ana", NOW)
    cards = await outbox.claim(store, "teams", [[first]], NOW)
    assert cards
    await outbox.failed(store, "teams", cards[0], "HTTP 429")
    with pytest.raises(NoticeRefused, match="its last attempt failed: HTTP 429"):
        await repeat(store, first, BOTH, "ana", NOW)
    assert len(await outbox.waiting(store, "teams", 10)) == 1


async def test_what_cannot_be(store: Store) -> None:
    with pytest.raises(UnknownNotice, match="no notice has the number 7"):
        await repeat(store, 7, BOTH, "ana", NOW)
    first = await queued(store)
    with pytest.raises(NoticeRefused, match="teams is not among the channels any more"):
        await repeat(store, first, ("apprise",), "ana", NOW)
    assert await outbox.waiting(store, "teams", 10) == []


async def test_a_repetition_whose_first_is_gone(store: Store) -> None:
    first = await queued(store)
    second = await repeat(store, first, BOTH, "ana", NOW + 100)
    await outbox.prune(store, NOW + outbox.KEPT_S + 50)
    assert await notices.newest(store, NoticeFilter(number=first)) == []
    await send(store, second)
    await repeat(store, second, BOTH, "bia", NOW + 500)
    (row,) = await outbox.waiting(store, "teams", 10)
    assert row.notice.title == "Repetition: Relay failure"
    assert row.notice.facts == (("Sent once more for", "bia"), ("kWp", "9"))


async def test_filters(store: Store) -> None:
    sent = await queued(store)
    other = Notice(NoticeKind.CLEARED, "x", "50%_Água", "y", NOW, alarm="b@p")
    failed = await queued(store, other, sent=False)
    cards = await outbox.claim(store, "teams", [[failed]], NOW)
    assert cards
    await outbox.failed(store, "teams", cards[0], "HTTP 429")
    waits = await queued(store, Notice(NoticeKind.HEARTBEAT, "x", "", "y", NOW), sent=False)
    for wanted, expected in (
        (NoticeFilter(), [waits, failed, sent]),
        (NoticeFilter(state="waiting"), [waits]),
        (NoticeFilter(state="failed"), [failed]),
        (NoticeFilter(state="sent"), [sent]),
        (NoticeFilter(kind="cleared"), [failed]),
        (NoticeFilter(area="ufv"), [sent]),
        (NoticeFilter(area="0%_"), [failed]),
        (NoticeFilter(area="%"), [failed]),
        (NoticeFilter(alarm="a@p"), [sent]),
        (NoticeFilter(channel="apprise"), []),
    ):
        assert [row["id"] for row in await notices.newest(store, wanted)] == expected, wanted
