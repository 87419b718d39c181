"""The aruba driver: for each switch a link, its scan, the boot reading of the choices, and writes."""

import logging
import ssl
from collections.abc import Iterator, Sequence
from typing import cast

from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.aruba.archived import ArchivedChoices
from vigilia.drivers.aruba.client import ArubaClient, NoSuchPort, Object
from vigilia.drivers.aruba.config import ArubaConfig, SwitchConfig
from vigilia.drivers.aruba.mapping import FAULT_RULE, PortPoints, contact_rule
from vigilia.drivers.aruba.view import Shown, view_of
from vigilia.errors import StartError
from vigilia.language import tr
from vigilia.link import Link
from vigilia.points import Batch, Origin, Point, Reading, Sample, Severity, Status, Value
from vigilia.rules import Rule
from vigilia.scan import Follow, Job, Scan
from vigilia.settings import Section
from vigilia.views import PoeView

_logger = logging.getLogger(__name__)


class Switch:
    """One switch: its link, and the points of its ports."""

    def __init__(
        self,
        config: ArubaConfig,
        switch: SwitchConfig,
        tls: ssl.SSLContext | None,
        surroundings: Surroundings,
        archived: ArchivedChoices,
    ) -> None:
        self.name = switch.name
        self._config = config
        self._switch = switch
        self._table = surroundings.table
        self._clock: Clock = surroundings.clock
        self._chosen = surroundings.chosen
        self._archived = archived
        self._client = ArubaClient(
            switch.name,
            switch.url,
            username=switch.username,
            password=None if switch.password is None else switch.password.get_secret_value(),
            ports=[port.port for port in switch.ports],
            timeout_s=config.timeout_s,
            login_timeout_s=config.login_timeout_s,
            tls=tls if switch.url.startswith("https:") else None,
            on_renewal=self._allow_renewal,
        )
        lag_s = self._clock.of_real(2 * config.timeout_s)
        slowest_round_s = max(config.scan_s, self._clock.of_real(len(switch.ports) * config.timeout_s))
        self._ports = [PortPoints(config, switch, port, 2 * config.scan_s + lag_s) for port in switch.ports]
        self._slow_max_age_s = 2 * slowest_round_s + lag_s
        self._by_choice = {port.sel: port for port in self._ports}
        self._missing: set[str] = set()
        self.link = Link(switch.name, self._client, self._clock, area=switch.room)
        self.link.add_scan(Scan("ports", config.scan_s, self._steps))

    @property
    def points(self) -> Iterator[Point]:
        """The points of all ports."""
        return (point for port in self._ports for point in port.points)

    @property
    def shown(self) -> Shown:
        """What is to be shown of it."""
        return Shown(self._switch, self._ports, self._client.identity)

    async def write(self, point: Point, value: Value) -> None:
        """Switch a port on or off."""
        port = self._by_choice[point.name]

        async def switch() -> Follow | None:
            await self._client.switch(port.port, on=bool(value))
            return None

        await self.link.write(switch)

    def _allow_renewal(self) -> None:
        """A login, with the logout before and the repeated request after it, may take longer than readings may age."""
        renewal_s = self._config.login_timeout_s + 2 * self._config.timeout_s
        self._table.extend(self.name, self._clock.of_real(renewal_s))

    def _steps(self) -> Iterator[Job]:
        if self._client.reads_all:
            yield self._read_all
        else:
            yield from (self._reader(port) for port in self._ports)
        if self._config.selector_from == "enabled" and self._settled:
            yield from (self._enable_reader(port) for port in self._ports if self._awaits_choice(port))

    async def _read_all(self) -> Follow:
        stats = await self._client.read_all()
        time = self._clock.now()

        async def publish() -> None:
            samples = [sample for port in self._ports for sample in self._samples(port, stats.get(port.port), time)]
            await self._table.publish(Batch("aruba", samples))

        return publish

    def _reader(self, port: PortPoints) -> Job:
        async def read() -> Follow:
            try:
                stats = await self._client.read_port(port.port)
            except NoSuchPort:
                stats = None
            samples = self._samples(port, stats, self._clock.now())
            return lambda: self._table.publish(Batch("aruba", samples, max_age_s=self._slow_max_age_s))

        return read

    def _samples(self, port: PortPoints, stats: Object | None, time: float) -> list[Sample]:
        """Return a port's readings, with its choice where this is the boot reading."""
        if stats is None:
            if port.port not in self._missing:
                self._missing.add(port.port)
                _logger.warning("%s: the switch does not list port %s: its points are INVALID", self.name, port.port)
            return port.unreadable(time, self._table.reading)
        if port.port in self._missing:
            self._missing.discard(port.port)
            _logger.info("%s: the switch lists port %s again", self.name, port.port)
        samples = port.samples(stats, time, self._table.reading)
        if self._may_choose and self._settled and self._awaits_choice(port):
            samples += self._boot_choice(port, next(sample.reading for sample in samples if sample.name == port.sts))
        return samples

    @property
    def _settled(self) -> bool:
        """Whether the switch has been connected long enough to be trusted for the boot reading."""
        return self._clock.monotonic() >= self.link.moved + self._config.settle_s

    @property
    def _may_choose(self) -> bool:
        """Whether what a choice starts from is known by now, and does not take a request of its own."""
        return self._config.selector_from != "enabled" and self._archived.known

    def _awaits_choice(self, port: PortPoints) -> bool:
        """Whether nothing was chosen for the port yet, neither by the boot reading nor by anybody."""
        return port.port not in self._missing and self._table.reading(port.sel).value is None

    def _boot_choice(self, port: PortPoints, delivering: Reading) -> list[Sample]:
        """Return what the choice starts from: what was archived or last written, or else whether the port delivers."""
        archived = self._archived.choice(port.sel)
        if archived is not None:
            return [Sample(port.sel, archived._replace(time=self._clock.now()))]
        last = self._chosen.get(port.sel) if self._config.selector_from == "last" else None
        if last is not None:
            alarm = (Severity.NO_ALARM, Status.NO_ALARM) if last.confirmed else (Severity.INVALID, Status.WRITE)
            return [Sample(port.sel, Reading(last.value, self._clock.now(), *alarm))]
        if delivering.severity is Severity.INVALID:
            return []
        return [Sample(port.sel, Reading(delivering.value, delivering.time))]

    def _enable_reader(self, port: PortPoints) -> Job:
        async def read() -> Follow | None:
            try:
                enabled = await self._client.read_enabled(port.port)
            except NoSuchPort:
                return None
            if not self._awaits_choice(port):
                return None  # somebody chose while the answer was on its way
            if enabled is None:
                choice = self._boot_choice(port, self._table.reading(port.sts))
            else:
                choice = [Sample(port.sel, Reading(int(enabled), self._clock.now()))]
            return lambda: self._table.publish(Batch("aruba", choice))

        return read


