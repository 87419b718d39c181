"""The shapes of what the records answer: journal, figures, reports."""

from typing import Literal

from pydantic import BaseModel, Field

from vigilia.interfaces.api.models import AlarmState, Moment, NoticeAnswer, SeverityName

JournalEventName = Literal[
    "raised", "worse", "cleared", "withdrawn", "suppressed", "released", "told",
    "acknowledged", "shelved", "unshelved", "out-of-service", "in-service", "undone",
]  # fmt: skip


class JournalAnswer(BaseModel):
    """One thing that happened to an alarm."""

    id: int
    time: Moment = Field(description="when, by the watch's clock")
    alarm: str = Field(description="the alarm's id", examples=["ph-low@R1:ph:pH-Mon"])
    incident: str | None = Field(description="the incident's id; null: it had none then")
    event: JournalEventName
    state: AlarmState | None = Field(description="the alarm's after it; null with told: it is not known")
    severity: SeverityName
    happened_at: Moment | None = Field(description="when the equipment says that it was")
    via: str | None = Field(description="null: nobody did it", examples=["web"])
    user: str
    host: str
    comment: str
    until: Moment | None = Field(description="the end of a shelving")
    cause: str | None = Field(description="the id of the alarm that suppresses it")
    detail: str = Field(description='what the equipment said besides; with told "raised" or "cleared"')
    channel: str | None = Field(description="with told: where", examples=["teams"])
    card: int | None = Field(description="with told: the number of the card")


class AlarmSource(BaseModel):
    """An alarm, as its newest incident names it."""

    alarm: str = Field(description="the alarm's id")
    name: str = Field(description="what kind of alarm, in the site's language")
    point: str
    device: str
    area: str
    equipment: str
    family: str
    label: str
    severity: SeverityName


class RateBucketAnswer(BaseModel):
    """How many alarms were raised in a time."""

    time: Moment = Field(description="its beginning")
    count: int
    max: int = Field(description="the most in ten minutes of it")


class RateAnswer(BaseModel):
    """Alarms per ten minutes."""

    mean: float
    max: int
    periods: int = Field(description="how many times ten minutes, the last one perhaps not whole")
    bucket_s: int = Field(description="how long a bucket is: 600, or more where there would be over 1,500")
    buckets: list[RateBucketAnswer]


class CountedAnswer(AlarmSource):
    """An alarm and how often it was raised."""

    count: int
    share: float = Field(description="of all that were raised, 0 to 1")


class ChatteringAnswer(AlarmSource):
    """An alarm that was raised three times or more within a minute."""

    count_per_min: int = Field(description="the most within a minute")
    count: int = Field(description="how often it was raised in all")
    last: Moment = Field(description="when it last came for the third time, or more, within a minute")


class StaleAnswer(AlarmSource):
    """An alarm that has stood for more than a day."""

    since: Moment


class SeverityCounts(BaseModel):
    """How many alarms were raised, by severity."""

    MINOR: int
    MAJOR: int
    INVALID: int


class FiguresAnswer(BaseModel):
    """Figures of the alarm system after ISA-18.2: of alarms that people were told of."""

    from_: Moment = Field(alias="from", description="moved back to full ten minutes")
    to: Moment
    total: int = Field(description="how many were raised")
    rate_per_10min: RateAnswer
    flood_share: float = Field(description="the part of the ten minutes that had more than ten alarms, 0 to 1")
    per_severity: SeverityCounts
    top: list[CountedAnswer] = Field(description="the ten that were raised most often")
    chattering: list[ChatteringAnswer] = Field(description="the worst first, 100 at most")
    stale: list[StaleAnswer] = Field(description="at the end of the time, the oldest first, 100 at most")
    stale_count: int
    standing: int = Field(description="alarms that stood at the end of the time, suppressed ones included")


class ReportAnswer(BaseModel):
    """A week whose report can be had."""

    week: str = Field(description="its Monday", examples=["2026-03-09"])
    last: str = Field(description="its Sunday", examples=["2026-03-15"])
    from_: Moment = Field(alias="from")
    to: Moment
    complete: bool = Field(description="false: the week is not over")
    file: str = Field(examples=["vigilia-2026-03-09.xlsx"])
    path: str = Field(description="where it is got", examples=["/api/v1/reports/2026-03-09.xlsx"])


class ChannelAnswer(BaseModel):
    """How a channel fares: whether people hear over it of what happens."""

    name: str = Field(examples=["teams"])
    waiting: int = Field(description="notices that it has not delivered yet, those that failed among them")
    failed: int = Field(description="those of them whose last attempt failed")
    oldest: Moment | None = Field(description="when the oldest of those that wait was queued; null: none waits")
    newest_failed: NoticeAnswer | None = Field(description="null: none waits for another attempt")
    newest_sent: NoticeAnswer | None = Field(description="what it carried last; null: nothing that is kept")


class ChannelsAnswer(BaseModel):
    """The channels that ever had a notice, by name."""

    items: list[ChannelAnswer]
