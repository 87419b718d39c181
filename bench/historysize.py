"""How much of the disk a reading takes, with its share of indexes and rollups."""

from databases import INFLUX, POSTGRESQL, SQLITE, VICTORIA, databases
from figures import Figure
from programs import Bench
from readings import Filling, end_ms, readings
from vigilia.history.backend import Keeping
from vigilia.history.open import open_backend

POINTS = 100
LIMITS = {SQLITE: 30.0, POSTGRESQL: 100.0}
FOR_EVER = Keeping(0, 0, 0)


async def size(bench: Bench) -> list[Figure]:
    """10 million readings of 100 points, one a second each, and their rollups."""
    rows = int(bench.take(10_000_000, 1_000_000))
    end = end_ms()
    start = end - rows // POINTS * 1000
    figures: list[Figure] = []
    with databases(bench, SQLITE, POSTGRESQL, VICTORIA, INFLUX) as places:
        for place in places:
            history = await open_backend(place.url, FOR_EVER)
            filling = Filling(history)
            await filling.write(readings(range(POINTS), start, end, 1, bench.chance))
            log = place.log_size()
            await history.close()
            taken = await place.size()
            if log:
                figures.append(Figure(f"{place.name}: its log beside, while it is written", log / 1e6, "MB"))
            figures += [
                Figure(f"{place.name}: a reading on disk", taken / filling.rows, "bytes", LIMITS.get(place.name)),
                Figure(f"{place.name}: rows written, upkeep included", filling.rate, "a second"),
            ]
    return figures
