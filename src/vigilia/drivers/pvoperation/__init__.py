"""Protection relays and inverters of photovoltaic plants, through the PVOperation cloud API."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vigilia.drivers import Plugin


def __getattr__(name: str) -> "Plugin":
    """Give `plugin`, the entry point, to whoever asks for it: the process that reads answers needs none of it."""
    if name != "plugin":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vigilia.drivers import Plugin
    from vigilia.drivers.pvoperation.config import PvOperationConfig
    from vigilia.drivers.pvoperation.driver import build

    return Plugin(config=PvOperationConfig, build=build, grows=True)
