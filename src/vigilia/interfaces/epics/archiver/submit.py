"""Has the appliance archive PVs, and sees what it really took.

Its answer to `archivePV` is no proof. An entry that it does not understand is left out, and the answer is then no JSON;
one bad name ends the whole request, the rest of its entries included; and a PV may be paused. `getPVStatus` tells how
each one stands (`ArchivePVAction.java`, `GetPVStatusAction.java`).
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from vigilia.errors import printable
from vigilia.interfaces.epics.archiver.http import Appliance, ArchiverError, NoArchiver, connected
from vigilia.interfaces.epics.archiver.plan import MONITOR, Wanted

ARCHIVE, STATUS = "/mgmt/bpl/archivePV", "/mgmt/bpl/getPVStatus"
AT_ONCE = 100
"""PVs in one request."""
_REQUEST_S = 60.0
_SETTLE_S = 10.0
"""How long it may take until every appliance of a cluster knows of a request."""
_LOOK_EVERY_S = 1.0
ARCHIVED, SAMPLING = "Being archived", "Initial sampling"
_UNDER_WAY = {SAMPLING, "Appliance assigned"}
_NOT_ARCHIVED = "Not being archived"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one PV stands with the appliance."""

    pv: str
    status: str
    """In the appliance's words; empty: it said nothing of the PV."""
    reason: str = ""
    """Why the request for it failed; empty: it did not."""
    differs: str = ""
    """How it is sampled, where that is not what was asked for."""

    @property
    def archived(self) -> bool:
        """Whether it is archived."""
        return self.status == ARCHIVED

    @property
    def accepted(self) -> bool:
        """Whether it is archived, or will be once the appliance has reached it and measured its rate."""
        return self.archived or self.status in _UNDER_WAY


async def submit(url: str, entries: Sequence[Wanted]) -> list[Outcome]:
    """Have everything archived; return how each PV stands, in the same order.

    Raises StartError for what is no address, ArchiverError where the appliance cannot be asked at all.
    """
    async with connected(url, _REQUEST_S) as appliance:
        reasons: dict[str, str] = {}
        for number, some in enumerate(_parts(entries)):
            try:
                reasons |= await _request(appliance, some)
            except NoArchiver:
                if number == 0:
                    raise
                break  # what it had taken by then is seen below
        return await _settled(appliance, entries, reasons)


async def _request(appliance: Appliance, entries: Sequence[Wanted]) -> dict[str, str]:
    """Send a request; return why it failed for those PVs for which it did.

    One that fails as a whole is sent again in halves: a PV that is there already costs nothing.
    """
    try:
        body = await appliance.post(ARCHIVE, json=[entry.entry() for entry in entries])
        answers = _answers(body)
    except NoArchiver:
        raise
    except ArchiverError as error:
        if len(entries) == 1:
            return {entries[0].pv: str(error)}
        half = len(entries) // 2
        return await _request(appliance, entries[:half]) | await _request(appliance, entries[half:])
    return {pv: said["status"] for pv, said in answers.items() if said["status"] == "Exception occured"}


async def _settled(appliance: Appliance, entries: Sequence[Wanted], reasons: dict[str, str]) -> list[Outcome]:
    """Ask how the PVs stand, and once more, for some seconds, for those that are not taken yet."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _SETTLE_S
    found: dict[str, Outcome] = {}
    while True:
        open_ones = [entry for entry in entries if entry.pv not in found or not found[entry.pv].accepted]
        for some in _parts(open_ones):
            try:
                found |= {outcome.pv: outcome for outcome in await _look(appliance, some, reasons)}
            except NoArchiver as error:  # it went away meanwhile: to ask for each part of thousands would take hours
                unknown = [entry.pv for entry in open_ones if entry.pv not in found]
                found |= {pv: Outcome(pv, "", str(error)) for pv in unknown}
                break
        waiting = [o for o in found.values() if not o.accepted and not o.reason and o.status in ("", _NOT_ARCHIVED)]
        if not waiting or loop.time() >= deadline:
            return [found[entry.pv] for entry in entries]
        await asyncio.sleep(_LOOK_EVERY_S)


async def _look(appliance: Appliance, entries: Sequence[Wanted], reasons: dict[str, str]) -> list[Outcome]:
    try:
        body = await appliance.post(STATUS, data={"pv": ",".join(entry.pv for entry in entries)})
        answers = _answers(body)
    except NoArchiver:
        raise
    except ArchiverError as error:
        return [Outcome(entry.pv, "", str(error)) for entry in entries]
    return [_outcome(entry, answers.get(entry.pv, {}), reasons.get(entry.pv, "")) for entry in entries]


def _outcome(entry: Wanted, said: dict[str, Any], reason: str) -> Outcome:
    status = printable(str(said.get("status", "")))
    differs = _difference(entry, said) if status == ARCHIVED else ""
    return Outcome(entry.pv, status, reason, differs)


def _difference(entry: Wanted, said: dict[str, Any]) -> str:
    """Return how a PV is sampled where that is not as asked; the appliance gives numbers and truths as texts."""
    if entry.policy:
        return ""  # the policy says how, whatever else was asked
    monitored, period = said.get("isMonitored"), said.get("samplingPeriod")
    try:
        same = float(str(period)) == entry.period_s
    except ValueError:
        return ""
    if same and str(monitored).lower() == str(entry.method == MONITOR).lower():
        return ""
    method = "MONITOR" if str(monitored).lower() == "true" else "SCAN"
    return f"{method} {printable(str(period))} s"


def _answers(body: bytes) -> dict[str, dict[str, Any]]:
    """Return what the appliance said of each PV. Raises ArchiverError where that is no list of it."""
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError) as error:  # the latter for nesting beyond all measure
        raise ArchiverError("the archiver's answer is no JSON") from error
    if not isinstance(said, list):
        raise ArchiverError("the archiver's answer is no list")
    found: dict[str, dict[str, Any]] = {}
    for item in cast("list[object]", said):
        if isinstance(item, dict):
            entry = cast("dict[str, Any]", item)
            if isinstance(entry.get("pvName"), str) and isinstance(entry.get("status"), str):
                found[entry["pvName"]] = entry
    return found


def _parts(entries: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    for start in range(0, len(entries), AT_ONCE):
        yield entries[start : start + AT_ONCE]
