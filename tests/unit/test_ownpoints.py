"""What the watch says of itself, as points like any other."""

import asyncio
from datetime import datetime

from tests.conftest import until
from vigilia.clock import Clock, iso
from vigilia.errors import ConnectionLost
from vigilia.link import Contact, Link
from vigilia.ownpoints import Counts, OwnPoints
from vigilia.points import NEVER_READ, Batch, Kind, Origin, Point, Severity, Status, Value
from vigilia.scan import Scan
from vigilia.table import PointTable

GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
NO_CONTACT = (Severity.MAJOR, Status.STATE)


class Session:
    """Equipment that answers, until it is told not to."""

    sessions = 1
    deadline_s = open_deadline_s = 5.0
    answers = True

    async def open(self) -> None:
        if not self.answers:
            raise ConnectionLost("refused")

    async def close(self, *, lost: bool) -> None:
        pass

    async def read(self) -> None:
        await asyncio.sleep(0.001)
        if not self.answers:
            raise ConnectionLost("cut")


class NoJournal:
    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        return ""

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        pass


class Bench:
    def __init__(self, *names: str, restarts: int | None = None) -> None:
        self.clock = Clock(speed=100)
        self.table = PointTable(self.clock, NoJournal())
        self.session = Session()
        self.links = [Link(name, self.session, self.clock) for name in names]
        for link in self.links:
            link.add_scan(Scan("ports", 1.0, lambda: [self.session.read]))
        own = None if restarts is None else lambda: restarts
        counts = Counts(lambda: 123, lambda: 4, lambda: 5, lambda: 6, lambda: 7, lambda: 8.5, own, own)
        self.own = OwnPoints("vigilia", self.links, self.table, self.clock, counts)
        self.table.add(self.own.points)

    def value(self, name: str) -> Value | None:
        return self.table.reading(f"vigilia:{name}").value


async def test_the_points_of_the_service_and_of_each_link() -> None:
    names = [point.name for point in Bench("sw-1", "sw-2").own.points]
    of_link = (
        *("RoundTrip-Mon", "RoundTrip99-Mon", "Reconnects-Mon", "BadAnswers-Mon", "Sessions-Mon", "Queue-Mon"),
        *("Connected-Sts", "Since-Mon", "Error-Mon"),
    )
    assert names == [
        *("vigilia:Memory-Mon", "vigilia:Replaced-Mon", "vigilia:AuditWaiting-Mon", "vigilia:AuditDropped-Mon"),
        *("vigilia:AlarmsActive-Mon", "vigilia:AlarmsWaiting-Mon"),
        *("vigilia:NoticesWaiting-Mon", "vigilia:OldestNotice-Mon"),
        *(f"vigilia:sw-1:{suffix}" for suffix in of_link),
        *(f"vigilia:sw-2:{suffix}" for suffix in of_link),
    ]
    assert "vigilia:EpicsRestarts-Mon" in [point.name for point in Bench(restarts=0).own.points]


async def test_they_belong_to_no_link_that_could_be_lost() -> None:
    bench = Bench("sw-1")
    assert {point.link for point in bench.own.points} == {""}
    await bench.own.publish_contact(bench.links[0])
    before = dict(bench.table.snapshot())
    await bench.table.lose("sw-1")
    assert dict(bench.table.snapshot()) == before
    assert all(point.max_age_s is None and not point.writable for point in bench.own.points)


async def test_a_link_that_was_never_connected_is_a_major_alarm() -> None:
    bench = Bench("sw-1")
    await bench.own.publish_contact(bench.links[0])
    reading = bench.table.reading("vigilia:sw-1:Connected-Sts")
    assert (reading.value, reading[2:]) == (0, NO_CONTACT)
    assert bench.value("sw-1:Since-Mon") == iso(bench.links[0].since)


async def test_contact_and_its_loss_are_published_with_reason_and_time() -> None:
    bench = Bench("sw-1")
    link = bench.links[0]
    link.on_contact = bench.own.publish_contact
    viewer = bench.table.subscribe(["vigilia:sw-1:Connected-Sts"])
    await viewer.changes()
    run = asyncio.create_task(link.run())
    async with asyncio.timeout(10):
        while link.contact is not Contact.CONNECTED:
            await viewer.changes()
        reading = bench.table.reading("vigilia:sw-1:Connected-Sts")
        assert (reading.value, reading[2:]) == (1, GOOD)
        assert bench.table.point("vigilia:sw-1:Connected-Sts").label(1) == "Connected"
        since = bench.value("sw-1:Since-Mon")
        bench.session.answers = False
        while (await viewer.changes())["vigilia:sw-1:Connected-Sts"].value != 0:
            pass
    error = bench.table.reading("vigilia:sw-1:Error-Mon")
    assert error[2:] == NO_CONTACT
    assert error.value in ("cut", "refused")
    assert str(bench.value("sw-1:Since-Mon")) > str(since)
    assert datetime.fromisoformat(str(since)).tzinfo is not None
    bench.session.answers = True
    await link.stop()
    await run


async def test_gauges_are_published_each_second_and_what_is_not_known_stays_undefined() -> None:
    bench = Bench("sw-1", restarts=2)
    task = asyncio.create_task(bench.own.run())
    await until(lambda: bench.value("Memory-Mon") is not None)
    memory = bench.value("Memory-Mon")
    assert isinstance(memory, float)
    assert 5 < memory < 5000
    names = ("AuditWaiting-Mon", "AuditDropped-Mon", "EpicsRestarts-Mon")
    assert [bench.value(name) for name in names] == [123, 4, 2]
    assert (bench.value("sw-1:Sessions-Mon"), bench.value("sw-1:Queue-Mon")) == (1, 0)
    assert bench.table.reading("vigilia:sw-1:RoundTrip-Mon") == NEVER_READ, "no round trip yet is not zero"
    run = asyncio.create_task(bench.links[0].run())
    await until(lambda: bench.value("sw-1:RoundTrip-Mon") is not None)
    median, high = bench.value("sw-1:RoundTrip-Mon"), bench.value("sw-1:RoundTrip99-Mon")
    assert isinstance(median, float)
    assert isinstance(high, float)
    assert 1 <= median <= high < 5000
    await bench.links[0].stop()
    task.cancel()
    await asyncio.wait([run, task])


async def test_every_value_fits_its_point() -> None:
    bench, seen = Bench("sw-1", restarts=0), list[Batch]()

    class Recorder:
        async def take(self, batch: Batch) -> None:
            seen.append(batch)

    bench.table.add_consumer(Recorder())
    await bench.own.publish_contact(bench.links[0])
    task = asyncio.create_task(bench.own.run())
    await until(lambda: len(seen) >= 3)
    task.cancel()
    await asyncio.wait([task])
    kinds = {point.name: point.kind for point in bench.own.points}
    types = {Kind.NUMBER: float, Kind.INTEGER: int, Kind.ENUM: int, Kind.TEXT: str}
    for batch in seen:
        for name, reading, _ in batch.samples:
            assert type(reading.value) is types[kinds[name]], name
