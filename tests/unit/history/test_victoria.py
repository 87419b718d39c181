"""What a real VictoriaMetrics 1.79 does that the contract leaves open."""

import asyncio
import logging
import time

import pytest

from tests.unit.history.engines import PASSWORD, EngineProgram, PromptVictoria, find, running_victoria
from tests.unit.history.places import DAY, FOR_EVER, HOUR, MINUTE, SECOND, START, Place, number, row
from vigilia.history.backend import HistoryError, Keeping, Question, RefusedRowsError
from vigilia.history.ladder import LATEST_MS
from vigilia.history.victoria import VictoriaHistory
from vigilia.history.victoria_flags import warnings
from vigilia.points import Severity


async def test_rows_are_shown_soon(victoria: EngineProgram) -> None:
    """As the service has it: nobody asks the engine to show them."""
    history = await VictoriaHistory.open(victoria.fresh(), FOR_EVER)
    await history.write([row("p", START, 1.0)])
    deadline = time.monotonic() + 30
    while not await history.rows("p", START, START, 1):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await history.close()


async def test_histories_in_one_engine_are_kept_apart(victoria: EngineProgram) -> None:
    plain = await PromptVictoria.open(f"influx+{victoria.base}/", FOR_EVER)
    named = await PromptVictoria.open(victoria.fresh(), FOR_EVER)
    await plain.write([row("apart", START, 1.0)])
    await named.write([row("apart", START, 2.0)])
    for history, value in ((plain, 1.0), (named, 2.0)):
        assert [found.value for found in await history.rows("apart", 0, LATEST_MS, 10)] == [value]
        assert value in [found.value for found in await history.latest()]
        await history.close()


async def test_of_a_text_the_severity_is_kept(victoria_place: Place) -> None:
    history = await victoria_place.open()
    await history.write([row("t", START, text="out of order", severity=Severity.MAJOR)])
    (found,) = await history.rows("t", 0, LATEST_MS, 10)
    assert (found.value, found.text, found.severity) == (None, None, Severity.MAJOR)
    assert [bucket.value for bucket in (await history.read(Question("t", START, START, 10))).buckets] == [None]
    await history.close()


async def test_what_is_too_far_ahead_is_a_refusal(victoria_place: Place) -> None:
    history = await victoria_place.open()
    now = round(time.time() * 1000)
    await history.write([row("p", now + DAY, 1.0)])
    with pytest.raises(RefusedRowsError, match="two days ahead"):
        await history.write([row("p", now + 3 * DAY, 1.0)])
    assert [found.value for found in await history.latest()] == [1.0]
    await history.close()


async def test_the_newest_of_points_long_gone_are_found(victoria_place: Place) -> None:
    history = await victoria_place.open()
    now = round(time.time() * 1000)
    ages = {"now": 0, "hour": HOUR, "month": 30 * DAY, "years": 3000 * DAY, "1980": now - 10 * 365 * DAY}
    await history.write([row(name, now - age, 1.0) for name, age in ages.items()])
    await history.write([row(name, now - age - MINUTE, 2.0) for name, age in ages.items()])
    assert {found.point: now - found.time_ms for found in await history.latest()} == ages
    assert {found.value for found in await history.latest()} == {1.0}
    await history.close()


async def test_a_newest_row_without_a_value_has_none(victoria_place: Place) -> None:
    history = await victoria_place.open()
    await history.write([row("p", START, 1.0), row("p", START + 1, None, severity=Severity.INVALID)])
    assert await history.latest() == [row("p", START + 1, None, severity=Severity.INVALID)]
    await history.close()


async def test_a_page_is_found_behind_a_long_gap(victoria_place: Place) -> None:
    history = await victoria_place.open()
    late = START + 200 * DAY
    written = [row("p", START, 0.0), *(row("p", late + at * SECOND, float(at)) for at in range(20_000))]
    await history.write(written)
    found, begin = [], 0
    while page := await history.rows("p", begin, LATEST_MS, 1000):
        found += page
        begin = page[-1].time_ms + 1
    assert found == written
    await history.close()


async def test_one_bucket_may_reach_back_to_1970(victoria_place: Place) -> None:
    """The start of 2026 to the end of 2028, in one bucket of a power of two of 28 days, begins in 1970."""
    history = await victoria_place.open()
    await history.write([row("p", 2 * HOUR, 1.0), row("p", START, 5.0), row("p", START + 1, 3.0)])
    (bucket,) = (await history.read(Question("p", 0, LATEST_MS, 1))).buckets
    assert (bucket.time_ms, bucket.low, bucket.high) == (0, 1.0, 5.0)
    await history.close()


