"""The alarms' journal in both databases: filters, pages, what is kept."""

from dataclasses import replace

from vigilia.points import Origin, Severity
from vigilia.store import Store, alarmjournal
from vigilia.store.alarmjournal import JournalEntry, JournalEvent, JournalFilter, JournalPosition, newest, prune, write

ANA = Origin("web", "ana", "10.0.0.7")
NOW = 1_795_180_800.0


def entry(at: float, alarm: str = "a@p", event: JournalEvent = JournalEvent.RAISED, **other: object) -> JournalEntry:
    return replace(JournalEntry(NOW + at, alarm, event, Severity.MAJOR, "unacknowledged", "i-1"), **other)  # type: ignore[arg-type]


async def keep(store: Store, *entries: JournalEntry) -> None:
    async with store.writing() as connection:
        await write(connection, entries)


async def test_what_is_written_is_read(store: Store) -> None:
    whole = JournalEntry(
        NOW, "a@p", JournalEvent.SHELVED, Severity.MINOR, "shelved", "i-1", NOW - 1.5, ANA, "nul \0 é", NOW + 60,
        "b@p", "r59A", "teams", 7,
    )  # fmt: skip
    await keep(store, whole)
    assert await newest(store, JournalFilter()) == [replace(whole, id=1, comment="nul ? é")]


async def test_filters(store: Store) -> None:
    acted = {"event": JournalEvent.ACKNOWLEDGED, "by": ANA}
    await keep(store, entry(0), entry(1, "b@p", incident="i-2"), entry(2, **acted), entry(3, "b@p"))
    for wanted, expected in (
        (JournalFilter(), [3, 2, 1, 0]),
        (JournalFilter(alarm="b@p"), [3, 1]),
        (JournalFilter(incident="i-2"), [1]),
        (JournalFilter(event="acknowledged"), [2]),
        (JournalFilter(user="ana"), [2]),
        (JournalFilter(start=NOW + 1, end=NOW + 3), [2, 1]),
        (JournalFilter("a@p", start=NOW + 1), [2]),
        (JournalFilter("a"), []),
    ):
        assert [one.at - NOW for one in await newest(store, wanted)] == expected


async def test_pages_lose_and_repeat_nothing_where_times_are_the_same(store: Store) -> None:
    await keep(store, *(entry(n // 3, event=JournalEvent.RAISED, detail=str(n)) for n in range(10)))
    seen: list[str] = []
    before: JournalPosition | None = None
    while page := await newest(store, JournalFilter("a@p"), before=before, limit=2):
        seen += [one.detail for one in page]
        before = JournalPosition(page[-1].at, page[-1].id)
    assert seen == [str(n) for n in reversed(range(10))]


async def test_what_is_too_old_or_too_much_goes(store: Store, monkeypatch: object) -> None:
    await keep(store, entry(-alarmjournal.KEPT_S - 1), entry(-alarmjournal.KEPT_S + 1), entry(0), entry(1))
    assert await prune(store, NOW) == 1
    monkeypatch.setattr(alarmjournal, "MOST_KEPT", 2)  # type: ignore[attr-defined]
    assert await prune(store, NOW) == 1
    assert [one.at - NOW for one in await newest(store, JournalFilter())] == [1, 0]


async def test_nothing_is_nothing(store: Store) -> None:
    await keep(store)
    assert (await newest(store, JournalFilter()), await prune(store, NOW)) == ([], 0)
