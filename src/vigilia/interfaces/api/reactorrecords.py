"""One reactor: how it stands, what its pumps gave and who asked, and what its probes need to be calibrated."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from vigilia.calibration import SETTLED_READINGS, CalibrationItem, CalibrationStep, Steadiness
from vigilia.clock import iso, moment
from vigilia.errors import UnknownReactor
from vigilia.history.backend import SECOND_MS, Question
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.dosing import TOTAL, Asked, Dose, doses
from vigilia.interfaces.api.models import ReactorAnswer
from vigilia.interfaces.api.parts import ApiParts, History, Parts
from vigilia.interfaces.api.reactormodels import CalibrationAnswer, DosesAnswer
from vigilia.interfaces.api.reactors import ReactorId, reactor_json
from vigilia.interfaces.api.times import TimesQuery
from vigilia.language import tr
from vigilia.points import Reading, shorten
from vigilia.store.auditing import AuditFilter

_USUAL_S = 86_400.0
_LONGEST_S = 400 * 86_400.0
_LONGEST_DOSE_S = 86_400.0
_SLACK_S = 60.0
_MOST_STEPS = 10_000
_MOST_WRITES = 10_000
_ANSWER_S = 30.0

PartName = Annotated[str, Path(max_length=200, description="the part's name, as in its points' names")]

router = APIRouter(prefix="/api/v1", tags=["reactors"])


@router.get(
    "/reactors/{reactor}",
    response_model=ReactorAnswer,
    responses=failures(_404="no reactor of that id has called", _422="no id is that long"),
)
async def get_reactor(reactor: ReactorId, parts: Parts) -> Response:
    """Give one reactor and how it stands with it."""
    for item in parts.fleet.reactors() if parts.fleet else ():
        if item.id == reactor:
            return JsonAnswer(reactor_json(item))
    raise UnknownReactor(f"no reactor {shorten(reactor)} has called")


@router.get(
    "/reactors/{reactor}/doses",
    response_model=DosesAnswer,
    responses=failures(
        _404="no reactor of that id has called, or no history is kept",
        _422="a parameter is not as described, or more than 400 days are asked for",
        _503="the history or the store does not answer, or not in time",
    ),
)
async def list_doses(reactor: ReactorId, parts: Parts, query: Annotated[TimesQuery, Query()]) -> Response:
    """Give what the pumps of a reactor gave over a time, the last day unless it is given, and who asked for it.

    It is what the agent's ledger said; the writes that may have asked for a dose are those of the audit. What none of
    them accounts for, a loop asked for.
    """
    start, end = query.bounded(parts.clock.now(), _USUAL_S, _LONGEST_S)
    await get_reactor(reactor, parts)
    if parts.history is None:
        raise Failed(404, "not-found", tr("no history is kept, so it is not known what was dosed when"))
    pumps = [point.name for point in parts.table.points() if point.link == reactor and _part_of(point.name, reactor)]
    found: dict[str, list[Dose]] = {}
    resolution_ms = 0
    try:
        async with asyncio.timeout(_ANSWER_S), parts.questions:
            for pump in pumps:
                resolution, found[pump] = await _doses(parts, parts.history, pump, start, end)
                resolution_ms = max(resolution_ms, resolution)
    except TimeoutError as error:
        raise Failed(
            503, "history-unavailable", tr("no answer in time: ask for a shorter time, or try later")
        ) from error
    every = sorted((dose for of in found.values() for dose in of), key=lambda dose: -dose.at)
    return JsonAnswer(
        {
            "from": iso(start),
            "to": iso(end),
            "resolution_s": resolution_ms / SECOND_MS,
            "pumps": [_pump_json(pump, of, reactor) for pump, of in found.items()],
            "items": [_dose_json(dose, reactor) for dose in every],
        }
    )


@router.get(
    "/reactors/{reactor}/calibration/{part}",
    response_model=CalibrationAnswer,
    responses=failures(
        _404="no reactor of that id is accepted, or it has no such part that is calibrated", _422="no id is that long"
    ),
)
async def get_calibration(reactor: ReactorId, part: PartName, parts: Parts) -> Response:
    """Give what is needed to calibrate a part: steps of its kind, what is calibrated, whether its reading is stable.

    Readings are watched from the first of these requests on, for two minutes after the last. A step is a write to the
    point that `command` names.
    """
    if parts.fleet is None:
        raise UnknownReactor("no reactors are listened to: add [reactor] to the configuration")
    return JsonAnswer(_calibration_json(parts.fleet.calibration(reactor, part), parts))


async def _doses(parts: ApiParts, history: History, pump: str, start: float, end: float) -> tuple[int, list[Dose]]:
    """Return at which resolution a pump's doses are known, and the doses. Raises HistoryError or StoreError."""
    # What stood before: of a point that is read there is a reading within so long, whether it changes or not.
    interval_s = history.longest_interval_s(pump) + _SLACK_S
    before = start - interval_s
    question = Question(pump, round(max(0.0, before) * SECOND_MS), round(end * SECOND_MS), _MOST_STEPS)
    series = await history.read(question)
    wanted = AuditFilter(f"{pump.removesuffix(TOTAL)}*", start=max(0.0, start - _LONGEST_DOSE_S), end=end)
    rows = await parts.audit(wanted, limit=_MOST_WRITES)
    return series.resolution_ms, doses(series, [_asked(row) for row in rows], start, interval_s)


