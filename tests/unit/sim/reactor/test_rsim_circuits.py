"""What circuits understand, answer, keep and forget, without any bus."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.sim.reactor.circuits import (
    Circuit,
    Co2Circuit,
    EcCircuit,
    HumidityCircuit,
    OrpCircuit,
    OxygenCircuit,
    PhCircuit,
    PumpCircuit,
    RtdCircuit,
    Way,
)
from vigilia.sim.reactor.vessel import Vessel

KINDS: tuple[type[Circuit], ...] = (
    PhCircuit,
    OrpCircuit,
    EcCircuit,
    OxygenCircuit,
    RtdCircuit,
    HumidityCircuit,
    Co2Circuit,
)


def pump() -> PumpCircuit:
    return PumpCircuit(Vessel(), "acid", lambda: 0.0, pace=0)


def all_kinds() -> list[Circuit]:
    return [*(kind(Vessel(), pace=0) for kind in KINDS), pump()]


def say(circuit: Circuit, command: str, way: Way = "i2c") -> str | None:
    """The text of the answer; "*ER" for a refusal, None for silence."""
    reply = circuit.hear(command, way)
    return reply.text if reply.is_ok else "*ER"


@pytest.mark.parametrize("circuit", all_kinds(), ids=lambda circuit: circuit.letters)
def test_what_all_of_them_know(circuit: Circuit) -> None:
    circuit.says_capitals = False
    assert say(circuit, "i") == say(circuit, "I") == f"?I,{circuit.letters},{circuit.firmware}"
    assert say(circuit, "STATUS") == say(circuit, "status") == "?Status,P,5.04"
    assert float((say(circuit, "r") or "").split(",")[0]) >= 0
    assert [say(circuit, text) for text in ("Name,tank_1", "Name,?", "name,")] == ["", "?Name,tank_1", ""]
    assert [say(circuit, text) for text in ("L,?", "L,0", "l,?")] == ["?L,1", "", "?L,0"]
    assert [say(circuit, text) for text in ("Plock,?", "PLOCK,1", "plock,?")] == ["?Plock,0", "", "?Plock,1"]
    assert say(circuit, "Find") == ""
    assert circuit.is_finding
    assert say(circuit, "L,1") == ""
    assert not circuit.is_finding
    for wrong in ("", "?", "i,1", "R,1", "Name", "Name,two words", "Name,12345678901234567", "L,2", "L", "Cal,x,y,z"):
        assert say(circuit, wrong) == "*ER", wrong
    assert say(circuit, "Sleep") is None
    assert say(circuit, "i") is None, "what wakes it is not carried out"
    assert say(circuit, "Plock,?") == "?Plock,1"
    assert say(circuit, "Factory") is None
    assert (say(circuit, "Plock,?"), say(circuit, "status")) == ("?Plock,0", "?Status,S,5.04")


def test_capitals_as_some_firmware_has_them() -> None:
    circuit = PhCircuit(Vessel(), pace=0)
    circuit.says_capitals = True
    assert [say(circuit, "Cal,?"), say(circuit, "slope,?")] == ["?CAL,0", "?SLOPE,100.0,100.0,0.00"]


@pytest.mark.parametrize(
    ("kind", "before"), [(PhCircuit, "25"), (EcCircuit, "25"), (OxygenCircuit, "20")], ids=["pH", "EC", "DO"]
)
def test_temperature_is_lost_with_the_power(kind: type[Circuit], before: str) -> None:
    circuit = kind(Vessel(), pace=0)
    assert say(circuit, "T,?") == f"?T,{before}"
    assert say(circuit, "t,31.5") == ""
    at_31 = say(circuit, "R")
    assert say(circuit, "T,?") == "?T,31.5"
    circuit.set_power(False)
    assert not circuit.answers("i2c")
    circuit.set_power(True, "B")
    assert (say(circuit, "T,?"), say(circuit, "Status")) == (f"?T,{before}", "?Status,B,5.04")
    assert say(circuit, "RT,31.5") == at_31
    assert say(circuit, "T,?") == "?T,31.5"
    for wrong in ("T", "T,warm", "T,nan", "RT", "RT,", "T,1,2"):
        assert say(circuit, wrong) == "*ER", wrong


def test_calibration_is_kept_without_power() -> None:
    circuit = OrpCircuit(Vessel(), pace=0)
    assert say(circuit, "Cal,225") == ""
    circuit.set_power(False)
    circuit.set_power(True)
    assert say(circuit, "Cal,?") == "?Cal,1"
    assert say(circuit, "R") == "225.0"
    assert say(circuit, "Cal,clear") == ""
    assert say(circuit, "Cal,?") == "?Cal,0"


def test_the_outputs_of_conductivity() -> None:
    circuit = EcCircuit(Vessel(), pace=0)
    circuit.sample = 466.4 / 0.97
    assert say(circuit, "O,?") == "?O,EC"
    for name in ("SG", "tds", "S"):
        assert say(circuit, f"O,{name},1") == ""
    assert say(circuit, "O,?") == "?O,EC,TDS,S,SG"
    ec, tds, salinity, gravity = [float(text) for text in (say(circuit, "RT,24") or "").split(",")]
    assert ec == pytest.approx(469.5, abs=0.2)
    assert tds == pytest.approx(ec * 0.54, abs=0.5)
    assert 0.2 < salinity < 0.3
    assert gravity == 1.0
    for name in ("EC", "TDS", "S", "SG"):
        assert say(circuit, f"O,{name},0") == ""
    assert (say(circuit, "R"), say(circuit, "O,?")) == ("no output", "?O,no output")
    for wrong in ("O", "O,EC", "O,XX,1", "O,EC,2"):
        assert say(circuit, wrong) == "*ER"


def test_the_cell_constant() -> None:
    circuit = EcCircuit(Vessel(), pace=0)
    at_1 = float(say(circuit, "R") or "")
    assert (say(circuit, "K,?"), say(circuit, "K,10"), say(circuit, "k,?")) == ("?K,1.0", "", "?K,10.0")
    assert float(say(circuit, "R") or "") == pytest.approx(at_1 * 10, rel=0.001)
    assert say(circuit, "K,11") == "*ER"


def test_oxygen_answers_to_what_it_is_told() -> None:
    circuit = OxygenCircuit(Vessel(), pace=0)
    told = {command: float(say(circuit, command) or "") for command in ("RT,20", "RT,30")}
    assert told["RT,30"] < told["RT,20"], "warm water holds less"
    assert (say(circuit, "S,35,ppt"), say(circuit, "S,?")) == ("", "?S,35,ppt")
    assert float(say(circuit, "RT,20") or "") < told["RT,20"]
    assert (say(circuit, "S,0"), say(circuit, "S,?")) == ("", "?S,0,uS")
    assert (say(circuit, "P,80.5"), say(circuit, "P,?")) == ("", "?P,80.5")
    assert float(say(circuit, "RT,20") or "") == pytest.approx(told["RT,20"] * 80.5 / 101.325, abs=0.01)
    assert (say(circuit, "O,%,1"), say(circuit, "O,?")) == ("", "?O,%,MG")
    assert len((say(circuit, "R") or "").split(",")) == 2
    for wrong in ("S", "S,1,gallon", "S,-1", "P,0", "Cal,8"):
        assert say(circuit, wrong) == "*ER", wrong


def test_the_air() -> None:
    vessel = Vessel(humidity_percent=50.0, temperature_c=22.0, ambient_c=22.0)
    circuit = HumidityCircuit(vessel, pace=0)
    assert say(circuit, "R") == "50.00"
    assert (say(circuit, "O,T,1"), say(circuit, "O,Dew,1")) == ("", "")
    assert say(circuit, "R") == "50.00,22.00,Dew,11.1"
    assert (say(circuit, "O,?"), say(circuit, "Cal,1")) == ("?O,HUM,T,Dew", "*ER")
    assert (say(circuit, "Tcal,?"), say(circuit, "Tcal,23.5"), say(circuit, "Tcal,?")) == ("?Tcal,0", "", "?Tcal,1")
    assert (say(circuit, "R") or "").startswith("50.00,23.50,")
    assert (say(circuit, "Tcal,clear"), say(circuit, "R")) == ("", "50.00,22.00,Dew,11.1")
    carbon = Co2Circuit(vessel, pace=0)
    assert say(carbon, "R") == "615"
    assert (say(carbon, "O,t,1"), say(carbon, "O,?"), say(carbon, "R")) == ("", "?O,ppm,t", "615,30.000")
    assert (say(carbon, "O,ppm,0"), say(carbon, "O,t,0"), say(carbon, "R")) == ("*ER", "", "615")
    carbon.sample = 0
    assert say(carbon, "Cal,0") == ""
    carbon.sample = 1000
    assert say(carbon, "Cal,900") == ""
    assert (say(carbon, "R"), say(carbon, "Cal,?")) == ("900", "?Cal,2")


def test_scales_of_temperature() -> None:
    circuit = RtdCircuit(Vessel(temperature_c=24.95), pace=0)
    read = [say(circuit, command) for command in ("R", "S,k", "R", "S,f", "R", "S,?", "S,c", "S,x", "S,?")]
    assert read == ["25.000", "", "298.150", "", "77.000", "?S,f", "", "*ER", "?S,c"]
    assert say(circuit, "Cal,30") == ""
    assert (say(circuit, "R"), say(circuit, "Cal,?")) == ("30.000", "?Cal,1")


@given(
    points=st.dictionaries(
        st.sampled_from(["mid", "low", "high"]),
        st.tuples(st.floats(-500, 500), st.floats(0.5, 14)),
    ),
    spoilt=st.integers(0, 500),
)
def test_a_calibration_carried_over(points: dict[str, tuple[float, float]], spoilt: int) -> None:
    circuit, other = PhCircuit(Vessel(), pace=0), PhCircuit(Vessel(), pace=0)
    circuit.calibration = dict(points)
    pieces, characters = [int(text) for text in (say(circuit, "Export,?") or "").split(",")]
    exported = [say(circuit, "Export") or "" for _ in range(pieces)]
    assert (len("".join(exported)), say(circuit, "Export")) == (characters, "*DONE")
    answers = [say(other, f"Import,{piece}") for piece in exported]
    assert answers == [""] * (pieces - 1) + [None], "the last one has it start anew"
    assert other.calibration == circuit.calibration
    whole = "".join(exported)
    at = spoilt % len(whole)
    changed = whole[:at] + ("0" if whole[at] != "0" else "1") + whole[at + 1 :]
    before = other.calibration
    for begin in range(0, len(changed), 12):
        say(other, f"Import,{changed[begin : begin + 12]}")
    assert other.calibration == before


def test_the_supply_is_told_when_it_is_wrong() -> None:
    circuit = PhCircuit(Vessel(), pace=0)
    told: list[str] = []
    circuit.told.append(told.append)
    for volts in (5.6, 3.3, 2.9):
        circuit.set_supply(volts)
    assert (told, say(circuit, "Status")) == (["*OV", "*UV"], "?Status,P,2.90")
