"""`vigilia screens` and `vigilia archiver`: what CS-Studio and the EPICS Archiver Appliance are given."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vigilia.catalogue import OWN_SYSTEM, Catalogue, read_catalogue
from vigilia.config import Config
from vigilia.interfaces.epics.alarmtree import FILE, TreePv, alarm_tree, in_tree
from vigilia.interfaces.epics.archiver.plan import listed, wanted
from vigilia.interfaces.epics.archiver.submit import SAMPLING, Outcome, submit
from vigilia.interfaces.epics.screens.files import MARK, write_files
from vigilia.interfaces.epics.screens.plan import render
from vigilia.interfaces.epics.screens.site import Served
from vigilia.interfaces.epics.screens.sorting import sort
from vigilia.language import tr


@dataclass(frozen=True, slots=True)
class Said:
    """What a command prints, and its exit code."""

    lines: Sequence[str]
    complaints: Sequence[str] = ()
    """For the error output."""
    code: int = 0


def write_screens(config: Config, folder: Path) -> Said:
    """Write displays and the alarm tree into `folder`. Raises ConfigError, StartError or StoreError."""
    outcome = write_files(folder, make_files(config, asyncio.run(read_catalogue(config))))
    kept = [tr("{file} is not ours and stays as it is").format(file=folder / name) for name in outcome.kept]
    summary = tr("{folder}: {written} files written, {removed} removed")
    return Said([summary.format(folder=folder, written=outcome.written, removed=outcome.removed)], kept)


def make_files(config: Config, catalogue: Catalogue) -> dict[str, bytes]:
    """Return every file by its path within the folder. Raises StartError where EPICS serves nothing."""
    served = [Served(*its) for its in catalogue.served(config)]
    files = render(config.site.name, sort(config.site.instance, served, catalogue.views))
    systems = {its.point.link: its.system for its in served if its.point.link}
    pvs = in_tree((TreePv(*its) for its in served), catalogue.rules, systems)
    return files | {FILE: alarm_tree(config.site.instance, pvs, catalogue.titles, MARK)}


def list_archived(config: Config, policy: str) -> Said:
    """Return the list for the archiver. Raises ConfigError, StartError or StoreError."""
    catalogue = asyncio.run(read_catalogue(config))
    return Said([listed(wanted(catalogue.served(config), OWN_SYSTEM, policy))])


def submit_archived(config: Config, url: str, policy: str) -> Said:
    """Have the archiver at `url` archive everything; the code is 1 where a PV was not accepted.

    Raises ConfigError, StartError, StoreError, or ArchiverError where it cannot be asked.
    """

    async def work() -> list[Outcome]:
        catalogue = await read_catalogue(config)
        return await submit(url, wanted(catalogue.served(config), OWN_SYSTEM, policy))

    return _report(asyncio.run(work()))


def _report(outcomes: Sequence[Outcome]) -> Said:
    """Say how it went: PV by PV for what was not accepted, or is sampled otherwise than asked."""
    refused = [outcome for outcome in outcomes if not outcome.accepted]
    otherwise = tr("{pv}: archived before, and sampled otherwise: {how}")
    complaints = [otherwise.format(pv=outcome.pv, how=outcome.differs) for outcome in outcomes if outcome.differs]
    complaints += [tr("{pv}: not archived: {why}").format(pv=outcome.pv, why=_why(outcome)) for outcome in refused]
    archived = sum(outcome.archived for outcome in outcomes)
    summary = tr("{archived} PVs archived, {waiting} accepted and being measured, {refused} not accepted").format(
        archived=archived, waiting=len(outcomes) - archived - len(refused), refused=len(refused)
    )
    lines = [summary]
    if any(outcome.status == SAMPLING for outcome in outcomes):
        lines.append(tr("The appliance takes some minutes to measure a PV, and must reach it: is the service running?"))
    return Said(lines, complaints, 1 if refused else 0)


def _why(outcome: Outcome) -> str:
    if outcome.status == "Paused":
        return tr("it is paused there: resume it on the appliance's pages")
    return outcome.reason or outcome.status or tr("the appliance says nothing of it")
