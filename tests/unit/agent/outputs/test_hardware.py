"""Hardware PWM as the kernel has it: exported first, and never a duty longer than the period."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.agent.outputs.rig import PwmTree
from vigilia.agent.outputs.config import PwmConfig
from vigilia.agent.outputs.hardware import Level, SysfsPwm, make_hardware
from vigilia.agent.parts import Failed
from vigilia.agent.safeops import SafeHands


def channel_of(chip: Path, channel: int = 0) -> SysfsPwm:
    hardware = make_hardware(PwmConfig(name="heater", kind="pwm", max_on_s=0, chip=str(chip), channel=channel))
    assert isinstance(hardware, SysfsPwm)
    return hardware


async def test_a_channel_is_exported_and_waited_for(tmp_path: Path) -> None:
    chip = tmp_path / "pwmchip0"
    chip.mkdir()
    (chip / "export").write_text("")
    opening = asyncio.create_task(channel_of(chip).open(Level(0.0, 100.0)))
    await until(lambda: (chip / "export").read_text() == "0")
    tree = PwmTree(tmp_path)  # the kernel makes it some time later
    await opening
    assert tree.duty == 0


async def test_a_chip_that_is_not_there_is_named(tmp_path: Path) -> None:
    hardware = channel_of(tmp_path / "pwmchip7", 1)
    with pytest.raises(Failed, match=r"pwmchip7/pwm1/duty_cycle: No such file"):
        await hardware.open(Level(0.0, 100.0))


async def test_a_faster_frequency_does_not_pass_through_a_duty_beyond_its_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = PwmTree(tmp_path)
    hardware = channel_of(tree.chip)
    now = {"period": 0, "duty_cycle": 0}
    write = SysfsPwm._write  # noqa: SLF001

    def strict(self: SysfsPwm, path: Path, text: str) -> None:
        """Refuse what the kernel refuses."""
        if path.name in now:
            after = now | {path.name: int(text)}
            assert after["duty_cycle"] <= after["period"], f"{path.name} = {text} over {now}"
            now.update(after)
        write(self, path, text)

    monkeypatch.setattr(SysfsPwm, "_write", strict)
    await hardware.open(Level(0.0, 100.0))
    for level in (Level(90.0, 100.0), Level(90.0, 1000.0), Level(10.0, 50.0), Level(100.0, 25_000.0), Level(0.0, 1.0)):
        hardware.put(level)
        assert tree.duty == level.duty


async def test_what_the_guardian_would_do_is_what_safe_is(tmp_path: Path) -> None:
    tree = PwmTree(tmp_path)
    hardware = channel_of(tree.chip)
    await hardware.open(Level(0.0, 100.0))
    hardware.put(Level(90.0, 250.0))
    for safe in (Level(0.0, 100.0), Level(30.0, 100.0)):
        assert SafeHands().make_safe({"heater": hardware.operations(safe)}) == {}
        assert tree.duty == safe.duty
