"""Parts at work: a fault of one stops no other, and a stop leaves outputs safe first."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.conftest import until
from tests.unit.agent.scripted import ScriptedPart
from vigilia.agent import crew as module
from vigilia.agent.crew import Crew
from vigilia.agent.parts import Measured, Part, Role
from vigilia.backoff import Backoff
from vigilia.errors import StartError


class Deaf:
    def changed(self, part: Part) -> None:
        del part

    def sampled(self, part: Part, samples: Sequence[Measured]) -> None:
        del part, samples


async def test_a_fault_of_one_part_stops_no_other_and_it_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_AGAIN", Backoff(0.02, 0.05))
    faulty, well = ScriptedPart("faulty"), ScriptedPart("well")
    faulty.faults = [RuntimeError("a bug"), StartError("the library is missing")]
    crew = Crew([faulty, well])
    crew.start(Deaf())
    await until(lambda: "a bug" in crew.faulty("faulty"))
    assert crew.idle == [f"faulty: {crew.faulty('faulty')}"]
    await until(lambda: faulty.runs == 3 and not crew.idle)
    assert (well.runs, well.ended, crew.faults) == (1, 0, 2)
    assert await crew.stop()
    assert (well.ended, faulty.ended) == (1, 3)
    assert "Traceback" in caplog.text
    assert "the library is missing" in caplog.text


async def test_loops_and_outputs_end_before_sensors() -> None:
    parts = [ScriptedPart("s", Role.SENSOR), ScriptedPart("a", Role.ACTUATOR), ScriptedPart("l", Role.LOOP)]
    order: list[str] = []
    for part in parts:
        part.at_end = lambda name=part.declaration.name: order.append(name)
    crew = Crew(parts)
    crew.start(Deaf())
    await until(lambda: all(part.runs for part in parts))
    assert await crew.stop()
    assert order[-1] == "s"
    assert sorted(order) == ["a", "l", "s"]


async def test_an_output_that_does_not_end_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_STOP_S", 0.05)
    end = asyncio.Event()

    class Stubborn(ScriptedPart):
        async def run(self, listener: object) -> None:
            self.runs += 1
            try:
                await asyncio.Event().wait()
            finally:
                await end.wait()

    part = Stubborn("a", Role.ACTUATOR)
    crew = Crew([part])
    crew.start(Deaf())
    await until(lambda: part.runs == 1)
    assert not await crew.stop()
    assert "a does not end" in caplog.text
    end.set()


async def test_a_service_that_ends_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN", Backoff(0.01, 0.02))
    times = 0

    async def short() -> None:
        nonlocal times
        times += 1

    crew = Crew([])
    crew.keep("short", short)
    await until(lambda: times >= 3)
    await crew.stop()
