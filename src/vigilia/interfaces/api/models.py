"""The shapes of the API's answers, for its documentation.

The answers themselves are built as plain dictionaries, because pages are long; tests hold them against these models.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Moment = Annotated[
    str,
    Field(
        json_schema_extra={"format": "date-time"}, description="UTC, ISO 8601", examples=["2026-03-10T08:50:00.000Z"]
    ),
]
PointValue = bool | int | float | str
Item = TypeVar("Item", bound=BaseModel)

LONGEST_PAGE = 10_000
"""Most items that one page holds."""

SeverityName = Literal["NO_ALARM", "MINOR", "MAJOR", "INVALID"]
StatusName = Literal[
    "NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE", "COMM", "TIMEOUT", "UDF"
]  # fmt: skip


class ErrorAnswer(BaseModel):
    """What every error looks like."""

    error: str = Field(description="for programs", examples=["unknown-point"])
    detail: str = Field(description="a sentence for people", examples=["no point is named 'T9:PwrState-Sel'"])


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = Field(description="ask again with next=… for what follows; null: nothing does")


class PointAnswer(BaseModel):
    """A point and its latest reading."""

    name: str = Field(examples=["T1:PwrState-Raw"])
    value: PointValue | None = Field(description="an enum's is its index; null: never read", examples=[1])
    label: str | None = Field(description="the text of an enum's or boolean's value", examples=["Delivering"])
    units: str | None
    severity: SeverityName
    status: StatusName
    timestamp: Moment | None
    access: Literal["r", "rw"]
    device: str = Field(examples=["T1"])
    link: str = Field(description="empty for what Vigilia says of itself", examples=["sw-1"])
    description: str
    kind: Literal["enum", "number", "integer", "text", "boolean"]
    labels: list[str] = Field(description="an enum's or boolean's texts, by index")
    limits: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        description="smallest and largest value that a write may ask for"
    )
    precision: int = Field(description="decimals that a display should show of a number")
    system: str = Field(description='"vigilia": the service itself', examples=["aruba"])


class PendingAnswer(PointAnswer):
    """A point whose new value is not confirmed yet: kept for a reactor, or a command that is under way."""

    pending: Literal[True]
    detail: str = Field(description="what there is to wait for", examples=["R1 has begun, and is at it"])


class NewValue(BaseModel):
    """What to write to a point."""

    value: PointValue = Field(description="an enum takes its index or its label", examples=[1, "Delivering"])
    expected: PointValue | None = Field(
        default=None,
        description="left out: anything; else what the value must still be, an enum's as index or label, or null for "
        "a point that was never read",
    )
    expected_timestamp: Moment | None = Field(
        default=None, description="left out: any; else the time that the reading must still have"
    )


class ChangedAnswer(ErrorAnswer):
    """The point is not as it was expected to be: nothing was done."""

    point: PointAnswer = Field(description="as it is now")


class LinkAnswer(BaseModel):
    """A link and how it fares."""

    name: str = Field(examples=["sw-1"])
    contact: Literal["disconnected", "connecting", "connected"]
    since: Moment
    round_trip_ms: float | None = Field(description="median of the last requests; null before the first")
    round_trip_p99_ms: float | None
    reconnects: int
    bad_answers: int
    sessions: int = Field(description="login sessions that the equipment holds of ours")
    waiting_writes: int
    error: str = Field(description="why contact was lost or an answer discarded, last time; empty: never")


class SettingAnswer(BaseModel):
    """A setting of a reactor that does not hold, or not yet."""

    point: str = Field(examples=["R1:heater:Duty-SP"])
    value: PointValue
    state: Literal["pending", "rejected"]
    reason: str = Field(description="why it was rejected")
    time: Moment = Field(description="when it was asked for")
    by: str


class ReactorAnswer(BaseModel):
    """A reactor and how it stands with it."""

    id: str = Field(examples=["R1"])
    name: str
    version: str = Field(description="of its agent")
    state: Literal["waiting", "away", "connected"] = Field(description="waiting: nobody has accepted it yet")
    since: Moment
    reported: Moment | None = Field(description="when it last said anything; null: not since the start")
    address: str
    enrolled: bool = Field(description="it has a token, and must show it")
    points: int
    settings: list[SettingAnswer] = Field(description="those that do not hold, or not yet")
    samples_waiting: int | None = Field(description="samples on its disk; null: it has not said")
    oldest_waiting_s: float | None
    samples_dropped: int | None = Field(description="in all, by its agent's own count; null: it has never said")
    trouble: str = Field(description="why it is away, or what is wrong; empty: nothing")


class TokenAnswer(BaseModel):
    """A token for a reactor's agent. It is shown once."""

    id: str
    token: str


class AuditAnswer(BaseModel):
    """A write: who asked for what, and how it ended."""

    id: int
    time: Moment
    point: str
    value: PointValue | None = Field(description="null: refused out of hand")
    previous: PointValue | None
    via: str = Field(examples=["api", "epics"])
    user: str
    host: str
    outcome: str | None = Field(description='"confirmed", "pending", or the name of the error; null: no answer yet')
    detail: str | None
    answered: Moment | None


AlarmState = Literal["normal", "unacknowledged", "acknowledged", "returned", "shelved", "suppressed", "out-of-service"]


class ActAnswer(BaseModel):
    """What somebody did about an alarm."""

    by: str = Field(examples=["ana"])
    at: Moment
    comment: str


