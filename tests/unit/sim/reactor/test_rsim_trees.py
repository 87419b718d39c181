"""The 1-wire and PWM trees: real files, as the kernel has them."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.conftest import until
from tests.unit.sim.reactor.bus import SetClock
from vigilia.sim.reactor import SimReactor


def crc8(data: bytes) -> int:
    """Dallas CRC by its polynomial, bit by bit over the whole message: 0 where the last byte is its check."""
    register = 0
    for bit in (byte >> place & 1 for byte in data for place in range(8)):
        feedback = (register ^ bit) & 1
        register >>= 1
        if feedback:
            register ^= 0b1000_1100
    return register


def folder(reactor: SimReactor) -> Path:
    (found,) = reactor.one_wire.path.glob("28-*")
    return found


async def test_a_thermometer_is_as_the_kernel_shows_it(reactor: SimReactor) -> None:
    assert re.fullmatch(r"28-[0-9a-f]{12}", folder(reactor).name)
    first, second = (folder(reactor) / "w1_slave").read_text().splitlines()
    shown = re.fullmatch(r"((?:[0-9a-f]{2} ){9}): crc=([0-9a-f]{2}) YES", first)
    assert shown
    scratchpad = bytes.fromhex(shown[1])
    assert crc8(scratchpad) == 0
    assert scratchpad[8] == int(shown[2], 16)
    assert second == f"{shown[1]}t=24125"
    assert int.from_bytes(scratchpad[:2], "little", signed=True) / 16 == 24.125
    assert (folder(reactor) / "temperature").read_text() == "24125\n"


async def test_it_follows_the_water_below_zero_too(reactor: SimReactor) -> None:
    reactor.vessel.temperature_c = -3.26
    reactor.one_wire.thermometers[0].error_c = 0.0
    file = folder(reactor) / "temperature"
    await until(lambda: file.read_text() == "-3250\n")
    assert crc8(bytes.fromhex((folder(reactor) / "w1_slave").read_text()[:26])) == 0


async def test_what_goes_wrong_with_it(reactor: SimReactor) -> None:
    file = folder(reactor) / "w1_slave"
    good = file.read_text()
    await reactor.inject("crc", parts=["ds-1"])
    assert file.read_text().splitlines()[0].endswith("NO")
    await reactor.clear_faults()
    assert file.read_text() == good
    await reactor.inject("power-on-value", duration_s=0.2)
    assert file.read_text().endswith("t=85000\n")
    await until(lambda: file.read_text() == good)
    await reactor.inject("empty-file")
    assert (file.read_text(), (file.parent / "temperature").read_text()) == ("", "")
    await reactor.clear_faults()
    await reactor.inject("stuck", parts=["ds-1"])
    reactor.vessel.temperature_c = 40.0
    await reactor.settle()
    assert file.read_text() == good
    await reactor.clear_faults()
    assert file.read_text() != good
    await reactor.inject("vanish", places=["w1"])
    assert not file.exists()
    await reactor.clear_faults()
    assert file.exists()


async def test_exporting_a_channel(reactor: SimReactor) -> None:
    chip = reactor.pwm.path
    assert (chip / "npwm").read_text() == "2\n"
    assert not (chip / "pwm0").exists()
    (chip / "export").write_text("0")
    await until((chip / "pwm0").is_dir)
    files = {file.name: file.read_text() for file in (chip / "pwm0").iterdir()}
    assert files == {"period": "0\n", "duty_cycle": "0\n", "enable": "0\n", "polarity": "normal\n"}
    (chip / "export").write_text("7")
    (chip / "unexport").write_text("0\n")
    await until(lambda: not (chip / "pwm0").exists())
    assert not (chip / "pwm7").exists()


async def exported(reactor: SimReactor, channel: int = 0) -> Path:
    (reactor.pwm.path / "export").write_text(str(channel))
    found = reactor.pwm.path / f"pwm{channel}"
    await until(found.is_dir)
    return found


async def test_duty_heats_the_water(reactor: SimReactor, clock: SetClock) -> None:
    pwm, heater = await exported(reactor), reactor.pwm.channels[0]
    (pwm / "period").write_text("10000000")
    (pwm / "duty_cycle").write_text("2500000\n")
    await asyncio.sleep(0)
    assert heater.duty == 0, "not before it is enabled"
    (pwm / "enable").write_text("1")
    await until(lambda: heater.duty == 0.25)
    before = reactor.vessel.temperature_c
    clock.at += 3600
    (pwm / "enable").write_text("0")
    await until(lambda: heater.duty == 0)
    warmed = reactor.vessel.temperature_c
    assert warmed > before + 1
    assert heater.on_s == 3600
    clock.at += 3600
    reactor.advance()
    assert reactor.vessel.temperature_c < warmed
    assert heater.on_s == 3600
    assert [(drive.number, drive.duty, drive.at) for drive in heater.history] == [(1, 0.25, 1000.0), (2, 0.0, 4600.0)]


async def test_the_aerator_gives_oxygen(reactor: SimReactor, clock: SetClock) -> None:
    pwm = await exported(reactor, 1)
    clock.at += 86_400
    reactor.advance()
    still = reactor.vessel.oxygen_mg_l
    for name, text in (("period", "1000"), ("duty_cycle", "1000"), ("enable", "1")):
        (pwm / name).write_text(text)
    await until(lambda: reactor.pwm.channels[1].duty == 1)
    clock.at += 86_400
    reactor.advance()
    assert reactor.vessel.oxygen_mg_l > still + 0.5


@pytest.mark.parametrize(
    ("name", "text"),
    [("duty_cycle", "20000"), ("period", "100"), ("enable", "2"), ("duty_cycle", "-5"), ("period", "often")],
)
async def test_what_a_kernel_refuses_is_put_back(reactor: SimReactor, name: str, text: str) -> None:
    pwm, channel = await exported(reactor), reactor.pwm.channels[0]
    for each, value in (("period", "10000"), ("duty_cycle", "5000"), ("enable", "1")):
        (pwm / each).write_text(value)
    await until(lambda: channel.duty == 0.5)
    good = (pwm / name).read_text().strip()
    (pwm / name).write_text(text)
    await until(lambda: channel.refused == 1)
    await until(lambda: (pwm / name).read_text().strip() == good)
    assert (channel.duty, channel.changes) == (0.5, 1)


@pytest.mark.parametrize("name", ["duty_cycle", "enable", "period"])
async def test_nothing_is_taken_before_a_period(reactor: SimReactor, name: str) -> None:
    pwm, channel = await exported(reactor), reactor.pwm.channels[0]
    (pwm / name).write_text("0")
    await until(lambda: channel.refused == 1)
    (pwm / "period").write_text("1000")
    await until(lambda: channel.held["period"] == 1000)
    (pwm / "duty_cycle").write_text("500")
    await until(lambda: channel.held["duty_cycle"] == 500)
    assert channel.refused == 1


async def test_enabling_without_a_period_is_refused(reactor: SimReactor) -> None:
    pwm = await exported(reactor)
    (pwm / "enable").write_text("1")
    await until(lambda: reactor.pwm.channels[0].refused == 1)
    assert (pwm / "enable").read_text() == "0\n"


async def test_a_file_kept_open_is_heard_too(reactor: SimReactor) -> None:
    pwm, channel = await exported(reactor), reactor.pwm.channels[0]
    with (pwm / "period").open("w") as period, (pwm / "enable").open("w") as enable:
        period.write("1000\n")
        period.flush()
        (pwm / "duty_cycle").write_text("1000")
        enable.write("1\n")
        enable.flush()
        await until(lambda: channel.duty == 1)


async def test_a_chip_that_vanishes_is_off(reactor: SimReactor) -> None:
    pwm, channel = await exported(reactor), reactor.pwm.channels[0]
    for name, text in (("period", "1000"), ("duty_cycle", "500"), ("enable", "1")):
        (pwm / name).write_text(text)
    await until(lambda: channel.duty == 0.5)
    await reactor.inject("vanish", places=["pwm"], duration_s=0.2)
    assert (channel.duty, reactor.pwm.path.exists()) == (0, False)
    await until((reactor.pwm.path / "unexport").exists)
    assert not (reactor.pwm.path / "pwm0").exists()
    assert (await exported(reactor) / "period").read_text() == "0\n"


async def test_several_writes_at_once_are_judged_together(reactor: SimReactor) -> None:
    """As a program does that changes the frequency: it is done before anything of it is heard of."""
    pwm, channel = await exported(reactor), reactor.pwm.channels[0]
    for period, duty in ((1000, 500), (10_000_000, 9_000_000), (2000, 200)):
        for name, text in (("duty_cycle", "0"), ("period", period), ("duty_cycle", duty), ("enable", "1")):
            (pwm / name).write_text(str(text))
        await until(lambda: channel.held == {"period": period, "duty_cycle": duty, "enable": 1})  # noqa: B023
    assert channel.refused == 0
    assert [drive.duty for drive in channel.history] == [0.5, 0.9, 0.1]


async def test_a_file_that_is_being_written_says_nothing_yet(reactor: SimReactor) -> None:
    pwm, other = await exported(reactor), await exported(reactor, 1)
    for name, text in (("period", "1000"), ("duty_cycle", "500"), ("enable", "1")):
        (pwm / name).write_text(text)
    await until(lambda: reactor.pwm.channels[0].duty == 0.5)
    with (pwm / "duty_cycle").open("w") as duty:
        (other / "period").write_text("7")
        # What is heard of comes in order: the truncation before this.
        await until(lambda: reactor.pwm.channels[1].held["period"] == 7)
        assert (reactor.pwm.channels[0].duty, reactor.pwm.channels[0].refused) == (0.5, 0)
        duty.write("1000")
    await until(lambda: reactor.pwm.channels[0].duty == 1.0)
