"""Calibration: a probe that is not ideal tells the truth after it, and wrong steps are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.sim.reactor.chemistry import oxygen_saturation
from vigilia.sim.reactor.circuits import Circuit, EcCircuit, OxygenCircuit, PhCircuit
from vigilia.sim.reactor.vessel import Vessel


def say(circuit: Circuit, command: str) -> str:
    reply = circuit.hear(command, "i2c")
    return (reply.text or "") if reply.is_ok else "*ER"


def calibrate(circuit: Circuit, *steps: tuple[float, str]) -> list[str]:
    answers: list[str] = []
    for sample, command in steps:
        circuit.sample = sample
        answers.append(say(circuit, command))
    return answers


@given(
    slope=st.floats(0.6, 1.05),
    offset_mv=st.floats(-30, 30),
    celsius=st.floats(5, 40),
    ph=st.floats(1, 13),
)
def test_three_points_make_ph_true(slope: float, offset_mv: float, celsius: float, ph: float) -> None:
    circuit = PhCircuit(Vessel(temperature_c=celsius), pace=0)
    circuit.slope, circuit.offset_mv = slope, offset_mv
    say(circuit, f"T,{celsius}")
    steps = ((7.0, "Cal,mid,7.00"), (4.0, "cal,LOW,4.00"), (10.0, "Cal,high,10.00"))
    assert calibrate(circuit, *steps) == ["", "", ""]
    assert say(circuit, "Cal,?") == "?Cal,3"
    circuit.sample = ph
    assert float(say(circuit, "R")) == pytest.approx(ph, abs=0.002)
    acid, base, zero = [float(text) for text in say(circuit, "Slope,?").split(",")[1:]]
    assert (acid, base) == (pytest.approx(slope * 100, abs=0.06), pytest.approx(slope * 100, abs=0.06))
    assert zero == pytest.approx(offset_mv, abs=0.01)


def test_before_calibration_ph_is_a_little_off() -> None:
    circuit = PhCircuit(Vessel(), pace=0)
    circuit.sample = 4.0
    assert 0.01 < abs(float(say(circuit, "RT,24")) - 4.0) < 0.1


def test_a_wrong_temperature_is_a_wrong_ph() -> None:
    circuit = PhCircuit(Vessel(temperature_c=35.0), pace=0)
    say(circuit, "T,35")
    calibrate(circuit, (7.0, "Cal,mid,7"), (4.0, "Cal,low,4"))
    circuit.sample = 4.0
    assert float(say(circuit, "R")) == pytest.approx(4.0, abs=0.002)
    circuit.calibration = {}
    assert abs(float(say(circuit, "RT,5")) - float(say(circuit, "RT,35"))) > 0.2


def test_the_order_of_ph_points() -> None:
    circuit = PhCircuit(Vessel(), pace=0)
    assert calibrate(circuit, (4.0, "Cal,low,4.00"), (10.0, "Cal,high,10")) == ["*ER", "*ER"], "mid comes first"
    assert calibrate(circuit, (7.0, "Cal,mid,7"), (4.0, "Cal,low,4")) == ["", ""]
    assert calibrate(circuit, (7.0, "Cal,high,10")) == ["*ER"], "it still hangs in the buffer of mid"
    assert calibrate(circuit, (10.0, "Cal,high,4"), (4.0, "Cal,low,10")) == ["*ER", "*ER"]
    assert say(circuit, "Cal,?") == "?Cal,2"
    assert calibrate(circuit, (7.0, "Cal,mid,7")) == [""]
    assert say(circuit, "Cal,?") == "?Cal,1", "mid begins anew"
    for wrong in ("Cal", "Cal,mid", "Cal,mid,15", "Cal,7", "Cal,clear,1", "Slope", "Slope,1"):
        assert say(circuit, wrong) == "*ER", wrong
    assert (say(circuit, "Cal,CLEAR"), say(circuit, "Cal,?")) == ("", "?Cal,0")


@given(gain=st.floats(0.7, 1.3), dry=st.floats(0, 20), ec=st.floats(500, 50_000), celsius=st.floats(10, 35))
def test_conductivity_is_true_after_two_points(gain: float, dry: float, ec: float, celsius: float) -> None:
    circuit = EcCircuit(Vessel(temperature_c=celsius), pace=0)
    circuit.gain, circuit.dry_us = gain, dry
    say(circuit, f"T,{celsius}")
    steps = ((0.0, "Cal,dry"), (1413.0, "Cal,low,1413"), (12_880.0, "Cal,high,12880"))
    assert calibrate(circuit, *steps) == ["", "", ""]
    circuit.sample = ec
    assert float(say(circuit, "R")) == pytest.approx(ec, rel=0.001)
    assert say(circuit, "Cal,?") == "?Cal,3"


def test_conductivity_by_one_point() -> None:
    circuit = EcCircuit(Vessel(temperature_c=25.0), pace=0)
    assert calibrate(circuit, (0.0, "Cal,dry"), (1413.0, "Cal,1413")) == ["", ""]
    assert say(circuit, "R") == "1413"
    circuit.sample = 84.0
    assert say(circuit, "R") == "84.00"
    assert calibrate(circuit, (1413.0, "Cal,mid,1"), (1413.0, "Cal,0"), (1413.0, "Cal")) == ["*ER"] * 3


def test_oxygen_in_air_and_at_zero() -> None:
    circuit = OxygenCircuit(Vessel(temperature_c=23.0), pace=0)
    say(circuit, "T,23")
    full = oxygen_saturation(23)
    circuit.sample = full
    assert float(say(circuit, "R")) == pytest.approx(full * 0.97, abs=0.01)
    assert calibrate(circuit, (full, "Cal"), (0.0, "Cal,0")) == ["", ""]
    circuit.sample = full
    assert float(say(circuit, "R")) == pytest.approx(full, abs=0.006)
    circuit.sample = 4.0
    assert float(say(circuit, "R")) == pytest.approx(4.0, abs=0.006)
    assert say(circuit, "Cal,?") == "?Cal,2"
