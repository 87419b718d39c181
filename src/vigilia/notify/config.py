"""The `[notify]` section: the channels, their budgets, and which notices go where."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vigilia.settings import Secret, Section

BUDGET: tuple[tuple[int, int], ...] = ((4, 1), (60, 30), (100, 3600), (150, 7200), (1800, 86400))
"""Requests and seconds: the limits of an incoming webhook (msteams-docs, `connectors-using.md`)."""
HEARTBEAT_TIMES = ("07:00", "12:00", "17:00", "20:00", "23:00")
_MOST_REQUESTS = 100_000
_LONGEST_WINDOW_S = 86_400 * 7


class ChannelConfig(Section):
    """What every channel has."""

    budget: list[list[int]] = [list(window) for window in BUDGET]
    """Requests and seconds: at most so many requests in any so many seconds."""

    @field_validator("budget")
    @classmethod
    def _check_budget(cls, budget: list[list[int]]) -> list[list[int]]:
        right = "write a list of [count, seconds], such as [[4, 1], [100, 3600]]"
        if not budget or any(len(window) != 2 for window in budget):
            raise ValueError(f"is no budget; {right}")
        if any(not (1 <= count <= _MOST_REQUESTS and 1 <= seconds <= _LONGEST_WINDOW_S) for count, seconds in budget):
            raise ValueError(f"has a count or a time out of range; {right}, each at least 1, a week at most")
        return budget

    @property
    def windows(self) -> Sequence[tuple[int, float]]:
        """The budget as pairs of requests and seconds."""
        return [(count, float(seconds)) for count, seconds in self.budget]


class TeamsConfig(ChannelConfig):
    """The `[notify.teams]` section."""

    enabled: bool = True
    webhook_url: Secret | None = Field(default=None, validate_default=True)
    """The whole URL authorises whoever has it. Nothing of it is understood but how it begins."""
    format: Literal["adaptive", "messagecard"] = "adaptive"
    heartbeat_times: list[str] = list(HEARTBEAT_TIMES)
    """Local times of the site, "HH:MM"."""

    @field_validator("webhook_url")
    @classmethod
    def _check_webhook_url(cls, url: Secret | None, info: ValidationInfo) -> Secret | None:
        """Refuse what cannot be a webhook, without ever repeating it. A channel that is off may have any, or none."""
        if not info.data.get("enabled", True):
            return url
        right = "give the URL that Teams made for the webhook, or set enabled = false"
        if url is None or not url.get_secret_value().strip():
            raise ValueError(f"is missing; {right}")
        text = url.get_secret_value()
        try:
            parts = urlsplit(text)
            host = parts.hostname if parts.port != 0 else ""
        except ValueError:  # its text would quote the URL
            raise ValueError(f"is no URL; {right}") from None
        if not host or not text.isprintable() or " " in text:
            raise ValueError(f"is no URL; {right}")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
            raise ValueError(f"is not https (http is for loopback only); {right}")
        return url

    @field_validator("heartbeat_times")
    @classmethod
    def _check_times(cls, times: list[str]) -> list[str]:
        for time in times:
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", time):
                raise ValueError(f'has {time[:20]!r}, which is no time of day; write "HH:MM"')
        return sorted(set(times))


class AppriseConfig(ChannelConfig):
    """The `[notify.apprise]` section: mail, Telegram, ntfy and whatever else Apprise knows."""

    urls: list[Secret] = []


class RouteConfig(Section):
    """One of `[[notify.routes]]`: which notices a channel gets. What is left out does not matter to it."""

    channel: Literal["teams", "apprise"]
    systems: list[str] = []
    min_severity: Literal["NO_ALARM", "MINOR", "MAJOR", "INVALID"] = "NO_ALARM"
    areas: list[str] = []
    """Rooms, plants or reactors, by the names that their points have."""


class NotifyConfig(Section):
    """The whole section."""

    teams: TeamsConfig | None = None
    apprise: AppriseConfig | None = None
    routes: list[RouteConfig] = []

    @model_validator(mode="after")
    def _check_routes(self) -> Self:
        known = {"teams": self.teams is not None, "apprise": self.apprise is not None}
        for route in self.routes:
            if not known[route.channel]:
                raise ValueError(
                    f"has a route to {route.channel}, which is not configured; "
                    f"add [notify.{route.channel}], or remove the route"
                )
        return self

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that are on."""
        teams = ("teams",) if self.teams is not None and self.teams.enabled else ()
        return (*teams, "apprise") if self.apprise is not None and self.apprise.urls else teams

    @property
    def heartbeat_times(self) -> list[str]:
        """The local times of heartbeats, whichever channels they go to."""
        return list(HEARTBEAT_TIMES) if self.teams is None else self.teams.heartbeat_times


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