class ArubaDriver:
    """All configured switches."""

    def __init__(self, config: ArubaConfig, surroundings: Surroundings) -> None:
        tls = _tls_context(config)
        self._archived = ArchivedChoices(config, surroundings)
        switches = [Switch(config, switch, tls, surroundings, self._archived) for switch in config.switches]
        self._by_name = {switch.name: switch for switch in switches}
        self._instance = surroundings.instance
        self._table = surroundings.table

    @property
    def title(self) -> str:
        """What people call what it watches."""
        return tr("PoE ports")

    def view(self) -> PoeView:
        """Return the switches by room."""
        return view_of((switch.shown for switch in self._by_name.values()), self._instance, self._table)

    @property
    def points(self) -> Sequence[Point]:
        """The points of all ports of all switches."""
        return [point for switch in self._by_name.values() for point in switch.points]

    @property
    def links(self) -> Sequence[Link]:
        """One link a switch."""
        return [switch.link for switch in self._by_name.values()]

    @property
    def rules(self) -> Sequence[Rule]:
        """Ports that report a fault, and switches without contact."""
        return (FAULT_RULE, contact_rule(self._instance, self._by_name))

    async def recall(self) -> None:
        """Ask the archive what the choices were, where they start from that."""
        await self._archived.ask()

    async def write(self, point: Point, value: Value, origin: Origin) -> None:
        """Switch a port on or off; return once its switch confirmed it. Raises WriteError."""
        del origin
        await self._by_name[point.link].write(point, value)


def build(config: Section, surroundings: Surroundings) -> ArubaDriver:
    """Make the driver from its validated section. Raises StartError where the CA bundle cannot be used."""
    return ArubaDriver(cast(ArubaConfig, config), surroundings)


def _tls_context(config: ArubaConfig) -> ssl.SSLContext | None:
    """Return how the switches' certificates are to be checked; None where none of them speaks HTTPS."""
    if not any(switch.url.startswith("https:") for switch in config.switches):
        return None
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
    except (ssl.SSLError, OSError) as error:
        raise StartError(f"[aruba] ca_file: {config.ca_file} is no PEM bundle ({error}): name one that is") from error
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
