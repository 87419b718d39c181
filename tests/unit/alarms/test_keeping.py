"""What the engine keeps while the store is away, who waits for it, and that nothing is lost, doubled or halved."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.alarms.rig import NOON, Rig, flags, pac, raw
from vigilia.alarms import keeper
from vigilia.points import Batch, Checkpoint
from vigilia.store.alarms import load_checkpoints
from vigilia.store.outbox import claim, waiting

I1, RA, PORT1 = "P:Inverter-1:Pac-Mon", "P:Relay-A-Sts", "sw-1:1:PwrState-Raw"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


async def test_while_the_store_is_away_only_a_batch_with_a_checkpoint_waits(rig: Rig) -> None:
    with rig.locked():
        held = asyncio.create_task(rig.publish(pac(0, 0), pac(5, 0), pac(10, 0)))
        await until(lambda: rig.engine.keeper.failure != "")
        for minute in range(11, 15):
            value = 6 if minute % 2 else 1
            await asyncio.wait_for(rig.table.publish(Batch("poe", [raw(minute, value)])), 1)
        assert not held.done()
        assert rig.engine.keeper.waiting == 5
        assert await load_checkpoints(rig.store, "pv") == {}
    await asyncio.wait_for(held, 10)
    await rig.engine.keeper.drain()
    assert rig.engine.keeper.failure == ""
    assert await load_checkpoints(rig.store, "pv") == {"P": NOON + 600}
    assert await rig.notices() == [f"raised {I1}", *[f"raised {PORT1}", f"cleared {PORT1}"] * 2]
    assert rig.told > 0


async def test_who_is_cancelled_while_waiting_leaves_no_half(rig: Rig) -> None:
    with rig.locked():
        held = asyncio.create_task(rig.publish(pac(0, 0), pac(5, 0), pac(10, 0)))
        await until(lambda: rig.engine.keeper.failure != "")
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
    await rig.engine.keeper.drain()
    assert await rig.notices() == [f"raised {I1}"]
    assert await load_checkpoints(rig.store, "pv") == {"P": NOON + 600}
    await rig.restart()
    await rig.publish(pac(15, 5), pac(20, 5), pac(25, 5))
    assert await rig.notices() == [f"raised {I1}", f"cleared {I1}"]


async def test_a_stop_in_the_middle_of_a_transaction_doubles_nothing(tmp_path: Path) -> None:
    for turns in range(0, 1200, 60):
        rig = Rig(tmp_path / str(turns))
        rig.path.mkdir()
        await rig.start()
        await rig.table.publish(Batch("poe", [raw(0, 6)]))
        for _ in range(turns):
            await asyncio.sleep(0)  # each time a little further on in the transaction
        await rig.stop_engine()
        await rig.engine.keeper.drain()
        assert await rig.notices() == [f"raised {PORT1}"]
        await rig.stop()


async def test_too_many_changes_make_who_publishes_wait(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "MOST_WAITING", 5)
    with rig.locked():
        await rig.table.publish(Batch("poe", [raw(0, 6)]))
        await until(lambda: rig.engine.keeper.failure != "")
        for minute in range(1, 4):
            await asyncio.wait_for(rig.table.publish(Batch("poe", [raw(minute, 1 if minute % 2 else 6)])), 1)
        held = [
            asyncio.create_task(rig.table.publish(Batch("poe", [raw(minute, 1 if minute % 2 else 6)])))
            for minute in range(4, 8)
        ]
        done, _ = await asyncio.wait(held, timeout=0.1)
        assert not done
    await asyncio.wait_for(asyncio.gather(*held), 10)
    await rig.engine.keeper.drain()
    assert await rig.notices() == [f"raised {PORT1}", f"cleared {PORT1}"] * 4


async def test_a_failure_taken_back_while_more_is_waiting_leaves_no_trace(rig: Rig) -> None:
    """It is over before the store could say that nobody was told of it: its end is not told either."""
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    first = asyncio.create_task(rig.table.publish(Batch("pv", [flags(11, "r59A")], checkpoint=Checkpoint("R", 1))))
    await until(lambda: rig.engine.keeper.waiting > 0)
    for _ in range(5):
        await asyncio.sleep(0)  # the transaction is under way
    late = [pac(15, 5), pac(20, 5), pac(25, 5)]
    second = asyncio.create_task(rig.table.publish(Batch("pv", late, checkpoint=Checkpoint("I", 1))))
    await asyncio.gather(first, second)
    assert await rig.notices() == [f"raised {RA}"]
    failed = next(i for i in await rig.incidents() if i.point == I1)
    assert not failed.told
    assert failed.ended_at is not None
    await rig.restart()
    assert rig.engine.alarms[f"inverter@{I1}"].plain
    await rig.publish(flags(26, ""), pac(30, 0), pac(35, 0), pac(40, 0))
    assert (await rig.notices())[2:] == [f"raised {I1}"]


async def test_what_is_kept_is_as_it_was_when_it_was_judged(rig: Rig) -> None:
    with rig.locked():
        held = asyncio.create_task(rig.publish(pac(0, 0), pac(5, 0)))
        await until(lambda: rig.engine.keeper.failure != "")
        row = rig.engine.keeper._line[0].alarms[f"inverter@{I1}"]  # noqa: SLF001 - what waits has no other face
        more = asyncio.create_task(rig.publish(pac(10, 0)))
        await until(lambda: rig.engine.keeper.waiting == 2)
        assert len(row.counters["times"]) == len(row.counters["sides"]) == 2
    await asyncio.gather(held, more)


async def test_a_claim_and_a_withdrawal_never_both_happen(rig: Rig) -> None:
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0))
    rows = await waiting(rig.store, "teams", 10)
    numbers, _ = await asyncio.gather(
        claim(rig.store, "teams", [[row.id for row in rows]], NOON), rig.publish(flags(11, "r59A"))
    )
    told = (await rig.notices())[0] == f"raised {I1}"
    assert told == (numbers is not None)
    failed = next(i for i in await rig.incidents() if i.point == I1)
    assert failed.told == told
    assert (failed.ended_at is None) == told


async def test_nobody_to_tell_is_no_error(rig: Rig) -> None:
    rig.channels = ()
    await rig.publish(pac(0, 0), pac(5, 0), pac(10, 0), pac(15, 5), pac(20, 5), pac(25, 5))
    assert await rig.notices() == []
    assert len(await rig.incidents()) == 1
