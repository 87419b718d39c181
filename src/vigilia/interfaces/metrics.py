"""The watch as Prometheus metrics: points, links, viewers, the process."""

import asyncio
import math
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vigilia.clock import Clock
from vigilia.link import Contact, Link
from vigilia.table import PointTable

__all__ = ["CONTENT_TYPE", "collect", "of_viewers", "render"]

_POINTS_AT_ONCE = 1000
"""How many points are looked at before others get their turn on the event loop."""


async def collect(table: PointTable, links: Sequence[Link], clock: Clock, version: str) -> list[Metric]:
    """Return what the service knows of points, links and itself at this moment."""
    build = GaugeMetricFamily("vigilia_build_info", "Always 1; the version is in the label.", labels=["version"])
    build.add_metric([version], 1)
    now = GaugeMetricFamily(
        "vigilia_clock_seconds", "The service's clock, in seconds since 1970; a drill's clock runs apart.", clock.now()
    )
    return [build, now, *await _of_points(table), *_of_links(links)]


def of_viewers(streams: int, replaced: int) -> list[Metric]:
    """Return what the event streams did: how many are open, and how many values their clients were too slow for."""
    return [
        GaugeMetricFamily("vigilia_event_streams", "Event streams that are open.", streams),
        CounterMetricFamily(
            "vigilia_event_values_replaced", "Values replaced by a newer one before a stream sent them.", replaced
        ),
    ]


def render(families: Iterable[Metric]) -> bytes:
    """Return the metrics, and the process's own, in Prometheus's text format. Takes long: run it in a thread."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collected(Collector):
    """Hands out metrics that were collected before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._families


async def _of_points(table: PointTable) -> list[Metric]:
    labels = ["point", "device"]
    values = GaugeMetricFamily(
        "vigilia_point_value", "A point's latest value; an enum's is its index. None before the first.", labels=labels
    )
    severities = GaugeMetricFamily(
        "vigilia_point_severity", "A point's alarm severity: 0 none, 1 minor, 2 major, 3 invalid.", labels=labels
    )
    for number, point in enumerate(list(table.points()), 1):
        reading = table.reading(point.name)
        severities.add_metric([point.name, point.device], reading.severity)
        if isinstance(reading.value, bool | int | float) and math.isfinite(reading.value):
            values.add_metric([point.name, point.device], reading.value)
        if number % _POINTS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return [values, severities]


def _of_links(links: Sequence[Link]) -> list[Metric]:
    connected = _gauge("connected", "1 while the link is connected.")
    since = _gauge("since_seconds", "When the link came into its present state, in seconds since 1970.")
    median = _gauge("round_trip_median_seconds", "Median time of the last requests.")
    slowest = _gauge("round_trip_p99_seconds", "99th percentile of the last requests' times.")
    sessions = _gauge("sessions", "Login sessions that the equipment holds of ours.")
    waiting = _gauge("waiting_writes", "Writes that wait.")
    reconnects = _counter("reconnects", "Times the link came back after it was lost.")
    bad_answers = _counter("bad_answers", "Answers that could not be used.")
    for link in links:
        name = [link.name]
        connected.add_metric(name, link.contact is Contact.CONNECTED)
        since.add_metric(name, link.since)
        sessions.add_metric(name, link.sessions)
        waiting.add_metric(name, link.waiting)
        reconnects.add_metric(name, link.reconnects)
        bad_answers.add_metric(name, link.bad_answers)
        round_trips = link.round_trips()
        if round_trips.median_ms is not None and round_trips.p99_ms is not None:
            median.add_metric(name, round_trips.median_ms / 1000)
            slowest.add_metric(name, round_trips.p99_ms / 1000)
    return [connected, since, median, slowest, sessions, waiting, reconnects, bad_answers]


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"vigilia_link_{name}", text, labels=["link"])


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"vigilia_link_{name}", text, labels=["link"])
