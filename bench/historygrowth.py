"""What grows with the days of a history and with the number of its points: its size, the work to fill it, answers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from databases import POSTGRESQL, SQLITE, Database, databases
from figures import Figure, markdown, median, show_number
from historysize import FOR_EVER
from picture import Chart, draw
from programs import Bench
from readings import DAY_S, Filling, end_ms, name, readings
from vigilia.history.backend import Backend, Question
from vigilia.history.open import open_backend

DAYS, FEW_POINTS = (1, 4, 16, 64), 10
POINTS = (10, 100, 1000)
MOST = 1000
DAY_MS = DAY_S * 1000
SIZE_LIMIT, WORK_LIMIT, ANSWER_LIMIT = 1.1, 1.3, 1.5
"""How much more a reading may take, or an answer, at the end of a row of measurements than at its beginning."""
_ASKED = 50


@dataclass(frozen=True)
class Grown:
    """A history at one size."""

    size: int
    """The days, or the points."""
    rows: int
    megabytes: float
    rate: float
    """Rows a second, upkeep included, of those written last."""
    day_ms: float
    """One point's last day."""
    all_ms: float
    """Everything of one point."""

    @property
    def bytes_each(self) -> float:
        """What a reading takes of the disk, with its share of what an empty history takes."""
        return 1e6 * self.megabytes / self.rows

    def bytes_more(self, before: "Grown") -> float:
        """What a reading takes of the disk that was not there before."""
        return 1e6 * (self.megabytes - before.megabytes) / (self.rows - before.rows)


async def growth(bench: Bench, picture: Path | None = None) -> list[Figure]:
    """A history of ten points from one day to 64, and a day of 10 to 1,000 points; `picture`: where it is drawn."""
    by_days: dict[str, list[Grown]] = {}
    by_points: dict[str, list[Grown]] = {}
    for kind in (SQLITE, POSTGRESQL):
        with databases(bench, *[kind] * (1 + len(POINTS))) as (growing, *others):
            by_days[kind] = await _with_days(bench, growing)
            measured = zip(others, POINTS, strict=True)
            by_points[kind] = [await _with_points(bench, place, points) for place, points in measured]
    bench.tables += [_table("days, of 10 points", by_days), _table("points, of a day", by_points)]
    if picture is not None:
        picture.write_text(_drawn(by_days, by_points))  # noqa: ASYNC240 - nothing else goes on
    figures: list[Figure] = []
    for what, measured in (("days", by_days), ("points", by_points)):
        for place, found in measured.items():
            first, last = found[0], found[-1]
            disk = last.bytes_more(found[-2]) / found[1].bytes_more(first)
            often = f"{place}, {show_number(last.size / first.size)} times the {what}"
            figures += [
                Figure(f"{often}: disk for a reading more", disk, "times", SIZE_LIMIT),
                Figure(f"{often}: time to take a reading", first.rate / last.rate, "times", WORK_LIMIT),
                Figure(f"{often}: time to answer for a day", last.day_ms / first.day_ms, "times", ANSWER_LIMIT),
            ]
    return figures


async def _with_days(bench: Bench, place: Database) -> list[Grown]:
    """Let one history grow day by day."""
    step_s = bench.take(30, 300)
    sizes = DAYS[: int(bench.take(len(DAYS), 3))]
    since = end_ms() - sizes[-1] * DAY_MS
    found: list[Grown] = []
    written = 0
    history = await open_backend(place.url, FOR_EVER)
    for before, days in zip((0, *sizes), sizes, strict=False):
        filling = Filling(history)
        bounds = since + before * DAY_MS, since + days * DAY_MS
        await filling.write(readings(range(FEW_POINTS), *bounds, step_s, bench.chance))
        written += filling.rows
        found.append(await _look(place, history, days, written, filling.rate, (since, bounds[1])))
    await history.close()
    return found


async def _with_points(bench: Bench, place: Database, points: int) -> Grown:
    """Fill a history with a day of so many points."""
    end = end_ms()
    history = await open_backend(place.url, FOR_EVER)
    filling = Filling(history)
    step_s = bench.take(60, 600)
    await filling.write(readings(range(points), end - DAY_MS, end, step_s, bench.chance))
    grown = await _look(place, history, points, filling.rows, filling.rate, (end - DAY_MS, end))
    await history.close()
    return grown


async def _look(place: Database, history: Backend, size: int, rows: int, rate: float, bounds: tuple[int, int]) -> Grown:
    megabytes = await place.size() / 1e6
    start, end = bounds
    day_ms = await _answer_ms(history, end - DAY_MS, end - 1)
    return Grown(size, rows, megabytes, rate, day_ms, await _answer_ms(history, start, end - 1))


async def _answer_ms(history: Backend, start_ms: int, end_ms: int) -> float:
    """How long an answer takes when the history is in memory, asked for one point after another."""
    took: list[float] = []
    for number in range(_ASKED):
        began = time.perf_counter()
        await history.read(Question(name(number % FEW_POINTS), start_ms, end_ms, MOST))
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def _table(what: str, measured: dict[str, list[Grown]]) -> str:
    head = ("Database", what, "rows", "MB", "bytes a reading", "rows a second", "a day, ms", "everything, ms")
    rows: list[Sequence[str]] = []
    for place, found in measured.items():
        for one in found:
            values = (one.size, one.rows, one.megabytes, one.bytes_each, one.rate, one.day_ms, one.all_ms)
            rows.append([place, *map(show_number, values)])
    return markdown(head, rows)


def _drawn(by_days: dict[str, list[Grown]], by_points: dict[str, list[Grown]]) -> str:
    charts: list[Chart] = []

    def add(title: str, of: Callable[[Grown], float], *, logarithmic: bool = False) -> None:
        for across, measured in (("days of history, 10 points", by_days), ("points, one day", by_points)):
            lines = {place: [(one.size, of(one)) for one in found] for place, found in measured.items()}
            charts.append(Chart(title, across, lines, logarithmic))

    add("On disk, MB", lambda one: one.megabytes, logarithmic=True)
    add("Rows taken a second", lambda one: one.rate)
    add("Answer for a day, ms", lambda one: one.day_ms)
    text = (
        "Size on disk, rows taken a second, and the time to answer for one point's last day in at most 1,000 buckets, "
        "against the days of a history of ten points and against the number of points of one day."
    )
    return draw("How a history grows", text, [*charts[::2], *charts[1::2]])
