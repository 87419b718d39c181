"""The shapes of what is answered of one reactor: doses and calibration."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from vigilia.interfaces.api.models import Moment, PointValue, SeverityName


class AskedAnswer(BaseModel):
    """A write that may have asked for a dose."""

    id: int = Field(description="in the audit")
    time: Moment
    point: str = Field(examples=["R1:acid:Dose-SP"])
    value: PointValue | None
    via: str
    user: str
    host: str
    outcome: str | None


class DoseAnswer(BaseModel):
    """One increase of a pump's total."""

    pump: str = Field(description="the part", examples=["acid"])
    point: str = Field(examples=["R1:acid:Dosed-Mon"])
    time: Moment = Field(description="when the total was first seen so")
    since: Moment | None = Field(description="where it is not known so well: it was given between this and `time`")
    ml: float
    total: float = Field(description="the pump's total after it, ml")
    began_anew: bool = Field(description="the agent's ledger had begun at 0 again: more may have been given before")
    asked: list[AskedAnswer] = Field(description="the writes that may have asked for it; empty: a loop did")


class PumpAnswer(BaseModel):
    """What a pump gave in a time."""

    pump: str
    point: str
    ml: float
    asked_ml: float = Field(description="of it, what somebody asked for")
    count: int


class DosesAnswer(BaseModel):
    """What the pumps of a reactor gave in a time."""

    from_: Moment = Field(alias="from")
    to: Moment
    resolution_s: float = Field(description="0: single doses; else all of so many seconds are one")
    pumps: list[PumpAnswer]
    items: list[DoseAnswer] = Field(description="the newest first")


class StepAnswer(BaseModel):
    """One step of a calibration."""

    name: str = Field(examples=["mid"])
    write: str = Field(
        description="what is written to the command; {value} in it stands for the value", examples=["mid,{value}"]
    )
    instruction: str = Field(description="what to do before, in the site's language")
    limits: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(description="null: no value")
    usual: float | None
    after: str | None = Field(description="the step that must be calibrated before; null: none")


class SeenAnswer(BaseModel):
    """One reading of the probe."""

    time: Moment
    value: float
    severity: SeverityName


class SteadinessAnswer(BaseModel):
    """Whether the reading has settled: the newest six of the last minute."""

    stable: bool
    reason: Literal["", "few", "late", "bad", "spread", "drift"] = Field(
        description="why not: too few readings, none lately, INVALID ones, they differ, they go one way"
    )
    wanted: int = Field(description="so many readings must agree")
    mean: float | None
    spread: float | None = Field(description="the largest less the smallest")
    drift_per_min: float | None
    allowed: float | None = Field(description="spread and drift may each be as large as this")
    readings: list[SeenAnswer] = Field(description="of the last minute, in order")


class CalibrationAnswer(BaseModel):
    """All that is needed to calibrate one part of a reactor."""

    reactor: str
    part: str
    title: str
    kind: str = Field(examples=["ezo-ph"])
    command: str = Field(description="steps are written to this point", examples=["R1:ph:Calibrate-Cmd"])
    state: str | None = Field(description="what is calibrated, in words", examples=["2 points; slope acid 99.7 %"])
    state_severity: SeverityName | None = Field(description="MINOR: the probe is worn or dirty")
    calibrating: bool | None = Field(description="loops that depend on it hold; null: not known")
    reading: str | None = Field(description="the point that is calibrated", examples=["R1:ph:pH-Mon"])
    units: str | None
    precision: int | None
    begin: str | None = Field(description="written to the command before the first step, so that loops hold")
    end: str | None
    clear: str
    steps: list[StepAnswer] = Field(description="empty: the kind is not known; the command's description says more")
    steadiness: SteadinessAnswer
