"""What is kept of reactors, and of what people did with them."""

import asyncio
from pathlib import Path

from vigilia.drivers.reactor.keeper import Keeper
from vigilia.points import Origin
from vigilia.store import Store, accesslog
from vigilia.store.accesslog import Access
from vigilia.store.reactors import ReactorRow

ANA, BIA = Origin("web", "ana", "10.0.0.7"), Origin("web", "bia", "10.0.0.8")


async def test_of_two_who_act_on_one_reactor_at_once_both_are_on_record(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    keeper = Keeper(store)
    accepted, enrolled = ReactorRow("R1", 1.0, "ana"), ReactorRow("R1", 2.0, "bia", "hash")
    acts = [
        asyncio.create_task(keeper.keep_act(accepted, Access.REACTOR_ACCEPTED, ANA, 1.0)),
        asyncio.create_task(keeper.keep_act(enrolled, Access.REACTOR_ENROLLED, BIA, 2.0)),
    ]
    await asyncio.sleep(0)
    work = asyncio.create_task(keeper.run())
    await asyncio.gather(*acts)
    await keeper.keep_act(enrolled, Access.REACTOR_ENROLLED, ANA, 3.0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    said = [(row["event"], row["about"], row["user"]) for row in await accesslog.newest(store)]
    assert said == [
        ("reactor-enrolled", "R1", "ana"),
        ("reactor-enrolled", "R1", "bia"),
        ("reactor-accepted", "R1", "ana"),
    ]
    await store.close()


async def test_what_was_refused_is_not_said_to_have_been_done(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    keeper = Keeper(store)
    first, second = ReactorRow("R1", 1.0, "ana"), ReactorRow("R1", 2.0, "bia")
    acts = [
        asyncio.create_task(keeper.keep_act(first, Access.REACTOR_ACCEPTED, ANA, 1.0)),
        asyncio.create_task(keeper.keep_act(second, Access.REACTOR_ENROLLED, BIA, 2.0)),
    ]
    await asyncio.sleep(0)
    keeper.forget(first)
    work = asyncio.create_task(keeper.run())
    await asyncio.gather(*acts)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert [row["event"] for row in await accesslog.newest(store)] == ["reactor-enrolled"]
    await store.close()
