"""Hardware PWM as the kernel has it: exported first, and never a duty longer than the period."""

import asyncio
import errno
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.agent.outputs.rig import PwmTree
from vigilia.agent import safeops
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


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PwmTree:
    """Return a tree that refuses what Linux 6.1 does: all without a period, and a duty longer than it."""
    tree = PwmTree(tmp_path)
    write = safeops.write_sysfs

    def strictly(path: str, number: int) -> None:
        held = {name: int((tree.channel / name).read_text()) for name in ("period", "duty_cycle")}
        held[Path(path).name] = number
        if not 0 <= held["duty_cycle"] <= held["period"] or not held["period"]:
            raise OSError(errno.EINVAL, "Invalid argument", path)
        write(path, number)

    monkeypatch.setattr(safeops, "write_sysfs", strictly)
    return tree


async def test_a_faster_frequency_does_not_pass_through_a_duty_beyond_its_period(kernel: PwmTree) -> None:
    hardware = channel_of(kernel.chip)
    await hardware.open(Level(0.0, 100.0))
    for level in (Level(90.0, 100.0), Level(90.0, 1000.0), Level(10.0, 50.0), Level(100.0, 25_000.0), Level(0.0, 1.0)):
        hardware.put(level)
        assert kernel.duty == level.duty


async def test_what_the_guardian_would_do_is_what_safe_is(kernel: PwmTree) -> None:
    hardware = channel_of(kernel.chip)
    for safe in (Level(0.0, 1000.0), Level(30.0, 100.0)):
        assert SafeHands().make_safe({"heater": hardware.operations(safe)}) == {}, "a channel that was just exported"
        assert kernel.duty == safe.duty
        await hardware.open(Level(0.0, 100.0))
        hardware.put(Level(90.0, 250.0))
        assert SafeHands().make_safe({"heater": hardware.operations(safe)}) == {}
        assert kernel.duty == safe.duty
        (kernel.channel / "duty_cycle").write_text("0")
        (kernel.channel / "period").write_text("0")
