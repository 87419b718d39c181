"""Calibration: what may be asked for, what circuits say of it, and what happens meanwhile."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import until
from tests.unit.agent.ezo.standin import StandIn
from tests.unit.agent.sensors.bench import bench, ezo
from vigilia.agent.ezo.protocol import check_command
from vigilia.agent.parts import Failed, Rejected
from vigilia.agent.sensors import calibration
from vigilia.agent.sensors.calibration import State, describe, parse_request
from vigilia.agent.sensors.kinds import EZO_KINDS
from vigilia.errors import BadAnswer
from vigilia.points import Severity, Status


@pytest.mark.parametrize(
    ("kind", "text", "command"),
    [
        ("ezo-ph", "mid,7.00", "Cal,mid,7.00"),
        ("ezo-ph", " Mid , 6.86 ", "Cal,mid,6.86"),
        ("ezo-ph", "low,4", "Cal,low,4"),
        ("ezo-ph", "high,10.01", "Cal,high,10.01"),
        ("ezo-ph", "clear", "Cal,clear"),
        ("ezo-ph", "Cal,mid,7.00", "Cal,mid,7.00"),
        ("ezo-ph", "begin", ""),
        ("ezo-ec", "dry", "Cal,dry"),
        ("ezo-ec", "1413", "Cal,1413"),
        ("ezo-ec", "single,84", "Cal,84"),
        ("ezo-ec", "low,12880", "Cal,low,12880"),
        ("ezo-do", "air", "Cal"),
        ("ezo-do", "zero", "Cal,0"),
        ("ezo-do", "0", "Cal,0"),
        ("ezo-orp", "-100.5", "Cal,-100.5"),
        ("ezo-orp", "0", "Cal,0"),
        ("ezo-rtd", "+100", "Cal,100"),
        ("ezo-hum", "25.3", "Tcal,25.3"),
        ("ezo-hum", "clear", "Tcal,clear"),
        ("ezo-co2", "0", "Cal,0"),
        ("ezo-co2", "4000", "Cal,4000"),
    ],
)
def test_a_step_is_what_the_circuit_is_told(kind: str, text: str, command: str) -> None:
    assert parse_request(EZO_KINDS[kind], text).command == command


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("ezo-ph", "", '"mid,7", "low,4"'),
        ("ezo-ph", "middle,7", "is no step of calibrating ezo-ph"),
        ("ezo-ph", "mid", "6 to 8 pH"),
        ("ezo-ph", "mid,4.00", "6 to 8 pH"),
        ("ezo-ph", "low,7.00", "0 to 6 pH"),
        ("ezo-ph", "high,4.00", "8 to 14 pH"),
        ("ezo-ph", "mid,nan", "not 'nan'"),
        ("ezo-ph", "mid,7.00,8", "6 to 8"),
        ("ezo-ph", "mid,٧", "6 to 8"),
        ("ezo-ph", "7.00", "is no step"),
        ("ezo-ph", "dry", "is no step"),
        ("ezo-ph", "clear,1", "is no step"),
        ("ezo-ec", "dry,5", "takes no value"),
        ("ezo-ec", "-5", "0.07 to"),
        ("ezo-ec", "low,600000", "0.07 to 500000 µS/cm"),
        ("ezo-do", "5", "is no step"),
        ("ezo-co2", "200", "400 to 10000 ppm"),
        ("ezo-orp", "5000", "-1020 to 1020 mV"),
        ("ezo-hum", "100", "-20 to 70 °C"),
        ("ezo-rtd", "x" * 500, "is no step"),
    ],
)
def test_what_is_no_step_of_the_kind_is_refused_with_what_would_be_right(kind: str, text: str, says: str) -> None:
    with pytest.raises(Rejected, match=says) as caught:
        parse_request(EZO_KINDS[kind], text)
    assert caught.value.over_limit
    assert len(str(caught.value)) < 300


@given(st.sampled_from(sorted(EZO_KINDS)), st.text(max_size=40) | st.from_regex(r"[a-z]{0,6},?[0-9.+-]{0,9}"))
def test_whatever_is_asked_for_a_circuit_is_told_a_command_or_nothing(kind: str, text: str) -> None:
    with contextlib.suppress(Rejected):
        request = parse_request(EZO_KINDS[kind], text)
        assert not request.command or check_command(request.command).startswith(b"Cal")


def test_a_state_is_told_in_words() -> None:
    assert describe(("0",), None) == State(0, "not calibrated", poor=False)
    assert describe(("1",), None) == State(1, "1 point", poor=False)
    good = "3 points; slope acid 99.7 %, base 100.3 %, offset -0.89 mV"
    assert describe(("3",), ("99.7", "100.3", "-0.89")) == State(3, good, poor=False)
    assert describe(("2",), ("70.1", "99")) == State(2, "2 points; slope acid 70.1 %, base 99 %", poor=True)
    for points, slope in ((("x",), None), ((), None), (("2",), ("99",)), (("2",), ("nan", "1"))):
        with pytest.raises(BadAnswer):
            describe(points, slope)


async def test_a_calibration_is_done_in_order_and_kept() -> None:
    ph = StandIn()
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        with pytest.raises(Rejected, match="calibrate 'mid' before 'low': 'mid' clears the others") as caught:
            await lab["ph"].command("Calibrate", "low,4.00", "1")
        assert not caught.value.over_limit
        assert not lab["ph"].calibrating  # nothing was done
        said = await lab["ph"].command("Calibrate", "mid,7.00", "2")
        assert said.startswith("mid: done; 1 point; slope acid 99.7 %")
        await lab["ph"].command("Calibrate", "low,4.00", "3")
        await lab["ph"].command("Calibrate", "high,10.00", "4")
        steps = [command for command in ph.log if command.startswith("Cal,") and command != "Cal,?"]
        assert steps == ["Cal,mid,7.00", "Cal,low,4.00", "Cal,high,10.00"]
        state = "3 points; slope acid 99.7 %, base 100.3 %, offset -0.89 mV"
        assert lab.newest("ph", "Calibration").value == state
        assert [sample.value for sample in lab.heard.of("Calibration")][-1] == state
        assert [sample.value for sample in lab.heard.of("Export")] == ["59 6F 75 20;61 72 65 21"] * 3
        assert lab.newest("ph", "Export").value == "59 6F 75 20;61 72 65 21"


async def test_a_worn_probe_is_told_of() -> None:
    ph = StandIn(slope="62.0,81.0")
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        await lab["ph"].command("Calibrate", "mid,7.00", "1")
        assert lab.newest("ph", "Calibration").severity is Severity.NO_ALARM  # one point has no slope yet
        await lab["ph"].command("Calibrate", "low,4.00", "2")
        reading = lab.newest("ph", "Calibration")
        assert (reading.severity, reading.status) == (Severity.MINOR, Status.STATE)
        assert "worn or dirty" in reading.detail


async def test_while_it_is_calibrated_a_probe_says_so_until_it_is_said_to_have_ended() -> None:
    ph = StandIn()
    async with bench({99: ph}, ezo("ph", "ezo-ph", sample_s=600.0)) as lab:
        await until(lambda: lab.has("ph", "pH"))
        assert not lab["ph"].calibrating
        assert lab.newest("ph", "Calibrating").value is False
        said = await lab["ph"].command("Calibrate", "begin", "1")
        assert said == "in calibration: what depends on it holds for 15 minutes, or until 'end'"
        assert lab["ph"].calibrating
        assert lab.newest("ph", "Calibrating").value is True
        assert not any(command.startswith("Cal,") and command != "Cal,?" for command in ph.log)
        await until(lambda: lab.newest("ph", "pH").detail == "in calibration")
        assert lab.newest("ph", "pH").severity is Severity.MINOR
        await lab["ph"].command("Calibrate", "end", "2")
        assert not lab["ph"].calibrating
        assert lab.newest("ph", "Calibrating").value is False
        await until(lambda: lab.newest("ph", "pH").severity is Severity.NO_ALARM)


async def test_a_calibration_that_is_forgotten_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.agent.sensors.ezo.LASTS_S", 20.0)
    async with bench({99: StandIn()}, ezo("ph", "ezo-ph")) as lab:
        await lab["ph"].command("Calibrate", "mid,7.00", "1")
        assert lab["ph"].calibrating
        await until(lambda: not lab["ph"].calibrating)
        await until(lambda: lab.newest("ph", "Calibrating").value is False)
    assert calibration.LASTS_S == 900.0


async def test_a_step_that_the_circuit_does_not_take_has_failed() -> None:
    ph = StandIn(replies={"Cal,mid,7.00": None})
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        with pytest.raises(Failed, match=r"i2c-1, address 99: a syntax error \(code 2\)"):
            await lab["ph"].command("Calibrate", "mid,7.00", "1")
        assert lab["ph"].calibrating  # the probe is in the buffer all the same
        lab.bus.circuits.clear()
        with pytest.raises(Failed, match="address 99: nobody answers"):
            await lab["ph"].command("Calibrate", "mid,7.00", "2")


async def test_a_step_that_was_done_is_done_whatever_its_export() -> None:
    ph = StandIn(replies={"Export,?": None})
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        said = await lab["ph"].command("Calibrate", "mid,7.00", "1")
        assert said.startswith("mid: done; what has become of the calibration could not be read: i2c-1, address 99")
        assert ph.points == 1


async def test_a_step_for_another_kind_of_circuit_is_not_done() -> None:
    ec = StandIn("EC", value="1413")
    async with bench({99: ec}, ezo("ph", "ezo-ph")) as lab:
        with pytest.raises(Failed, match="type EC"):
            await lab["ph"].command("Calibrate", "mid,7.00", "1")
        assert "Cal,mid,7.00" not in ec.log


async def test_a_humidity_sensor_is_calibrated_by_its_temperature_alone() -> None:
    hum = StandIn("HUM", value="48.82")
    async with bench({111: hum}, ezo("hum", "ezo-hum")) as lab:
        await until(lambda: lab.has("hum", "Hum"))
        said = await lab["hum"].command("Calibrate", "24.5", "c1")
        assert "single: done; 1 point" in said
        assert "could not be read" not in said
        assert "Tcal,24.5" in hum.log
        assert not [command for command in hum.log if command.startswith(("Cal", "Export"))]


async def test_clearing_is_a_step_without_an_export() -> None:
    ph = StandIn(points=3)
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        said = await lab["ph"].command("Calibrate", "clear", "1")
        assert said.startswith("clear: done; not calibrated")
        assert ph.points == 0
        assert "Export" not in ph.log
        assert lab["ph"].calibrating
