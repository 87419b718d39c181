"""A part from a script, for the tests of what works parts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from vigilia.agent.parts import Access, Declaration, Listener, Measured, Parameter, Rejected, Role
from vigilia.points import Kind, Value

PH = Parameter("pH", Kind.NUMBER, Access.READING, sampled=True)
RAW = Parameter("Raw", Kind.TEXT, Access.READING, sampled=True)
DUTY = Parameter("Duty", Kind.NUMBER, Access.SETTING, "%", limits=(0, 100))
POWER = Parameter("Power", Kind.ENUM, Access.SETTING, labels=("Off", "On"))
TITLE = Parameter("Title", Kind.TEXT, Access.SETTING)
DOSE = Parameter("Dose", Kind.NUMBER, Access.COMMAND, "ml", limits=(0.5, 20))
STOP = Parameter("Stop", Kind.BOOLEAN, Access.COMMAND, takes_value=False, at_once=True)


class ScriptedPart:
    """Holds what it is told to hold. `refuse`, `faults`: what goes wrong; `pause`: what a command waits for."""

    def __init__(self, name: str = "ph", role: Role = Role.SENSOR, *parameters: Parameter) -> None:
        self.declaration = Declaration(
            name, role, "scripted", "nowhere", parameters or (PH, RAW, DUTY, POWER, TITLE, DOSE, STOP)
        )
        self.measured: list[Measured] = []
        self.held: dict[str, Value] = {"Duty": 0.0, "Power": 0, "Title": ""}
        self.refuse: dict[str, str] = {}
        self.applied: list[tuple[str, Value]] = []
        self.commands: list[tuple[str, Value, str]] = []
        self.pause: asyncio.Event | None = None
        self.command_error: Exception | None = None
        self.runs = 0
        self.ended = 0
        self.faults: list[Exception] = []
        self.listener: Listener | None = None
        self.at_end: Callable[[], None] = lambda: None

    def readings(self) -> Sequence[Measured]:
        return self.measured

    def settings(self) -> Mapping[str, Value]:
        return self.held

    async def apply(self, parameter: str, value: Value) -> None:
        if parameter in self.refuse:
            raise Rejected(self.refuse[parameter])
        self.applied.append((parameter, value))
        self.held[parameter] = value

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        self.commands.append((parameter, value, command_id))
        if self.pause is not None:
            await self.pause.wait()
        if self.command_error is not None:
            raise self.command_error
        return f"{parameter} done"

    async def run(self, listener: Listener) -> None:
        self.runs += 1
        self.listener = listener
        try:
            if self.faults:
                raise self.faults.pop(0)
            await asyncio.Event().wait()
        finally:
            self.ended += 1
            self.at_end()
