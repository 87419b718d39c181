"""Reactors whose agents call the service: they register, report, and are told what their settings should be."""

from vigilia.drivers import Driver, Plugin, Surroundings
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.settings import Section


def _build(config: Section, surroundings: Surroundings) -> Driver:
    """Make the driver. What it needs is imported only now: gRPC is some megabytes that other sites can do without."""
    from vigilia.drivers.reactor.driver import build

    return build(config, surroundings)


plugin = Plugin(config=ReactorConfig, build=_build, grows=True)

__all__ = ["plugin"]
