"""CS-Studio's displays, alarm tree and archiver list, held against the IOC that really runs."""

import asyncio
import contextlib
import json
import re
import signal
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


def service_of(demo: Program) -> tuple[str, dict[str, str]]:
    """Return the configuration of the demonstration's service, and its environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (folder / "cmdline").read_text().split("\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(demo.process.pid) and "run" in arguments:
                pairs = (folder / "environ").read_text().split("\0")
                return arguments[arguments.index("run") + 1], dict(p.split("=", 1) for p in pairs if "=" in p)
    raise AssertionError("the demonstration runs no service")


async def test_plants_and_reactors_that_were_found_at_work_have_their_displays(programs: Any, tmp_path: Path) -> None:
    from p4p.client.thread import Context

    demo = await programs("demo", environment={"LC_ALL": "C.UTF-8"})
    await demo.line("vigilia ready http://127.0.0.1:", 60)
    await demo.line("What happens now", 60)
    config, environment = service_of(demo)
    folder = tmp_path / "screens"

    async def written() -> bool:
        await ended(await programs("screens", str(folder), config, environment=environment))
        return bool(list(folder.glob("plant-*.bob")) and len(list(folder.glob("reactor-*.bob"))) == 2)

    await until(written, 60)
    assert bob_rules.faults(folder) == []
    shown = bob_rules.pvs(folder)
    assert {"19480:Inverter-194807003:Pac-Mon", "R1:ph:pH-Mon"} <= shown
    exported = (
        line.removeprefix("export ").split("=", 1) for line in map(str.strip, demo.lines) if "export EPICS" in line
    )
    with Context("pva", conf=dict(exported), useenv=False) as client:

        async def served() -> bool:  # the IOC is replaced for points found at work, some seconds after them
            answers = await asyncio.to_thread(client.get, sorted(shown), timeout=5.0, throw=False)
            return not any(isinstance(answer, Exception) for answer in answers)

        await until(served, 60)
    demo.process.send_signal(signal.SIGINT)
    assert await demo.wait() == 0


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
