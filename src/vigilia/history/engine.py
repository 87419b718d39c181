"""Finds out which line-protocol engine answers at an address, and opens the history in it."""

from vigilia.history.backend import Backend, Keeping
from vigilia.history.engine_http import Engine
from vigilia.history.engine_url import Address, parse_address
from vigilia.history.influx import InfluxHistory
from vigilia.history.victoria import VictoriaHistory, is_victoria


async def open_engine(url: str, keeping: Keeping) -> Backend:
    """Open the history at an address of the form `influx+http://…`, whichever engine is there.

    Raises StartError for an address that makes no sense, HistoryError where no engine that we know answers now.
    """
    if await _is_victoria(parse_address(url)):
        return await VictoriaHistory.open(url, keeping)
    return await InfluxHistory.open(url, keeping)


async def look_engine(url: str) -> Backend:
    """Open the history at such an address only to read. Raises as `open_engine` does."""
    if await _is_victoria(parse_address(url)):
        return await VictoriaHistory.look(url)
    return await InfluxHistory.look(url)


async def _is_victoria(address: Address) -> bool:
    if address.separate:
        return True
    async with Engine(address) as engine:
        return await is_victoria(engine)
