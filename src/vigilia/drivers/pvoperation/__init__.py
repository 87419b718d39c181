"""Protection relays and inverters of photovoltaic plants, through the PVOperation cloud API."""

from vigilia.drivers import Plugin
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.driver import build

driver = Plugin(config=PvOperationConfig, build=build, grows=True)

__all__ = ["driver"]
