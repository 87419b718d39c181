"""What a real InfluxDB 1.6 does that the contract leaves open."""

import asyncio
import logging

import pytest

from tests.unit.history.engines import PASSWORD, EngineProgram, find, running_influx
from tests.unit.history.places import DAY, FOR_EVER, HOUR, START, Place, number, row
from vigilia.history.backend import HistoryError, Keeping, Question, RefusedRowsError
from vigilia.history.influx import InfluxHistory
from vigilia.history.ladder import LATEST_MS
from vigilia.points import Severity


def database(place: Place) -> str:
    return place.url.rpartition("=")[2]


async def test_the_database_is_made_and_made_again_when_it_was_dropped(
    influx: EngineProgram, influx_place: Place
) -> None:
    history = await influx_place.open()
    await history.write([row("p", START, 1.0)])
    influx.influxql(f"DROP DATABASE {database(influx_place)}")
    with pytest.raises(HistoryError, match="database not found"):
        await history.rows("p", 0, LATEST_MS, 10)
    await history.write([row("p", START + 1, 2.0)])
    assert [found.value for found in await history.rows("p", 0, LATEST_MS, 10)] == [2.0]
    await history.close()


async def test_looking_makes_nothing(influx: EngineProgram, influx_place: Place) -> None:
    history = await influx_place.look()
    with pytest.raises(HistoryError, match="database not found"):
        await history.latest()
    with pytest.raises(HistoryError, match="database not found"):
        await history.write([row("p", START, 1.0)])
    assert database(influx_place) not in str(influx.influxql("SHOW DATABASES"))
    await history.close()


async def test_a_database_that_is_away_comes_back() -> None:
    program = find("influxd")
    if program is None:
        pytest.skip("InfluxDB is not installed; on Debian: apt-get install influxdb")
    with running_influx(program) as engine:
        history = await InfluxHistory.open(engine.fresh(), FOR_EVER)
        await history.write([row("p", START, 1.0)])
        engine.stop()
        with pytest.raises(HistoryError, match=r"refused|closed|reset"):
            await history.write([row("p", START + 1, 2.0)])
        with pytest.raises(HistoryError, match="refused"):
            await history.latest()
        await asyncio.to_thread(engine.start)
        await history.write([row("p", START + 1, 2.0)])
        assert [found.value for found in await history.rows("p", 0, LATEST_MS, 10)] == [1.0, 2.0]
        await history.close()


async def test_who_may_come_in() -> None:
    program = find("influxd")
    if program is None:
        pytest.skip("InfluxDB is not installed; on Debian: apt-get install influxdb")
    with running_influx(program, auth_enabled="true") as engine:
        engine.influxql(f"CREATE USER boss WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES")
        boss = {"u": "boss", "p": PASSWORD}
        engine.influxql("CREATE DATABASE ours", **boss)
        engine.influxql("CREATE DATABASE theirs", **boss)
        engine.influxql(f"CREATE USER \"o'd\" WITH PASSWORD '{PASSWORD}'", **boss)
        engine.influxql('GRANT ALL ON ours TO "o\'d"', **boss)
        at = f"127.0.0.1:{engine.port}"
        history = await InfluxHistory.open(f"influx+http://o'd:{PASSWORD}@{at}/?db=ours", FOR_EVER)
        await history.write([row("p", START, 1.0)])
        assert [found.value for found in await history.latest()] == [1.0]
        assert PASSWORD not in history.name
        await history.close()
        for who, name, said in (
            ("boss:wrong", "ours", "user and the password"),
            (f"o'd:{PASSWORD}", "theirs", "not authorized"),
            (f"o'd:{PASSWORD}", "nowhere", "not authorized"),
        ):
            with pytest.raises(HistoryError, match=said) as raised:
                await InfluxHistory.open(f"influx+http://{who}@{at}/?db={name}", FOR_EVER)
            assert PASSWORD not in str(raised.value)
        history = await InfluxHistory.open(f"influx+http://boss:{PASSWORD}@{at}/?db=made", FOR_EVER)
        engine.influxql("DROP USER boss", **boss)
        with pytest.raises(HistoryError, match="may not do that"):
            await history.write([row("p", START, 1.0)])
        with pytest.raises(HistoryError, match="may not do that"):
            await history.latest()
        await history.close()


