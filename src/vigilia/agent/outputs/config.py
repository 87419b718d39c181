"""The `[[actuators]]` sections: what drives equipment, and the limits of it, which must be stated."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from vigilia.settings import Section

PartName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,24}$")]
Pin = Annotated[int, Field(ge=0, le=27)]
"""Of the Pi's header, by its BCM number."""
Seconds = Annotated[float, Field(ge=0, le=31_536_000)]
Millilitres = Annotated[float, Field(ge=0, le=1_000_000)]

PMP_ADDRESS = 103
"""The address at which an EZO-PMP is delivered (0x67; data sheet)."""


class SafeConfig(Section):
    """What an output does when it is safe."""

    on: bool = False
    duty: float | None = Field(default=None, ge=0, le=100)
    """Of a PWM output that is on: per cent."""


class ActuatorSection(Section):
    """What every actuator has."""

    name: PartName
    title: str = Field(default="", max_length=60)
    on_lost_server: Literal["safe", "hold"] = "safe"
    """What it does without the server; one that a loop drives follows its loop."""


class SwitchSection(ActuatorSection):
    """What is common to outputs that are on or off."""

    safe: SafeConfig = SafeConfig()
    max_on_s: Seconds
    """How long it may be on until somebody switches it off on purpose, restarts notwithstanding; 0: no limit."""

    @model_validator(mode="after")
    def _check_safe(self) -> Self:
        if self.safe.on and self.max_on_s:
            raise ValueError(
                "is on when safe, and yet has a limit on that; write max_on_s = 0, or safe = { on = false }"
            )
        return self


class PwmConfig(SwitchSection):
    """A PWM output: hardware PWM through sysfs (`chip` and `channel`), or a pin through gpiozero (`pin`)."""

    kind: Literal["pwm"]
    pin: Pin | None = None
    chip: int | str | None = None
    """The number of /sys/class/pwm/pwmchipN, or a path."""
    channel: int | None = Field(default=None, ge=0, le=63)
    frequency_hz: float = Field(default=100.0, ge=0.1, le=25_000)
    restore: Literal["off", "last"] | float = "off"
    """After a restart: off, as it was set last, or this duty, per cent."""

    @field_validator("restore")
    @classmethod
    def _check_restore(cls, value: str | float) -> str | float:
        if not isinstance(value, str) and not 0 <= value <= 100:
            raise ValueError(f'cannot be {value:g}; write "off", "last" or a duty from 0 to 100')
        return value

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        by_chip = self.chip is not None and self.channel is not None
        if (self.pin is None) != by_chip or (self.chip is None) != (self.channel is None):
            raise ValueError("has no place of its own; give pin, or chip and channel")
        if self.safe.duty is not None and not self.safe.on:
            raise ValueError("is off when safe, and yet has a duty; write safe = { on = true, duty = … }")
        if self.pin is not None and self.safe.on and self.safe.duty not in (None, 100.0):
            raise ValueError(
                "has a safe duty that a pin does not keep by itself; leave it out, or use chip and channel"
            )
        return self


class RelayConfig(SwitchSection):
    """A relay on a pin, through gpiozero: a plain pump, a valve, a lamp."""

    kind: Literal["relay"]
    pin: Pin
    active_high: bool = True
    """False for relay boards that switch on when the pin is low."""
    restore: Literal["off", "last"] | bool = "off"
    """After a restart: off, as it was set last, or this."""

    @model_validator(mode="after")
    def _check_duty(self) -> Self:
        if self.safe.duty is not None:
            raise ValueError("is on or off, and has no duty; write safe = { on = true } or { on = false }")
        return self


class PmpConfig(ActuatorSection):
    """A dosing pump, Atlas Scientific EZO-PMP."""

    kind: Literal["ezo-pmp"]
    bus: str
    address: int | None = Field(default=None, ge=1, le=127)
    """On I2C; None: the one it is delivered with. On UART there is none."""
    max_dose_ml_hour: Millilitres
    """Within any hour; 0: no limit."""
    max_dose_ml_day: Millilitres
    """Within any 24 hours; 0: no limit."""
    max_on_s: Seconds = 0.0
    """How long it may pump continuously; 0: it is not offered, for nothing but us would end it."""
    restore: Literal["off"] = "off"
    """After a restart it is always off: what was interrupted is not taken up again."""


ActuatorConfig = Annotated[PwmConfig | RelayConfig | PmpConfig, Field(discriminator="kind")]
