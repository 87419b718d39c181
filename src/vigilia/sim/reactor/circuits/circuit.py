"""What all EZO circuits have in common: their commands, power, sleep and restarts.

A circuit knows no bus: `hear` takes a command's text and returns the answer, which a face (I2C, UART) gives its form.
Commands and answers are those of Atlas Scientific's data sheets; upper and lower case are the same to a circuit.
"""

import math
import random
import time
from collections.abc import Callable
from typing import Literal

from vigilia.sim.reactor.circuits.reply import SILENT, NotUnderstood, Reply, none, one, whole
from vigilia.sim.reactor.circuits.transfer import Transfer
from vigilia.sim.reactor.vessel import Vessel

Way = Literal["i2c", "uart"]
BAUDS = (300, 1200, 2400, 9600, 19200, 38400, 57600, 115200)
BOOT_S = 1.0
"""How long a circuit is deaf after a start (the data sheets say up to 2 s)."""
_NAME_LENGTH = 16
_FIRMWARE = "2.16"

Handler = Callable[[list[str], Way], Reply]


class Circuit:
    """One circuit. Subclasses measure, and add commands to `handlers`.

    `sample` is what the probe hangs in, if not the vessel: the value that a perfect instrument would read there.
    """

    letters = "?"
    """Its kind as `i` says it."""
    firmware = _FIRMWARE
    default_address = 0
    reading_s = 0.9
    calibration_s = 0.9
    calibrated_by = "Cal"
    """The command of its calibration, in `handlers`."""

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        """`pace`: how long it takes for things, 1 as a real circuit."""
        self.vessel = vessel
        self.pace = pace
        self.address = self.default_address
        self.ways: frozenset[Way] = frozenset({"i2c", "uart"})
        """How it can be spoken to. I2C,n over UART, or Baud,n over I2C, leave one."""
        self.says_capitals = False
        """Some firmware writes ?CAL where the data sheet has ?Cal."""
        self.sample: float | None = None
        self.noise = 0.0
        self.stuck: float | None = None
        self.is_stuck = False
        self.supply_v = 5.04
        self.restart_reason = "P"
        self.restarts = 0
        self.calibration: dict[str, tuple[float, float]] = {}
        """Its points by name: what the probe gave, and what it should have been."""
        self.told: list[Callable[[str], None]] = []
        """Who hears of what it says by itself: *RS, *RE, *WA, *SL, *UV, *OV, *DONE."""
        self.is_powered = True
        self.is_asleep = False
        self._deaf_until = -math.inf
        self._transfer = Transfer()
        self._keep_defaults()
        self._start()
        self.handlers: dict[str, Handler] = {
            "I": self._identify,
            "STATUS": self._status,
            "R": self._read,
            "CAL": self._calibrate,
            "EXPORT": self._export,
            "IMPORT": self._import,
            "NAME": self._name,
            "L": self._led,
            "FIND": self._find,
            "SLEEP": self._sleep,
            "FACTORY": self._factory,
            "PLOCK": self._protocol_lock,
            "I2C": self._to_i2c,
            "BAUD": self._to_uart,
            "C": self._continuous,
            "*OK": self._codes,
        }

    def _keep_defaults(self) -> None:
        """Set what it keeps without power to what it leaves the factory with."""
        self.name = ""
        self.led = True
        self.protocol_lock = False
        self.baud = 9600
        self.continuous_s = 1
        self.says_ok = True
        self.calibration = {}

    def _start(self) -> None:
        """Set what it forgets without power; subclasses add theirs."""
        self.is_finding = False

    # What a kind adds

    def perceive(self) -> float:
        """Return what the probe gives now, as the circuit would read it without calibration."""
        raise NotImplementedError

    def report(self) -> str:
        """Return the text of a reading."""
        raise NotImplementedError

    def set_point(self, words: list[str]) -> None:
        """Take the calibration that `words` ask for; raises NotUnderstood."""
        raise NotUnderstood

    def points(self) -> int:
        """Return what Cal,? answers."""
        return len(self.calibration)

    def reports(self) -> bool:
        """Whether it is to send a reading over UART by itself now."""
        return self.continuous_s > 0

    # Conversation

    def answers(self, way: Way) -> bool:
        """Whether it would hear anything that way now."""
        return self.is_powered and way in self.ways and time.monotonic() >= self._deaf_until

    def hear(self, command: str, way: Way) -> Reply:
        """Carry a command out and return the answer. What wakes it is not carried out."""
        self.is_finding = False
        if self.is_asleep:
            self.is_asleep = False
            self._tell("*WA")
            return SILENT
        word, *words = command.strip().split(",")
        try:
            handler = self.handlers.get(word.upper())
            if handler is None:
                raise NotUnderstood
            return handler(words, way)
        except NotUnderstood as refusal:
            return Reply(is_ok=False, code=refusal.code)

    def measure(self) -> float:
        """Return what the probe gives now, with what troubles it."""
        value = self.perceive()
        if self.is_stuck:
            self.stuck = value if self.stuck is None else self.stuck
            return self.stuck
        self.stuck = None
        return value + random.gauss(0, self.noise) if self.noise else value

    def set_power(self, on: bool, reason: str = "P") -> None:
        """Cut its power, or give it back: it starts anew then, and says `reason` when asked for its status."""
        if on and not self.is_powered:
            self.restart(reason)
        elif not on and self.is_powered:
            self.lose_power()
        self.is_powered = on

    def lose_power(self) -> None:
        """Stop whatever it does."""

    def restart(self, reason: str) -> None:
        """Start anew: what it does not keep is as at first."""
        self.restart_reason = reason
        self.restarts += 1
        self.is_asleep = False
        self._deaf_until = time.monotonic() + BOOT_S * self.pace
        self._start()
        self._tell("*RS")
        self._tell("*RE")

    def set_supply(self, volts: float) -> None:
        """Change its own supply voltage; it says when that is too much or too little."""
        self.supply_v = volts
        if volts > 5.5:
            self._tell("*OV")
        elif volts < 3.1:
            self._tell("*UV")

    def _tell(self, code: str) -> None:
        for listener in self.told:
            listener(code)

    def say(self, head: str, *rest: str) -> str:
        """Return the text of an answer to a question, such as ?Cal,2."""
        return ",".join((f"?{head.upper() if self.says_capitals else head}", *rest))

    def _ask(self, words: list[str], head: str, value: str) -> Reply | None:
        """Return the answer to a question; None where `words` ask none."""
        return Reply(self.say(head, value)) if words == ["?"] else None

    # Commands

    def _identify(self, words: list[str], _way: Way) -> Reply:
        none(words)
        return Reply(self.say("I", self.letters, self.firmware))

    def _status(self, words: list[str], _way: Way) -> Reply:
        none(words)
        return Reply(self.say("Status", self.restart_reason, f"{self.supply_v:.2f}"))

    def _read(self, words: list[str], _way: Way) -> Reply:
        none(words)
        return Reply(self.report(), self.reading_s)

    def _calibrate(self, words: list[str], _way: Way) -> Reply:
        if words == ["?"]:
            return Reply(self.say(self.calibrated_by, str(self.points())))
        if [word.lower() for word in words] == ["clear"]:
            self.calibration = {}
            return Reply()
        self.set_point([word.lower() for word in words])
        return Reply(wait_s=self.calibration_s)

    def _export(self, words: list[str], _way: Way) -> Reply:
        if words == ["?"]:
            return Reply("{},{}".format(*self._transfer.size(self.calibration)))
        none(words)
        return Reply(self._transfer.next_piece(self.calibration))

    def _import(self, words: list[str], _way: Way) -> Reply:
        found = self._transfer.take_piece(one(words))
        if found is None:
            return Reply()
        self.calibration = found
        self.restart("S")
        return SILENT

    def _name(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "Name", self.name)
        if answer is None:
            name = one(words)
            if len(name) > _NAME_LENGTH or not name.isascii() or not name.isprintable() or " " in name:
                raise NotUnderstood
            self.name = name
        return answer or Reply()

    def _led(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "L", str(int(self.led)))
        if answer is None:
            self.led = bool(whole(one(words), 0, 1))
        return answer or Reply()

    def _find(self, words: list[str], _way: Way) -> Reply:
        none(words)
        self.is_finding = True
        self.continuous_s = 0
        return Reply()

    def _sleep(self, words: list[str], way: Way) -> Reply:
        none(words)
        self.is_asleep = True
        return Reply(after="*SL") if way == "uart" else SILENT

    def _factory(self, words: list[str], _way: Way) -> Reply:
        none(words)
        self._keep_defaults()
        self.restart("S")
        return SILENT

    def _protocol_lock(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "Plock", str(int(self.protocol_lock)))
        if answer is None:
            self.protocol_lock = bool(whole(one(words), 0, 1))
        return answer or Reply()

    def _to_i2c(self, words: list[str], way: Way) -> Reply:
        address = whole(one(words), 1, 127)
        if way == "uart":
            if self.protocol_lock:
                raise NotUnderstood
            self.ways = frozenset[Way]({"i2c"})
        self.address = address
        self.restart("S")
        return SILENT

    def _to_uart(self, words: list[str], way: Way) -> Reply:
        answer = self._ask(words, "Baud", str(self.baud))
        if answer is not None:
            return answer
        baud = whole(one(words), 300, 115200)
        if baud not in BAUDS or (way == "i2c" and self.protocol_lock):
            raise NotUnderstood
        self.baud = baud
        if way == "uart":
            return Reply(f"*OK,{baud}", ends_itself=True)
        self.ways = frozenset[Way]({"uart"})
        self.restart("S")
        return SILENT

    def _continuous(self, words: list[str], way: Way) -> Reply:
        if way == "i2c":
            raise NotUnderstood
        answer = self._ask(words, "C", str(self.continuous_s))
        if answer is None:
            self.continuous_s = whole(one(words), 0, 99)
        return answer or Reply()

    def _codes(self, words: list[str], way: Way) -> Reply:
        if way == "i2c":
            raise NotUnderstood
        answer = self._ask(words, "*OK", str(int(self.says_ok)))
        if answer is None:
            self.says_ok = bool(whole(one(words), 0, 1))
        return answer or Reply()