async def test_what_is_older_than_its_keeping_is_dropped_without_a_word(
    influx: EngineProgram, influx_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    name = database(influx_place)
    influx.influxql(f"CREATE DATABASE {name} WITH DURATION 48h NAME short")
    with caplog.at_level(logging.WARNING):
        history = await InfluxHistory.open(influx_place.url, Keeping(raw_days=30, minute_days=0, hour_days=0))
    assert "keeps rows for 2 days" in caplog.text
    await history.write([row("p", HOUR, 1.0), row("p", 2 * HOUR, 1.0)])
    assert await history.rows("p", 0, LATEST_MS, 10) == []
    await history.close()
    caplog.clear()
    await (await InfluxHistory.open(influx_place.url, Keeping(raw_days=2, minute_days=0, hour_days=0))).close()
    assert not caplog.text


async def test_a_field_of_another_kind_is_a_refusal(influx: EngineProgram, influx_place: Place) -> None:
    history = await influx_place.open()
    influx.post("/write", f"vigilia,point=p value=1i {START}".encode(), db=database(influx_place), precision="ms")
    with pytest.raises(RefusedRowsError, match="field type conflict"):
        await history.write([row("p", START + 1, 1.0)])
    await history.close()


async def test_a_time_that_it_has_no_room_for_is_a_refusal(influx_place: Place) -> None:
    history = await influx_place.open()
    with pytest.raises(RefusedRowsError, match="time outside range"):
        await history.write([row("p", LATEST_MS, 1.0)])
    await history.close()


async def test_a_row_without_a_value_leaves_the_value_that_was_there(influx_place: Place) -> None:
    history = await influx_place.open()
    await history.write([row("p", START, 1.0)])
    await history.write([row("p", START, None, severity=Severity.INVALID)])
    assert await history.rows("p", START, START, 1) == [row("p", START, 1.0, severity=Severity.INVALID)]
    await history.close()


async def test_rows_of_others_are_read_as_far_as_they_go(influx: EngineProgram, influx_place: Place) -> None:
    history = await influx_place.open()
    lines = [
        f"vigilia,point=p,room=x value=1.5,severity=9i,status=8i,more=2 {START}",
        f"vigilia,point=p severity=1i {START + 1}",
        f"other,point=p value=3 {START}",
    ]
    influx.post("/write", "\n".join(lines).encode(), db=database(influx_place), precision="ms")
    found = await history.rows("p", START, START + 1, 10)
    assert [(each.value, int(each.severity), int(each.status)) for each in found] == [(1.5, 3, 17), (None, 1, 0)]
    await history.close()


async def test_no_answer_is_cut_short() -> None:
    program = find("influxd")
    if program is None:
        pytest.skip("InfluxDB is not installed; on Debian: apt-get install influxdb")
    with running_influx(program, max_row_limit="100") as engine:
        history = await InfluxHistory.open(engine.fresh(), FOR_EVER)
        written = [row("p", START + at, float(at)) for at in range(25_000)]
        await history.write(written)
        assert await history.rows("p", START, START + DAY, 30_000) == written
        assert len((await history.read(Question("p", START, START + DAY, 30_000))).buckets) == 25_000
        assert len((await history.read(Question("p", START, START + 25_000, 20))).buckets) == 13
        await history.close()


async def test_a_kind_is_what_was_last_said(influx_place: Place) -> None:
    history = await influx_place.open()
    await history.describe([number("p", "number")])
    await history.describe([number("p", "enum")])
    await history.write([row("p", START + at, float(at % 3)) for at in range(30)])
    looking = await influx_place.look()
    (bucket,) = (await looking.read(Question("p", START, START + DAY, 1))).buckets
    assert bucket.value == 29 % 3
    assert [info.kind for info in await looking.points()] == ["enum"]
    await looking.close()
    await history.close()
