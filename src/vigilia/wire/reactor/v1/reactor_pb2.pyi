from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNSPECIFIED: _ClassVar[Kind]
    KIND_NUMBER: _ClassVar[Kind]
    KIND_INTEGER: _ClassVar[Kind]
    KIND_TEXT: _ClassVar[Kind]
    KIND_ENUM: _ClassVar[Kind]
    KIND_BOOLEAN: _ClassVar[Kind]

class Access(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCESS_UNSPECIFIED: _ClassVar[Access]
    ACCESS_READING: _ClassVar[Access]
    ACCESS_SETTING: _ClassVar[Access]
    ACCESS_COMMAND: _ClassVar[Access]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_NO_ALARM: _ClassVar[Severity]
    SEVERITY_MINOR: _ClassVar[Severity]
    SEVERITY_MAJOR: _ClassVar[Severity]
    SEVERITY_INVALID: _ClassVar[Severity]

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_SENSOR: _ClassVar[Role]
    ROLE_ACTUATOR: _ClassVar[Role]
    ROLE_LOOP: _ClassVar[Role]
    ROLE_AGENT: _ClassVar[Role]
KIND_UNSPECIFIED: Kind
KIND_NUMBER: Kind
KIND_INTEGER: Kind
KIND_TEXT: Kind
KIND_ENUM: Kind
KIND_BOOLEAN: Kind
ACCESS_UNSPECIFIED: Access
ACCESS_READING: Access
ACCESS_SETTING: Access
ACCESS_COMMAND: Access
SEVERITY_NO_ALARM: Severity
SEVERITY_MINOR: Severity
SEVERITY_MAJOR: Severity
SEVERITY_INVALID: Severity
ROLE_UNSPECIFIED: Role
ROLE_SENSOR: Role
ROLE_ACTUATOR: Role
ROLE_LOOP: Role
ROLE_AGENT: Role

class Value(_message.Message):
    __slots__ = ("number", "integer", "text", "boolean")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_FIELD_NUMBER: _ClassVar[int]
    number: float
    integer: int
    text: str
    boolean: bool
    def __init__(self, number: _Optional[float] = ..., integer: _Optional[int] = ..., text: _Optional[str] = ..., boolean: _Optional[bool] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "kind", "access", "units", "minimum", "maximum", "labels", "precision", "description", "takes_value", "sampled", "at_once")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAKES_VALUE_FIELD_NUMBER: _ClassVar[int]
    SAMPLED_FIELD_NUMBER: _ClassVar[int]
    AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: Kind
    access: Access
    units: str
    minimum: float
    maximum: float
    labels: _containers.RepeatedScalarFieldContainer[str]
    precision: int
    description: str
    takes_value: bool
    sampled: bool
    at_once: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[Kind, str]] = ..., access: _Optional[_Union[Access, str]] = ..., units: _Optional[str] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., labels: _Optional[_Iterable[str]] = ..., precision: _Optional[int] = ..., description: _Optional[str] = ..., takes_value: _Optional[bool] = ..., sampled: _Optional[bool] = ..., at_once: _Optional[bool] = ...) -> None: ...

class Part(_message.Message):
    __slots__ = ("name", "role", "kind", "place", "title", "parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: Role
    kind: str
    place: str
    title: str
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., kind: _Optional[str] = ..., place: _Optional[str] = ..., title: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ...) -> None: ...

class HistoryPlace(_message.Message):
    __slots__ = ("url", "schema_revision")
    URL_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_REVISION_FIELD_NUMBER: _ClassVar[int]
    url: str
    schema_revision: int
    def __init__(self, url: _Optional[str] = ..., schema_revision: _Optional[int] = ...) -> None: ...

class RegisterRequest(_message.Message):
    __slots__ = ("protocol", "reactor_id", "name", "version", "boot_id", "machine_id", "parts", "history_url_hash", "history_revision", "time_ms", "clock_trusted", "settings_revision")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    REACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    MACHINE_ID_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_URL_HASH_FIELD_NUMBER: _ClassVar[int]
    HISTORY_REVISION_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_TRUSTED_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_REVISION_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    reactor_id: str
    name: str
    version: str
    boot_id: str
    machine_id: str
    parts: _containers.RepeatedCompositeFieldContainer[Part]
    history_url_hash: str
    history_revision: int
    time_ms: int
    clock_trusted: bool
    settings_revision: int
    def __init__(self, protocol: _Optional[int] = ..., reactor_id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[str] = ..., boot_id: _Optional[str] = ..., machine_id: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[Part, _Mapping]]] = ..., history_url_hash: _Optional[str] = ..., history_revision: _Optional[int] = ..., time_ms: _Optional[int] = ..., clock_trusted: _Optional[bool] = ..., settings_revision: _Optional[int] = ...) -> None: ...

