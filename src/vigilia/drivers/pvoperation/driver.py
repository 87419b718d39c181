"""The pvoperation driver: one link, its two scans over all plants, and the points they find."""

import asyncio
import logging
import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from vigilia.backoff import Backoff
from vigilia.clock import iso
from vigilia.drivers import Surroundings
from vigilia.drivers.pvoperation import mapping
from vigilia.drivers.pvoperation.account import LONGEST_SCAN_S, Account
from vigilia.drivers.pvoperation.client import PvOperationClient
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.mapping import INVERTER, LINK, RELAY, Family
from vigilia.drivers.pvoperation.plants import Plant, tell_apart
from vigilia.drivers.pvoperation.reader import Reader
from vigilia.drivers.pvoperation.rules import rules_of
from vigilia.drivers.pvoperation.sweep import Sweep
from vigilia.drivers.pvoperation.view import view_of
from vigilia.drivers.pvoperation.watch import SOURCE, PlantWatch
from vigilia.errors import LinkError, ReadOnly, StartError
from vigilia.language import tr
from vigilia.link import Link
from vigilia.points import Batch, Checkpoint, Kind, Origin, Point, Reading, Sample, Value
from vigilia.rules import Rule
from vigilia.scan import Follow, Job, Scan
from vigilia.settings import Section
from vigilia.store import StoreError
from vigilia.views import PlantsView

_logger = logging.getLogger(__name__)

PLANTS_KEY = "plants"
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


class PacedScan(Scan):
    """A scan that keeps its pace over a reconnection: what went well a moment ago is not due again at once."""

    _began: float | None = None

    def went_well(self, began: float) -> None:
        """Take note of a round that went well, and when it began by the clock's monotonic time."""
        self._began = began

    def restart(self, now: float) -> None:
        """Be due at once, or a period after the last round that went well."""
        super().restart(now)
        if self._began is not None:
            self.due = max(now, self._began + self.period_s)


