"""PWM outputs and relays: what they are told, what they may, and how they fall to safe."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from pydantic import TypeAdapter

from tests.conftest import until
from tests.unit.agent.outputs.rig import PwmTree, Rig, rig_in
from vigilia.agent.outputs import ActuatorConfig, make_outputs, safe_operations, switchwork
from vigilia.agent.outputs.pmp import PumpCircuit
from vigilia.agent.outputs.switch import Switch
from vigilia.agent.parts import Failed, Rejected
from vigilia.points import Severity, Status


@pytest.fixture
def tree(tmp_path: Path) -> PwmTree:
    return PwmTree(tmp_path)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_in(tmp_path) as rig:
        yield rig


def config_of(**table: Any) -> ActuatorConfig:
    return TypeAdapter(ActuatorConfig).validate_python({"name": "heater", "kind": "pwm", "max_on_s": 0} | table)


def no_pump(bus: str, address: int) -> PumpCircuit:
    raise AssertionError(f"there is no pump at {bus}, {address}")


def heater(rig: Rig, tree: PwmTree, **table: Any) -> Switch:
    config = config_of(chip=str(tree.chip), channel=0, **table)
    (output,) = make_outputs([config], no_pump, rig.gear)
    assert isinstance(output, Switch)
    return output


def relay(rig: Rig, **table: Any) -> Switch:
    config = config_of(**{"name": "pump", "kind": "relay", "pin": 17} | table)
    (output,) = make_outputs([config], no_pump, rig.gear)
    assert isinstance(output, Switch)
    return output


def reading(output: Switch, parameter: str) -> Any:
    return next(measured for measured in output.readings() if measured.parameter == parameter)


def is_safe(output: Switch) -> bool:
    return reading(output, "Safe").value == 1


async def test_settings_reach_the_hardware_and_are_reported(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 40.0)
        assert tree.duty == 0, "its power is off"
        await output.apply("Power", 1)
        assert tree.duty == 40
        assert tree.frequency == pytest.approx(100)
        await output.apply("Frequency", 250.0)
        assert (tree.duty, tree.frequency) == (40, 250)
        assert output.settings() == {"Power": 1, "Duty": 40.0, "Frequency": 250.0}
        rig.guardian.listen()
        assert rig.guardian.on == {"heater"}
        await output.apply("Power", 0)
        assert tree.duty == 0
        assert output.settings() == {"Power": 0, "Duty": 40.0, "Frequency": 250.0}
        rig.guardian.listen()
        assert not rig.guardian.on


async def test_the_guardian_is_told_how_before_it_is_told_that(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 40.0)
        await output.apply("Power", 1)
        rig.guardian.listen()
        order = [next(iter(message)) for message in rig.guardian.said]
        assert order.index("arm") < order.index("alive")
        assert rig.guardian.armed["heater"] == [["pwm", str(tree.channel), 10_000_000, 0]]
        before = rig.guardian.renewals
        await until(lambda: rig.guardian.listen() or rig.guardian.renewals > before + 1)


async def test_it_is_off_on_the_way_out(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 100.0)
        await output.apply("Power", 1)
        assert tree.duty == 100
    assert tree.duty == 0
    rig.guardian.listen()
    assert rig.guardian.said[-1] == {"off": ["heater"]}
    with pytest.raises(Rejected, match="left safe"):
        await output.apply("Power", 1)
    assert tree.duty == 0


async def test_without_a_guardian_nothing_goes_on_and_what_is_on_goes_off(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 50.0)
        await output.apply("Power", 1)
        rig.guardian.close()
        await until(lambda: tree.duty == 0)
        with pytest.raises(Rejected, match="guardian"):
            await output.apply("Power", 1)
        assert tree.duty == 0


async def test_it_falls_to_safe_without_the_server_and_stays(tmp_path: Path, tree: PwmTree) -> None:
    async with rig_in(tmp_path, failsafe_after_s=0.4) as rig:
        output = heater(rig, tree)
        async with rig.running(output):
            rig.contact.heard()
            await output.apply("Duty", 50.0)
            await output.apply("Power", 1)
            assert tree.duty == 50
            await until(lambda: tree.duty == 0)
            safe = reading(output, "Safe")
            assert (safe.value, safe.severity, safe.status) == (1, Severity.MINOR, Status.STATE)
            assert "no server" in safe.detail
            rig.contact.failsafe_after_s = 30
            rig.contact.heard()
            await asyncio.sleep(0.6)  # more than a tick: the server's return alone changes nothing
            assert tree.duty == 0
            assert output.settings()["Power"] == 0
        again = heater(rig, tree, restore="last")
        async with rig.running(again):
            await until(lambda: rig.listener.changes > 0)
            assert is_safe(again), "it stays so across a restart"
            assert tree.duty == 0
            assert await again.command("Resume", True, "r1") == "it is as it was set again"
            assert tree.duty == 50
            assert not is_safe(again)


async def test_a_newer_setting_ends_a_fall_to_safe(tmp_path: Path, tree: PwmTree) -> None:
    async with rig_in(tmp_path, failsafe_after_s=0.2) as rig:
        output = heater(rig, tree)
        async with rig.running(output):
            await output.apply("Duty", 50.0)
            await output.apply("Power", 1)
            await until(lambda: is_safe(output))
            rig.contact.failsafe_after_s = 30
            rig.contact.heard()
            await output.apply("Duty", 20.0)
            assert tree.duty == 20
            assert not is_safe(output)


async def test_hold_goes_on_without_the_server(tmp_path: Path, tree: PwmTree) -> None:
    async with rig_in(tmp_path, failsafe_after_s=0.1) as rig:
        output = heater(rig, tree, on_lost_server="hold")
        async with rig.running(output):
            await output.apply("Duty", 50.0)
            await output.apply("Power", 1)
            rig.guardian.listen()
            before = rig.guardian.renewals
            await until(lambda: rig.guardian.listen() or rig.guardian.renewals > before + 1)
            assert rig.contact.lost
            assert tree.duty == 50


@pytest.mark.parametrize(("restore", "duty"), [("off", 0), ("last", 30), (75.0, 75)])
async def test_what_a_restart_restores(rig: Rig, tree: PwmTree, restore: Any, duty: float) -> None:
    first = heater(rig, tree)
    async with rig.running(first):
        await first.apply("Duty", 30.0)
        await first.apply("Power", 1)
    assert tree.duty == 0
    second = heater(rig, tree, restore=restore)
    async with rig.running(second):
        await until(lambda: rig.listener.changes > 0)
        await second.apply("Frequency", 200.0)  # which waits until it is at work
        assert tree.duty == duty


async def test_the_longest_time_on_is_kept_across_restarts(rig: Rig, tree: PwmTree) -> None:
    first = heater(rig, tree, max_on_s=1.0, restore="last")
    async with rig.running(first):
        await first.apply("Duty", 30.0)
        await first.apply("Power", 1)
        await asyncio.sleep(0.6)
        assert tree.duty == 30
    second = heater(rig, tree, max_on_s=1.0, restore="last")
    async with rig.running(second):
        await until(lambda: tree.duty == 30)
        began = asyncio.get_running_loop().time()
        await until(lambda: tree.duty == 0)
        assert asyncio.get_running_loop().time() - began < 0.55, "0.6 s of the second were used up before"
        await until(lambda: is_safe(second))
        assert "max_on_s = 1" in reading(second, "Safe").detail
        assert reading(second, "OnTime").value == pytest.approx(1.0, abs=0.15)
    third = heater(rig, tree, max_on_s=1.0, restore="last")
    async with rig.running(third):
        await until(lambda: is_safe(third))
        await third.apply("Power", 1)
        assert tree.duty == 30, "somebody asked for it anew"


async def test_its_time_is_counted_anew_when_it_was_enough_and_not_when_it_was_just_off(
    rig: Rig, tree: PwmTree
) -> None:
    output = heater(rig, tree, max_on_s=60)
    async with rig.running(output):

        async def was_on(**off: Any) -> float:
            await output.take("thermostat")
            await output.drive(80.0, "thermostat")
            await output.drive(0.0, "thermostat", **off)
            return rig.ledger.streak_s("heater")

        first = await was_on()
        assert 0 < first < await was_on(), "it was off because the probe could not be read"
        assert await was_on(enough=True) == 0
        assert await was_on() > 0
        await output.drive(0.0, "thermostat", enough=True)
        assert rig.ledger.streak_s("heater") == 0, "it was off already, and is found to have been enough"
        await was_on()
        await output.release("thermostat", on_purpose=False)
        assert rig.ledger.streak_s("heater") > 0, "a loop that ends says nothing"
        await output.take("thermostat")
        await output.release("thermostat", on_purpose=True)
        assert rig.ledger.streak_s("heater") == 0


async def test_a_stop_of_the_agent_does_not_count_anew_what_was_on_for_a_while(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig, max_on_s=10)
    async with rig.running(output):
        asked = asyncio.create_task(output.command("OnFor", 5.0, "c1"))
        await until(lambda: mock_pins(17) == 1)
        asked.cancel()  # as the desk does first of all
        await until(lambda: mock_pins(17) == 0)
        await asyncio.gather(asked, return_exceptions=True)
    assert rig.ledger.streak_s("pump") > 0


async def test_what_fails_changes_nothing_and_is_told(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 30.0)
        (tree.channel / "duty_cycle").unlink()
        (tree.channel / "duty_cycle").mkdir()
        with pytest.raises(Rejected, match="duty_cycle"):
            await output.apply("Power", 1)
        assert output.settings()["Power"] == 0
        assert reading(output, "Safe").severity is Severity.INVALID
        (tree.channel / "duty_cycle").rmdir()
        (tree.channel / "duty_cycle").write_text("0")
        await output.apply("Power", 1)
        assert tree.duty == 30
        assert reading(output, "Safe").severity is Severity.NO_ALARM


async def test_a_put_that_fails_on_the_way_off_is_tried_again(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 30.0)
        await output.apply("Power", 1)
        (tree.channel / "duty_cycle").rename(tree.channel / "away")
        (tree.channel / "duty_cycle").mkdir()
        rig.contact.failsafe_after_s = 0
        await until(lambda: reading(output, "Safe").severity is Severity.INVALID)
        rig.guardian.listen()
        assert "heater" in rig.guardian.on, "nobody said that it is off"
        (tree.channel / "duty_cycle").rmdir()
        (tree.channel / "away").rename(tree.channel / "duty_cycle")
        await until(lambda: tree.duty == 0)
        await until(lambda: rig.guardian.listen() or not rig.guardian.on)


@pytest.mark.parametrize("how", ["by hand", "without the server"])
async def test_what_goes_off_only_by_half_is_not_switched_on_again(rig: Rig, tree: PwmTree, how: str) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 30.0)
        await output.apply("Power", 1)
        (tree.channel / "enable").rename(tree.channel / "away")
        (tree.channel / "enable").mkdir()
        if how == "by hand":
            with pytest.raises(Rejected, match="tried again"):
                await output.apply("Power", 0)
        else:
            rig.contact.failsafe_after_s = 0
            await until(lambda: reading(output, "Safe").severity is Severity.INVALID)
        assert (tree.channel / "duty_cycle").read_text() == "0"
        (tree.channel / "enable").rmdir()
        (tree.channel / "away").rename(tree.channel / "enable")
        await until(lambda: output.settings()["Power"] == 0)
        assert (tree.channel / "enable").read_text() == "0"


async def test_a_relay_is_on_for_a_while(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig, max_on_s=10)
    async with rig.running(output):
        asked = asyncio.create_task(output.command("OnFor", 0.3, "c1"))
        await until(lambda: mock_pins(17) == 1)
        assert output.settings() == {"Power": 1}
        assert await asked == "was on for 0.3 s"
        assert mock_pins(17) == 0
        with pytest.raises(Rejected, match="taken before"):
            await output.command("OnFor", 0.3, "c1")
        assert mock_pins(17) == 0
    mock_pins.end_process()
    again = relay(rig, max_on_s=10)
    async with rig.running(again):
        with pytest.raises(Rejected, match="taken before"):
            await again.command("OnFor", 0.3, "c1")


async def test_a_relay_is_stopped_before_its_time(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig)
    async with rig.running(output):
        asked = asyncio.create_task(output.command("OnFor", 60.0, "c1"))
        await until(lambda: mock_pins(17) == 1)
        with pytest.raises(Rejected, match="on already"):
            await output.command("OnFor", 1.0, "c2")
        assert await output.command("Stop", True, "c3") == "off"
        with pytest.raises(Failed, match="stopped"):
            await asked
        assert mock_pins(17) == 0


async def test_whoever_asked_and_gave_up_leaves_it_off(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig)
    async with rig.running(output):
        asked = asyncio.create_task(output.command("OnFor", 60.0, "c1"))
        await until(lambda: mock_pins(17) == 1)
        asked.cancel()
        await until(lambda: mock_pins(17) == 0)
        await asyncio.gather(asked, return_exceptions=True)


async def test_whoever_gave_up_before_it_was_on_leaves_it_off(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig)
    async with rig.running(output):
        await output.apply("Power", 0)
        for turns in range(20):
            asked = asyncio.create_task(output.command("OnFor", 60.0, f"c{turns}"))
            for _ in range(turns):
                await asyncio.sleep(0.001)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            assert output._off_at is None  # noqa: SLF001 - nothing has the next tick switch it on
            await until(lambda: mock_pins(17) == 0)


async def test_more_than_is_left_of_its_time_is_refused_whole(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig, max_on_s=2, restore="last")
    async with rig.running(output):
        await output.apply("Power", 1)
        await asyncio.sleep(0.3)
    mock_pins.end_process()
    again = relay(rig, max_on_s=2, restore="off")
    async with rig.running(again):
        with pytest.raises(Rejected, match="max_on_s = 2") as refused:
            await again.command("OnFor", 1.9, "c1")
        assert refused.value.over_limit
        assert mock_pins(17) == 0


async def test_a_relay_that_switches_on_low(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig, active_high=False)
    async with rig.running(output):
        await until(lambda: mock_pins(17) == 1)
        await output.apply("Power", 1)
        assert mock_pins(17) == 0
        rig.guardian.listen()
        assert rig.guardian.armed["pump"] == [["gpio", 17, 1]]


async def test_an_aerator_is_on_when_it_is_safe(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig, safe={"on": True}, restore=True)
    async with rig.running(output):
        await until(lambda: mock_pins(17) == 1)
        await output.apply("Power", 0)
        assert mock_pins(17) == 0
        rig.guardian.listen()
        assert rig.guardian.armed["pump"] == [["gpio", 17, 1]]
        assert rig.guardian.on == {"pump"}, "off is what must be looked after"


async def test_a_pin_keeps_the_level_that_it_is_left_at(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig, safe={"on": True}, restore=False)
    async with rig.running(output):
        await output.apply("Power", 0)
        assert mock_pins(17) == 0
    factory = gpiozero.Device.pin_factory
    assert factory is not None
    assert (mock_pins(17), factory.pin(17).function) == (1, "output"), "an aerator goes on"
    async with rig.running(output):  # it met a fault, and is begun anew
        await until(output._ready.is_set)  # noqa: SLF001
        await output.apply("Power", 0)
        assert mock_pins(17) == 0


async def test_a_pin_that_no_longer_works_is_taken_anew(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig)
    async with rig.running(output):
        await output.apply("Power", 1)
    output._hardware._device.close()  # type: ignore[attr-defined]  # noqa: SLF001 - as an unplugged chip does
    async with rig.running(output):
        await until(output._ready.is_set)  # noqa: SLF001
        await output.apply("Power", 1)
        assert mock_pins(17) == 1


async def test_software_pwm_on_a_pin(rig: Rig, mock_pins: Any) -> None:
    (output,) = make_outputs([config_of(pin=18)], no_pump, rig.gear)
    assert isinstance(output, Switch)
    async with rig.running(output):
        await output.apply("Duty", 25.0)
        await output.apply("Power", 1)
        assert mock_pins(18) == 0.25
        await output.apply("Frequency", 500.0)
        assert mock_pins(18) == 0.25
    assert safe_operations([config_of(pin=18)], no_pump)["heater"] == [["gpio", 18, 0]]


async def test_a_loop_drives_it_and_people_can_only_switch_it_off(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree, max_on_s=60)
    async with rig.running(output):
        await output.apply("Duty", 30.0)
        await output.apply("Power", 1)
        await output.take("thermostat")
        assert tree.duty == 0, "the loop says now"
        await output.drive(80.0, "thermostat")
        assert tree.duty == 80
        for parameter, value in (("Duty", 10.0), ("Power", 1)):
            with pytest.raises(Rejected, match="driven by the loop thermostat"):
                await output.apply(parameter, value)
        with pytest.raises(Rejected, match="thermostat"):
            await output.take("another")
        await output.apply("Power", 0)
        assert tree.duty == 0
        assert is_safe(output)
        with pytest.raises(Rejected, match="by hand"):
            await output.drive(80.0, "thermostat")
        await output.apply("Power", 1)
        await output.drive(80.0, "thermostat")
        assert tree.duty == 80
        await output.release("thermostat", on_purpose=True)
        assert tree.duty == 0
        assert output.settings()["Power"] == 0


async def test_a_loop_that_takes_it_ends_what_was_on_for_a_while(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig)
    async with rig.running(output):
        asked = asyncio.create_task(output.command("OnFor", 60.0, "c1"))
        await until(lambda: mock_pins(17) == 1)
        await output.take("thermostat")
        assert mock_pins(17) == 0
        with pytest.raises(Failed, match="the loop thermostat drives it now"):
            await asked
        await output.drive(0.0, "thermostat")
        await output.release("thermostat", on_purpose=True)
        assert mock_pins(17) == 0, "to switch a loop off switches nothing on"
        assert output.settings() == {"Power": 0}


async def test_a_setting_that_is_rejected_does_not_end_what_is_on_for_a_while(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig)
    async with rig.running(output):
        asked = asyncio.create_task(output.command("OnFor", 60.0, "c1"))
        await until(lambda: mock_pins(17) == 1)
        await rig.ledger.close()
        with pytest.raises(Rejected, match="ledger"):
            await output.apply("Power", 1)
        await asyncio.sleep(0)  # whoever waits for its end would hear of it now
        assert not asked.done()
        assert mock_pins(17) == 1
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


async def test_a_loop_that_lets_go_after_a_fault_leaves_it_off(rig: Rig, mock_pins: Any) -> None:
    output = relay(rig, restore=True)
    async with rig.running(output):
        await output.take("thermostat")
        await output.drive(100.0, "thermostat")
        assert mock_pins(17) == 1
    async with rig.running(output):
        await until(output._ready.is_set)  # noqa: SLF001
        assert mock_pins(17) == 0, "the loop says when"
        await output.release("thermostat", on_purpose=True)
        assert mock_pins(17) == 0


async def test_a_frequency_lets_nothing_go_on_that_is_safe(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.take("thermostat")
        await output.drive(80.0, "thermostat")
        await output.apply("Power", 0)
        await output.apply("Frequency", 200.0)
        assert is_safe(output), "it was switched off by hand, and nobody has switched it on"
        with pytest.raises(Rejected, match="by hand"):
            await output.drive(90.0, "thermostat")
        assert tree.duty == 0
        await output.apply("Power", 1)
        await output.drive(90.0, "thermostat")
        assert (tree.duty, tree.frequency) == (90, 200)


async def test_one_that_a_loop_drives_follows_its_loop_without_the_server(tmp_path: Path, tree: PwmTree) -> None:
    async with rig_in(tmp_path, failsafe_after_s=0.0) as rig:
        output = heater(rig, tree)
        async with rig.running(output):
            await output.take("thermostat")
            await output.drive(80.0, "thermostat")
            rig.guardian.listen()
            before = rig.guardian.renewals
            await until(lambda: rig.guardian.listen() or rig.guardian.renewals > before + 1)
            assert tree.duty == 80
            assert not is_safe(output)


async def test_a_disk_that_takes_nothing_keeps_it_off(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 30.0)
        await rig.ledger.close()
        with pytest.raises(Rejected, match="ledger"):
            await output.apply("Power", 1)
        assert tree.duty == 0
        rig.guardian.listen()
        assert not rig.guardian.on, "what is not on is not waited for"
        assert output.settings()["Power"] == 0


async def test_what_its_time_does_not_allow_is_not_waited_for_by_the_guardian(rig: Rig, tree: PwmTree) -> None:
    first = heater(rig, tree, max_on_s=0.2, restore="last")
    async with rig.running(first):
        await first.apply("Duty", 30.0)
        await first.apply("Power", 1)
        await until(lambda: is_safe(first))
    again = heater(rig, tree, max_on_s=0.2)
    async with rig.running(again):
        await again.take("thermostat")
        with pytest.raises(Rejected, match="max_on_s"):
            await again.drive(50.0, "thermostat")
        rig.guardian.listen()
        assert not rig.guardian.on
        assert tree.duty == 0


async def test_whoever_does_not_wait_for_a_setting_has_not_changed_it(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 30.0)
        for loops in range(6):
            asked = asyncio.create_task(output.apply("Power", 1))
            for _ in range(loops):
                await asyncio.sleep(0)
            asked.cancel()
            done = not isinstance((await asyncio.gather(asked, return_exceptions=True))[0], asyncio.CancelledError)
            if not done:
                await until(lambda: tree.duty == 0)
                assert output.settings()["Power"] == 0


async def test_it_may_be_run_again_as_after_a_restart(rig: Rig, tree: PwmTree) -> None:
    output = heater(rig, tree)
    async with rig.running(output):
        await output.apply("Duty", 30.0)
        await output.apply("Power", 1)
        assert tree.duty == 30
    async with rig.running(output):
        await until(output._ready.is_set)  # noqa: SLF001
        assert tree.duty == 0, "restore is off"
        await output.apply("Power", 1)
        assert tree.duty == 30


async def test_a_loop_that_falls_silent_drives_no_longer(
    rig: Rig, tree: PwmTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switchwork, "_LOOP_SILENT_S", 0.3)
    output = heater(rig, tree)
    async with rig.running(output):
        await output.take("thermostat")
        await output.drive(80.0, "thermostat")
        assert tree.duty == 80
        await until(lambda: tree.duty == 0)
        assert not is_safe(output)
        await output.drive(80.0, "thermostat")
        assert tree.duty == 80