class ToldAnswer(BaseModel):
    """A card that told people of an alarm."""

    channel: str = Field(examples=["teams"])
    card: int = Field(description="its number")
    at: Moment


class AlarmAnswer(BaseModel):
    """An alarm and how it stands, in the terms of ISA-18.2."""

    id: str = Field(description="the rule and the point", examples=["ph-low@R1:ph:pH-Mon"])
    point: str
    device: str
    name: str
    state: AlarmState
    severity: SeverityName
    since: Moment = Field(description="when it came into this state: an acknowledgement begins another")
    began: Moment | None = Field(
        description="when the open incident began, by the equipment's time; null: there is none"
    )
    suppressed_by: str | None = Field(description="the alarm that suppresses it by design")
    acknowledged_by: str | None
    shelved_until: Moment | None
    detail: str
    told_at: Moment | None = Field(description="when people were first told of it; null: nobody was")
    told: list[ToldAnswer] = Field(description="every card that told that it was raised, the first one first")
    waiting: list[str] = Field(description="channels that have yet to take the notice that it was raised")
    acknowledgement: ActAnswer | None = Field(description="null: it is not acknowledged")
    quieted: ActAnswer | None = Field(description="who shelved it or took it out of service; null: nobody did")
    incident: str | None = Field(description="the id of the open incident; null: there is none")
    latest_incident: str | None = Field(description="the id of the newest incident, open or over; null: there was none")
    area: str = Field(description="the plant, room or reactor; may be empty")
    system: str = Field(description='the driver\'s section, or "vigilia"', examples=["aruba"])


class AlarmAction(BaseModel):
    """Why, and for how long."""

    model_config = ConfigDict(extra="forbid", strict=True)

    comment: str = Field(default="", max_length=1000)
    until: str | None = Field(
        default=None,
        max_length=60,
        description="the end of a shelving, at most 30 days ahead; nothing else takes it",
        examples=["2026-03-10T18:00:00Z"],
    )
    expected: str | None = Field(
        default=None,
        max_length=200,
        description="left out: anything; else the `latest_incident` that the alarm must still have, null for none: "
        "what was raised since, nobody has seen",
    )


class AlarmChangedAnswer(ErrorAnswer):
    """The alarm was raised anew since whoever asks looked: nothing was done."""

    alarm: AlarmAnswer = Field(description="as it is now")


class IncidentAnswer(BaseModel):
    """An alarm from start to end, by the equipment's times."""

    id: str
    alarm: str = Field(description="the alarm's id")
    name: str = Field(description="what kind of alarm, in the site's language")
    rule: str
    system: str = Field(examples=["pvoperation"])
    point: str
    device: str
    area: str = Field(description="the plant, room or reactor; may be empty")
    equipment: str
    family: str = Field(description="what kind of alarm")
    label: str = Field(description="which of that kind", examples=["OVERVOLTAGE"])
    severity: SeverityName
    began_at: Moment
    ended_at: Moment | None = Field(description="null: it lasts")
    last_seen_at: Moment
    detail: str
    suppressed_by: str | None
    brief: bool = Field(description="it was over when it was found, so that nobody was told")
    told: bool = Field(description="a notice of its start was queued")
    outage: bool = Field(description="the equipment counts as unavailable while it lasts")
    found_at: Moment = Field(description="when the watch learnt of it, by its clock")
    start_known: bool = Field(description="false: began_at is a guess, for it was taken over from another monitor")


NoticeKindName = Literal["raised", "cleared", "heartbeat", "report", "service"]


class NoticeAnswer(BaseModel):
    """A notice on its way through one channel."""

    id: int
    channel: str = Field(examples=["teams"])
    kind: NoticeKindName
    state: Literal["waiting", "sent", "failed"] = Field(
        description="failed: its last attempt did, and it waits for another"
    )
    title: str
    area: str
    line: str
    alarm: str = Field(description="the alarm's id, or empty")
    incident: str = Field(description="the incident's id, or empty")
    at: Moment = Field(description="when it happened")
    created_at: Moment
    card: int | None = Field(description="the number of the card that carries it; null: not tried yet")
    attempts: int
    delivered_at: Moment | None = Field(description="null: it waits")
    error: str = Field(description="why the last attempt failed; empty: it did not")
    repeats: int | None = Field(description="the id of the notice that it says once more")


class HistoryPoint(BaseModel):
    """What a point said at a time, or over the `resolution_s` that begin then."""

    time: Moment
    value: PointValue | None = Field(
        description="the mean of a number, the last of anything else; an enum's is its index; null with INVALID where "
        "the history has nothing for a while: from here on nothing is known",
        examples=[12.5],
    )
    min: float | None = Field(description="the smallest number; null for texts")
    max: float | None
    severity: SeverityName = Field(description="the worst")


class HistoryAnswer(BaseModel):
    """What a point said over a time."""

    name: str = Field(examples=["T1:Power-Mon"])
    units: str | None = Field(description="null: it has none, or the point is gone")
    resolution_s: float = Field(description="0: these are the readings themselves", examples=[60])
    points: list[HistoryPoint] = Field(description="in order of time")


class Healthy(BaseModel):
    """The watch is healthy."""

    status: Literal["ok"]


class Unhealthy(BaseModel):
    """The watch is not healthy, and why."""

    status: Literal["failing"]
    missing: list[str]