class RegisterReply(_message.Message):
    __slots__ = ("decision", "reason", "retry_after_ms", "manager", "status_interval_ms", "history", "history_changed", "settings", "time_ms", "version")
    class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DECISION_UNSPECIFIED: _ClassVar[RegisterReply.Decision]
        ACCEPTED: _ClassVar[RegisterReply.Decision]
        WAITING: _ClassVar[RegisterReply.Decision]
        REFUSED: _ClassVar[RegisterReply.Decision]
    DECISION_UNSPECIFIED: RegisterReply.Decision
    ACCEPTED: RegisterReply.Decision
    WAITING: RegisterReply.Decision
    REFUSED: RegisterReply.Decision
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    MANAGER_FIELD_NUMBER: _ClassVar[int]
    STATUS_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    HISTORY_CHANGED_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    decision: RegisterReply.Decision
    reason: str
    retry_after_ms: int
    manager: str
    status_interval_ms: int
    history: HistoryPlace
    history_changed: bool
    settings: _containers.RepeatedCompositeFieldContainer[Setting]
    time_ms: int
    version: str
    def __init__(self, decision: _Optional[_Union[RegisterReply.Decision, str]] = ..., reason: _Optional[str] = ..., retry_after_ms: _Optional[int] = ..., manager: _Optional[str] = ..., status_interval_ms: _Optional[int] = ..., history: _Optional[_Union[HistoryPlace, _Mapping]] = ..., history_changed: _Optional[bool] = ..., settings: _Optional[_Iterable[_Union[Setting, _Mapping]]] = ..., time_ms: _Optional[int] = ..., version: _Optional[str] = ...) -> None: ...

