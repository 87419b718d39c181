"""What reactors declared, on its way to the next start, while the store is slow, away, or back."""

import asyncio
from typing import cast

from tests.conftest import until
from vigilia.drivers.reactor.inventory import Inventory
from vigilia.drivers.reactor.remembering import Remembering
from vigilia.points import Batch
from vigilia.store import StoreError
from vigilia.table import PointTable


class Line:
    """A table whose consumers keep checkpoints when they are let; like the alarms' line, it forgets none."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.refusal = ""
        self.given: list[str] = []

    async def publish(self, batch: Batch) -> None:
        assert batch.checkpoint
        self.given.append(batch.checkpoint.key)
        await self.let.wait()
        if self.refusal:
            raise StoreError(self.refusal)


def remember(line: Line, kept: dict[str, Inventory]) -> Remembering:
    return Remembering(None, cast(PointTable, line), kept)


async def test_a_store_that_is_slow_is_given_each_thing_once() -> None:
    line, kept = Line(), dict[str, Inventory]()
    work = remember(line, kept)
    work.put(Inventory("R1", []))
    for _ in range(3):
        assert not await work._write(0.01)  # noqa: SLF001 - a try of `run`, which would take its time
    assert (line.given, work.failure) == (["parts:R1"], "it gave no answer in time")
    line.let.set()
    assert await work._write(5)  # noqa: SLF001
    assert (list(kept), line.given, work.failure) == (["R1"], ["parts:R1"], "")


async def test_what_a_store_refuses_is_given_to_it_again() -> None:
    line, kept = Line(), dict[str, Inventory]()
    line.refusal = "locked"
    line.let.set()
    work = remember(line, kept)
    work.put(Inventory("R1", []))
    running = asyncio.create_task(work.run())
    await until(lambda: work.failure == "locked")
    line.refusal = ""
    await until(lambda: not work.failure)
    assert (list(kept), line.given) == (["R1"], ["parts:R1"] * 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_stop_ends_what_the_store_never_answers() -> None:
    line = Line()
    work = remember(line, {})
    work.put(Inventory("R1", []))
    running = asyncio.create_task(work.run())
    await until(lambda: line.given)
    running.cancel()
    await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 5)
    assert line.given == ["parts:R1"]
