"""A driver of the service that reads nothing and publishes thousands of values a second: the section `[load]`.

`sustained.py` installs it, as any driver is, for one run of the service.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vigilia.drivers import Plugin, Surroundings
from vigilia.link import Link
from vigilia.points import Batch, Kind, Origin, Point, Reading, Sample, Value
from vigilia.rules import Rule
from vigilia.scan import Follow, Job, Scan
from vigilia.settings import Section

BATCHES = 20
"""A second's values come in so many batches, evenly spread."""


class LoadConfig(Section):
    """The section `[load]`."""

    points: int
    seconds: float
    wait_s: float
    """From the start to the first value."""
    report: str
    """A file for how many values were published, and when the first and the last."""
    epics: bool = False


class Load:
    """The driver; also its own session: there is nobody to talk to."""

    sessions = 0
    deadline_s = 60.0
    open_deadline_s = 1.0

    def __init__(self, config: LoadConfig, surroundings: Surroundings) -> None:
        self.points = [point_of(number) for number in range(config.points)]
        self.rules: Sequence[Rule] = ()
        self._names = [point.name for point in self.points]
        self._config = config
        self._table, self._clock = surroundings.table, surroundings.clock
        self._began = self._clock.monotonic() + config.wait_s
        self._batches = 0
        self._first = 0.0
        link = Link("load", self, self._clock)
        link.add_scan(Scan("values", 0.5 / BATCHES, self._steps, spread=False))
        self.links = [link]

    async def open(self) -> None:
        """Nothing is to be opened."""

    async def close(self, *, lost: bool) -> None:
        """Nothing is to be closed."""

    async def write(self, point: Point, value: Value, _origin: Origin) -> None:
        """No point is writable."""

    def _steps(self) -> Iterator[Job]:
        yield self._read

    async def _read(self) -> Follow | None:
        """Find how many batches are due by now; what comes late is made up for."""
        wanted = int((self._clock.monotonic() - self._began) * BATCHES)
        due = min(wanted, round(self._config.seconds * BATCHES))
        return (lambda: self._publish(due)) if due > self._batches else None

    async def _publish(self, due: int) -> None:
        while self._batches < due:
            part, turn = self._batches % BATCHES, self._batches // BATCHES
            now = self._clock.now()
            self._first = self._first or now
            samples = [
                Sample(self._names[number], Reading((number * 7 + turn * 13) % 1009 / 10, now))
                for number in range(part, len(self._names), BATCHES)
            ]
            await self._table.publish(Batch("load", samples))
            self._batches += 1
        if due == round(self._config.seconds * BATCHES):
            published = due // BATCHES * len(self._names)
            report = {"published": published, "first": self._first, "last": self._clock.now()}
            Path(self._config.report).write_text(json.dumps(report))  # noqa: ASYNC240 - the load is over


def point_of(number: int) -> Point:
    """One of the points, numbered from 0."""
    return Point(f"LOAD-{number:05d}:Value-Mon", Kind.NUMBER, f"LOAD-{number:05d}", link="load", area="bench")


def _build(config: Any, surroundings: Surroundings) -> Load:
    return Load(config, surroundings)


driver = Plugin(config=LoadConfig, build=_build)
