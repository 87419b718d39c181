"""A thermostat: on below, off above, off where it cannot see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.unit.agent.loops.rig import ScriptedProbe, loop_config, shown
from tests.unit.agent.outputs.rig import PwmTree, Rig, rig_in
from tests.unit.agent.outputs.test_switch import no_pump
from vigilia.agent.assembly import Restoring
from vigilia.agent.desk import Desk, Wish
from vigilia.agent.loops import Loop, make_loops
from vigilia.agent.loops import loop as module
from vigilia.agent.memory import Decision, Memory
from vigilia.agent.outputs import Output, make_outputs
from vigilia.agent.outputs.config import PwmConfig
from vigilia.agent.outputs.hardware import Level
from vigilia.agent.outputs.switch import Switch
from vigilia.errors import ConfigError
from vigilia.points import Severity

WARM: dict[str, Any] = {
    "name": "warm",
    "kind": "thermostat",
    "sensor": "temp",
    "actuator": "heater",
    "setpoint": 25.0,
    "dead_band": 0.5,
    "enabled": True,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEP_S", 0.02)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_in(tmp_path) as rig:
        yield rig


@pytest.fixture
def tree(tmp_path: Path) -> PwmTree:
    return PwmTree(tmp_path)


@pytest.fixture
def probe() -> ScriptedProbe:
    return ScriptedProbe("temp", "Temp", "°C")


def held_up(output: Output) -> asyncio.Event:
    """Have an output's hardware not be ready until the event is set."""
    assert isinstance(output, Switch)
    hardware, ready = output._hardware, asyncio.Event()  # noqa: SLF001
    really = hardware.open

    async def slowly(level: Level) -> None:
        await ready.wait()
        await really(level)

    hardware.open = slowly  # type: ignore[method-assign]
    return ready


@asynccontextmanager
async def controlled(
    rig: Rig, tree: PwmTree, probe: ScriptedProbe, max_on_s: float = 0, **table: Any
) -> AsyncIterator[tuple[Loop, Output]]:
    config = PwmConfig(name="heater", kind="pwm", max_on_s=max_on_s, chip=str(tree.chip), channel=0)
    outputs = make_outputs([config], no_pump, rig.gear)
    (loop,) = make_loops([loop_config(**WARM | table)], [probe], outputs, rig.gear.clock, rig.ledger)
    async with rig.running(*outputs, loop):
        yield loop, outputs[0]
    assert tree.duty == 0


async def test_settings_of_loop_and_output_that_come_together_hold_in_the_order_they_were_asked_for(
    rig: Rig, tree: PwmTree, probe: ScriptedProbe, tmp_path: Path
) -> None:
    probe.reads(30.0)
    async with controlled(rig, tree, probe) as (loop, output):
        await until(lambda: shown(loop)[0] == "Steady")
        memory = Memory(tmp_path / "memory.json")
        desk = Desk([loop, output], memory, lambda: None)
        wishes = [("heater", "Duty", 40.0, 12), ("heater", "Power", 1, 11), ("warm", "Enable", 0, 10)]
        desk.take_settings(Wish(*wish) for wish in wishes)
        await until(lambda: len(memory.decisions) == 3)
        assert not [decision for decision in memory.decisions.values() if decision.rejected]
        assert tree.duty == 40
        await until(lambda: not desk._at_work)  # noqa: SLF001


async def test_hysteresis(rig: Rig, tree: PwmTree, probe: ScriptedProbe) -> None:
    probe.reads(24.0)
    async with controlled(rig, tree, probe, duty=70) as (loop, _):
        await until(lambda: tree.duty == 70)
        await until(lambda: shown(loop) == ("Acting", ""))  # which it says once that is in the ledger
        probe.reads(25.4)
        await until(lambda: loop._look()[0] == 25.4)  # noqa: SLF001 - it has been seen
        assert tree.duty == 70, "within the band it stays as it was"
        probe.reads(25.6)
        await until(lambda: tree.duty == 0)
        await until(lambda: shown(loop)[0] == "Steady")
        probe.reads(24.6)
        await until(lambda: loop._look()[0] == 24.6)  # noqa: SLF001
        assert tree.duty == 0
        probe.reads(24.4)
        await until(lambda: tree.duty == 70)


async def test_a_cooler_works_the_other_way(rig: Rig, tree: PwmTree, probe: ScriptedProbe) -> None:
    probe.reads(26.0)
    async with controlled(rig, tree, probe, direction="down"):
        await until(lambda: tree.duty == 100)
        probe.reads(24.0)
        await until(lambda: tree.duty == 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda probe: probe.reads(20.0, Severity.INVALID, "nobody answers"),
        lambda probe: probe.reads(-127.0),
        lambda probe: setattr(probe, "calibrating", True),
    ],
)
async def test_while_it_holds_the_heater_is_off(rig: Rig, tree: PwmTree, probe: ScriptedProbe, spoil: Any) -> None:
    probe.reads(20.0)
    async with controlled(rig, tree, probe) as (loop, _):
        await until(lambda: tree.duty == 100)
        spoil(probe)
        await until(lambda: tree.duty == 0)
        await until(lambda: shown(loop)[0] == "Holding")


async def test_a_heater_that_is_on_for_too_long_falls_to_safe_and_stays(
    rig: Rig, tree: PwmTree, probe: ScriptedProbe
) -> None:
    probe.reads(20.0)
    async with controlled(rig, tree, probe, max_on_s=0.3) as (loop, heater):
        await until(lambda: tree.duty == 100)
        await until(lambda: tree.duty == 0)
        await until(lambda: probe.reads(20.0) or "max_on_s = 0.3" in shown(loop)[1])
        assert shown(loop)[0] == "Holding"
        assert tree.duty == 0
        assert await heater.command("Resume", True, "c1") == "it is as it was set again"
        await until(lambda: probe.reads(20.0) or tree.duty == 100)


