"""Figures of the alarm system, from both databases, against a count by hand and by a slow and simple way."""

import random
from collections import Counter
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from tests.unit.reports.made import incident
from vigilia.points import Severity
from vigilia.store import Store, schema
from vigilia.store.figures import Figures, RateBucket, figures
from vigilia.store.incidents import Incident

FULL = 1_795_179_600.0
"""A full hour."""
DAY = 86_400.0


async def keep(store: Store, *found: Incident) -> None:
    async with store.writing() as connection:
        await connection.execute(insert(schema.incidents), [asdict(one) for one in found])


def raised(at: float, alarm: str = "a@p", ended_at: float | None = FULL, **other: Any) -> Incident:
    values = {"id": f"{alarm} {at}", "alarm": alarm, "found_at": at, "began_at": at} | other
    return incident(values.pop("began_at"), ended_at, **values)


async def test_nothing_happened(store: Store) -> None:
    found = await figures(store, FULL, FULL + 1200)
    assert (found.total, found.mean, found.most, found.flood_share, found.standing, found.stale_count) == (0,) * 6
    assert found.buckets == [RateBucket(FULL, 0, 0), RateBucket(FULL + 600, 0, 0)]
    assert (found.top, found.chattering, found.stale, found.per_severity) == ([], [], [], {})


async def test_rates_and_floods(store: Store) -> None:
    first = [raised(FULL + n, f"a{n}@p") for n in range(11)]
    second = [raised(FULL + 600 + n, f"b{n}@p", severity=Severity.MINOR) for n in range(10)]
    outside = [raised(FULL - 0.5), raised(FULL + 1800)]
    quiet = [raised(FULL + 30, told=False), raised(FULL + 31, told=False, brief=True)]
    await keep(store, *first, *second, *outside, *quiet)
    found = await figures(store, FULL + 200, FULL + 1800)
    assert (found.start, found.end, found.total, found.periods, found.bucket_s) == (FULL, FULL + 1800, 21, 3, 600)
    assert (found.mean, found.most, found.floods) == (7.0, 11, 1), "ten are no flood, eleven are"
    assert found.flood_share == pytest.approx(1 / 3)
    assert [bucket.count for bucket in found.buckets] == [11, 10, 0]
    assert found.per_severity == {Severity.MAJOR: 11, Severity.MINOR: 10}


async def test_a_long_time_comes_in_wider_buckets_which_say_their_worst(store: Store) -> None:
    await keep(store, *(raised(FULL + 900 + n, f"a{n}@p") for n in range(12)), raised(FULL + 3000))
    found = await figures(store, FULL, FULL + 30 * DAY)
    assert (found.bucket_s, len(found.buckets)) == (3600, 720)
    assert found.buckets[0] == RateBucket(FULL, 13, 12)
    assert sum(bucket.count for bucket in found.buckets) == found.total == 13
    later = await figures(store, FULL + 1200, FULL + 30 * DAY)
    assert later.buckets[0] == RateBucket(FULL + 1200, 1, 1), "its first hour is cut"


async def test_the_top_ten_and_their_shares(store: Store) -> None:
    rows = [raised(FULL + 100 * n + m, f"{n:02}@p") for n in range(12) for m in range(n)]
    newest = raised(FULL + 5000, "11@p", area="new name", severity=Severity.MINOR)
    await keep(store, *rows, newest)
    found = await figures(store, FULL, FULL + 6000)
    assert [(one.source.alarm, one.count) for one in found.top] == [("11@p", 12)] + [
        (f"{n:02}@p", n) for n in range(10, 1, -1)
    ]
    assert found.top[0].share == pytest.approx(12 / 67)
    assert (found.top[0].source.area, found.top[0].source.severity) == ("new name", Severity.MINOR)


