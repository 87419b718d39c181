"""The `[web.auth]` section: whether people sign in, and for how long."""

from typing import Literal, Self

from pydantic import Field, model_validator

from vigilia.settings import Section

LOCAL_FILE = "local.token"
"""In the data directory: what the commands on this machine show. Who may read it may do as they like with all there."""


class AuthConfig(Section):
    """The whole section; that it is there switches sign-in on, also on loopback."""

    anonymous: Literal["none", "viewer"] = "none"
    """What somebody may do who has not signed in: nothing, or look."""
    idle_hours: float = Field(default=12.0, ge=0.1, le=8760)
    """A session ends when for so long nothing was asked and no page was open."""
    session_hours: float = Field(default=168.0, ge=0.1, le=8760)
    """A session ends so long after its sign-in, however it is used."""

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.idle_hours > self.session_hours:
            raise ValueError("has idle_hours above session_hours; write at most as many")
        return self
