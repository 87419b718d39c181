"""What the settings of a single VictoriaMetrics mean for a history in it: people are told of those that harm it."""

import logging
import re

from vigilia.history.backend import Keeping
from vigilia.history.engine_http import FOR_EVER_DAYS, Engine

_logger = logging.getLogger(__name__)

_FLAG = re.compile(r'^-(dedup\.minScrapeInterval|retentionPeriod)="([^"]*)"$', re.MULTILINE)
_PERIOD = re.compile(r"([\d.]+)([hdwy]?)")
_UNIT_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "y": 365.0, "": 31.0}
"""https://docs.victoriametrics.com/#retention: a number without a unit is months of 31 days."""


async def advise(engine: Engine, keeping: Keeping) -> None:
    """Log what its settings take from the history. A cluster, or one that shows no settings, is believed."""
    if engine.address.separate:
        return
    answer = await engine.get(engine.address.read, "/flags")
    if answer.status != 200:
        return
    for warning in warnings(answer.body.decode(errors="replace"), keeping):
        _logger.warning("%s: %s", engine.address.name, warning)


def warnings(flags: str, keeping: Keeping) -> list[str]:
    """Return what the page `/flags` gives reason to warn of."""
    found = dict(_FLAG.findall(flags))
    said: list[str] = []
    if found.get("dedup.minScrapeInterval") in ("", "0", "0s"):
        said.append("a row that is written twice counts twice there: start it with -dedup.minScrapeInterval=1ms")
    days = _days(found.get("retentionPeriod", ""))
    if 0 < days < (keeping.raw_days or FOR_EVER_DAYS):
        said.append(f"it keeps rows for {days:g} days, less than [history] asks for: start it with -retentionPeriod")
    return said


def _days(period: str) -> float:
    match = _PERIOD.fullmatch(period)
    return float(match[1]) * _UNIT_DAYS[match[2]] if match else 0.0
