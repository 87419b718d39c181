import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from tests.archiver_appliance import Archived, ArchiverAppliance

from vigilia.interfaces.epics.archiver.http import ArchiverError, NoArchiver
from vigilia.interfaces.epics.archiver.retrieval import ArchivedReadings
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.points import Reading, Severity, Status

AT = 1_800_000_000.0


async def test_gives_what_it_knows_by_the_names_of_the_points() -> None:
    async with ArchiverAppliance(pvs={"X:Paused": Archived()}) as archiver:
        archiver.saw("X:T_1:Sel", 1)
        archiver.saw("X:T2:Sel", 0.0, severity=3, status=2)
        names = ["T 1:Sel", "T2:Sel", "T3:Sel", "Paused"]
        found = await ArchivedReadings(EpicsConfig(prefix="X:")).last(archiver.url, names, AT, 5.0)
        (_, (asked, query)) = archiver.requests[0]
    assert found == {
        "T 1:Sel": Reading(1, 1_700_000_000.0),
        "T2:Sel": Reading(0, 1_700_000_000.0, Severity.INVALID, Status.WRITE),
    }
    assert asked == ["X:T_1:Sel", "X:T2:Sel", "X:T3:Sel", "X:Paused"]
    assert query["at"] == "2027-01-15T08:00:00.000Z"


async def test_what_is_no_reading_is_left_out() -> None:
    async with ArchiverAppliance() as archiver:
        for number, item in enumerate(
            ({}, {"val": None, "secs": 1}, [1], "x", {"val": 1, "secs": 1, "severity": 9, "status": 0})
        ):
            archiver.pvs[f"T{number}"] = Archived(value=item or {"no": 1})  # type: ignore[arg-type]
        archiver.saw("T9", 1, status=14)
        names = [*(f"T{number}" for number in range(5)), "T9"]
        found = await ArchivedReadings(None).last(archiver.url, names, AT, 5.0)
    assert found == {"T9": Reading(1, 1_700_000_000.0, Severity.NO_ALARM, Status.UDF)}


async def test_a_thousand_ports_are_asked_for_in_parts() -> None:
    async with ArchiverAppliance() as archiver:
        names = [f"T{number}" for number in range(2500)]
        for name in names:
            archiver.saw(name, 1)
        assert len(await ArchivedReadings(None).last(archiver.url, names, AT, 10.0)) == 2500
        assert len(archiver.requests) == 3


async def test_one_that_takes_too_long_is_given_up() -> None:
    async with ArchiverAppliance(delay_s=60.0) as archiver:
        async with asyncio.timeout(10):
            with pytest.raises(NoArchiver, match=r"no answer within 0\.1 s|cannot be reached"):
                await ArchivedReadings(None).last(archiver.url, ["T1"], AT, 0.1)


async def test_trouble_is_an_error() -> None:
    async with ArchiverAppliance(broken=500) as archiver:
        with pytest.raises(ArchiverError, match="answered 500"):
            await ArchivedReadings(None).last(archiver.url, ["T1"], AT, 5.0)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"[" * 100_000])
async def test_what_is_no_answer_is_an_error(told_answer: Callable[[bytes], Awaitable[str]], body: bytes) -> None:
    with pytest.raises(ArchiverError, match="answer is no"):
        await ArchivedReadings(None).last(await told_answer(body), ["T1"], AT, 5.0)


@pytest.fixture
async def told_answer() -> AsyncIterator[Callable[[bytes], Awaitable[str]]]:
    """Gives the address of an archiver that answers whatever it is told to."""
    runners: list[web.AppRunner] = []

    async def start(body: bytes) -> str:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, content_type="application/json")

        application = web.Application()
        application.router.add_post("/retrieval/data/getDataAtTime", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()
