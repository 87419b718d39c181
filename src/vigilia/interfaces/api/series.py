"""Turns what the history answers into what a chart needs: numbers that JSON has, and marks where nothing is known."""

import asyncio
import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low
from typing import Any

from vigilia.clock import iso
from vigilia.history.backend import SECOND_MS, Bucket, Series
from vigilia.interfaces.api.answers import encode
from vigilia.points import Kind, Point, Severity

_MISSED = 2.5
"""So many expected distances without a reading are a gap: one late reading is none."""
_FEWEST_DISTANCES = 3
"""Fewer tell no pace."""
_POINTS_AT_ONCE = 500
"""How many are turned into JSON before others get their turn on the event loop."""
_WHOLE = (Kind.ENUM, Kind.BOOLEAN, Kind.INTEGER)


def with_gaps(series: Series, until_ms: int, interval_s: float) -> list[Bucket]:
    """Return a series' buckets with a mark right after the last one before each gap.

    `interval_s` is the longest distance that is expected of the point, the end of the series is at `until_ms`. A
    point that only ever came at a slower pace than that (a record each quarter of an hour, an import) keeps its pace.
    """
    buckets = series.buckets
    if not buckets:
        return []
    distances = [after.time_ms - before.time_ms for before, after in pairwise(buckets)]
    pace_ms = median_low(distances) if len(distances) >= _FEWEST_DISTANCES else 0
    longest_ms = _MISSED * max(interval_s * SECOND_MS, series.resolution_ms, pace_ms)
    marked: list[Bucket] = []
    for bucket, distance in zip(buckets, [*distances, until_ms - buckets[-1].time_ms], strict=True):
        marked.append(bucket)
        if distance > longest_ms:
            after_ms = bucket.time_ms + (series.resolution_ms or 1)
            marked.append(Bucket(after_ms, None, None, None, Severity.INVALID))
    return marked


async def series_json(name: str, point: Point | None, resolution_ms: int, buckets: Sequence[Bucket]) -> bytes:
    """Return a series as the API shows it; `point` is None where it is gone."""
    whole = point is not None and point.kind in _WHOLE
    resolution_s = resolution_ms / SECOND_MS
    head = encode(
        {
            "name": name,
            "units": point.units if point else None,
            "resolution_s": int(resolution_s) if resolution_s.is_integer() else resolution_s,
            "points": [],
        }
    )
    parts: list[bytes] = []
    for start in range(0, len(buckets), _POINTS_AT_ONCE):
        page = [_bucket_json(bucket, whole=whole) for bucket in buckets[start : start + _POINTS_AT_ONCE]]
        parts.append(encode(page)[1:-1])
        await asyncio.sleep(0)
    return b"%b%b]}" % (head.removesuffix(b"]}"), b",".join(parts))


def _bucket_json(bucket: Bucket, *, whole: bool) -> dict[str, Any]:
    value = bucket.value
    return {
        "time": iso(bucket.time_ms / SECOND_MS),
        "value": value if isinstance(value, str) else _number(value, whole=whole),
        "min": _number(bucket.low, whole=whole),
        "max": _number(bucket.high, whole=whole),
        "severity": bucket.severity.name,
    }


def _number(value: float | None, *, whole: bool) -> float | None:
    """Return a number as JSON has it: none that is not finite, and an index or a count without decimals."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if whole and float(value).is_integer() else value
