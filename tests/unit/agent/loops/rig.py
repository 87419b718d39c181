"""A probe that reads what it is told to."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from vigilia.agent.loops import LoopConfig
from vigilia.agent.parts import Access, Declaration, Listener, Measured, Parameter, Role
from vigilia.points import Kind, Severity, Status, Value


class ScriptedProbe:
    """A sensor whose one reading the test says."""

    def __init__(self, name: str, measures: str, units: str = "") -> None:
        parameter = Parameter(measures, Kind.NUMBER, Access.READING, units)
        self.declaration = Declaration(name, Role.SENSOR, "scripted", "nowhere", (parameter,))
        self.calibrating = False
        self.measures = measures
        self.newest: Measured | None = None

    def reads(self, value: float | None, severity: Severity = Severity.NO_ALARM, detail: str = "") -> None:
        """Have a new reading."""
        status = Status.NO_ALARM if severity is Severity.NO_ALARM else Status.READ
        self.newest = Measured(self.measures, value, time.time(), severity, status, detail)

    def readings(self) -> Sequence[Measured]:
        return [self.newest] if self.newest else []

    def settings(self) -> Mapping[str, Value]:
        return {}

    async def apply(self, parameter: str, value: Value) -> None:
        raise AssertionError

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        raise AssertionError

    async def run(self, listener: Listener) -> None:
        raise AssertionError


def loop_config(**table: Any) -> LoopConfig:
    return TypeAdapter(LoopConfig).validate_python(table)


def shown(loop: Any) -> tuple[str, str]:
    """Return what a loop says it is at, and why."""
    labels = next(p.labels for p in loop.declaration.parameters if p.name == "State")
    state, reason = loop.readings()
    return labels[state.value], reason.value
