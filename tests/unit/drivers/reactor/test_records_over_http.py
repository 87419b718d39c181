"""One reactor over HTTP: its doses with who asked, and what its probes need to be calibrated."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import until
from tests.unit.drivers.reactor.agents import ACID, HEATER, PH, always, choice, number, reading
from tests.unit.drivers.reactor.conftest import Run, Site
from tests.unit.history.places import FOR_EVER, row
from vigilia.clock import Clock, iso
from vigilia.history.sqlite import SqliteHistory
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.api.models import ReactorAnswer
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.api.reactormodels import CalibrationAnswer, DosesAnswer
from vigilia.interfaces.api.server import WebServer
from vigilia.language import use
from vigilia.points import Kind, Origin, Point
from vigilia.spool import Spool
from vigilia.store import WriteJournal
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

NOW = 1_795_179_600.0


@pytest.fixture(autouse=True)
def _english() -> None:
    use("en")


class Remembered(SqliteHistory):
    """A history of points that have a reading each hour at least."""

    def longest_interval_s(self, _name: str) -> float:
        return 3600.0


async def healthy() -> list[str]:
    return []


@asynccontextmanager
async def serving(site: Site, **more: Any) -> AsyncIterator[aiohttp.ClientSession]:
    parts = ApiParts(site.table, [], site.store.audit, healthy, Clock(NOW, 0.001), "0", fleet=site.driver, **more)
    server = WebServer(WebConfig(listen="127.0.0.1:0"), parts)
    server.bind()
    await server.start()
    try:
        async with aiohttp.ClientSession(server.address) as client:
            yield client
    finally:
        await server.stop()


async def get(client: aiohttp.ClientSession, path: str, **query: str) -> tuple[int, Any]:
    async with client.get(path, params=query) as answer:
        return answer.status, await answer.json()


async def test_one_reactor(at_work: Run) -> None:
    async with at_work() as site, serving(site) as client:
        async with site.agent().reporting():
            status, item = await get(client, "/api/v1/reactors/R1")
            assert (status, item["state"]) == (200, "connected")
            ReactorAnswer.model_validate(item, strict=True)
        status, failure = await get(client, "/api/v1/reactors/R9")
        assert (status, failure["error"]) == (404, "unknown-reactor")


async def test_the_dose_ledger(at_work: Run, tmp_path: Path) -> None:
    history = await Remembered.open(f"sqlite:///{tmp_path}/history.db", FOR_EVER)
    totals = ((-4000, 1.0), (-3000, 1.0), (10, 3.0), (600, 3.5), (1000, 3.5))
    await history.write([row("R1:acid:Dosed-Mon", round((NOW - 5000 + at) * 1000), ml) for at, ml in totals])
    try:
        async with at_work() as site, serving(site, history=history) as client:
            clock = Clock(NOW - 5000 + 7, 0.001)
            spool = Spool(tmp_path / "audit.spool", 1_000_000)
            journal = WriteJournal(spool, site.store, clock)
            for device, value, by in (("acid", 2.0, "ana"), ("base", 2.0, "bia")):
                point = Point(f"R1:{device}:Dose-SP", Kind.NUMBER, f"R1:{device}", writable=True)
                asked = journal.asked(point, value, None, Origin("web", by, "10.0.0.7"))
                journal.answered(asked, "confirmed", "")
            await journal.drain()
            spool.close()
            async with site.agent().reporting():
                status, found = await get(client, "/api/v1/reactors/R1/doses")
                assert status == 200, found
                DosesAnswer.model_validate(found, strict=True)
                assert [(one["time"], one["ml"], one["total"]) for one in found["items"]] == [
                    (iso(NOW - 4400), 0.5, 3.5),
                    (iso(NOW - 4990), 2.0, 3.0),
                ]
                assert found["items"][0]["asked"] == []
                (by,) = found["items"][1]["asked"]
                assert (by["user"], by["value"], by["point"]) == ("ana", 2.0, "R1:acid:Dose-SP")
                assert found["pumps"] == [
                    {"pump": "acid", "point": "R1:acid:Dosed-Mon", "ml": 2.5, "asked_ml": 2.0, "count": 2}
                ]
                later = {"from": iso(NOW - 4500), "to": iso(NOW)}
                _, found = await get(client, "/api/v1/reactors/R1/doses", **later)
                assert [one["ml"] for one in found["items"]] == [0.5], "what stood before is known from before"
                for query in ({"from": "then"}, {"from": iso(NOW), "to": iso(NOW)}, {"from": "2020-01-01T00:00:00Z"}):
                    status, failure = await get(client, "/api/v1/reactors/R1/doses", **query)
                    assert (status, failure["error"]) == (422, "invalid-request")
                assert (await get(client, "/api/v1/reactors/R9/doses"))[0] == 404
    finally:
        await history.close()


async def test_without_a_history_there_is_no_ledger(at_work: Run) -> None:
    async with at_work() as site, serving(site) as client, site.agent().reporting():
        status, failure = await get(client, "/api/v1/reactors/R1/doses")
        assert (status, failure["detail"]) == (404, "no history is kept, so it is not known what was dosed when")


PUMP = wire.Part(
    name="acid",
    role=wire.ROLE_ACTUATOR,
    kind="ezo-pmp",
    parameters=[
        *ACID.parameters,
        wire.Parameter(name="Calibrate", kind=wire.KIND_TEXT, access=wire.ACCESS_COMMAND, takes_value=True),
    ],
)
PROBE = wire.Part(
    name="ph",
    role=wire.ROLE_SENSOR,
    kind="ezo-ph",
    title="Sonda",
    parameters=[*PH.parameters, choice("Calibrating", wire.ACCESS_READING, "No", "Yes")],
)
STRANGE = wire.Part(
    name="odd",
    role=wire.ROLE_SENSOR,
    kind="of-tomorrow",
    parameters=[number("X", wire.ACCESS_READING), PH.parameters[4]],
)


PARTS = (PROBE, HEATER, PUMP, STRANGE)


async def test_what_a_probe_needs_to_be_calibrated(at_work: Run) -> None:
    async with at_work() as site, serving(site) as client:
        agent = site.agent(parts=PARTS)
        values = iter([4.0, 6.0, *[7.0] * 1000])
        agent.measure = lambda: [
            *always(next(values))[:1],
            reading("ph", "Calibration", "2 points; slope acid 99.7 %"),
            reading("ph", "Calibrating", 1),
            *always()[1:],
        ]
        async with agent.reporting():
            path = "/api/v1/reactors/R1/calibration/ph"
            status, found = await get(client, path)
            assert status == 200, found
            CalibrationAnswer.model_validate(found, strict=True)
            assert (found["title"], found["kind"], found["command"]) == ("Sonda", "ezo-ph", "R1:ph:Calibrate-Cmd")
            assert (found["state"], found["state_severity"], found["calibrating"]) == (
                "2 points; slope acid 99.7 %",
                "NO_ALARM",
                True,
            )
            assert (found["reading"], found["precision"]) == ("R1:ph:pH-Mon", 2)
            assert (found["begin"], found["end"], found["clear"]) == ("begin", "end", "clear")
            assert [(one["name"], one["write"], one["limits"], one["after"]) for one in found["steps"]] == [
                ("mid", "mid,{value}", [6.0, 8.0], None),
                ("low", "low,{value}", [0.0, 6.0], "mid"),
                ("high", "high,{value}", [8.0, 14.0], "mid"),
            ]
            assert (found["steadiness"]["stable"], found["steadiness"]["reason"]) == (False, "few")

            point = "R1:ph:pH-Mon"
            driver = site.driver
            await until(lambda: driver.calibration("R1", "ph").steadiness.stable)
            _, found = await get(client, path)
            # The web server's clock of this test stands elsewhere; the readings are by the driver's.
            steady = found["steadiness"]
            assert (steady["stable"], steady["mean"], steady["spread"], steady["allowed"]) == (True, 7.0, 0.0, 0.02)
            assert len(steady["readings"]) >= steady["wanted"] == 6
            assert site.value(point) == 7.0
            async with client.put("/api/v1/points/R1:ph:Calibrate-Cmd/value", json={"value": "mid,7.00"}) as answer:
                assert answer.status == 200
            assert [(c.parameter, c.value.text) for c in agent.commands] == [("Calibrate", "mid,7.00")]


async def test_a_pump_and_a_kind_that_is_not_known(at_work: Run) -> None:
    async with at_work() as site, serving(site) as client, site.agent(parts=PARTS).reporting():
        _, pump = await get(client, "/api/v1/reactors/R1/calibration/acid")
        CalibrationAnswer.model_validate(pump, strict=True)
        (step,) = pump["steps"]
        assert (step["write"], pump["begin"], pump["reading"], pump["state"]) == ("{value}", None, None, None)
        _, odd = await get(client, "/api/v1/reactors/R1/calibration/odd")
        CalibrationAnswer.model_validate(odd, strict=True)
        assert (odd["steps"], odd["command"]) == ([], "R1:odd:Calibrate-Cmd")
        for part in ("heater", "nothing"):
            status, failure = await get(client, f"/api/v1/reactors/R1/calibration/{part}")
            assert (status, failure["error"]) == (404, "unknown-part")
        assert (await get(client, "/api/v1/reactors/R9/calibration/ph"))[1]["error"] == "unknown-reactor"


async def test_readings_that_nobody_asks_for_are_not_kept(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent(parts=(PROBE, HEATER, PUMP))
        async with agent.reporting():
            await until(lambda: len(agent.replies) >= 3)
            assert site.driver.calibration("R1", "ph").steadiness.readings == ()
            count = len(agent.replies)
            await until(lambda: len(agent.replies) >= count + 2)
            assert 1 <= len(site.driver.calibration("R1", "ph").steadiness.readings) <= 4
