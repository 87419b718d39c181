"""PoE ports of ArubaOS switches (2930M and relatives) over their REST interface."""

from vigilia.drivers import Plugin
from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.drivers.aruba.driver import build

plugin = Plugin(config=ArubaConfig, build=build)

__all__ = ["plugin"]
