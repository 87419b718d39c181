"""The account as the link's session: logging in, and the list of plants that both scans share."""

import asyncio
import logging
from datetime import date, datetime, tzinfo

from vigilia.clock import Clock
from vigilia.drivers.pvoperation.client import PvOperationClient
from vigilia.drivers.pvoperation.mapping import INVERTER, RELAY, Family
from vigilia.drivers.pvoperation.plants import Plant, parse_plants
from vigilia.drivers.pvoperation.reader import Reader
from vigilia.errors import LinkError

_logger = logging.getLogger(__name__)

LONGEST_SCAN_S = 900.0
"""Real seconds after which a scan asks for no more; the plants left come first in the next."""
_LONGEST_OPENING_S = 300.0
_KEPT = 0.95
"""How long the list of plants is kept, in relay intervals: not quite one, so that each scan of relays has a new one."""


class Account:
    """What the link opens and closes."""

    def __init__(
        self, client: PvOperationClient, reader: Reader, clock: Clock, relay_interval_s: float, zone: tzinfo
    ) -> None:
        self.in_doubt = False
        """Whether no plant at all could be read last time, although the login went well."""
        self._client = client
        self._reader = reader
        self._clock = clock
        self._kept_s = _KEPT * relay_interval_s
        self._zone = zone
        self._plants: list[Plant] = []
        self._listed_at: float | None = None
        self._unusable = 0
        self._probes = 0

    @property
    def sessions(self) -> int:
        """How many tokens of ours are in use."""
        return self._client.sessions

    @property
    def deadline_s(self) -> float:
        """A scan bounds itself: it asks for no more after this time, whatever the number of plants."""
        return LONGEST_SCAN_S

    @property
    def open_deadline_s(self) -> float:
        """Login, list of plants and one plant's day, each with its retries."""
        return _LONGEST_OPENING_S

    async def open(self) -> None:
        """Log in and list the plants; after a scan in which nothing could be read, see that a plant can be."""
        await self._client.log_in()
        await self._list()
        if self.in_doubt and self._plants:
            await self._probe()

    async def close(self, *, lost: bool) -> None:
        """Close the connections; the API has no logout."""
        del lost
        self._listed_at = None
        self._reader.end()
        await self._client.close()

    async def plants(self) -> list[Plant]:
        """Return the account's plants, as listed at most about a relay interval ago. Raises LinkError."""
        if self._listed_at is None or self._clock.monotonic() - self._listed_at >= self._kept_s:
            await self._list()
        return self._plants

    async def _list(self) -> None:
        asked_at = self._clock.monotonic()
        self._plants, unusable = parse_plants(await self._client.plants())
        self._listed_at = asked_at
        if unusable != self._unusable:
            _logger.warning("pvoperation: %d entries of the list of plants are of no use", unusable)
            self._unusable = unusable

    async def _probe(self) -> None:
        """Ask for one day of one plant, another each time. Raises LinkError where neither sort is answered.

        Without this an API that lets us in and answers nothing else would count as connected every few seconds.
        """
        plant = self._plants[self._probes % len(self._plants)]
        self._probes += 1
        today = datetime.fromtimestamp(self._clock.now(), self._zone).date()
        try:
            await self._read(RELAY, plant, today)
        except LinkError:
            await self._read(INVERTER, plant, today)

    async def _read(self, family: Family, plant: Plant, day: date) -> None:
        answer = await self._client.day(family.path, plant.key, day)
        await asyncio.to_thread(answer.json)
