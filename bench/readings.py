"""Readings to fill a history with: values that wander, at nearly even times, as equipment gives them."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random

from vigilia.history.backend import Backend, Row
from vigilia.points import Severity, Status

BATCH = 5_000
"""Rows in one write, as the service's writer has them."""
DAY_S = 86_400
HOUR_MS = 3_600_000
_UPKEEP_ROWS = 200_000
"""Upkeep comes every twenty seconds in the service: after so many rows at 10,000 a second."""


def name(point: int) -> str:
    """A point's name, as long as real ones."""
    return f"SIM-{point // 48 + 1:02d}:Cam-{point % 48 + 1:02d}:Power-Mon"


def end_ms() -> int:
    """When the readings end: a few hours ago, on the hour, so that everything is to be rolled up."""
    return (round(time.time() * 1000) // HOUR_MS - 2) * HOUR_MS


def readings(points: Iterable[int], start_ms: int, until_ms: int, step_s: float, chance: Random) -> Iterator[Row]:
    """Give a reading of each point every `step_s`, in the order in which they would come."""
    values = {name(point): 20.0 for point in points}
    step_ms = round(step_s * 1000)
    for moment in range(start_ms, until_ms, step_ms):
        late = chance.randrange(40)  # what one answer has, has one time
        for point, known in values.items():
            value = values[point] = round(known + chance.uniform(-0.1, 0.1), 2)
            yield Row(point, moment + late, value, None, Severity.NO_ALARM, Status.NO_ALARM)


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Give rows in portions of one write."""
    while batch := list(islice(rows, BATCH)):
        yield batch


class Filling:
    """Writes rows into a history and keeps it up, as the service does; what is made here costs it nothing."""

    def __init__(self, history: Backend) -> None:
        self.rows = 0
        self.seconds = 0.0
        """That the history took for them, its upkeep included."""
        self._history = history
        self._kept_up = 0

    async def write(self, rows: Iterator[Row]) -> None:
        """Write rows that come in the order of their times."""
        last_ms = 0
        for batch in batches(rows):
            began = time.perf_counter()
            await self._history.write(batch)
            self.rows += len(batch)
            last_ms = batch[-1].time_ms
            if self.rows - self._kept_up >= _UPKEEP_ROWS:
                self._kept_up = self.rows
                await self._history.maintain(last_ms)
            self.seconds += time.perf_counter() - began
        began = time.perf_counter()
        await self._history.maintain(last_ms + 2 * HOUR_MS)
        self.seconds += time.perf_counter() - began

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds
