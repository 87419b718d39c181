"""The shapes of the views of systems, for the API's documentation. See `vigilia.views` for what they mean."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel

from vigilia.interfaces.api.models import Moment, ReactorAnswer, SeverityName

Names = Annotated[dict[str, str], Field(description="points' names by what they are")]
LeftOut = Annotated[int, Field(description="so much equipment is not listed, for there is too much")]
Limits = Annotated[list[float], Field(min_length=2, max_length=2)]


class LinkCounts(BaseModel):
    """Links, or reactors that are accepted."""

    connected: int
    total: int


class SystemAnswer(BaseModel):
    """A system at a glance."""

    name: str = Field(description="the section of its configuration", examples=["aruba"])
    title: str = Field(examples=["PoE ports"])
    points: int
    worst: SeverityName = Field(description="of the alarms that are active, and not kept quiet")
    alarms: int = Field(description="that are active, or to be acknowledged")
    links: LinkCounts


class PortModel(BaseModel):
    """A port of a switch."""

    id: str
    device: str = Field(description="what it powers")
    points: Names


class SwitchModel(BaseModel):
    """A switch."""

    name: str
    link: str
    host: str
    model: str | None = Field(description="null: it has not said")
    firmware: str | None
    ports: list[PortModel]
    points: Names


class RoomModel(BaseModel):
    """A room."""

    name: str = Field(description="empty: no room was given")
    switches: list[SwitchModel]


class PoeModel(BaseModel):
    """Ports that power devices."""

    name: str
    title: str
    kind: Literal["poe"]
    left_out: LeftOut
    rooms: list[RoomModel]


class RelayModel(BaseModel):
    """A protection relay; its points by the classes of its alarms."""

    id: str
    name: str
    points: Names


class InverterModel(BaseModel):
    """An inverter."""

    id: str
    name: str
    points: Names
    suppressed_by: str | None = Field(description="why its failure is not told, for people; null: it is")
    last_data: Moment | None = Field(
        description="the time of its newest record; null: there is none, or it is silent for too long"
    )


class PlantModel(BaseModel):
    """A plant."""

    id: str
    name: str
    capacity: str = Field(description="with its unit; empty: not known")
    timezone: str
    window: Annotated[list[str], Field(min_length=2, max_length=2)] = Field(
        description="the local hours in which its inverters are judged", examples=[["06:30", "17:30"]]
    )
    in_window: bool
    sun_elevation_deg: float | None = Field(description="null: the plant's coordinates are not known")
    sunrise: Moment | None
    sunset: Moment | None
    last_data: Moment | None = Field(description="the time of its newest record")
    points: Names
    relays: list[RelayModel]
    inverters: list[InverterModel]
    usual_silence_s: float = Field(
        description="for how long an inverter may say nothing new before what it said last says nothing of now"
    )


class PlantsModel(BaseModel):
    """Photovoltaic plants."""

    name: str
    title: str
    kind: Literal["plants"]
    left_out: LeftOut
    plants: list[PlantModel]


class ParameterModel(BaseModel):
    """One thing of a part that can be read, set or asked for."""

    name: str
    title: str
    role: Literal["reading", "setting", "command"]
    kind: Literal["enum", "number", "integer", "text", "boolean"]
    units: str | None
    limits: Limits | None
    labels: list[str]
    step: float | None = Field(description="between two values that a form should offer")
    takes_value: bool = Field(description="false: a command that is only asked for, with 1")
    desired: str | None = Field(description="the point to write a setting to")
    reported: str | None = Field(description="the point that tells what holds, or what is measured")
    command: str | None = Field(description="the point to write a command to")
    description: str


class CalibrationModel(BaseModel):
    """The points through which a part is calibrated."""

    command: str = Field(description="takes the steps, as texts")
    state: str | None = Field(description="tells what is calibrated, and the slope")
    calibrating: str | None = Field(description="says whether it is in calibration")
    export: str | None


class PartModel(BaseModel):
    """A sensor, an actuator, a control loop, or the agent itself."""

    name: str
    title: str
    kind: Literal["sensor", "actuator", "loop", "agent"]
    model: str = Field(examples=["ezo-ph"])
    place: str
    contact: str | None = Field(description="the point that says whether its agent can talk to it")
    parameters: list[ParameterModel]
    calibration: CalibrationModel | None


class ReactorModel(ReactorAnswer):
    """A reactor with its parts."""

    own: Names = Field(description="the points of what the service says of it")
    parts: list[PartModel]


class ReactorsModel(BaseModel):
    """Reactors."""

    name: str
    title: str
    kind: Literal["reactors"]
    left_out: LeftOut
    reactors: list[ReactorModel]


class OtherModel(BaseModel):
    """A system of which nothing but its points is known."""

    name: str
    title: str
    kind: Literal["other"]
    left_out: LeftOut
    points: list[str]


class SystemView(
    RootModel[Annotated[PoeModel | PlantsModel | ReactorsModel | OtherModel, Field(discriminator="kind")]]
):
    """The equipment of a system; `kind` says of which sort."""
