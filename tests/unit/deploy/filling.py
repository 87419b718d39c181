"""Histories filled with the scene: of a part only hours are left, of another minutes, and the newest are dirty."""

from tests.unit.deploy.scene import END, HOUR, points, rows
from vigilia.history.backend import Backend, Keeping

DIRTY_SINCE = END - HOUR // 2
"""What came after maintenance had its turn: the rollups of that hour have the first half of it only."""
KEEPING = Keeping(0.25, 1, 0)
"""Readings for six hours, minutes for a day."""


async def fill(history: Backend) -> None:
    """Fill a history as the service would: the last half hour came after maintenance had its turn."""
    await history.describe(list(points()))
    found = sorted(rows(), key=lambda row: row.time_ms)
    late = next(place for place, row in enumerate(found) if row.time_ms >= DIRTY_SINCE)
    for start in range(0, late, 5000):
        await history.write(found[start : min(late, start + 5000)])
    await history.maintain(END)
    await history.write(found[late:])
