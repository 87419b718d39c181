"""What the agent knows, as the protocol has it, and back."""

import math
from collections.abc import Iterable, Sequence

from vigilia.agent.desk import Fate, Order, Outcome, Wish
from vigilia.agent.memory import Decision, Key
from vigilia.agent.parts import Access, Declaration, Measured, Parameter, Role
from vigilia.agent.samplefile import Stored
from vigilia.points import Kind, Value
from vigilia.wire.reactor.v1 import reactor_pb2 as pb

_KINDS = {
    Kind.NUMBER: pb.KIND_NUMBER,
    Kind.INTEGER: pb.KIND_INTEGER,
    Kind.TEXT: pb.KIND_TEXT,
    Kind.ENUM: pb.KIND_ENUM,
    Kind.BOOLEAN: pb.KIND_BOOLEAN,
}
_ACCESSES = {
    Access.READING: pb.ACCESS_READING,
    Access.SETTING: pb.ACCESS_SETTING,
    Access.COMMAND: pb.ACCESS_COMMAND,
}
_ROLES = {
    Role.SENSOR: pb.ROLE_SENSOR,
    Role.ACTUATOR: pb.ROLE_ACTUATOR,
    Role.LOOP: pb.ROLE_LOOP,
    Role.AGENT: pb.ROLE_AGENT,
}
_SEVERITIES = (pb.SEVERITY_NO_ALARM, pb.SEVERITY_MINOR, pb.SEVERITY_MAJOR, pb.SEVERITY_INVALID)
_OUTCOMES = {
    Outcome.RUNNING: pb.CommandState.RUNNING,
    Outcome.DONE: pb.CommandState.DONE,
    Outcome.REFUSED: pb.CommandState.REFUSED,
    Outcome.FAILED: pb.CommandState.FAILED,
    Outcome.LATE: pb.CommandState.LATE,
}
_LONGEST_DETAIL = 500


def part_of(declaration: Declaration) -> pb.Part:
    """Return what a part is and can do."""
    return pb.Part(
        name=declaration.name,
        role=_ROLES[declaration.role],
        kind=declaration.kind,
        place=declaration.place,
        title=declaration.title,
        parameters=[_parameter(parameter) for parameter in declaration.parameters],
    )


def _parameter(parameter: Parameter) -> pb.Parameter:
    said = pb.Parameter(
        name=parameter.name,
        kind=_KINDS[parameter.kind],
        access=_ACCESSES[parameter.access],
        units=parameter.units,
        labels=parameter.labels,
        precision=parameter.precision,
        description=parameter.description,
        takes_value=parameter.access is Access.COMMAND and parameter.takes_value,
        sampled=parameter.access is Access.READING and parameter.sampled,
        at_once=parameter.access is Access.COMMAND and parameter.at_once,
    )
    if parameter.limits:
        said.minimum, said.maximum = parameter.limits
    return said


def value_of(kind: Kind, value: Value | None) -> pb.Value:
    """Return a value of a kind; what is none such (a number that is not finite, or too large) is none."""
    if value is None:
        return pb.Value()
    match kind:
        case Kind.TEXT:
            return pb.Value(text=str(value).encode(errors="replace").decode())
        case Kind.BOOLEAN:
            return pb.Value(boolean=bool(value))
        case _ if isinstance(value, str) or not math.isfinite(value):
            return pb.Value()
        case Kind.NUMBER:
            return pb.Value(number=value)
        case _:
            whole = int(value)
            return pb.Value(integer=whole) if -(2**63) <= whole < 2**63 else pb.Value()


def plain_value(value: pb.Value) -> Value | None:
    """Return what a value holds."""
    kind = value.WhichOneof("kind")
    return None if kind is None else getattr(value, kind)


def reading_of(part: str, measured: Measured, kind: Kind) -> pb.Reading:
    """Return a parameter's value at a time."""
    return pb.Reading(
        part=part,
        parameter=measured.parameter,
        value=value_of(kind, measured.value),
        time_ms=round(measured.time * 1000),
        severity=_SEVERITIES[measured.severity],
        status=measured.status,
        detail=_text(measured.detail),
    )


def setting_state_of(key: Key, decision: Decision, kind: Kind) -> pb.SettingState:
    """Return what became of a setting."""
    return pb.SettingState(
        part=key[0],
        parameter=key[1],
        value=value_of(kind, decision.value),
        revision=decision.revision,
        rejected=_text(decision.rejected),
        over_limit=decision.over_limit,
    )


def command_state_of(fate: Fate) -> pb.CommandState:
    """Return how a command fares."""
    return pb.CommandState(
        id=fate.id,
        outcome=_OUTCOMES[fate.outcome],
        detail=_text(fate.detail),
        over_limit=fate.over_limit,
    )


def wishes_of(settings: Iterable[pb.Setting]) -> list[Wish]:
    """Return the settings that the server asks for."""
    return [Wish(it.part, it.parameter, plain_value(it.value), it.revision) for it in settings]


def orders_of(commands: Iterable[pb.Command], asked: float) -> list[Order]:
    """Return the commands that the server gives in answer to a report of the moment `asked`, by the loop's time.

    Their time is counted from there: an answer may be long on its way, or lie here unread while all stands still.
    """
    return [
        Order(it.id, it.part, it.parameter, plain_value(it.value), asked + it.within_ms / 1000)
        for it in commands
        if it.id
    ]


def batch_of(rows: Sequence[Stored], store_id: str) -> pb.SampleBatch:
    """Return samples, at least one, as a message: a column for each parameter."""
    base = rows[0].time_ms
    batch = pb.SampleBatch(
        store_id=store_id, first_offset=rows[0].offset, next_offset=rows[-1].offset + 1, base_ms=base
    )
    columns: dict[tuple[str, str], pb.SampleColumn] = {}
    for row in rows:
        column = columns.get((row.part, row.parameter))
        if column is None:
            column = columns[row.part, row.parameter] = batch.columns.add(part=row.part, parameter=row.parameter)
        column.times_ms.append(row.time_ms - base)
        if row.kind is Kind.TEXT:
            column.texts.append("" if row.value is None else str(row.value))
        else:
            column.values.append(math.nan if row.value is None or isinstance(row.value, str) else float(row.value))
        column.alarms.append(row.alarm)
    for column in batch.columns:
        if not any(column.alarms):
            del column.alarms[:]
    return batch


def _text(text: str) -> str:
    return text[:_LONGEST_DETAIL].encode(errors="replace").decode()
