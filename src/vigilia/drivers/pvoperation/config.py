"""The `[pvoperation]` section: the account, how often to ask, and what counts as a failure of an inverter."""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from vigilia.settings import Secret, Section, refuse_placeholder

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def _check_order(window: list[str]) -> list[str]:
    if not window[0] < window[1]:
        raise ValueError('does not end after it begins; write two times of one day, such as ["06:30", "17:30"]')
    return window


Hours = Annotated[list[TimeOfDay], Field(min_length=2, max_length=2), AfterValidator(_check_order)]
"""The first and the last time of a day, "HH:MM", both belonging to it."""


def _check_credential(text: str) -> None:
    """Refuse an empty credential."""
    if not text.strip():
        raise ValueError("is empty; give the account's own")


class PlantConfig(Section):
    """What is different about one plant."""

    timezone: str | None = None
    window: Hours | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    """Degrees north."""
    longitude: float | None = Field(default=None, ge=-180, le=180)
    """Degrees east."""

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"{name!r:.60} is no time zone; write one such as America/Cuiaba") from error

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("has only one of latitude and longitude; give both, or neither")
        return self


class PvOperationConfig(Section):
    """The whole section. Intervals are seconds, from the start of a scan to the start of the next."""

    base_url: str = "https://apipv.pvoperation.com.br/api/v1"
    email: str
    password: Secret
    relay_interval_s: float = Field(default=600.0, ge=1, le=86400)
    inverter_interval_s: float = Field(default=900.0, ge=1, le=86400)
    concurrency: int = Field(default=8, ge=1, le=64)
    """Most requests in flight."""
    relay_plants: Literal["all"] | list[int | str] = "all"
    """The plants whose relays are asked for."""
    window: Hours = ["06:30", "17:30"]
    """The local hours in which readings of inverters count."""
    least_irradiance: float = Field(default=50.0, ge=0, le=1500)
    """W/m² under a clear sky, above which a reading counts towards a failure, where a plant's place is known."""
    failure_readings: int = Field(default=3, ge=1, le=1000)
    recovery_readings: int = Field(default=3, ge=1, le=1000)
    epics: bool = True
    plants: dict[str, PlantConfig] = {}

    @field_validator("base_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        """Take `http(s)://host[:port][/path]` and nothing more; return it without a final slash."""
        right = 'write "https://HOST/PATH"'
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - a port that is none is found out by asking for it
        except ValueError:  # its text may quote a password
            raise ValueError(f"is not an address; {right}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\x00-\x1f]", url):
            raise ValueError(f"is not the address of an API; {right}")
        if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
            raise ValueError(f"is more than the address of an API; {right}")
        return url.rstrip("/")

    @field_validator("email")
    @classmethod
    def _check_email(cls, email: str) -> str:
        _check_credential(email)
        refuse_placeholder(email)
        return email.strip()

    @field_validator("password")
    @classmethod
    def _check_password(cls, password: Secret) -> Secret:
        _check_credential(password.get_secret_value())
        return password

    @property
    def relay_plant_ids(self) -> frozenset[str] | None:
        """The ids of the plants whose relays are asked for; None: of all."""
        return None if isinstance(self.relay_plants, str) else frozenset(str(plant) for plant in self.relay_plants)
