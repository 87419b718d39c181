"""The shapes of what the event streams say, for the documentation: see `models`."""

from typing import Annotated, Generic

from pydantic import BaseModel, Field

from vigilia.interfaces.api.models import AlarmAnswer, Item, LinkAnswer, Moment, PointAnswer, PointValue, ReactorAnswer

CompactPoint = Annotated[
    tuple[str, PointValue | None, int, int, float | None],
    Field(
        description="name, value, severity, status, seconds since 1970. Severity and status are EPICS's numbers; value "
        "and time are null for a point that was never read, value also for a number that is not finite",
        examples=[["T1:PwrState-Raw", 1, 0, 0, 1_773_132_600.0]],
    ),
]


class PointsEvent(BaseModel):
    """Readings: first of every point that is followed, in parcels; then of those that have changed."""

    time: Moment
    points: list[CompactPoint]
    complete: bool = Field(default_factory=bool, description="true in the last parcel of the first readings")


class ListEvent(BaseModel, Generic[Item]):
    """Things: first all of them, in parcels; then those that have changed."""

    items: list[Item]
    complete: bool = Field(description="true in the last parcel of the first things")
    gone: list[str] = Field(default_factory=list[str], description="the keys of things that are not there any more")


class HealthEvent(BaseModel):
    """How the watch fares."""

    missing: list[str] = Field(description="what is missing for it to be healthy, one sentence each")
    version: str
    time: Moment
    started: Moment | None
    memory_mb: float | None
    waiting_notices: int
    oldest_notice_s: float = Field(description="how long the oldest of them has waited; 0: none waits")


class NoticesEvent(BaseModel):
    """How many notices wait."""

    waiting: int
    failed: int = Field(description="of those that wait, whose last attempt failed")
    newest: int | None = Field(description="the id of the newest notice, sent or not; null: there is none")


class BeatEvent(BaseModel):
    """Nothing but that the stream lives."""

    time: Moment


class DefinedEvent(BaseModel):
    """Some of the points are new, or defined anew: ask /api/v1/points again for what they are."""


class StreamEvents(BaseModel):
    """What the `data` of an event is, by the event's name."""

    point: PointAnswer = Field(description="of the plain stream, which has no other")
    points: PointsEvent
    gone: list[str] = Field(description="points that are not followed any more, or that there are not")
    defined: DefinedEvent
    alarms: ListEvent[AlarmAnswer]
    links: ListEvent[LinkAnswer]
    reactors: ListEvent[ReactorAnswer]
    health: HealthEvent
    notices: NoticesEvent
    beat: BeatEvent