def _part_of(point: str, reactor: str) -> str:
    """Return the pump whose total a point is; empty: it is none."""
    head, tail = f"{reactor}:", f":{TOTAL}"
    return point.removeprefix(head).removesuffix(tail) if point.startswith(head) and point.endswith(tail) else ""


def _asked(row: dict[str, Any]) -> Asked:
    names = ("point", "value", "via", "user", "host", "outcome")
    return Asked(row["id"], moment(row["time"]), *(row[name] for name in names))


def _pump_json(pump: str, found: list[Dose], reactor: str) -> dict[str, Any]:
    return {
        "pump": _part_of(pump, reactor),
        "point": pump,
        "ml": round(sum(dose.ml for dose in found), 3),
        "asked_ml": round(sum(dose.ml for dose in found if dose.asked), 3),
        "count": len(found),
    }


def _dose_json(dose: Dose, reactor: str) -> dict[str, Any]:
    return {
        "pump": _part_of(dose.point, reactor),
        "point": dose.point,
        "time": iso(dose.at),
        "since": None if dose.since is None else iso(dose.since),
        "ml": dose.ml,
        "total": dose.total,
        "began_anew": dose.began_anew,
        "asked": [
            {
                "id": one.id,
                "time": iso(one.at),
                "point": one.point,
                "value": one.value,
                "via": one.via,
                "user": one.user,
                "host": one.host,
                "outcome": one.outcome,
            }
            for one in dose.asked
        ],
    }


def _calibration_json(item: CalibrationItem, parts: ApiParts) -> dict[str, Any]:
    state, calibrating = _reading(parts, item.state), _reading(parts, item.calibrating)
    reading = parts.table.point(item.reading) if item.reading in parts.table else None
    return {
        "reactor": item.reactor,
        "part": item.part,
        "title": item.title,
        "kind": item.kind,
        "command": item.command,
        "state": str(state.value) if state and state.value is not None else None,
        "state_severity": state.severity.name if state else None,
        "calibrating": bool(calibrating.value) if calibrating and calibrating.value is not None else None,
        "reading": item.reading or None,
        "units": reading.units if reading else None,
        "precision": reading.precision if reading else None,
        "begin": item.begin or None,
        "end": item.end or None,
        "clear": item.clear,
        "steps": [_step_json(step) for step in item.steps],
        "steadiness": _steadiness_json(item.steadiness),
    }


def _reading(parts: ApiParts, name: str) -> Reading | None:
    return parts.table.reading(name) if name in parts.table else None


def _step_json(step: CalibrationStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "write": step.write,
        "instruction": step.instruction,
        "limits": step.limits,
        "usual": step.usual,
        "after": step.after or None,
    }


def _steadiness_json(found: Steadiness) -> dict[str, Any]:
    return {
        "stable": found.stable,
        "reason": found.reason,
        "wanted": SETTLED_READINGS,
        "mean": found.mean,
        "spread": found.spread,
        "drift_per_min": found.drift_per_min,
        "allowed": found.allowed,
        "readings": [
            {"time": iso(seen.time), "value": seen.value, "severity": seen.severity.name} for seen in found.readings
        ],
    }
