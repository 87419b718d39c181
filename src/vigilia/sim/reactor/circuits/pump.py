"""The circuit of a dosing pump, EZO-PMP: what it is asked to move, what it counts, and how it is calibrated."""

from collections.abc import Callable

from vigilia.sim.reactor.circuits.circuit import Circuit, Way
from vigilia.sim.reactor.circuits.reply import NotUnderstood, Reply, none, number, one, whole
from vigilia.sim.reactor.motor import FASTEST_ML_MIN, NL_PER_ML, SLOWEST_ML_MIN, Motor
from vigilia.sim.reactor.vessel import Liquid, Vessel

MOTOR_V = 12.1
_LEAST_ML = 0.5
_LONGEST_MIN = 20 * 24 * 60.0
"""Continuous mode ends by itself after 20 days (PMP data sheet)."""
_MOST_ML = FASTEST_ML_MIN * _LONGEST_MIN


class PumpCircuit(Circuit):
    """EZO-PMP, moving `liquid` into the vessel; `world` tells the seconds that its motor lives by.

    Totals are lost with its power, and so is a task at work. Its firmware answers in capitals.
    """

    letters = "PMP"
    firmware = "1.06"
    default_address = 103
    reading_s = 0.3
    calibration_s = 0.3

    def __init__(self, vessel: Vessel, liquid: Liquid, world: Callable[[], float], *, pace: float = 1.0) -> None:
        self.liquid: Liquid = liquid
        self.motor = Motor()
        self.motor_v = MOTOR_V
        self._world = world
        super().__init__(vessel, pace=pace)
        self.says_capitals = True
        del self.handlers["EXPORT"], self.handlers["IMPORT"]
        self.handlers |= {
            "D": self._dispense,
            "DC": self._at_rate,
            "X": self._stop,
            "P": self._pause,
            "TV": self._total,
            "ATV": self._absolute_total,
            "CLEAR": self._clear,
            "PV": self._motor_voltage,
        }

    def _keep_defaults(self) -> None:
        super()._keep_defaults()
        self.only_while_running = True

    def _start(self) -> None:
        super()._start()
        self.lose_power()
        self.total_nl = self.absolute_nl = 0
        self._last_nl = 0
        self._asked = "0.00"
        self._mode = "volume"

    # The motor

    def advance(self) -> None:
        """Let the motor go on to now: what it moved is in the vessel, and an end is told."""
        was_at_work = self.motor.is_running
        moved = self.motor.advance(self._world())
        if moved.counted_nl:
            self.total_nl += moved.counted_nl
            self.absolute_nl += abs(moved.counted_nl)
            self._last_nl += moved.counted_nl
            self.vessel.dose(self.liquid, moved.truly_nl / NL_PER_ML)
        if was_at_work and not self.motor.is_running:
            self._tell(f"*DONE,{_ml(self._last_nl)}")

    def supply_motor(self, on: bool) -> None:
        """Give the motor its supply, or take it away; without it a task at work ends."""
        if on == (self.motor_v > 0):
            return
        self.advance()
        self.motor_v = MOTOR_V if on else 0.0
        if not on:
            self.motor.stop(self._world(), "no motor supply")

    def lose_power(self) -> None:
        """End a task at work; what it has moved is moved."""
        self.advance()
        self.motor.stop(self._world(), "power lost")

    def hear(self, command: str, way: Way) -> Reply:
        """Carry a command out and return the answer."""
        self.advance()
        return super().hear(command, way)

    def perceive(self) -> float:
        """Return what it counted of the task at work, or of the last one, ml."""
        return self._last_nl / NL_PER_ML

    def report(self) -> str:
        """Return that volume."""
        self.advance()
        return f"{self.measure():.2f}"

    def reports(self) -> bool:
        """Whether it is to send its volume over UART by itself now: while it runs, unless asked for always."""
        return super().reports() and (self.motor.is_running or not self.only_while_running)

    # Commands

    def _dispense(self, words: list[str], _way: Way) -> Reply:
        if words == ["?"]:
            running = self.motor.is_running or self.motor.is_paused
            return Reply(self.say("D", self._asked if running else _ml(self._last_nl), str(int(self.motor.is_running))))
        fastest = FASTEST_ML_MIN * self._factor("volume")
        if len(words) == 1 and words[0] in {"*", "-*"}:
            return self._go(words, None, fastest, words[0] == "-*", "volume")
        if len(words) not in {1, 2}:
            raise NotUnderstood
        ml = number(words[0], -_MOST_ML, _MOST_ML)
        if abs(ml) < _LEAST_ML:
            raise NotUnderstood("*MINVOL")
        if len(words) == 1:
            return self._go(words, abs(ml), fastest, ml < 0, "volume")
        rate = abs(ml) / number(words[1], 0.001, _LONGEST_MIN)
        return self._go(words, abs(ml), self._allowed(rate), ml < 0, "rate")

    def _at_rate(self, words: list[str], _way: Way) -> Reply:
        if words == ["?"]:
            return Reply(self.say("Maxrate", f"{FASTEST_ML_MIN * self._factor('rate'):.2f}"))
        if len(words) != 2:
            raise NotUnderstood
        rate = number(words[0])
        allowed = self._allowed(abs(rate))
        ml = None if words[1] == "*" else allowed * number(words[1], 0.001, _LONGEST_MIN)
        return self._go(words, ml, allowed, rate < 0, "rate", "DC")

    def _allowed(self, ml_min: float) -> float:
        if ml_min > FASTEST_ML_MIN * self._factor("rate") + 1e-9:
            raise NotUnderstood("*TOOFAST")
        if ml_min < SLOWEST_ML_MIN - 1e-9:
            raise NotUnderstood
        return ml_min

    def _go(
        self, words: list[str], ml: float | None, ml_min: float, reverse: bool, mode: str, word: str = "D"
    ) -> Reply:
        if self.motor_v <= 0:
            # A real circuit without its 12 V says so before *ER, over I2C only 2.
            raise NotUnderstood(f"*UV,PUMPPWR,{self.motor_v:.2f}")
        sign = "-" if reverse else ""
        self._asked = f"{sign}*" if ml is None else f"{sign}{ml:.2f}"
        self._mode, self._last_nl = mode, 0
        self.motor.start(
            ",".join([word, *words]),
            ml_min * _LONGEST_MIN if ml is None else ml,
            ml_min,
            self._world(),
            factor=self._factor(mode),
            reverse=reverse,
        )
        return Reply()

    def _stop(self, words: list[str], _way: Way) -> Reply:
        none(words)
        at_work = self.motor.is_running or self.motor.is_paused
        self.motor.stop(self._world())
        return Reply(f"*DONE,{_ml(self._last_nl if at_work else 0)}", ends_itself=True)

    def _pause(self, words: list[str], _way: Way) -> Reply:
        if words == ["?"]:
            return Reply(self.say("P", str(int(self.motor.is_paused))))
        none(words)
        self.motor.pause(self._world())
        return Reply()

    def _total(self, words: list[str], _way: Way) -> Reply:
        return self._answer(words, "TV", _ml(self.total_nl))

    def _absolute_total(self, words: list[str], _way: Way) -> Reply:
        return self._answer(words, "ATV", _ml(self.absolute_nl))

    def _motor_voltage(self, words: list[str], _way: Way) -> Reply:
        return self._answer(words, "PV", f"{self.motor_v:.2f}")

    def _answer(self, words: list[str], head: str, value: str) -> Reply:
        answer = self._ask(words, head, value)
        if answer is None:
            raise NotUnderstood
        return answer

    def _clear(self, words: list[str], _way: Way) -> Reply:
        none(words)
        self.total_nl = self.absolute_nl = 0
        return Reply()

    def _continuous(self, words: list[str], way: Way) -> Reply:
        if way == "i2c":
            raise NotUnderstood
        if words == ["?"]:
            return Reply(
                self.say("C", "*" if self.only_while_running and self.continuous_s else str(self.continuous_s))
            )
        self.only_while_running = one(words) == "*"
        self.continuous_s = 1 if self.only_while_running else whole(one(words), 0, 1)
        return Reply()

    # Calibration

    def points(self) -> int:
        """Return what Cal,? answers: 1 for volume, 2 for volume over time, 3 for both."""
        return ("volume" in self.calibration) + 2 * ("rate" in self.calibration)

    def set_point(self, words: list[str]) -> None:
        """Take what the last task truly moved, ml."""
        truly = number(one(words), 0.01, _MOST_ML)
        if self.motor.is_running or self.motor.is_paused or not self._last_nl:
            raise NotUnderstood
        nominal = abs(self._last_nl) / NL_PER_ML / self._factor(self._mode)
        self.calibration[self._mode] = (nominal, truly)

    def _factor(self, mode: str) -> float:
        """Return what it counts for each nominal millilitre."""
        nominal, truly = self.calibration.get(mode, (1.0, 1.0))
        return truly / nominal


def _ml(nanolitres: int) -> str:
    return f"{nanolitres / NL_PER_ML:.2f}"