async def test_a_probe_that_fails_now_and_then_does_not_keep_a_heater_on_for_ever(
    rig: Rig, tree: PwmTree, probe: ScriptedProbe
) -> None:
    probe.reads(20.0)
    async with controlled(rig, tree, probe, max_on_s=0.5) as (loop, heater):
        for _ in range(200):
            await until(lambda: tree.duty == 100 or bool(heater.latched))
            if heater.latched:
                break
            probe.reads(20.0, Severity.INVALID, "nobody answers")
            await until(lambda: tree.duty == 0)
            probe.reads(20.0)
        await until(lambda: probe.reads(20.0) or "max_on_s = 0.5" in shown(loop)[1])
        assert tree.duty == 0


async def test_a_restart_does_not_count_its_time_anew_and_the_far_edge_does(
    rig: Rig, tree: PwmTree, probe: ScriptedProbe
) -> None:
    probe.reads(20.0)
    async with controlled(rig, tree, probe, max_on_s=60):
        await until(lambda: tree.duty == 100)
    before = rig.ledger.streak_s("heater")
    assert before > 0
    async with controlled(rig, tree, probe, max_on_s=60) as (loop, _):
        await until(lambda: tree.duty == 100)
        probe.reads(20.0, Severity.INVALID, "nobody answers")
        await until(lambda: tree.duty == 0)
        assert rig.ledger.streak_s("heater") >= before
        probe.reads(25.2)
        await until(lambda: tree.duty == 100)  # within the band it is as it was before it held
        probe.reads(25.6)
        await until(lambda: shown(loop)[0] == "Steady")
        assert tree.duty == 0
        assert rig.ledger.streak_s("heater") == 0


async def test_switched_off_it_lets_go(rig: Rig, tree: PwmTree, probe: ScriptedProbe) -> None:
    probe.reads(20.0)
    async with controlled(rig, tree, probe) as (loop, heater):
        await until(lambda: tree.duty == 100)
        await loop.apply("Enable", 0)
        assert tree.duty == 0
        assert heater.driver == ""
        await heater.apply("Duty", 10.0)
        await heater.apply("Power", 1)
        assert tree.duty == 10


async def test_switched_off_while_its_output_is_not_ready_it_never_drives(
    rig: Rig, tree: PwmTree, probe: ScriptedProbe
) -> None:
    probe.reads(20.0)
    config = PwmConfig(name="heater", kind="pwm", max_on_s=0, chip=str(tree.chip), channel=0)
    (output,) = make_outputs([config], no_pump, rig.gear)
    ready = held_up(output)
    (loop,) = make_loops([loop_config(**WARM)], [probe], [output], rig.gear.clock, rig.ledger)
    async with rig.running(output, loop):
        await asyncio.sleep(0.1)  # it waits for its output by then
        await loop.apply("Enable", 0)
        ready.set()
        await until(output._ready.is_set)  # noqa: SLF001
        await until(lambda: output.driver == "")
        await asyncio.sleep(0.2)  # some of its steps
        assert output.driver == ""
        assert rig.ledger.on_s("heater") == 0
        assert shown(loop)[0] == "Off"


async def test_a_loop_that_is_switched_off_while_it_is_being_restored_stays_off(
    rig: Rig, tree: PwmTree, probe: ScriptedProbe, tmp_path: Path
) -> None:
    probe.reads(20.0)
    config = PwmConfig(name="heater", kind="pwm", max_on_s=0, chip=str(tree.chip), channel=0)
    (output,) = make_outputs([config], no_pump, rig.gear)
    ready = held_up(output)
    (loop,) = make_loops([loop_config(**WARM | {"enabled": False})], [probe], [output], rig.gear.clock, rig.ledger)
    memory = Memory(tmp_path / "memory.json")
    memory.decisions["warm", "Enable"] = Decision(1, 7)
    desk = Desk([output, loop], memory, lambda: None)
    restoring = Restoring([output, loop], memory, desk)
    await restoring.begin()
    async with rig.running(output, loop):
        task = asyncio.create_task(restoring.run())
        await asyncio.sleep(0.1)  # what was so before waits for the output by then
        desk.take_settings([Wish("warm", "Enable", 0, 8)])
        await asyncio.sleep(0.1)
        ready.set()
        await until(lambda: memory.decisions["warm", "Enable"] == Decision(0, 8))
        await until(lambda: not desk._at_work)  # noqa: SLF001
        await asyncio.sleep(0.2)
        assert (loop.settings()["Enable"], output.driver, tree.duty) == (0, "", 0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"sensor": "nothing"}, "sensor"),
        ({"actuator": "nothing"}, "actuator"),
        ({"kind": "ph-dosing", "direction": "up", "dose_ml": 1, "min_interval_s": 60, "max_day_ml": 5}, "sensor"),
    ],
)
def test_what_does_not_fit_is_a_configuration_error(probe: ScriptedProbe, change: dict[str, Any], key: str) -> None:
    table = WARM | change | ({"setpoint": 7.0} if "kind" in change else {})
    with pytest.raises(ConfigError) as wrong:
        make_loops([loop_config(**table)], [probe], [], None, None)  # type: ignore[arg-type]
    assert wrong.value.problems[0].key == f"loops[0].{key}"
