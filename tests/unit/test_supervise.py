"""The owner of the tasks: a part that ends by itself ends the program, and nothing is left running."""

import asyncio

import pytest

from tests.conftest import until
from vigilia.clock import Clock
from vigilia.errors import ConnectionLost
from vigilia.link import Contact, Link
from vigilia.ownpoints import Counts, OwnPoints
from vigilia.points import Batch, Kind, Origin, Point, Reading, Sample, Severity, Status, Value
from vigilia.supervise import Supervisor
from vigilia.table import PointTable

RAW = Point("T1:Raw", Kind.INTEGER, "T1", "sw-1")


class NoJournal:
    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        return ""

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        pass


class Session:
    sessions = 0
    deadline_s = open_deadline_s = 5.0

    def __init__(self) -> None:
        self.log: list[str] = []

    async def open(self) -> None:
        self.log.append("open")

    async def close(self, *, lost: bool) -> None:
        self.log.append("close")


class Bench:
    def __init__(self) -> None:
        clock = Clock(speed=1000)
        self.table = PointTable(clock, NoJournal())
        self.table.add([RAW])
        self.session = Session()
        self.link = Link("sw-1", self.session, clock)
        own = OwnPoints("vigilia", [self.link], self.table, clock, Counts(int, int, int, int, int, float))
        self.table.add(own.points)
        self.supervisor = Supervisor(self.table, own, [self.link])
        self.stop = asyncio.Event()

    async def end(self) -> None:
        await self.supervisor.stop_links()
        await self.supervisor.stop_services()


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_it_waits_to_be_stopped_and_leaves_nothing_running() -> None:
    bench = Bench()
    bench.supervisor.start_service("idle", for_ever())
    await bench.supervisor.start_links()
    waiting = asyncio.create_task(bench.supervisor.wait_for(None, bench.stop))
    await until(lambda: bench.link.contact is Contact.CONNECTED)
    assert not waiting.done()
    bench.stop.set()
    await waiting
    await bench.end()
    assert bench.session.log == ["open", "close"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("error", [RuntimeError("a fault"), None])
async def test_a_service_that_ends_by_itself_ends_the_program(error: Exception | None) -> None:
    bench = Bench()

    async def service() -> None:
        if error:
            raise error

    bench.supervisor.start_service("journal", service())
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match=r"a fault|journal ended by itself"):
            await bench.supervisor.wait_for(None, bench.stop)
    await bench.end()


async def test_an_errand_may_end_and_one_that_fails_ends_the_program() -> None:
    bench = Bench()
    done = asyncio.Event()

    async def errand(error: Exception | None) -> None:
        done.set()
        if error:
            raise error

    bench.supervisor.start_errand("recall", errand(None))
    bench.supervisor.start_errand("endless", for_ever())
    waiting = asyncio.create_task(bench.supervisor.wait_for(None, bench.stop))
    await done.wait()
    assert not waiting.done()
    bench.supervisor.start_errand("recall", errand(RuntimeError("a fault")))
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="a fault"):
            await waiting
    await bench.end()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_link_that_fails_ends_the_program_and_is_not_forgotten() -> None:
    class Broken:
        async def take(self, batch: Batch) -> None:
            if any(sample.name == "vigilia:sw-1:Connected-Sts" and sample.reading.value for sample in batch.samples):
                raise RuntimeError("a consumer's fault")

    bench = Bench()
    bench.table.add_consumer(Broken())
    await bench.supervisor.start_links()
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="a consumer's fault"):
            await bench.supervisor.wait_for(None, bench.stop)
    await bench.end()
    assert bench.session.log[-1] == "close"


async def test_a_lost_link_marks_its_points_and_says_so() -> None:
    bench = Bench()
    await bench.supervisor.start_links()
    assert bench.table.reading("vigilia:sw-1:Connected-Sts").value == 0, "said before there was any contact"
    await until(lambda: bench.link.contact is Contact.CONNECTED)
    await bench.table.publish(Batch("test", [Sample(RAW.name, Reading(5, 1.0))]))

    async def cut() -> None:
        raise ConnectionLost("cut")

    viewer = bench.table.subscribe([RAW.name])
    await viewer.changes()
    with pytest.raises(Exception, match="cut"):
        await bench.link.write(cut)
    async with asyncio.timeout(5):
        reading = (await viewer.changes())[RAW.name]
    assert (reading.value, *reading[2:]) == (5, Severity.INVALID, Status.TIMEOUT)
    assert bench.table.reading("vigilia:sw-1:Error-Mon").value == "cut"
    await bench.end()
