"""Figures of the alarm system after ISA-18.2: how many, how fast, which ones, and which never go."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from vigilia.clock import iso
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.incidents import name_of
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.api.recordmodels import FiguresAnswer
from vigilia.interfaces.api.times import TimesQuery
from vigilia.language import tr
from vigilia.points import Severity
from vigilia.store.figures import Figures, RateBucket, Source

_USUAL_S = 7 * 86_400.0
_LONGEST_S = 400 * 86_400.0
_ANSWER_S = 30.0

router = APIRouter(prefix="/api/v1", tags=["alarms"])


@router.get(
    "/alarms/figures",
    response_model=FiguresAnswer,
    responses=failures(
        _404="no alarms are judged",
        _422="a parameter is not as described, or more than 400 days are asked for",
        _503="the store does not answer, or not in time",
    ),
)
async def get_figures(parts: Parts, query: Annotated[TimesQuery, Query()]) -> Response:
    """Give the figures of a time, the last seven days unless it is given."""
    start, end = query.bounded(parts.clock.now(), _USUAL_S, _LONGEST_S)
    if parts.records is None:
        raise Failed(404, "not-found", tr("no alarms are judged, so there are no figures"))
    try:
        async with asyncio.timeout(_ANSWER_S):
            found = await parts.records.figures(start, end)
    except TimeoutError as error:
        raise Failed(503, "store-unavailable", tr("no answer in time: ask for a shorter time, or try later")) from error
    return JsonAnswer(figures_json(found))


def figures_json(found: Figures) -> dict[str, Any]:
    """Return figures as the API shows them."""
    severities = (Severity.MINOR, Severity.MAJOR, Severity.INVALID)
    return {
        "from": iso(found.start),
        "to": iso(found.end),
        "total": found.total,
        "rate_per_10min": {
            "mean": found.mean,
            "max": found.most,
            "periods": found.periods,
            "bucket_s": found.bucket_s,
            "buckets": [_bucket_json(bucket) for bucket in found.buckets],
        },
        "flood_share": found.flood_share,
        "per_severity": {severity.name: found.per_severity.get(severity, 0) for severity in severities},
        "top": [_source_json(one.source) | {"count": one.count, "share": one.share} for one in found.top],
        "chattering": [
            _source_json(one.source) | {"count_per_min": one.most_per_minute, "count": one.count, "last": iso(one.last)}
            for one in found.chattering
        ],
        "stale": [_source_json(one.source) | {"since": iso(one.since)} for one in found.stale],
        "stale_count": found.stale_count,
        "standing": found.standing,
    }


def _bucket_json(bucket: RateBucket) -> dict[str, Any]:
    return {"time": iso(bucket.start), "count": bucket.count, "max": bucket.most}


def _source_json(source: Source) -> dict[str, Any]:
    name = name_of(source.family, source.label) or source.alarm.partition("@")[0]
    return asdict(source) | {"name": name, "severity": source.severity.name}
