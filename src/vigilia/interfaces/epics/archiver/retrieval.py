"""What the appliance last saw of PVs: its `getDataAtTime`, in bounded time.

Documented for save and restore: a POST of a JSON list of names gives an object of objects by name, with `val`, `secs`,
`nanos`, `severity` and `status`; a PV that it does not know is not in it. It looks a month back unless told otherwise.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from vigilia.clock import iso
from vigilia.interfaces.epics.archiver.http import ArchiverError, NoArchiver, connected
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.interfaces.epics.names import epics_name
from vigilia.points import Reading, Severity, Status

_AT_ONCE = 1000
_SEARCH = "P365D"
_STATUSES = {int(status): status for status in Status}


class _Archived(BaseModel):
    """One value of the appliance."""

    val: float | int | str
    secs: float
    nanos: float = 0
    severity: int
    status: int


class ArchivedReadings:
    """What the appliance saw of points, by their names."""

    def __init__(self, config: EpicsConfig | None) -> None:
        self._prefix = config.prefix if config else ""

    async def last(self, url: str, names: Sequence[str], at: float, deadline_s: float) -> Mapping[str, Reading]:
        """Return the last reading before `at` of those points that the appliance knows.

        Raises StartError for what is no address, ArchiverError where there is no usable answer within `deadline_s`.
        """
        by_pv = {epics_name(self._prefix, name): name for name in names}
        pvs = list(by_pv)
        found: dict[str, Reading] = {}
        try:
            async with asyncio.timeout(deadline_s), connected(url, deadline_s) as appliance:
                path = f"/retrieval/data/getDataAtTime?at={quote(iso(at), safe='')}&searchPeriod={_SEARCH}"
                for start in range(0, len(pvs), _AT_ONCE):
                    body = await appliance.post(path, json=pvs[start : start + _AT_ONCE])
                    found |= {by_pv[pv]: reading for pv, reading in _readings(body).items() if pv in by_pv}
        except TimeoutError as error:
            raise NoArchiver(f"the archiver at {url} gave no answer within {deadline_s:g} s") from error
        return found


def _readings(body: bytes) -> dict[str, Reading]:
    """Return the readings in an answer; what is no reading is left out. Raises ArchiverError for what is no object."""
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError) as error:  # the latter for nesting beyond all measure
        raise ArchiverError("the archiver's answer is no JSON") from error
    if not isinstance(said, dict):
        raise ArchiverError("the archiver's answer is no object")
    found: dict[str, Reading] = {}
    for pv, item in cast("dict[str, Any]", said).items():
        try:
            archived = _Archived.model_validate(item)
            severity = Severity(archived.severity)
        except (ValidationError, ValueError):
            continue
        time = archived.secs + archived.nanos / 1e9
        found[pv] = Reading(archived.val, time, severity, _STATUSES.get(archived.status, Status.UDF))
    return found