class Setting(_message.Message):
    __slots__ = ("part", "parameter", "value", "revision")
    PART_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    part: str
    parameter: str
    value: Value
    revision: int
    def __init__(self, part: _Optional[str] = ..., parameter: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class SettingState(_message.Message):
    __slots__ = ("part", "parameter", "value", "revision", "rejected", "over_limit")
    PART_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    OVER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    part: str
    parameter: str
    value: Value
    revision: int
    rejected: str
    over_limit: bool
    def __init__(self, part: _Optional[str] = ..., parameter: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., revision: _Optional[int] = ..., rejected: _Optional[str] = ..., over_limit: _Optional[bool] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("id", "part", "parameter", "value", "within_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    WITHIN_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    part: str
    parameter: str
    value: Value
    within_ms: int
    def __init__(self, id: _Optional[str] = ..., part: _Optional[str] = ..., parameter: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., within_ms: _Optional[int] = ...) -> None: ...

class CommandState(_message.Message):
    __slots__ = ("id", "outcome", "detail", "over_limit")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[CommandState.Outcome]
        RUNNING: _ClassVar[CommandState.Outcome]
        DONE: _ClassVar[CommandState.Outcome]
        REFUSED: _ClassVar[CommandState.Outcome]
        FAILED: _ClassVar[CommandState.Outcome]
        LATE: _ClassVar[CommandState.Outcome]
    OUTCOME_UNSPECIFIED: CommandState.Outcome
    RUNNING: CommandState.Outcome
    DONE: CommandState.Outcome
    REFUSED: CommandState.Outcome
    FAILED: CommandState.Outcome
    LATE: CommandState.Outcome
    ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OVER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    outcome: CommandState.Outcome
    detail: str
    over_limit: bool
    def __init__(self, id: _Optional[str] = ..., outcome: _Optional[_Union[CommandState.Outcome, str]] = ..., detail: _Optional[str] = ..., over_limit: _Optional[bool] = ...) -> None: ...

class Reading(_message.Message):
    __slots__ = ("part", "parameter", "value", "time_ms", "severity", "status", "detail")
    PART_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    part: str
    parameter: str
    value: Value
    time_ms: int
    severity: Severity
    status: int
    detail: str
    def __init__(self, part: _Optional[str] = ..., parameter: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., time_ms: _Optional[int] = ..., severity: _Optional[_Union[Severity, str]] = ..., status: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("reactor_id", "boot_id", "sequence", "time_ms", "clock_trusted", "readings", "full", "settings", "commands", "samples_waiting", "oldest_waiting_ms", "samples_dropped")
    REACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_TRUSTED_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_WAITING_FIELD_NUMBER: _ClassVar[int]
    OLDEST_WAITING_MS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    reactor_id: str
    boot_id: str
    sequence: int
    time_ms: int
    clock_trusted: bool
    readings: _containers.RepeatedCompositeFieldContainer[Reading]
    full: bool
    settings: _containers.RepeatedCompositeFieldContainer[SettingState]
    commands: _containers.RepeatedCompositeFieldContainer[CommandState]
    samples_waiting: int
    oldest_waiting_ms: int
    samples_dropped: int
    def __init__(self, reactor_id: _Optional[str] = ..., boot_id: _Optional[str] = ..., sequence: _Optional[int] = ..., time_ms: _Optional[int] = ..., clock_trusted: _Optional[bool] = ..., readings: _Optional[_Iterable[_Union[Reading, _Mapping]]] = ..., full: _Optional[bool] = ..., settings: _Optional[_Iterable[_Union[SettingState, _Mapping]]] = ..., commands: _Optional[_Iterable[_Union[CommandState, _Mapping]]] = ..., samples_waiting: _Optional[int] = ..., oldest_waiting_ms: _Optional[int] = ..., samples_dropped: _Optional[int] = ...) -> None: ...

class ReportReply(_message.Message):
    __slots__ = ("settings", "commands", "acknowledged", "time_ms", "status_interval_ms", "full_wanted")
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    FULL_WANTED_FIELD_NUMBER: _ClassVar[int]
    settings: _containers.RepeatedCompositeFieldContainer[Setting]
    commands: _containers.RepeatedCompositeFieldContainer[Command]
    acknowledged: _containers.RepeatedScalarFieldContainer[str]
    time_ms: int
    status_interval_ms: int
    full_wanted: bool
    def __init__(self, settings: _Optional[_Iterable[_Union[Setting, _Mapping]]] = ..., commands: _Optional[_Iterable[_Union[Command, _Mapping]]] = ..., acknowledged: _Optional[_Iterable[str]] = ..., time_ms: _Optional[int] = ..., status_interval_ms: _Optional[int] = ..., full_wanted: _Optional[bool] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("reactor_id", "boot_id")
    REACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    reactor_id: str
    boot_id: str
    def __init__(self, reactor_id: _Optional[str] = ..., boot_id: _Optional[str] = ...) -> None: ...

class Nudge(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SampleColumn(_message.Message):
    __slots__ = ("part", "parameter", "times_ms", "values", "texts", "alarms")
    PART_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    TIMES_MS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    part: str
    parameter: str
    times_ms: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    texts: _containers.RepeatedScalarFieldContainer[str]
    alarms: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, part: _Optional[str] = ..., parameter: _Optional[str] = ..., times_ms: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., texts: _Optional[_Iterable[str]] = ..., alarms: _Optional[_Iterable[int]] = ...) -> None: ...

class SampleBatch(_message.Message):
    __slots__ = ("reactor_id", "store_id", "first_offset", "next_offset", "base_ms", "columns")
    REACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_OFFSET_FIELD_NUMBER: _ClassVar[int]
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    BASE_MS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    reactor_id: str
    store_id: str
    first_offset: int
    next_offset: int
    base_ms: int
    columns: _containers.RepeatedCompositeFieldContainer[SampleColumn]
    def __init__(self, reactor_id: _Optional[str] = ..., store_id: _Optional[str] = ..., first_offset: _Optional[int] = ..., next_offset: _Optional[int] = ..., base_ms: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[SampleColumn, _Mapping]]] = ...) -> None: ...

class SampleAck(_message.Message):
    __slots__ = ("next_offset",)
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    next_offset: int
    def __init__(self, next_offset: _Optional[int] = ...) -> None: ...
