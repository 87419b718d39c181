"""The shapes of the API's answers about who may come in, and of what is sent for it: see `models`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from vigilia.interfaces.api.models import Moment

RoleName = Literal["viewer", "operator", "admin"]


class SessionAnswer(BaseModel):
    """Who asks, what they may do, and what a page needs to know first."""

    user: str | None = Field(description="null: nobody has signed in; a token's begins with token:")
    role: RoleName | None = Field(description="null: who has not signed in may do nothing")
    signin_required: bool = Field(description="false: nobody has to, and everybody may do everything")
    csrf: str | None = Field(description="what the header X-Vigilia-CSRF of a session's requests must show, but of GET")
    language: Literal["pt-BR", "en"] = Field(description="the site's")
    site: str
    version: str
    first_admin: bool = Field(description="nobody exists yet: the link that the service printed makes the first")


class SignInBody(BaseModel):
    """A name and a password."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class FirstAdmin(SignInBody):
    """What makes the first administrator."""

    token: str = Field(max_length=200, description="what follows #first= in the link that was printed")


class NewRole(BaseModel):
    """A role."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: RoleName


class NewUser(NewRole):
    """A user to be added."""

    name: str = Field(max_length=200, description="1 to 60 of a-z 0-9 . _ @ -", examples=["ana"])
    password: str = Field(max_length=1000, description="10 characters at least")


class NewPassword(BaseModel):
    """A password to be used from now on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    password: str = Field(max_length=1000)
    current: str = Field(default="", max_length=1000, description="the present one, where it is one's own")


class UserAnswer(BaseModel):
    """Somebody who may sign in."""

    name: str = Field(examples=["ana"])
    role: RoleName
    created_at: Moment
    created_by: str
    password_at: Moment = Field(description="when the password was chosen")
    sessions: int = Field(description="browsers that are signed in")


class NewApiToken(NewRole):
    """A token to be made."""

    name: str = Field(max_length=200, description="as of a user", examples=["grafana"])
    ends_at: str | None = Field(default=None, max_length=60, examples=["2027-01-01T00:00:00Z"])


class ApiTokenAnswer(BaseModel):
    """A token for the API, but for what it is."""

    name: str
    role: RoleName
    created_at: Moment
    created_by: str
    ends_at: Moment | None = Field(description="null: never")


class NewApiTokenAnswer(ApiTokenAnswer):
    """A token that was just made."""

    token: str = Field(description="show it as Authorization: Bearer …; nobody is told it again")


class AccessAnswer(BaseModel):
    """Who came in, was refused, or changed what others may."""

    id: int
    time: Moment
    event: Literal[
        "signed-in",
        "signed-out",
        "refused",
        "user-added",
        "user-removed",
        "role-changed",
        "password-changed",
        "token-made",
        "token-removed",
        "reactor-accepted",
        "reactor-enrolled",
    ]
    about: str = Field(description="the user, token or reactor; of a refusal, ? where there is no such user")
    via: str = Field(examples=["web", "api", "cli"])
    user: str = Field(description="who did it")
    host: str
    detail: str
