"""The `[[buses]]` of an agent's configuration: a model for each kind."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from vigilia.settings import Section

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,24}$")]
"""What buses and parts are called: letters, digits, "-" and "_"; at most 24."""


class _Bus(Section):
    name: Name


class I2cBusConfig(_Bus):
    """An I2C bus of the computer: /dev/i2c-N."""

    kind: Literal["i2c"]
    number: int = Field(ge=0, le=255)


class UartBusConfig(_Bus):
    """A serial line with one circuit."""

    kind: Literal["uart"]
    device: str = Field(min_length=1)
    baud: Literal[300, 1200, 2400, 9600, 19_200, 38_400, 57_600, 115_200] = 9600
    """The eight rates that an EZO circuit knows; it is sold at 9600."""


class OneWireBusConfig(_Bus):
    """The kernel's 1-wire bus."""

    kind: Literal["w1"]
    path: str = "/sys/bus/w1/devices"


class SimBusConfig(_Bus):
    """The I2C bus of a simulator, over TCP."""

    kind: Literal["sim"]
    address: str

    @field_validator("address")
    @classmethod
    def _check_address(cls, address: str) -> str:
        found = re.fullmatch(r"[^\s:]{1,253}:(\d{1,5})", address)
        if not found or not 0 < int(found[1]) < 65_536:
            raise ValueError('is not the address of a simulated bus; write "127.0.0.1:PORT"')
        return address


BusConfig = Annotated[I2cBusConfig | UartBusConfig | OneWireBusConfig | SimBusConfig, Field(discriminator="kind")]
"""One `[[buses]]` table."""
