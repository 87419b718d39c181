"""CS-Studio's displays, alarm tree and archiver list, held against the IOC that really runs."""

import asyncio
import contextlib
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.archiver_appliance import PAUSED, Archived, ArchiverAppliance
from tests.system.conftest import Epics, Program, until
from tests.unit.interfaces.epics import bob_rules

pytestmark = pytest.mark.system

HOSTILE = "\"Hall <7> & $(x) / 'B'\""


async def ended(program: Program, code: int = 0) -> str:
    """Wait for the end of a command, and return what it printed."""
    assert await program.wait() == code, program.lines
    return "\n".join(program.lines)


async def nowhere(epics: Epics, pvs: set[str]) -> set[str]:
    """Return those PVs that nobody serves; all are searched for at once."""

    async def found(pv: str) -> bool:
        with contextlib.suppress(epics.aioca.CANothing):
            await epics.get(pv, timeout=10.0, format=epics.aioca.FORMAT_RAW)
            return True
        return False

    names = sorted(pvs)
    answers = await asyncio.gather(*(found(name) for name in names))
    return {name for name, there in zip(names, answers, strict=True) if not there}


async def test_every_pv_named_anywhere_exists(
    simulate: Any, serve: Any, programs: Any, epics: Epics, tmp_path: Path
) -> None:
    sim = await simulate(switches=2, ports=4)
    await serve(re.sub(r"(?m)^room = .*$", lambda _: f"room = {HOSTILE}", sim.config, count=1))
    said = await ended(await programs("screens", "screens", "vigilia.toml"))  # while the service has the store
    folder = tmp_path / "screens"
    assert "written" in said
    assert bob_rules.faults(folder) == []
    shown = bob_rules.pvs(folder)
    tree = {pv.get("name", "") for pv in ET.parse(folder / "alarms.xml").iter("pv")}
    listed = {entry["pv"] for entry in json.loads(await ended(await programs("archiver", "vigilia.toml")))}
    assert len(listed) > 2 * 4 * 11
    assert shown == listed
    assert tree < listed
    assert await nowhere(epics, listed) == set()
    assert await nowhere(epics, {"SIM-01:Cam-01:PwrState-Nothing"}), "a PV that is not there is noticed"


async def test_the_archiver_takes_what_it_is_given_and_what_it_did_not_take_is_told(
    simulate: Any, programs: Any, tmp_path: Path
) -> None:
    sim = await simulate(switches=1, ports=2)
    (tmp_path / "vigilia.toml").write_text('[site]\nlanguage = "en"\n[epics]\n' + sim.config)
    async with ArchiverAppliance() as archiver:
        said = await ended(await programs("archiver", "--submit", archiver.url, "vigilia.toml"))
        assert f"0 PVs archived, {len(archiver.pvs)} accepted and being measured, 0 not accepted" in said
        archiver.measure()
        said = await ended(await programs("archiver", "--submit", f"{archiver.url}/mgmt/ui/index.html", "vigilia.toml"))
        assert f"{len(archiver.pvs)} PVs archived, 0 accepted" in said
        archiver.pvs["SIM-01:Cam-01:PwrState-Sel"].status = PAUSED
        archiver.pvs["SIM-01:Cam-01:PwrState-Raw"] = Archived("SCAN", 10.0, status="Being archived")
        said = await ended(await programs("archiver", "--submit", archiver.url, "vigilia.toml"), code=1)
    assert "SIM-01:Cam-01:PwrState-Sel: not archived: it is paused there: resume it" in said
    assert "SIM-01:Cam-01:PwrState-Raw: archived before, and sampled otherwise: SCAN 10.0 s" in said
    assert "1 not accepted" in said
    said = await ended(await programs("archiver", "--submit", archiver.url, "vigilia.toml"), code=2)
    assert "cannot be reached" in said


async def test_a_choice_starts_from_its_archived_value(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate(switches=1, ports=2)
    async with ArchiverAppliance() as archiver:
        archiver.saw("SIM-01:Cam-01:PwrState-Sel", 0)
        section = f'[aruba]\nselector_from = "archiver"\narchiver_url = "{archiver.url}"\n'
        service = await serve(sim.config.replace("[aruba]\n", section, 1))
        first, second = (f"SIM-01:Cam-0{number}:PwrState-Sel" for number in (1, 2))

        async def both() -> bool:
            values = [await epics.get(first), await epics.get(second)]
            return all(value.severity == 0 for value in values)

        await until(both)
        assert (await epics.get(first), await epics.get(second)) == (0, 1)
        assert (await epics.get("SIM-01:Cam-01:PwrState-Sts")) == 1, "a start reads and never writes"
        line = await service.program.line_with("does not know")
    assert "1 of 2 choices" in line
