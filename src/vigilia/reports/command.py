"""What `vigilia report` does: one week's report from the store, whether the service runs or not."""

from datetime import date, tzinfo
from pathlib import Path

from vigilia.errors import StartError
from vigilia.points import shorten
from vigilia.reports.week import Week, week_of
from vigilia.reports.weekly import make_report, totals
from vigilia.store import Store

_FIRST_YEAR, _LAST_YEAR = 2000, 2100


def week_named(text: str, zone: tzinfo, now: float) -> Week:
    """Return the week that a day names, as YYYY-MM-DD. Raises StartError where it is no day, or is yet to come."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or text != day.isoformat() or not _FIRST_YEAR <= day.year < _LAST_YEAR:
        raise StartError(f"--week {shorten(text)} is no day: write any day of the week as YYYY-MM-DD") from None
    week = week_of(day, zone)
    if week.start > now:
        raise StartError(f"--week {text}: that week begins on {week.first} and is yet to come: name an earlier day")
    return week


async def write_report(
    store_url: str, week: Week, zone: tzinfo, data_dir: Path, now: float
) -> tuple[Path, tuple[str, ...]]:
    """Write the report of `week`; return where it is, and the totals as lines.

    Raises StartError where there is no store that can be read, StoreError or ReportError.
    """
    store = await Store.look(store_url)
    try:
        report = await make_report(store, week, zone, data_dir, now)
    finally:
        await store.close()
    return data_dir / report.file, tuple(f"{title}: {text}" for title, text in totals(report.found))
