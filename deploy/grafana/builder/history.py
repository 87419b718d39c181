"""What a dashboard asks of a history, whichever database keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

NO_AREA = "-"
"""How a dashboard calls the area of points that have none."""
GAP_S = 750
"""A longer pause is a gap: 2.5 times the default of `[history] max_interval_s`, so often is a reading kept at least."""
RECORDS_GAP_S = 3600
"""The same where readings are records that come each quarter of an hour, or nothing is known of their pace."""

Target = Builder[variants.Dataquery]


@dataclass(frozen=True, slots=True)
class Points:
    """Which points a panel shows, and what its lines are called."""

    suffixes: tuple[str, ...]
    """The last part of their names."""
    chosen: tuple[tuple[str, str], ...] = ()
    """What must be as the dashboard's variables say: "area", "device" or "name", and the variable."""
    label: str = "device"
    """What a line is called by: "device", "name" or "area"."""
    gap_s: int = GAP_S
    """A pause longer than this is shown as a gap."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of present values: one point of each device, or what those of a whole area amount to."""

    title: str
    suffixes: tuple[str, ...]
    what: str
    """"value", "label", "severity", "time", "text", or "age" of a time told; of areas "sum", "count" of 1s."""


class History(Protocol):
    """Makes the queries of one kind of database."""

    folder: str
    """Where its dashboards go."""
    source: DataSourceRef

    adds_up: bool
    """Whether `total` gives sums; else it gives what a panel is to stack."""
    everything: str
    """What stands for all values of a variable that need not be listed; empty: nothing does."""

    def values_of(self, column: str, points: Points) -> tuple[str, str]:
        """Return the query of a variable (the areas, devices or names of points), and what picks values out of it."""
        ...

    def numbers(self, points: Points) -> Sequence[Target]:
        """Return what gives mean, low and high of each point over time."""
        ...

    def total(self, points: Points) -> Sequence[Target]:
        """Return what gives the sum of points over time, each at its last known value."""
        ...

    def flags(self, points: Points) -> Sequence[Target]:
        """Return what gives points of two states over time: 0, 1, or 0.5 where a bucket holds both."""
        ...

    def states(self, points: Points) -> Sequence[Target]:
        """Return what gives the state of each point over time, by its index: of a bucket the last."""
        ...

    def severities(self, points: Points) -> Sequence[Target]:
        """Return what gives the worst severity of each point over time."""
        ...

    def counts(self, points: Points) -> Sequence[Target]:
        """Return what gives how many readings came in each bucket."""
        ...

    def newest(self, points: Points, columns: Sequence[Column]) -> Sequence[Target]:
        """Return what gives a table of present values, a row for each device or area; nothing where it has no such."""
        ...