async def test_a_question_too_large_for_the_engine_is_asked_in_pieces() -> None:
    program = find("victoria-metrics")
    if program is None:
        pytest.skip("VictoriaMetrics is not installed; on Debian: apt-get install victoria-metrics")
    with running_victoria(program, "-search.maxSamplesPerSeries=3000") as engine:
        history = await PromptVictoria.open(engine.fresh(), FOR_EVER)
        begin = START - 480 * DAY
        for at in range(8):
            await history.write([row("p", begin + at * 60 * DAY + n * 30 * SECOND, float(n)) for n in range(2000)])
        series = await history.read(Question("p", begin, START, 500))
        assert min(bucket.low or 0 for bucket in series.buckets) == 0
        assert max(bucket.high or 0 for bucket in series.buckets) == 1999
        assert len({bucket.time_ms // (20 * DAY) for bucket in series.buckets}) == 8
        await history.write([row("p", START + at * SECOND, float(at)) for at in range(10_000)])
        with pytest.raises(HistoryError, match=r"-search\.max"):
            await history.read(Question("p", START, START + DAY, 1))
        await history.close()


async def test_a_password_is_asked_for() -> None:
    program = find("victoria-metrics")
    if program is None:
        pytest.skip("VictoriaMetrics is not installed; on Debian: apt-get install victoria-metrics")
    with running_victoria(program, "-httpAuth.username=us", f"-httpAuth.password={PASSWORD}") as engine:
        at = f"127.0.0.1:{engine.port}"
        history = await VictoriaHistory.open(f"influx+http://us:{PASSWORD}@{at}/", FOR_EVER)
        await history.write([row("p", START, 1.0)])
        await history.latest()
        assert PASSWORD not in history.name
        await history.close()
        with pytest.raises(HistoryError, match="user and the password"):
            await VictoriaHistory.open(f"influx+http://us:wrong@{at}/", FOR_EVER)


async def test_what_is_known_of_points_is_said_again(victoria_place: Place, victoria: EngineProgram) -> None:
    history = await victoria_place.open()
    await history.describe([number("p", "enum")])
    name = victoria_place.url.rpartition("=")[2]
    said = f'count_over_time(vigilia_point_info{{db="{name}"}}[1h])'

    async def times() -> int:
        victoria.get("/internal/force_flush")
        found = victoria.get("/api/v1/query", query=said, nocache="1", time=str(time.time() + 60))
        return int(found.rpartition(b',"')[2].partition(b'"')[0] or 0)

    assert await times() == 1
    await history.maintain(START)
    assert await times() == 2
    await history.maintain(START + DAY - 1)
    assert await times() == 2
    await history.maintain(START + DAY)
    assert await times() == 3
    await history.maintain(START)  # a clock that was set back
    assert await times() == 4
    await history.close()


async def test_settings_that_harm_a_history_are_told(caplog: pytest.LogCaptureFixture, victoria: EngineProgram) -> None:
    with caplog.at_level(logging.WARNING):
        await (await VictoriaHistory.open(victoria.fresh(), FOR_EVER)).close()
    assert not caplog.text
    program = find("victoria-metrics")
    assert program
    with running_victoria(program, "-dedup.minScrapeInterval=0", "-retentionPeriod=1") as engine:
        await (await VictoriaHistory.open(engine.fresh(), FOR_EVER)).close()
    assert "-dedup.minScrapeInterval=1ms" in caplog.text
    assert "for 31 days" in caplog.text


@pytest.mark.parametrize(
    ("period", "raw_days", "warned"),
    [("1", 31, False), ("1", 32, True), ("100y", 0, False), ("2w", 14, False), ("24h", 2, True), ("9d", 0, True)],
)
def test_a_retention_is_compared_with_what_is_asked_for(period: str, raw_days: float, warned: bool) -> None:
    flags = f'-dedup.minScrapeInterval="1ms"\n-retentionPeriod="{period}"\n'
    assert bool(warnings(flags, Keeping(raw_days, 0, 0))) is warned


async def test_repeated_rows_count_once_where_the_engine_is_set_so(victoria_place: Place) -> None:
    history = await victoria_place.open()
    written = [row("p", START + at * SECOND, float(at)) for at in range(100)]
    for _ in range(3):
        await history.write(written)
    (bucket,) = (await history.read(Question("p", START, START + HOUR, 1))).buckets
    assert bucket.value == pytest.approx(49.5)
    series = await history.read(Question("p", START, START + HOUR, 100))
    assert (series.resolution_ms, len(series.buckets)) == (0, 100)
    await history.close()
