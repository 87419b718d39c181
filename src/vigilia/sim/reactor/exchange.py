"""One exchange with a circuit, whatever the way: the faults that strike it, and what becomes of its answer."""

import random
import time
from dataclasses import dataclass

from vigilia.sim.reactor.circuits import Circuit, Reply, Way
from vigilia.sim.reactor.faults import ANSWER_FAULTS, Faults
from vigilia.sim.reactor.journal import Journal

SUCCESS, SYNTAX_ERROR, PROCESSING, NO_DATA = 1, 2, 254, 255
"""The first byte of an answer over I2C (pH data sheet p. 46)."""
_MEANINGLESS = bytes(range(1, 127))


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves a circuit. `fault`: what struck the exchange; `reply`: what the circuit itself answered."""

    code: int
    body: bytes
    wait_s: float
    reply: Reply
    fault: str = ""


class Line:
    """A circuit with its name on a reactor, its faults and its journal: what I2C and UART have in common."""

    def __init__(self, name: str, circuit: Circuit, faults: Faults, journal: Journal) -> None:
        self.name = name
        self.circuit = circuit
        self.faults = faults
        self.journal = journal

    def refuses(self, command: str) -> bool:
        """Whether a fault keeps the circuit from acknowledging, counted as used."""
        return self.faults.take({"nack"}, self.name, command, time.monotonic()) is not None

    def ask(self, command: str, way: Way) -> Answer:
        """Have the circuit carry out a command that it has heard."""
        fault = self.faults.take(ANSWER_FAULTS - {"nack"}, self.name, command, time.monotonic())
        kind = "" if fault is None else fault.kind
        reply = Reply(is_ok=False) if kind == "refused" else self.circuit.hear(command, way)
        answer = self._formed(reply, kind, command)
        self.journal.add(self.name, way, command, _noted(answer))
        return answer

    def _formed(self, reply: Reply, kind: str, command: str) -> Answer:
        wait_s = reply.wait_s * self.circuit.pace
        if kind == "busy":
            return Answer(PROCESSING, b"", wait_s, reply, kind)
        if kind == "no-data" or reply.text is None:
            return Answer(NO_DATA, b"", wait_s, reply, kind)
        if not reply.is_ok:
            return Answer(SYNTAX_ERROR, b"", wait_s, reply, kind)
        is_reading = command.upper() == "R" or command.upper().startswith("RT,")
        text = self._four_values(reply.text) if is_reading else reply.text
        return Answer(SUCCESS, _spoilt(text.encode("latin-1", "replace"), kind), wait_s, reply, kind)

    def reading(self) -> bytes:
        """Return what the circuit sends by itself over UART, with what strikes it; empty where nothing comes."""
        fault = self.faults.take(ANSWER_FAULTS, self.name, "R", time.monotonic())
        kind = "" if fault is None else fault.kind
        if kind in {"", "cut", "garbage"}:
            body = _spoilt(self._four_values(self.circuit.report()).encode("latin-1"), kind)
            return body if kind == "cut" else body + b"\r"
        return b""

    def _four_values(self, text: str) -> str:
        if self.faults.take({"four-values"}, self.name, "R", time.monotonic()) is None:
            return text
        return ",".join([text.partition(",")[0], "252", "0.23", "1.000"])


def _spoilt(body: bytes, kind: str) -> bytes:
    if kind == "empty":
        return b""
    if kind == "cut":
        return body[: len(body) // 2]
    return bytes(random.choices(_MEANINGLESS, k=max(4, len(body)))) if kind == "garbage" else body


def _noted(answer: Answer) -> str:
    text = answer.body.decode("latin-1")
    return text if answer.code == SUCCESS else f"({answer.code})"
