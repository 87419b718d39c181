"""The dosing pump: what it moves, when, what it counts, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.sim.reactor.circuits import PumpCircuit, Way
from vigilia.sim.reactor.motor import NL_PER_ML
from vigilia.sim.reactor.vessel import Vessel

FASTEST = 105.0


@dataclass
class Bench:
    """A pump whose time the test moves."""

    at: float = 0.0
    told: list[str] = field(default_factory=list)
    pump: PumpCircuit = field(init=False)

    def __post_init__(self) -> None:
        self.pump = PumpCircuit(Vessel(mixing_s=0.001), "acid", lambda: self.at, pace=0)
        self.pump.told.append(self.told.append)

    def say(self, command: str, way: Way = "i2c") -> str | None:
        reply = self.pump.hear(command, way)
        return reply.text if reply.is_ok else f"*ER{reply.code}"

    def wait(self, seconds: float) -> None:
        """Let time pass; the pump is not told."""
        self.at += seconds

    @property
    def moved_ml(self) -> float:
        self.pump.advance()
        return self.pump.motor.moved_nl / NL_PER_ML


def test_a_dose_takes_its_time_and_is_exact() -> None:
    bench = Bench()
    assert bench.say("D,10") == ""
    assert bench.say("D,?") == "?D,10.00,1"
    bench.wait(60 * 4 / FASTEST)
    assert (bench.say("R"), bench.moved_ml) == ("4.00", pytest.approx(4, abs=1e-5))
    bench.wait(60 * 6 / FASTEST + 1)
    assert (bench.say("R"), bench.say("D,?"), bench.moved_ml) == ("10.00", "?D,10.00,0", 10.0)
    assert bench.told == ["*DONE,10.00"]
    assert (bench.say("TV,?"), bench.say("ATV,?")) == ("?TV,10.00", "?ATV,10.00")
    (run,) = bench.pump.motor.runs
    assert (run.command, run.by, run.moved_nl) == ("D,10", "done", 10_000_000)
    assert run.ended == pytest.approx(60 * 10 / FASTEST), "it ended when it was done, not when somebody looked"
    assert bench.pump.motor.running_s == pytest.approx(60 * 10 / FASTEST)


def test_a_dose_over_time_and_a_rate() -> None:
    bench = Bench()
    assert bench.say("D,10,5") == ""
    bench.wait(150)
    assert bench.moved_ml == pytest.approx(5)
    bench.wait(151)
    assert bench.moved_ml == 10.0
    assert bench.say("DC,5,20") == ""
    bench.wait(600)
    assert (bench.say("R"), bench.say("D,?")) == ("50.00", "?D,100.00,1")
    bench.wait(601)
    assert (bench.say("D,?"), bench.moved_ml) == ("?D,100.00,0", 110.0)


def test_backwards_takes_away() -> None:
    bench = Bench()
    bench.say("D,-2")
    bench.wait(60)
    assert (bench.say("TV,?"), bench.say("ATV,?"), bench.say("D,?")) == ("?TV,-2.00", "?ATV,2.00", "?D,-2.00,0")
    assert (bench.moved_ml, bench.pump.motor.forward_nl) == (-2.0, 0)
    assert bench.say("Clear") == ""
    assert (bench.say("TV,?"), bench.say("ATV,?")) == ("?TV,0.00", "?ATV,0.00")


@pytest.mark.parametrize(("command", "rate"), [("D,*", FASTEST), ("DC,12,*", 12.0)])
def test_without_end_it_goes_on_until_stopped(command: str, rate: float) -> None:
    bench = Bench()
    bench.say(command)
    assert bench.say("D,?") == "?D,*,1"
    bench.wait(60)
    assert bench.say("x") == f"*DONE,{rate:.2f}"
    bench.wait(60)
    assert (bench.moved_ml, bench.say("D,?"), bench.say("X")) == (
        pytest.approx(rate),
        f"?D,{rate:.2f},0",
        "*DONE,0.00",
    )


def test_without_end_means_twenty_days() -> None:
    bench = Bench()
    bench.say("DC,0.5,*")
    bench.wait(21 * 86_400)
    assert (bench.moved_ml, bench.pump.motor.is_running) == (0.5 * 20 * 24 * 60, False)


def test_pause_and_resume() -> None:
    bench = Bench()
    bench.say("D,10,1")
    bench.wait(30)
    assert (bench.say("P,?"), bench.say("P"), bench.say("P,?")) == ("?P,0", "", "?P,1")
    bench.wait(1000)
    assert (bench.moved_ml, bench.say("D,?")) == (pytest.approx(5), "?D,10.00,0")
    bench.say("P")
    bench.wait(31)
    assert (bench.moved_ml, bench.say("P,?")) == (10.0, "?P,0")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("D,0.4", "*ER*MINVOL"),
        ("D,200,1", "*ER*TOOFAST"),
        ("DC,106,1", "*ER*TOOFAST"),
        ("D,1,60", "*ER"),
        ("DC,0.4,*", "*ER"),
        ("D,nan", "*ER"),
        ("D,10,0", "*ER"),
        ("D", "*ER"),
        ("D,1,2,3", "*ER"),
        ("DC,5", "*ER"),
        ("TV", "*ER"),
        ("X,1", "*ER"),
        ("Cal,0", "*ER"),
        ("Export,?", "*ER"),
    ],
)
def test_what_it_refuses(command: str, answer: str) -> None:
    bench = Bench()
    assert bench.say(command) == answer
    bench.wait(60)
    assert bench.moved_ml == 0


def test_without_motor_supply_it_does_not_start_and_stops() -> None:
    bench = Bench()
    assert bench.say("PV,?") == "?PV,12.10"
    bench.say("D,10,1")
    bench.wait(30)
    bench.pump.supply_motor(False)
    bench.wait(1000)
    assert (bench.moved_ml, bench.say("PV,?")) == (pytest.approx(5), "?PV,0.00")
    assert bench.say("D,1") == "*ER*UV,PUMPPWR,0.00"
    bench.pump.supply_motor(True)
    bench.wait(1000)
    assert bench.moved_ml == pytest.approx(5), "it does not go on by itself"
    assert bench.pump.motor.runs[-1].by == "no motor supply"


def test_a_power_cut_ends_the_dose_and_the_totals() -> None:
    bench = Bench()
    bench.say("D,10,1")
    bench.wait(30)
    bench.pump.set_power(False)
    bench.wait(60)
    bench.pump.set_power(True, "P")
    assert (bench.say("TV,?"), bench.say("D,?"), bench.moved_ml) == ("?TV,0.00", "?D,0.00,0", pytest.approx(5))
    assert bench.pump.motor.runs[-1].by == "power lost"


def test_calibration_of_a_worn_tube() -> None:
    bench = Bench()
    bench.pump.motor.gain = 0.9
    assert bench.say("Cal,9") == "*ER", "nothing was dispensed yet"
    bench.say("D,10")
    bench.wait(60)
    assert (bench.moved_ml, bench.say("Cal,?"), bench.say("Cal,9")) == (9.0, "?CAL,0", "")
    assert (bench.say("Cal,?"), bench.say("DC,?")) == ("?CAL,1", "?MAXRATE,105.00")
    bench.say("D,10")
    bench.wait(60)
    assert bench.moved_ml == 19.0
    bench.say("DC,10,1")
    bench.wait(61)
    assert (bench.say("Cal,9"), bench.say("Cal,?"), bench.say("DC,?")) == ("", "?CAL,3", "?MAXRATE,94.50")
    assert (bench.say("Cal,clear"), bench.say("Cal,?")) == ("", "?CAL,0")


def test_what_it_moves_is_in_the_vessel() -> None:
    bench = Bench()
    before = bench.pump.vessel.strong_mmol_l
    bench.say("D,5")
    bench.wait(60)
    bench.pump.advance()
    bench.pump.vessel.advance(1)
    assert before - bench.pump.vessel.strong_mmol_l == pytest.approx(5 / bench.pump.vessel.volume_l, rel=1e-3)


Step = tuple[str, float]
_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.builds(lambda ml, sign: f"D,{sign}{ml:.2f}", st.floats(0.5, 60), st.sampled_from(["", "-"])),
            st.floats(0, 90),
        ),
        st.tuples(
            st.builds(lambda ml, rate: f"D,{ml:.2f},{ml / rate:.4f}", st.floats(1, 60), st.floats(1, 90)),
            st.floats(0, 90),
        ),
        st.tuples(st.builds(lambda rate: f"DC,{rate:.1f},*", st.floats(0.5, 105)), st.floats(0, 90)),
        st.tuples(st.sampled_from(["P", "X", "D,*", "D,?", "R", "D,0.1"]), st.floats(0, 20)),
    ),
    max_size=12,
)


@given(steps=_STEPS, looks=st.integers(1, 7))
def test_the_total_is_what_the_doses_moved(steps: list[Step], looks: int) -> None:
    """However doses are cut short, paused and looked at, nothing is lost or counted twice."""
    bench = Bench()
    for command, seconds in steps:
        bench.say(command)
        for _ in range(looks):
            bench.wait(seconds / looks)
    bench.say("X")
    motor, pump = bench.pump.motor, bench.pump
    assert motor.moved_nl == sum(run.moved_nl for run in motor.runs) == pump.total_nl
    assert pump.absolute_nl == sum(abs(run.moved_nl) for run in motor.runs)
    assert motor.forward_nl == sum(run.moved_nl for run in motor.runs if run.moved_nl > 0)
    assert bench.say("TV,?") == f"?TV,{motor.moved_nl / NL_PER_ML:.2f}"
    assert bench.say("ATV,?") == f"?ATV,{pump.absolute_nl / NL_PER_ML:.2f}"
    for run in motor.runs:
        words = run.command.split(",")
        if words[0] == "D" and words[1] != "*":
            asked_nl = round(float(words[1]) * NL_PER_ML)
            assert run.moved_nl == asked_nl if run.by == "done" else abs(run.moved_nl) <= abs(asked_nl)
    turned_s = sum((run.ended or 0) - run.began for run in motor.runs)
    assert motor.running_s <= turned_s + 1e-6
    assert abs(motor.moved_nl) <= motor.running_s * FASTEST / 60 * NL_PER_ML + 2


@given(ml=st.floats(0.5, 100), looks=st.lists(st.floats(0, 30), max_size=10))
def test_looking_changes_nothing(ml: float, looks: list[float]) -> None:
    def total(times: list[float], look: Callable[[Bench], object]) -> tuple[int, float]:
        bench = Bench()
        bench.say(f"D,{ml:.2f}")
        for seconds in times:
            bench.at += seconds
            look(bench)
        bench.pump.advance()
        return bench.pump.motor.moved_nl, bench.pump.motor.running_s

    moved, running_s = total(looks, lambda bench: bench.say("R"))
    unseen, unseen_s = total(looks, lambda bench: None)
    assert moved == unseen
    assert running_s == pytest.approx(unseen_s)


@given(ml=st.integers(50, 10_000).map(lambda hundredths: hundredths / 100))
def test_a_dose_that_ends_this_very_instant_is_whole(ml: float) -> None:
    bench = Bench()
    bench.say(f"D,{ml:.2f}")
    asked_nl = round(ml * NL_PER_ML)
    bench.at = asked_nl / (FASTEST * NL_PER_ML / 60)
    assert bench.say("D,?") == f"?D,{ml:.2f},0"
    assert bench.pump.motor.moved_nl == bench.pump.total_nl == asked_nl
