"""What every database of the history does, whichever it is."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.history.places import DAY, HOUR, MINUTE, SECOND, START, Place, number, row
from vigilia.history.backend import Backend, Bucket, Keeping, PointInfo, Question, RefusedRowsError, Row
from vigilia.history.ladder import LATEST_MS
from vigilia.points import Severity, Status

NAMES = [
    "P1:Temp-RB",
    "it's",
    'say "hi"',
    "100%",
    "%s %d {name}",
    "a\\b",
    "a,b=c d",
    "São João/água ☀",
    "$(x); --",
    "name.with.dots",
    "_%",
]


YEAR = 365 * DAY


async def all_rows(backend: Backend, point: str = "p") -> Sequence[Row]:
    return await backend.rows(point, 0, LATEST_MS, 100_000)


async def buckets(backend: Backend, start: int, end: int, most: int = 1000, point: str = "p") -> Sequence[Bucket]:
    return (await backend.read(Question(point, start, end, most))).buckets


async def test_rows_come_back_as_they_were_written(backend: Backend, place: Place) -> None:
    written = [
        row("p", START, 1.5),
        row("p", START + 1, -1e300 if place.exact_numbers else -1e9, severity=Severity.MAJOR, status=Status.HIHI),
        row("p", START + 2, 0.1 + 0.2 if place.exact_numbers else 0.3),
        row("p", START + 1001, 7.0, severity=Severity.INVALID, status=Status.TIMEOUT),
        row("p", START + 2002, None, severity=Severity.INVALID, status=Status.UDF),
    ]
    await backend.write(written)
    assert await all_rows(backend) == written
    assert await backend.rows("p", START + 1, START + 2, 10) == written[1:3], "both ends belong to it"
    assert await backend.rows("p", START + 1, LATEST_MS, 2) == written[1:3], "page by page"
    assert all(isinstance(found.severity, Severity) for found in await all_rows(backend))
    assert all(isinstance(found.status, Status) for found in await all_rows(backend))


async def test_texts_come_back_as_they_were_written(backend: Backend, place: Place) -> None:
    if not place.keeps_text:
        return
    texts = ["on", "", "12.5", 'it\'s "100%" \\ \n new line', "água ☀", "0x10", "1e5"]
    written = [row("p", START + at * SECOND, text=text) for at, text in enumerate(texts)]
    await backend.write(written)
    assert await all_rows(backend) == written
    assert (await backend.latest())[0] == written[-1]
    assert [bucket.value for bucket in await buckets(backend, START, START + MINUTE)] == texts


@pytest.mark.parametrize("name", NAMES)
async def test_any_name_is_a_name(backend: Backend, name: str) -> None:
    await backend.describe([PointInfo(name, "number", "°C", "a 'point' of 100%")])
    await backend.write([row(name, START, 1.0), row("another", START, 2.0)])
    assert await all_rows(backend, name) == [row(name, START, 1.0)]
    assert await buckets(backend, START, START + DAY, point=name) == [
        Bucket(START, 1.0, 1.0, 1.0, Severity.NO_ALARM),
    ]
    assert {found.point for found in await backend.latest()} == {name, "another"}
    assert name in {info.name for info in await backend.points()}


async def test_an_unknown_point_has_nothing(backend: Backend) -> None:
    await backend.write([row("p", START, 1.0)])
    assert await all_rows(backend, "q") == []
    series = await backend.read(Question("q", START, START + DAY, 100))
    assert (series.point, list(series.buckets)) == ("q", [])
    assert await buckets(backend, START + 1, START + DAY) == []


async def test_an_empty_database_answers(backend: Backend) -> None:
    assert (await backend.latest(), await backend.points(), await all_rows(backend)) == ([], [], [])
    await backend.write([])
    await backend.describe([])
    await backend.maintain(START)


async def test_late_rows_find_their_place(backend: Backend) -> None:
    await backend.write([row("p", START + at * SECOND, float(at)) for at in (5, 3, 9)])
    await backend.write([row("p", START + at * SECOND, float(at)) for at in (4, 1, 8)])
    assert [found.value for found in await all_rows(backend)] == [1, 3, 4, 5, 8, 9]


async def test_repeated_rows_are_there_once(backend: Backend) -> None:
    written = [row("p", START + at * SECOND, float(at)) for at in range(20)]
    for part in (written, written[5:15], written[::-1]):
        await backend.write(part)
    assert await all_rows(backend) == written


async def test_of_a_point_and_time_the_row_last_written_stays(backend: Backend, place: Place) -> None:
    if not place.replaces:
        return
    await backend.write([row("p", START, 1.0), row("q", START, 5.0)])
    await backend.write([row("p", START, 2.0), row("p", START, 3.0, severity=Severity.MINOR)])
    assert await all_rows(backend) == [row("p", START, 3.0, severity=Severity.MINOR)]
    assert await all_rows(backend, "q") == [row("q", START, 5.0)]


@pytest.mark.parametrize(
    "bad",
    [
        row("p", START, float("nan")),
        row("p", START, float("inf")),
        row("", START, 1.0),
        row("p\0", START, 1.0),
        row("p", -1, 1.0),
        row("p", LATEST_MS + 1, 1.0),
        row("p", START, text="\ud800"),
        row("p", START, text="a\0"),
        row("p", START, 1.0, "both"),
    ],
    ids=str,
)
async def test_what_cannot_be_kept_is_refused_with_all_that_came_with_it(backend: Backend, bad: Row) -> None:
    with pytest.raises(RefusedRowsError, match="cannot be kept"):
        await backend.write([row("good", START, 1.0), bad])
    assert await all_rows(backend, "good") == []


async def test_the_latest_never_goes_back(backend: Backend) -> None:
    await backend.write([row("p", START + 5, 5.0), row("q", START, 1.0), row("p", START + 2, 2.0)])
    await backend.write([row("p", START + 3, 3.0), row("q", START + 1, 2.0, severity=Severity.MAJOR)])
    assert sorted(await backend.latest()) == [
        row("p", START + 5, 5.0),
        row("q", START + 1, 2.0, severity=Severity.MAJOR),
    ]


async def test_points_are_described(backend: Backend, place: Place) -> None:
    info = PointInfo("p", "enum", "", "state of the 'pump'", "dev", "link", "Room 1", "poe", ("Off", 'On "1"', "100%"))
    await backend.describe([info, PointInfo("q", "number", "°C")])
    assert sorted(await backend.points()) == [info, PointInfo("q", "number", "°C")]
    await backend.describe([PointInfo("q", "number", "K")])
    await backend.write([row("r", START, 1.0)])
    found = {info.name: info for info in await backend.points()}
    assert found["p"] == info
    assert found["q"].units == "K"
    assert found["r"].name == "r"


async def test_few_readings_are_given_as_they_are(backend: Backend) -> None:
    written = [row("p", START + at * 977, at * 1.5, severity=Severity(at % 4)) for at in range(50)]
    await backend.write(written)
    series = await backend.read(Question("p", START, START + DAY, 50))
    assert series.resolution_ms == 0
    assert list(series.buckets) == [Bucket(r.time_ms, r.value, r.value, r.value, r.severity) for r in written]


async def test_many_readings_are_given_as_buckets_that_keep_extremes(backend: Backend) -> None:
    values = [float(at % 97) for at in range(3600)]
    values[1234] = 1000.0
    values[2345] = -1000.0
    await backend.write([row("p", START + at * SECOND, value) for at, value in enumerate(values) if at != 100])
    await backend.write([row("p", START + 100 * SECOND, values[100], severity=Severity.MAJOR, status=Status.HIHI)])
    for most in (1000, 360, 61, 60, 7, 1):
        series = await backend.read(Question("p", START, START + HOUR - 1, most))
        assert 0 < len(series.buckets) <= most
        width = series.resolution_ms
        assert width >= SECOND
        for bucket in series.buckets:
            assert bucket.time_ms % width == 0
            first = (bucket.time_ms - START) // SECOND
            inside = values[max(0, first) : first + width // SECOND]
            assert (bucket.low, bucket.high) == (min(inside), max(inside))
            assert bucket.value == pytest.approx(sum(inside) / len(inside))
            in_alarm = bucket.time_ms <= START + 100 * SECOND < bucket.time_ms + width
            assert bucket.severity == (Severity.MAJOR if in_alarm else Severity.NO_ALARM)
        assert max(bucket.high or 0 for bucket in series.buckets) == 1000.0
        assert [bucket.time_ms for bucket in series.buckets] == sorted({b.time_ms for b in series.buckets})


async def test_a_bucket_without_rows_is_absent(backend: Backend) -> None:
    times = [*range(100), *range(500, 600)]
    await backend.write([row("p", START + at * SECOND, 1.0) for at in times])
    series = await backend.read(Question("p", START, START + 10 * MINUTE - 1, 60))
    assert series.resolution_ms == 10 * SECOND
    assert [(bucket.time_ms - START) // (10 * SECOND) for bucket in series.buckets] == [*range(10), *range(50, 60)]


async def test_an_enum_and_a_boolean_say_their_last_value(backend: Backend) -> None:
    await backend.describe([number("e", "enum"), number("b", "boolean"), number("n", "number")])
    for point in ("e", "b", "n"):
        await backend.write([row(point, START + at * SECOND, float(at % 3 == 0)) for at in range(600)])
    for point, value in (("e", 0.0), ("b", 0.0), ("n", pytest.approx(1 / 3, abs=0.1))):
        for bucket in await buckets(backend, START, START + 599 * SECOND, 20, point):
            assert (bucket.value, bucket.low, bucket.high) == (value, 0.0, 1.0)


async def test_a_text_says_its_last_one(backend: Backend, place: Place) -> None:
    if not place.keeps_text:
        return
    await backend.describe([number("t", "text")])
    await backend.write([row("t", START + at * SECOND, text=f"{at}") for at in range(600)])
    for hours_later in (0, 3):
        await backend.maintain(START + hours_later * HOUR)
        found = await buckets(backend, START, START + 599 * SECOND, 10, "t")
        assert list(found) == [
            Bucket(START + at * MINUTE, f"{at * 60 + 59}", None, None, Severity.NO_ALARM) for at in range(10)
        ]


async def test_rows_without_a_value_count_for_the_severity(backend: Backend) -> None:
    lost: Any = {"severity": Severity.INVALID, "status": Status.UDF}
    await backend.write([row("p", START + at * SECOND, None, **lost) for at in range(120)])
    await backend.write([row("p", START + 90 * SECOND, 4.0)])
    for hours_later in (0, 3):
        await backend.maintain(START + hours_later * HOUR)
        assert await buckets(backend, START, START + 119 * SECOND, 2) == [
            Bucket(START, None, None, None, Severity.INVALID),
            Bucket(START + MINUTE, 4.0, 4.0, 4.0, Severity.INVALID),
        ]


async def test_a_mean_is_weighted_by_the_values_there_are(backend: Backend) -> None:
    await backend.write([row("p", START + at * SECOND, 0.0) for at in range(60)])
    await backend.write([row("p", START + MINUTE, 60.0), row("p", START + MINUTE + SECOND, None)])
    for hours_later in (0, 3):
        await backend.maintain(START + hours_later * HOUR)
        (bucket,) = await buckets(backend, START, START + HOUR - 1, 1)
        assert bucket.value == pytest.approx(60 / 61)


@pytest.mark.parametrize("most", [1, 24, 100, 500])
async def test_answers_are_the_same_before_and_after_maintenance(backend: Backend, place: Place, most: int) -> None:
    await backend.write([row("p", START + at * 7 * SECOND, float(at % 83)) for at in range(10_000)])
    question = Question("p", START + 5 * MINUTE, START + 18 * HOUR, most)
    before = await backend.read(question)
    await backend.maintain(START + 10 * HOUR)
    if place.replaces:
        await backend.write([row("p", START + 2 * HOUR + 1, 500.0)])
    await backend.write([row("p", START + 2 * HOUR + 1, before.buckets[0].low)])
    await backend.maintain(START + DAY)
    await backend.write([row("p", START + 3 * HOUR + 1, 1000.0)])
    await backend.maintain(START + DAY)
    after = await backend.read(question)
    assert after.resolution_ms == before.resolution_ms
    assert [bucket.time_ms for bucket in after.buckets] == [bucket.time_ms for bucket in before.buckets]
    assert max(bucket.high or 0 for bucket in after.buckets) == 1000.0
    changed = [(old, new) for old, new in zip(before.buckets, after.buckets, strict=True) if old.high != new.high]
    assert len(changed) == 1


async def test_a_question_about_all_times_is_answered_at_the_resolution_of_what_is_there(
    backend: Backend, place: Place
) -> None:
    await backend.write([row("p", START + at * SECOND, float(at)) for at in range(3600)])
    series = await backend.read(Question("p", 0, LATEST_MS, 60))
    if place.rolls_up:
        assert series.resolution_ms == MINUTE
    assert 1 <= len(series.buckets) <= 60


async def test_what_is_past_its_keeping_goes_and_the_rollups_stay(place: Place) -> None:
    if not place.rolls_up:
        return
    backend = await place.open(Keeping(raw_days=1, minute_days=3, hour_days=10))
    await backend.write([row("p", START + at * 10 * MINUTE, float(at)) for at in range(20 * 6 * 24)])
    now = START + 20 * DAY
    for _ in range(50):
        await backend.maintain(now)
    raw = await all_rows(backend)
    assert now - 2 * DAY - HOUR <= raw[0].time_ms <= now - DAY
    series = await backend.read(Question("p", now - 8 * DAY, now, 1000))
    assert series.resolution_ms == HOUR
    assert series.buckets[0].time_ms == now - 8 * DAY
    first = (8 + 4) * 24 * 6
    assert (series.buckets[0].low, series.buckets[0].high) == (first, first + 5)
    series = await backend.read(Question("p", now - 2 * DAY, now, 400))
    assert (series.resolution_ms, len(series.buckets)) == (10 * MINUTE, 288)
    assert (await backend.read(Question("p", START, START + DAY, 10))).buckets == []
    assert len(await backend.latest()) == 1
    await backend.close()


async def test_rows_older_than_their_keeping_still_reach_the_rollups(place: Place) -> None:
    if not place.rolls_up:
        return
    backend = await place.open(Keeping(raw_days=1, minute_days=0, hour_days=0))
    now = START + 20 * DAY
    await backend.write([row("p", now, 1.0), row("p", START + SECOND, 3.0)])
    for _ in range(5):
        await backend.maintain(now)
    await backend.write([row("p", START + 2 * SECOND, 5.0), row("p", START + HOUR, 50.0)])
    for _ in range(5):
        await backend.maintain(now)
    assert await all_rows(backend) == [row("p", now, 1.0)]
    found = await buckets(backend, START, START + 2 * HOUR, 3)
    assert [(bucket.time_ms, bucket.value, bucket.low, bucket.high) for bucket in found] == [
        (START, 4.0, 3.0, 5.0),
        (START + HOUR, 50.0, 50.0, 50.0),
    ]
    await backend.close()


async def test_a_clock_that_is_ahead_for_a_moment_ends_little_of_the_keeping(place: Place) -> None:
    if not place.rolls_up:
        return
    backend = await place.open(Keeping(raw_days=2, minute_days=2, hour_days=2))
    await backend.maintain(START + 5 * YEAR)  # before there is anything
    now = START + 20 * DAY
    written = [row("p", now - (24 - at) * HOUR, float(at)) for at in range(25)]
    await backend.write(written)
    await backend.maintain(now)
    for clock in (now + 5 * YEAR, now + 5 * YEAR, now):
        await backend.maintain(clock)
        assert await all_rows(backend) == written
    (day,) = await buckets(backend, now - DAY, now - 1, 1)
    assert (day.value, day.low, day.high) == (11.5, 0.0, 23.0)
    await backend.close()


async def test_rows_are_kept_again_once_the_clock_is_right(place: Place) -> None:
    if not place.rolls_up:
        return
    backend = await place.open(Keeping(raw_days=1, minute_days=0, hour_days=0))
    now, wrong = START + 20 * DAY, START + 5 * YEAR
    await backend.write([row("p", now - MINUTE, 3.0)])
    await backend.maintain(now)
    ahead = row("p", wrong, 1.0)
    await backend.write([ahead])
    await backend.maintain(wrong)
    assert await all_rows(backend) == [ahead], "readings with the wrong time end the keeping of the others"
    await backend.maintain(now)
    written = [row("p", now + HOUR + at * MINUTE, float(at)) for at in range(60)]
    await backend.write([row("p", now - MINUTE + 1, 5.0), *written])
    await backend.maintain(now + 2 * HOUR)
    assert await all_rows(backend) == [*written, ahead]
    (old,) = await buckets(backend, now - HOUR, now - 1, 1)
    assert (old.value, old.low, old.high) == (4.0, 3.0, 5.0), "of old hours the rollups are all there is"
    assert len(await buckets(backend, now + HOUR, now + 2 * HOUR, 100)) == 60
    later = row("p", now + 4 * DAY, 7.0)
    await backend.write([later])
    await backend.maintain(now + 4 * DAY)
    assert await all_rows(backend) == [later, ahead], "the keeping ends again"
    (old,) = await buckets(backend, now + HOUR, now + 2 * HOUR - 1, 1)
    assert (old.value, old.low, old.high) == (29.5, 0.0, 59.0)
    await backend.close()


async def test_a_clock_that_is_behind_makes_no_old_hour_anew(place: Place) -> None:
    if not place.rolls_up:
        return
    backend = await place.open(Keeping(raw_days=1, minute_days=0, hour_days=0))
    now = START + 28 * DAY
    await backend.write([row("p", START, 3.0), row("p", now, 1.0)])
    await backend.maintain(now)
    await backend.maintain(now - DAY // 2)
    await backend.write([row("p", START + 1, 5.0)])
    await backend.maintain(now - DAY // 2)
    assert await all_rows(backend) == [row("p", now, 1.0)]
    (old,) = await buckets(backend, START, START + HOUR - 1, 1)
    assert (old.value, old.low, old.high) == (4.0, 3.0, 5.0)
    await backend.close()


async def test_what_was_written_is_there_when_opened_again(place: Place) -> None:
    backend = await place.open()
    await backend.describe([number("p")])
    await backend.write([row("p", START, 1.0)])
    await backend.close()
    backend = await place.open()
    assert await all_rows(backend) == [row("p", START, 1.0)]
    await backend.write([row("p", START + 1, 2.0)])
    looker = await place.look()
    assert [found.value for found in await all_rows(looker)] == [1.0, 2.0]
    assert [found.value for found in await looker.latest()] == [2.0]
    await looker.close()
    await backend.close()


async def test_questions_and_rows_at_once(backend: Backend) -> None:
    async def fill(part: int) -> None:
        for at in range(10):
            await backend.write([row(f"p{part}", START + at * SECOND + ms, 1.0) for ms in range(50)])

    async def ask(part: int) -> None:
        for _ in range(10):
            await buckets(backend, START, START + MINUTE, 10, f"p{part}")
            await backend.latest()

    await asyncio.gather(*(fill(part) for part in range(4)), *(ask(part) for part in range(4)), backend.maintain(START))
    assert [len(await all_rows(backend, f"p{part}")) for part in range(4)] == [500] * 4


async def test_the_address_may_be_shown(backend: Backend, place: Place) -> None:
    assert backend.name
    assert "hush" not in backend.name
    assert place.url
