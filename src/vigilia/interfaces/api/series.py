"""Turns what the history answers into what a chart needs: numbers that JSON has."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from vigilia.clock import iso
from vigilia.history.backend import SECOND_MS, Bucket
from vigilia.interfaces.api.answers import encode
from vigilia.points import Kind, Point

_POINTS_AT_ONCE = 500
"""How many are turned into JSON before others get their turn on the event loop."""
_WHOLE = (Kind.ENUM, Kind.BOOLEAN, Kind.INTEGER)


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
