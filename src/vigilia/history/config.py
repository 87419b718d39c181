"""The `[history]` section: where readings are kept, which of them, and for how long."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, field_validator

from vigilia.history.backend import Keeping
from vigilia.settings import Section, check_site_url
from vigilia.store.url import POSTGRESQL, SQLITE, StoreUrl, check

LINE_PROTOCOL = ("influx+http://", "influx+https://")
_ENGINE = "influx+http://USER:PASSWORD@HOST:PORT/?db=NAME"


class HistoryUrl(StoreUrl):
    """The address of a history; it prints with `***` in the place of its passwords."""

    def _display(self) -> str:
        url = self.get_secret_value()
        if not url.startswith(LINE_PROTOCOL):
            return super()._display()
        for password in sorted(self.passwords(), key=len, reverse=True):  # one may be the beginning of another
            url = url.replace(password, "***")
        return url

    def passwords(self) -> Iterator[str]:
        """Give what is secret in it, as it is written there and as it is meant."""
        url = self.get_secret_value()
        if not url.startswith(LINE_PROTOCOL):
            yield from super().passwords()
            return
        parts = urlsplit(url)
        reading = [text for name, text in parse_qsl(parts.query) if name == "read"]
        for address in (url, *reading):
            if password := urlsplit(address).password:
                yield from dict.fromkeys((password, unquote(password)))


class Treatment(NamedTuple):
    """How the readings of one point are kept."""

    record: bool
    dead_band: float
    max_interval_s: float
    sampled: bool = False
    """Only what an agent stored of it is kept, and of that everything."""


class PointsConfig(Section):
    """One entry of `[[history.points]]`; what is left out stays as it is for the others."""

    points: str = Field(min_length=1, max_length=200)
    record: bool | None = None
    dead_band: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_interval_s: float | None = Field(default=None, ge=1, le=86_400, allow_inf_nan=False)


class HistoryConfig(Section):
    """The `[history]` section."""

    enabled: bool = True
    url: HistoryUrl = HistoryUrl("")
    """Empty: `history.db` in the data directory."""
    max_interval_s: float = Field(default=300.0, ge=1, le=86_400, allow_inf_nan=False)
    dead_band: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    off: list[str] = []
    raw_days: float = Field(default=30.0, ge=0, le=36_500, allow_inf_nan=False)
    minute_days: float = Field(default=400.0, ge=0, le=36_500, allow_inf_nan=False)
    hour_days: float = Field(default=0.0, ge=0, le=36_500, allow_inf_nan=False)
    statuses: bool = False
    """Keeps for a day, besides, what reactors report between their samples."""
    spool_mb: int = Field(default=2000, ge=1, le=1_000_000)
    grafana_url: str = ""
    """Grafana's own address, for links on cards; empty: there are none."""
    points: list[PointsConfig] = []

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: HistoryUrl) -> HistoryUrl:
        if url.get_secret_value():
            check_url(url.get_secret_value())
        return url

    @field_validator("grafana_url")
    @classmethod
    def _check_grafana_url(cls, url: str) -> str:
        return check_site_url(url)

    @property
    def keeping(self) -> Keeping:
        """How long each resolution is kept."""
        return Keeping(self.raw_days, self.minute_days, self.hour_days)

    def treatment(self, name: str, declared: Sequence[PointsConfig] = ()) -> Treatment:
        """Return how the point of that name is kept.

        What is `declared` changes what holds for all points, `off` changes that, and the entries of `points` all of it:
        of two that fit, and say of the same thing, the last one counts.
        """
        record, dead_band, interval_s = True, self.dead_band, self.max_interval_s
        off = (PointsConfig(points=pattern, record=False) for pattern in self.off)
        for entry in (*declared, *off, *self.points):
            if fnmatchcase(name, entry.points):
                record = record if entry.record is None else entry.record
                dead_band = dead_band if entry.dead_band is None else entry.dead_band
                interval_s = interval_s if entry.max_interval_s is None else entry.max_interval_s
        return Treatment(record, dead_band, interval_s)


def check_url(url: str) -> None:
    """Raise ValueError, with what would be right after a semicolon, unless `url` is the address of a history."""
    if url.startswith((SQLITE, POSTGRESQL)):
        check(url)
    elif not url.startswith(LINE_PROTOCOL):
        raise ValueError(
            'is no database that a history can be in; write "sqlite:///FILE", "postgresql://USER@HOST/DATABASE" or '
            f'"{_ENGINE}"'
        )
    elif not _names_servers(url):
        raise ValueError(
            f'names no server; write "{_ENGINE}", and in the password %40 for @, %23 for #, %2F for /, %3A for :, '
            "%3F for ?"
        )
    elif not _options(url) <= {"db", "read"}:
        raise ValueError(f'says more than db= and read= after its question mark; write "{_ENGINE}"')


def _options(url: str) -> set[str]:
    return {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}


def _names_servers(url: str) -> bool:
    """Say whether each address in that of an engine is whole: where it is written to, and where it is read."""
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        servers = [parts, *(urlsplit(text) for name, text in options if name == "read")]
        return "#" not in url and url.isprintable() and all(server.hostname and server.port != 0 for server in servers)
    except ValueError:
        return False
