"""What the agent says of itself."""

from pathlib import Path

from tests.unit.agent.scripted import ScriptedPart
from tests.unit.agent.test_clocking import TRUE, SetClock
from vigilia.agent.clocking import Clocking
from vigilia.agent.health import AgentPart
from vigilia.agent.parts import Access, Measured, Role
from vigilia.agent.samples import SampleStore
from vigilia.points import Severity


async def test_it_says_how_the_computer_fares_and_what_waits(tmp_path: Path) -> None:
    clock = SetClock(TRUE)
    store = SampleStore(tmp_path / "samples.db", "boot-1")
    clocking = Clocking(clock, store, "boot-1", lambda: True)
    store.use_clock(clocking)
    part = AgentPart("1.2", store, clocking, clock, lambda: 3)
    assert (part.declaration.name, part.declaration.role) == ("agent", Role.AGENT)
    part.measure(500.0)
    store.take(ScriptedPart(), [Measured("pH", 7.0, TRUE)] * 30)
    while await store._write():  # noqa: SLF001
        pass
    clock.pass_by(60)
    part.measure(None)
    found = {measured.parameter: measured for measured in part.readings()}
    assert found.keys() == {parameter.name for parameter in part.declaration.parameters}
    assert all(parameter.access is Access.READING for parameter in part.declaration.parameters)
    values = {name: measured.value for name, measured in found.items()}
    assert (values["Uptime"], values["Buffered"], values["OldestWaiting"], values["Samples"]) == (
        60.0,
        30.0,
        60.0,
        30.0,
    )
    assert (values["Dropped"], values["Faults"], values["Clock"]) == (0.0, 3.0, 1)
    assert isinstance(values["Memory"], float)
    assert (found["Disk"].value, found["Disk"].severity) == (None, Severity.INVALID)
    clock.pass_by(60)
    part.measure(1.0)
    assert next(it for it in part.readings() if it.parameter == "Samples").value == 0.0
    await store.close()
