"""Alarms and notices put together: engine, channels, heartbeat, weekly report and the operators' desk."""

import logging
from collections.abc import Coroutine, Sequence
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.alarms.config import adjust
from vigilia.alarms.desk import AlarmDesk
from vigilia.alarms.engine import AlarmEngine
from vigilia.alarms.telling import duration
from vigilia.clock import Clock
from vigilia.config import Config
from vigilia.health import Health
from vigilia.language import tr
from vigilia.link import Link
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.heartbeat import ActiveAlarm, BriefIncident, ScanVital, Vitals
from vigilia.notify.notifier import Notifier
from vigilia.points import Severity
from vigilia.records import Records
from vigilia.reports.schedule import WeeklyReports
from vigilia.rules import Rule
from vigilia.store import Store, StoreError, incidents, outbox
from vigilia.table import Journal, PointTable

_logger = logging.getLogger(__name__)

_RETRY_S = 30.0
_FAILURE_TOLD_S = 60.0
"""How long the store may refuse before people are told, past it."""
_LONGEST_UNSENT_S = 900.0
"""A notice that waits for longer shows that people are not told: longer than any pause a channel is asked to make."""


class Alerting:
    """Everything between a reading and a person, as one part of the service."""

    def __init__(self, config: Config, table: PointTable, store: Store, clock: Clock, journal: Journal) -> None:
        self.notifier = Notifier(
            config.notify,
            store,
            clock,
            config.site.name,
            config.zone,
            public_url=config.web.public_url,
            grafana_url=config.history.grafana_url,
            data_dir=config.data_dir,
        )
        self.engine = AlarmEngine(table, store, clock, config.zone, self.notifier.channels_for, self.notifier.wake)
        self.desk = AlarmDesk(self.engine, store, clock, journal)
        self.notifier.when_delivered(self.desk.delivered)
        self.records = Records(store, clock, config.zone, journal, self.notifier)
        self._config = config
        self._table = table
        self._store = store
        self._clock = clock
        self._families: tuple[str, ...] = ()

    async def start(self, declared: Sequence[Rule]) -> None:
        """Take in the rules that are declared, go on from what the store knows, and see every reading from now on.

        Raises ConfigError where the configuration's rules make no sense, StoreError where the store cannot be read.
        """
        rules = adjust(list(declared), self._config.alarms, self._config.source)
        self._families = tuple(dict.fromkeys(rule.family for rule in rules if rule.family))
        await self.engine.load(rules)
        await self.desk.load()
        self._table.add_consumer(self.engine)
        if self._store.set_aside:
            line = tr("The state could not be read and is kept as {file}; the watch begins anew.").format(
                file=self._store.set_aside
            )
            await self.notifier.tell(self._service_notice(tr("State set aside"), line, Severity.MAJOR))

    def services(self, links: Sequence[Link], health: Health) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what must run until the stop, by name."""
        reports = WeeklyReports(self._store, self._clock, self._config.zone, self._config.data_dir, self._queue)
        return {
            "alarms": self.engine.run(),
            "notifier": self.notifier.run(),
            "heartbeat": self._beat(links, health),
            "weekly report": reports.run(),
            "store failures": self._tell_of_failures(),
        }

    def missing(self) -> list[str]:
        """Return a sentence for each piece of evidence that is missing: alarms kept, notices delivered."""
        missing: list[str] = []
        if self.engine.keeper.failure:
            missing.append(tr("the store does not take alarms: {error}").format(error=self.engine.keeper.failure))
        silent_s = self._clock.monotonic() - self.notifier.progress
        if silent_s > self.notifier.longest_silence_s:
            missing.append(tr("a channel of notices has not moved for {seconds} s").format(seconds=f"{silent_s:.0f}"))
        if self.notifier.oldest_unsent_s > _LONGEST_UNSENT_S:
            text = tr("the oldest notice has been waiting for {minutes} min")
            missing.append(text.format(minutes=f"{self.notifier.oldest_unsent_s / 60:.0f}"))
        return missing

    async def _queue(self, connection: AsyncConnection, notice: Notice) -> None:
        await outbox.queue(connection, [(notice, self.notifier.channels_for(notice))], self._clock.now())
        self.notifier.wake()

    async def _beat(self, links: Sequence[Link], health: Health) -> None:
        """Send each heartbeat when it is due, until cancelled."""
        while True:
            try:
                await self.notifier.wait_for_heartbeat()
                await self.notifier.heartbeat(await self._vitals(links), await health.missing())
            except StoreError as error:
                _logger.error("the heartbeat waits: %s", error)
                await self._clock.sleep(_RETRY_S)

    async def _vitals(self, links: Sequence[Link]) -> Vitals:
        last = await self.notifier.last_heartbeat()
        brief = await incidents.brief_since(self._store, self._clock.now() - 86_400 if last is None else last)
        active = [alarm for alarm in self.engine.alarms.values() if alarm.state.active]
        return Vitals(
            scans=self._scans(links),
            families=self._families,
            alarms=[
                ActiveAlarm(a.rule.family, a.point.area or a.point.device, a.point.equipment or a.point.device)
                for a in active
            ],
            brief=[self._brief(incident) for incident in brief],
            waiting=self.notifier.waiting,
            success=self._success(),
        )

    def _brief(self, incident: incidents.Incident) -> BriefIncident:
        """Return what a heartbeat tells of an incident, with the zone of its place where its point is still known."""
        name = self._table.point(incident.point).told_in if incident.point in self._table else ""
        ended_at = incident.began_at if incident.ended_at is None else incident.ended_at
        zone = ZoneInfo(name) if name else None
        return BriefIncident(incident.area, incident.equipment, incident.label, incident.began_at, ended_at, zone)

    def _scans(self, links: Sequence[Link]) -> list[ScanVital]:
        """Return how each kind of scan goes. Of a kind that many links have, the newest counts: a lost link alarms."""
        now, ago = self._clock.now(), self._clock.monotonic()
        found: dict[str, ScanVital] = {}
        for link in links:
            for scan in link.scans:
                last_at = None if scan.done_at is None else now - (ago - scan.done_at)
                known = found.get(scan.kind)
                if known is None or (last_at or 0) > (known.last_at or 0):
                    found[scan.kind] = ScanVital(_scan_title(scan.kind), last_at, scan.period_s)
        return list(found.values())

    def _success(self) -> str:
        """Return the rates of success that drivers publish of their accounts, in words."""
        rates = [
            self._table.reading(point.name).value
            for point in self._table.points()
            if fnmatchcase(point.name, f"{self._config.site.instance}:*:Success-Mon")
        ]
        return ", ".join(f"{rate:.1f} %" for rate in rates if isinstance(rate, float))

    async def _tell_of_failures(self) -> None:
        """Tell people, past the store, that it takes nothing, and later that it does again; until cancelled."""
        failing_since: float | None = None
        told = False
        while True:
            await self._clock.sleep(1.0)
            failure, now = self.engine.keeper.failure, self._clock.monotonic()
            if failure:
                failing_since = now if failing_since is None else failing_since
                if not told and now - failing_since >= _FAILURE_TOLD_S:
                    told = True
                    line = tr("The store does not take what must be kept: {reason}").format(reason=failure)
                    await self._tell_of_store(tr("Monitor: state could not be saved"), line, Severity.MAJOR)
            elif failing_since is not None:
                if told:
                    line = tr("The store takes what must be kept again, after {duration}; what waited is kept.")
                    line = line.format(duration=duration(now - failing_since))
                    await self._tell_of_store(tr("Monitor: state is saved again"), line, Severity.NO_ALARM)
                failing_since, told = None, False

    async def _tell_of_store(self, title: str, line: str, severity: Severity) -> None:
        try:
            await self.notifier.tell(self._service_notice(title, line, severity))
        except StoreError as error:
            _logger.error("nobody could be told of the store: %s: %s", title, error)

    def _service_notice(self, title: str, line: str, severity: Severity) -> Notice:
        return Notice(NoticeKind.SERVICE, title, "", line, self._clock.now(), severity)


def _scan_title(kind: str) -> str:
    """Return what a kind of scan is called on a heartbeat."""
    match kind:
        case "relays":
            return tr("Relays")
        case "inverters":
            return tr("Inverters")
        case "ports":
            return tr("PoE ports")
        case _:
            return kind
