from pathlib import Path

from vigilia.notices import Notice, NoticeKind
from vigilia.store import Store
from vigilia.store.outbox import claim, delivered, failed, queue, waiting
from vigilia.store.tally import Tally, tally

NOW = 1_795_180_500.0


def notice(number: int) -> Notice:
    return Notice(NoticeKind.SERVICE, f"no. {number}", "", "line", NOW)


async def test_notices_are_counted(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    try:
        assert await tally(store) == Tally(0, 0, None)
        async with store.writing() as connection:
            await queue(connection, [(notice(1), ("teams",)), (notice(2), ("teams", "apprise"))], NOW)
        assert await tally(store) == Tally(3, 0, 3)
        rows = await waiting(store, "teams", 10)
        assert await claim(store, "teams", [[rows[0].id], [rows[1].id]], NOW) == [1, 2]
        await failed(store, "teams", 1, "500")
        await failed(store, "teams", 2, "500")
        assert await tally(store) == Tally(3, 2, 3)
        await delivered(store, "teams", 1, NOW)
        assert await tally(store) == Tally(2, 1, 3)
    finally:
        await store.close()