async def test_what_chatters(store: Store) -> None:
    def row(alarm: str, *moments: float) -> list[Incident]:
        return [raised(FULL + moment, alarm) for moment in moments]

    await keep(
        store,
        *row("twice@p", 0, 30, 61, 92),
        *row("thrice@p", 0, 30, 60, 3000),
        *row("often@p", 100, 110, 120, 130, 500, 520, 540),
        *row("across the end@p", -20, 10, 20),
    )
    found = await figures(store, FULL, FULL + 3600)
    assert [(c.source.alarm, c.most_per_minute, c.count, c.last - FULL) for c in found.chattering] == [
        ("often@p", 4, 7, 540),
        ("thrice@p", 3, 4, 60),
    ]


async def test_what_is_stale_and_what_stands(store: Store) -> None:
    await keep(
        store,
        raised(FULL - DAY, "a day@p", None),
        raised(FULL - DAY + 1, "less@p", None),
        raised(FULL - 5 * DAY, "later over@p", FULL + 10),
        raised(FULL - 5 * DAY, "over@p", FULL),
        raised(FULL - 5 * DAY, "untold@p", None, told=False),
        raised(FULL + 1, "yet to come@p", None, began_at=FULL - 3 * DAY),
    )
    found = await figures(store, FULL - 600, FULL)
    assert [one.source.alarm for one in found.stale] == ["later over@p", "a day@p"]
    assert (found.stale_count, found.standing) == (2, 4)
    assert found.stale[0].since == FULL - 5 * DAY


def slowly(rows: list[Incident], start: float, end: float) -> tuple[Any, ...]:
    """The same by going through all of them."""
    shown = sorted((r for r in rows if start <= r.found_at < end and r.told), key=lambda r: r.found_at)
    periods = Counter(int(r.found_at // 600) for r in shown)
    chatter: dict[str, int] = {}
    for one in shown:
        within = sum(o.alarm == one.alarm and one.found_at - 60 <= o.found_at <= one.found_at for o in shown)
        chatter[one.alarm] = max(chatter.get(one.alarm, 0), within)
    return (
        len(shown),
        max(periods.values(), default=0),
        sum(count > 10 for count in periods.values()),
        {alarm: count for alarm, count in chatter.items() if count >= 3},
        sorted(Counter(r.alarm for r in shown).values(), reverse=True)[:10],
        sum(r.found_at < end and (r.ended_at is None or r.ended_at > end) for r in rows),
    )


def quickly(found: Figures) -> tuple[Any, ...]:
    return (
        found.total,
        found.most,
        found.floods,
        {one.source.alarm: one.most_per_minute for one in found.chattering},
        [one.count for one in found.top],
        found.standing,
    )


@pytest.mark.parametrize("seed", range(3))
async def test_they_are_those_of_a_count_by_hand(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    rows: list[Incident] = []
    for number in range(400):
        at = FULL + chance.choice([chance.random() * 9000, 3000 + chance.random() * 300])
        ended = chance.choice([None, at + chance.random() * 3000])
        rows.append(raised(at, f"{chance.randrange(40)}@p", ended, id=str(number), told=chance.random() < 0.8))
    await keep(store, *rows)
    for start, end in ((FULL, FULL + 9000), (FULL + 600, FULL + 4321.5)):
        assert quickly(await figures(store, start, end)) == slowly(rows, start, end)


async def test_no_figure_of_a_short_time_reads_the_whole_table(tmp_path: Any) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    statements: list[str] = []
    try:

        def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            for value in parameters:
                shown = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
                statement = statement.replace("?", shown, 1)
            statements.append(statement)

        async with store.reading() as connection:
            engine = connection.engine.sync_engine
        event.listen(engine, "before_cursor_execute", hear)
        await figures(store, FULL, FULL + 600)
        event.remove(engine, "before_cursor_execute", hear)
        asked = [statement for statement in statements if "incidents" in statement]
        assert len(asked) >= 6
        async with store.reading() as connection:
            for statement in asked:
                plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))).all()
                assert not any(row[3].startswith("SCAN incidents") for row in plan), (statement, plan)
    finally:
        await store.close()