class PvOperationDriver:
    """One account, and all its plants."""

    def __init__(self, config: PvOperationConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._table = surroundings.table
        self._clock = surroundings.clock
        self._client = PvOperationClient(
            config.base_url,
            email=config.email,
            password=config.password.get_secret_value(),
            concurrency=config.concurrency,
            tls=_tls_context(config),
            clock=self._clock,
        )
        reader = Reader()
        self._account = Account(self._client, reader, self._clock, config.relay_interval_s, surroundings.zone)
        self._watch = PlantWatch(config, self._client, reader, surroundings)
        self._known = _known_plants(surroundings.checkpoints.get(PLANTS_KEY), surroundings.known)
        self._success = _success_point(surroundings.instance)
        self._last_scan = _scan_point(surroundings.instance)
        self._scanned: dict[str, float] = {}
        """When each family was last scanned well, seconds UTC."""
        self._points = [self._success, self._last_scan, *self._watch.remember(self._known, surroundings.known)]
        self._rules = rules_of(config, surroundings.instance)
        self._relays = PacedScan("relays", config.relay_interval_s, self._relay_steps, spread=False)
        self._inverters = PacedScan("inverters", config.inverter_interval_s, self._inverter_steps, spread=False)
        self._sweeps = {
            family.name: Sweep(family, config.concurrency, partial(self._watch.read, family))
            for family in (RELAY, INVERTER)
        }
        self._link = Link(LINK, self._account, self._clock, Backoff(5.0, 60.0))
        self._link.add_scan(self._relays)
        self._link.add_scan(self._inverters)

    @property
    def points(self) -> Sequence[Point]:
        """The points known at the start; others are declared as their equipment is found."""
        return self._points

    @property
    def links(self) -> Sequence[Link]:
        """The account."""
        return [self._link]

    @property
    def rules(self) -> Sequence[Rule]:
        """Relay alarms, inverter failures, stale data, and an API that does not answer."""
        return self._rules

    async def write(self, point: Point, value: Value, origin: Origin) -> None:
        """Refuse: plants are watched, not commanded."""
        raise ReadOnly(tr("{point} is read-only").format(point=point.name))

    @property
    def title(self) -> str:
        """What people call what it watches."""
        return tr("Photovoltaic plants")

    def view(self) -> PlantsView:
        """Return the plants with their relays and inverters."""
        return view_of(self._known.values(), self._watch, self._table, self._clock.now())

    def request_counts(self) -> tuple[int, int]:
        """Return how many requests of the last 24 hours went well, and how many there were."""
        return self._client.success.counts()

    def _relay_steps(self) -> Iterator[Job]:
        yield partial(self._list_plants, self._relays, RELAY)

    def _inverter_steps(self) -> Iterator[Job]:
        """Relays that are due go first: an alarm of theirs suppresses the inverters of this very scan."""
        now = self._clock.monotonic()
        if self._relays.due <= now and (relays := self._relays.next_step(now)) is not None:
            yield relays
            self._relays.next_step(self._clock.monotonic())  # its round is done: it sets when the next is due
        yield partial(self._list_plants, self._inverters, INVERTER)

    async def _list_plants(self, scan: PacedScan, family: Family) -> Follow:
        began = self._clock.monotonic()
        deadline = asyncio.get_running_loop().time() + LONGEST_SCAN_S
        plants = tell_apart(await self._account.plants(), self._known)
        # Reading the plants is what follows: publishing, which waits for the store, must not be cut by a deadline.
        return partial(self._scan, scan, family, plants, began, deadline)

    async def _scan(self, scan: PacedScan, family: Family, plants: list[Plant], began: float, deadline: float) -> None:
        """Read and publish all plants of a family. Raises LinkError where the account is the trouble."""
        await self._keep_plants(plants)
        listed = {plant.id for plant in plants}
        missing = [plant for plant in self._known.values() if plant.id not in listed and self._is_read(family, plant)]
        for plant in missing:
            family.log.info("SEM_DADOS: %s (%s): not in the list of plants", plant.name, plant.id)
            await self._watch.miss(family, plant)
        sweep = self._sweeps[family.name]
        try:
            tally = await sweep.run([p for p in plants if self._is_read(family, p)], len(missing), deadline)
        except LinkError as error:
            self._account.in_doubt = True
            family.log.warning("TIMEOUT: %s scan: %s", family.name, error)
            raise
        finally:
            await self._publish_success()
        self._account.in_doubt = False
        scan.went_well(began)
        await self._publish_scan(family)
        family.log.info(
            "%s scan: %d plants, %d new records, %d without data, %d not read, %d items of no use, %.1f s",
            family.name,
            tally.plants,
            tally.fresh,
            tally.without_data,
            tally.failed,
            tally.skipped,
            self._clock.monotonic() - began,
        )

    def _is_read(self, family: Family, plant: Plant) -> bool:
        chosen = self._config.relay_plant_ids
        return family is INVERTER or chosen is None or plant.id in chosen

    async def _keep_plants(self, plants: list[Plant]) -> None:
        """Keep which plants there are, so that one missing from a list is noticed after a restart as well."""
        new = {plant.id: plant for plant in plants}
        if any(self._known.get(plant.id) != plant for plant in plants):
            self._known |= new
            kept = {plant.id: [plant.name, plant.capacity, plant.key] for plant in self._known.values()}
            await self._table.publish(Batch(SOURCE, [], checkpoint=Checkpoint(PLANTS_KEY, kept)))
        try:
            await self._watch.meet(plants)
        except StoreError as error:
            _logger.error("pvoperation: new plants cannot be kept, and are tried again: %s", error)

    async def _publish_scan(self, family: Family) -> None:
        """Say since when relays and inverters have both been scanned: an API that fails for one of them fails."""
        self._scanned[family.name] = self._clock.now()
        if len(self._scanned) == len(self._sweeps):
            since = min(self._scanned.values())
            await self._table.publish(Batch(SOURCE, [Sample(self._last_scan.name, Reading(iso(since), since))]))

    async def _publish_success(self) -> None:
        well, total = self.request_counts()
        if total:
            reading = Reading(round(100.0 * well / total, 2), self._clock.now())
            await self._table.publish(Batch(SOURCE, [Sample(self._success.name, reading)]))


def build(config: Section, surroundings: Surroundings) -> PvOperationDriver:
    """Make the driver from its validated section. Raises StartError where the CA bundle cannot be used."""
    return PvOperationDriver(cast(PvOperationConfig, config), surroundings)


def _success_point(instance: str) -> Point:
    device = f"{instance}:{LINK}"
    return Point(
        f"{device}:Success-Mon",
        Kind.NUMBER,
        device,
        description=tr("API requests that went well in 24 hours"),
        units="%",
        precision=1,
    )


def _scan_point(instance: str) -> Point:
    device = f"{instance}:{LINK}"
    return Point(
        f"{device}:LastScan-Mon",
        Kind.TEXT,
        device,
        description=tr("Time since which relays and inverters were both scanned"),
        equipment=LINK,
        covers=f"link:{LINK}",
    )


def _known_plants(kept: object, known: Sequence[Point]) -> dict[str, Plant]:
    """Return the plants known from before: by the checkpoint, and by the points where that lacks them."""
    plants: dict[str, Plant] = {}
    for point in known:
        place = mapping.parse_name(point.name)
        if place is not None:
            capacity = next((text for _, text in point.facts), "")
            plants[place.plant] = Plant(place.plant, point.area or place.plant, capacity, place.plant)
    if isinstance(kept, dict):
        for plant_id, entry in cast(Mapping[str, Any], kept).items():
            match entry:
                case [str(name), str(capacity), (int() | str()) as key]:
                    plants[plant_id] = Plant(plant_id, name, capacity, key)
                case _:
                    _logger.error("pvoperation: a plant is kept in another shape: %s", plant_id)
    return plants


def _tls_context(config: PvOperationConfig) -> ssl.SSLContext | None:
    """Return how the API's certificate is to be checked: by the bundle the environment names, if any."""
    if not config.base_url.startswith("https:"):
        return None
    for variable in _CA_VARIABLES:
        if path := os.environ.get(variable):
            try:
                if Path(path).is_dir():
                    return ssl.create_default_context(capath=path)
                return ssl.create_default_context(cafile=path)
            except (ssl.SSLError, OSError) as error:
                raise StartError(f"{variable}: {path} is no PEM bundle ({error}): name one that is") from error
    return ssl.create_default_context()
