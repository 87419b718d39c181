"""`vigilia agent calibrate`: a person is led through the steps of the kind, and told the slope at the end."""

import contextlib
from collections.abc import AsyncIterator, Iterable

import pytest

from tests.unit.agent.ezo.standin import StandIn, sim_bus
from vigilia.agent import calibrate as module
from vigilia.agent.buses import Nack
from vigilia.agent.buses.sim import SimulatedI2cBus
from vigilia.agent.calibrate import Terminal, run_calibration
from vigilia.agent.ezo import protocol
from vigilia.agent.sensors.config import Ds18b20Config, EzoConfig
from vigilia.errors import BadAnswer, StartError


@pytest.fixture(autouse=True)
def quick_circuits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_WAIT_S", "_LONG_WAIT_S"):
        monkeypatch.setattr(protocol, name, 0.002)
    monkeypatch.setattr(protocol, "_READ_WAITS_S", {})
    monkeypatch.setattr(module, "_PERIOD_S", 0.001)


class Person:
    """Somebody at the terminal, who answers from a list and then is gone."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    async def ask(self, prompt: str) -> str:
        self.asked.append(prompt)
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


class Drifting(StandIn):
    """A circuit whose readings come from a list, and stay at its last."""

    def readings(self, values: Iterable[str]) -> "Drifting":
        self.values = list(values)
        return self

    def answer(self, command: str) -> str | None:
        if command == "R" or command.startswith("RT,"):
            self.value = self.values.pop(0) if len(self.values) > 1 else self.values[0]
        return super().answer(command)


@contextlib.asynccontextmanager
async def bus_with(circuit: StandIn, address: int) -> AsyncIterator[SimulatedI2cBus]:
    async with sim_bus({address: circuit}) as equipment:
        bus = SimulatedI2cBus("i2c-1", equipment.address)
        try:
            yield bus
        finally:
            await bus.close()


def config(kind: str) -> EzoConfig:
    return EzoConfig(name="s", bus="i2c-1", kind=kind)  # type: ignore[arg-type]


def steps(circuit: StandIn) -> list[str]:
    return [command for command in circuit.log if command.upper().startswith("CAL") and command != "Cal,?"]


async def test_a_ph_probe_is_calibrated_at_three_points() -> None:
    ph = Drifting().readings(["5.1", "6.0", "6.9", "7.0"])
    person = Person("n", "24,5", "", "6.99", "x", "15", "4.01", "y", "", "y")
    async with bus_with(ph, 99) as bus:
        assert await run_calibration(config("ezo-ph"), bus, person) == 0
    assert steps(ph) == ["Cal,mid,7.00", "Cal,low,4.01", "Cal,high,10.00"]
    assert "RT,24.5" in ph.log
    assert person.said[0] == "s: pH circuit at i2c-1, address 99, firmware 2.16"
    # The first reading that is taken is one of six that agree.
    assert [text.strip() for text in person.said if text.endswith(" pH")][:9] == [
        "5.100 pH",
        "6.000 pH",
        "6.900 pH",
        *["7.000 pH"] * 6,
    ]
    assert "Its value, pH [7]: " in person.asked
    assert person.said.count("Write a number of 0 to 6.") == 3  # 6.99, x, 15
    # 7.0 is read where the low buffer was said to be: it is asked about.
    assert "It reads 7, and 4.01 was said. Is it the right solution? (y/N): " in person.asked
    assert person.said[-2] == "Calibration: 3 points; slope acid 99.7 %, base 100.3 %, offset -0.89 mV"
    assert person.said[-1].endswith("to be kept: 59 6F 75 20;61 72 65 21")


async def test_a_step_that_is_doubted_or_skipped_is_not_done() -> None:
    ph = Drifting().readings(["4.0"])
    person = Person("n", "-", "7", "n", "-", "-")
    async with bus_with(ph, 99) as bus:
        assert await run_calibration(config("ezo-ph"), bus, person) == 0
    assert steps(ph) == []
    assert "RT" not in " ".join(ph.log)  # no temperature was told
    assert "Skipped: mid must be calibrated before." in person.said


async def test_a_step_that_the_circuit_refuses_does_not_end_the_others() -> None:
    ph = Drifting(replies={"Cal,low,4.00": None}).readings(["7.0"])
    person = Person("n", "", "", "", "y", "", "y")
    async with bus_with(ph, 99) as bus:
        assert await run_calibration(config("ezo-ph"), bus, person) == 0
    assert steps(ph) == ["Cal,mid,7.00", "Cal,low,4.00", "Cal,high,10.00"]
    assert "The circuit refuses this step: the probe is in another solution, or worn." in person.said
    assert any(text.startswith("Calibration: 2 points") for text in person.said[-2:])


async def test_a_reading_that_does_not_settle_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_READINGS", 12)
    ec = Drifting("EC").readings(str(value) for value in range(1000, 5000, 100))
    person = Person("y", "", "", "y", "-", "-", "-")
    async with bus_with(ec, 100) as bus:
        assert await run_calibration(config("ezo-ec"), bus, person) == 0
    assert steps(ec) == ["Cal,clear", "Cal,dry"]
    assert "The reading does not settle. Take it all the same? (y/N): " in person.asked


async def test_a_do_probe_has_steps_without_a_value() -> None:
    do = Drifting("DO").readings(["9.08"])
    person = Person("", "20", "", "")
    async with bus_with(do, 97) as bus:
        assert await run_calibration(config("ezo-do"), bus, person) == 0
    assert steps(do) == ["Cal", "Cal,0"]


@pytest.mark.parametrize("answers", [["n", "25", "Q"], ["n", "25"], []])
async def test_it_can_be_left_at_any_time(answers: list[str]) -> None:
    ph = Drifting(points=2).readings(["7.0"])
    person = Person(*answers)
    async with bus_with(ph, 99) as bus:
        assert await run_calibration(config("ezo-ph"), bus, person) == 1
    assert steps(ph) == []
    assert person.said[-2] == "Ended. What was calibrated before stays."
    assert person.said[-1].startswith("Calibration: 2 points")


async def test_a_worn_probe_is_told_of() -> None:
    ph = Drifting(points=2, slope="60.1,99.0").readings(["7.0"])
    person = Person()
    async with bus_with(ph, 99) as bus:
        await run_calibration(config("ezo-ph"), bus, person)
    assert any("worn or dirty" in text for text in person.said)


async def test_what_cannot_be_calibrated_is_said_at_once() -> None:
    person = Person()
    with pytest.raises(StartError, match="is a DS18B20, which is not calibrated"):
        await run_calibration(Ds18b20Config(name="t", bus="w1", kind="ds18b20"), None, person)  # type: ignore[arg-type]
    async with bus_with(StandIn("EC"), 99) as bus:
        with pytest.raises(BadAnswer, match="holds a circuit of type EC"):
            await run_calibration(config("ezo-ph"), bus, person)
        with pytest.raises(Nack, match="address 98: nobody answers"):
            await run_calibration(config("ezo-orp"), bus, person)
    assert person.said == []


async def test_bad_answers_while_it_settles_are_shown_and_borne_twice() -> None:
    ph = Drifting().readings(["7.0", "", "7.0", "", "", ""])
    async with bus_with(ph, 99) as bus:
        person = Person("n", "25", "")
        with pytest.raises(BadAnswer, match="an empty answer to R"):
            await run_calibration(config("ezo-ph"), bus, person)
    assert sum("an empty answer" in text for text in person.said) == 3
    assert steps(ph) == []


async def test_the_terminal_reads_lines_to_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(" 7.00 \n"))
    terminal = Terminal()
    terminal.say("mid:")
    assert await terminal.ask("Its value: ") == "7.00"
    with pytest.raises(EOFError):
        await terminal.ask("Its value: ")
    assert capsys.readouterr().out == "mid:\nIts value: Its value: "
