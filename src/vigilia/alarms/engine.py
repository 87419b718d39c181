"""The alarm engine: a consumer of every reading, which keeps what follows from a batch together with its checkpoint."""

import asyncio
import logging
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from fnmatch import translate

from vigilia.alarms.alarm import Alarm, Change, Incident
from vigilia.alarms.keeping import Changes, Channels, keep
from vigilia.alarms.machine import Event, Tell, step
from vigilia.alarms.suppression import Suppression
from vigilia.alarms.telling import log_line, notice
from vigilia.clock import Clock
from vigilia.points import Batch, Point, Severity
from vigilia.rules import Rule, Standing
from vigilia.store import Store, StoreError
from vigilia.store.alarms import IncidentRow, load_alarms, load_incidents
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)

MOST_WAITING = 2_000
"""Changes that wait for a store that is away; then those who publish wait as well."""
_TICK_S = 1.0
_RETRY_S = 2.0
_REMEMBERED_S = 3 * 86_400.0
"""How far back a start looks for suppressions that ended: as far as records may still be fetched, and a day."""


class AlarmEngine:
    """Judges readings by rules. The table's consumer; `run()` it in a task."""

    def __init__(
        self,
        rules: Sequence[Rule],
        table: PointTable,
        store: Store,
        clock: Clock,
        zone: tzinfo,
        channels: Channels,
        on_notices: Callable[[], None],
    ) -> None:
        self.alarms: dict[str, Alarm] = {}
        """Every alarm there may be, by its id; made when its point is first heard of."""
        self.kept_at = clock.monotonic()
        """When the store last had everything, by the clock's monotonic time."""
        self.failure = ""
        """Why the store does not take what must be kept; empty while it does."""
        self._patterns = [(_matcher(rule), rule) for rule in rules]
        self._table = table
        self._store = store
        self._clock = clock
        self._zone = zone
        self._channels = channels
        self._on_notices = on_notices
        self._started = clock.now()
        self._suppression = Suppression()
        self._by_point: dict[str, tuple[Alarm, ...]] = {}
        self._waiting: deque[Changes] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    # What happens

    async def take(self, batch: Batch) -> None:
        """Judge a batch. One with a checkpoint is kept when this returns; what others cause is kept soon after."""
        changes = Changes(batch.source, batch.checkpoint)
        touched: dict[Alarm, None] = {}
        if batch.live:
            for sample in batch.samples:
                for alarm in self._alarms_of(sample.name):
                    if alarm.see(sample) or (alarm.unconfirmed and alarm.incident):
                        touched[alarm] = None
        now = self._clock.now()
        for alarm in touched:
            self._settle(alarm, now, changes, save=batch.checkpoint is not None)
        await self._hand_over(changes)

    async def run(self) -> None:
        """Keep what changes, and see to what only time brings, until cancelled."""
        keeper = asyncio.create_task(self._keep_on(), name="alarm keeper")
        try:
            while not keeper.done():
                await self._clock.sleep(_TICK_S)
                await self._hand_over(self._tick(self._clock.now()))
            keeper.result()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def drain(self) -> None:
        """Keep everything that waits. Raises StoreError."""
        while self._waiting:
            await self._keep_waiting()

    def standing(self, rule: str, point: str) -> Standing:
        """Return how the alarm that a rule makes of a point stands."""
        alarm = self.alarms.get(f"{rule}@{point}")
        if alarm is None:
            return Standing.NORMAL
        if alarm.state.suppressed:
            return Standing.SUPPRESSED
        return Standing.ACTIVE if alarm.state.active else Standing.NORMAL

    @property
    def waiting(self) -> int:
        """How many changes are not in the store yet."""
        return len(self._waiting)

    def change(self, alarm: Alarm, event: Event, changes: Changes) -> None:
        """Let an event happen to an alarm outside its readings, and note what follows."""
        self._step(alarm, event, changes, alarm.incident)
        self._note(alarm, changes)

    async def hand_over(self, changes: Changes) -> None:
        """Have changes kept; returns when they are. Waits for a store that is away."""
        changes.done = asyncio.get_running_loop().create_future()
        await self._hand_over(changes)

    # From a start to the next

    async def load(self) -> None:
        """Go on from what the store knows. Call it when the table has all known points. Raises StoreError."""
        for point in self._table.points():
            self._alarms_of(point.name)
        incidents = await load_incidents(self._store, self._clock.now() - _REMEMBERED_S)
        opened = {row.alarm: row for row in incidents if row.ended_at is None}
        for row in await load_alarms(self._store):
            alarm = self._find(row.rule, row.point)
            if alarm is None:
                _logger.warning("the alarm %s is left as it is: its point or its rule is not there any more", row.id)
                continue
            alarm.restore(row)
            if row.id in opened and alarm.state.active:
                alarm.incident = _incident(opened[row.id])
        for row in incidents:
            alarm = self._find(row.rule, row.point)
            if alarm is not None and row.ended_at is not None:
                self._suppression.uncover(alarm, row.ended_at)
        for alarm in self.alarms.values():
            if alarm.state.active:
                self._suppression.cover(alarm)
        for alarm in self.alarms.values():
            self._join(alarm)

    # Inside

    def _alarms_of(self, name: str) -> tuple[Alarm, ...]:
        known = self._by_point.get(name)
        if known is None:
            point = self._table.point(name)
            rules = [rule for pattern, rule in self._patterns if pattern(name)]
            known = self._by_point[name] = tuple(self._add(rule, point) for rule in rules)
            for alarm in known:
                self._join(alarm)
        elif known and known[0].point is not self._table.point(name):
            for alarm in known:
                alarm.point = self._table.point(name)  # the equipment was renamed, or its window changed
        return known

    def _add(self, rule: Rule, point: Point) -> Alarm:
        alarm = self.alarms[f"{rule.name}@{point.name}"] = Alarm(rule, point)
        self._suppression.add(alarm)
        return alarm

    def _find(self, rule: str, point: str) -> Alarm | None:
        if point in self._table:
            self._alarms_of(point)
        return self.alarms.get(f"{rule}@{point}")

    def _join(self, alarm: Alarm) -> None:
        """Put an alarm, new or restored, under what suppresses it now or did lately."""
        cause = self._suppression.cause(alarm)
        alarm.suppressed_by = cause.id if cause else ""
        alarm.state = step(alarm.state, Event.SUPPRESS if cause else Event.RELEASE).state if cause else alarm.state
        self._hold(alarm)

    def _hold(self, alarm: Alarm) -> None:
        if not alarm.rule.held_under_suppression:
            return
        floor = self._suppression.floor(alarm)
        if alarm.state.active:
            alarm.counters.floor = floor  # it was told: its recovery goes on being counted
        elif floor > -math.inf:
            alarm.counters.hold(floor)

    def _settle(self, alarm: Alarm, now: float, changes: Changes, *, save: bool) -> None:
        """Draw the consequences of an alarm's readings."""
        found = alarm.settle(now)
        for change in found:
            self._apply(alarm, change, changes)
        incident = alarm.incident
        if incident is not None and not found:
            news = incident.update(alarm.last_seen, alarm.severity, alarm.detail)
            if news or save:
                changes.incidents[incident.id] = alarm.incident_row(incident)
        if save:
            changes.alarms[alarm.id] = alarm.row(now)

    def _apply(self, alarm: Alarm, change: Change, changes: Changes) -> None:
        now = self._clock.now()
        if change.kind == "brief":
            ended = change.ended or change.began
            incident = Incident(change.began, ended, alarm.severity, alarm.detail, ended=ended, brief=True)
            incident.suppressed_by = alarm.suppressed_by
            alarm.remember(change.began, ended)
            self._say(alarm, incident, "raise", changes)
            self._say(alarm, incident, "clear", changes)
            changes.incidents[incident.id] = alarm.incident_row(incident)
            self._release(self._suppression.uncover(alarm, ended), now, changes)
            return
        if change.kind == "raise":
            incident = alarm.incident = Incident(
                change.began, max(alarm.last_seen, change.began), alarm.severity, alarm.detail, alarm.suppressed_by
            )
            alarm.told_at = None
            self._say(alarm, incident, "raise", changes)
            self._step(alarm, Event.RAISE, changes, incident)
            self._suppress(self._suppression.cover(alarm), alarm, changes)
        else:
            incident = alarm.incident
            if incident is None:
                return
            incident.ended = max(change.ended or incident.last_seen, incident.began)
            alarm.remember(incident.began, incident.ended)
            self._say(alarm, incident, "clear", changes)
            self._step(alarm, Event.CLEAR, changes, incident)
            alarm.incident = None
            changes.incidents[incident.id] = alarm.incident_row(incident)
            self._release(self._suppression.uncover(alarm, incident.ended), now, changes)
            self._hold(alarm)
        self._note(alarm, changes)

    def _step(self, alarm: Alarm, event: Event, changes: Changes, incident: Incident | None) -> None:
        """Let the state machine take an event, and queue the notice that follows."""
        before = alarm.state
        alarm.state, tell = step(before, event)
        if alarm.state.name != before.name:
            alarm.since = self._clock.now()
        if tell is None or incident is None:
            return
        incident.told = incident.told or tell is Tell.RAISED
        changes.notices.append(notice(alarm, incident, tell, self._zone))

    def _suppress(self, under: Iterable[Alarm], cause: Alarm, changes: Changes) -> None:
        for alarm in under:
            if alarm.state.suppressed:
                continue
            alarm.suppressed_by = cause.id
            self._step(alarm, Event.SUPPRESS, changes, alarm.incident)
            if alarm.incident is not None:
                alarm.incident.suppressed_by = cause.id
                if alarm.rule.held_under_suppression:
                    changes.withdrawals.append((alarm, alarm.incident))
                self._note(alarm, changes)
            self._hold(alarm)

    def _release(self, under: Iterable[Alarm], now: float, changes: Changes) -> None:
        for alarm in under:
            self._hold(alarm)
            cause = self._suppression.cause(alarm)
            if cause is not None:
                alarm.suppressed_by = cause.id
                continue
            was_suppressed = alarm.state.suppressed
            alarm.suppressed_by = ""
            self._step(alarm, Event.RELEASE, changes, alarm.incident)
            if alarm.rule.held_under_suppression and not alarm.counters.quiet:
                for change in alarm.settle(now):  # readings later than the suppression may have come before its end
                    self._apply(alarm, change, changes)
            if was_suppressed and not alarm.plain:
                self._note(alarm, changes)

    def _tick(self, now: float) -> Changes:
        """See to what no reading brings: data that stay away, and shelving that comes to its end."""
        changes = Changes("clock")
        for alarm in self._timed():
            if alarm.shelved_until is not None and now >= alarm.shelved_until:
                alarm.shelved_until = None
                self.change(alarm, Event.UNSHELVE, changes)
            since = alarm.overdue(now, self._started)
            if since is not None and not (alarm.state.suppressed and alarm.rule.held_under_suppression):
                alarm.last_seen = since
                self._apply(alarm, Change("raise", since, None), changes)
        return changes

    def _timed(self) -> list[Alarm]:
        return [a for a in self.alarms.values() if a.rule.stale_s is not None or a.shelved_until is not None]

    def _note(self, alarm: Alarm, changes: Changes) -> None:
        """Have an alarm and its incident kept as they are now."""
        changes.alarms[alarm.id] = alarm.row(self._clock.now())
        if alarm.incident is not None:
            changes.incidents[alarm.incident.id] = alarm.incident_row(alarm.incident)

    def _say(self, alarm: Alarm, incident: Incident, change: str, changes: Changes) -> None:
        logger = f"vigilia.log.{alarm.rule.log}" if alarm.rule.log else __name__
        level = logging.WARNING if change == "raise" else logging.INFO
        changes.log_lines.append((logger, level, log_line(alarm, incident, change)))

    # Keeping

    async def _hand_over(self, changes: Changes) -> None:
        if changes.empty:
            return
        if changes.checkpoint is not None and changes.done is None:
            changes.done = asyncio.get_running_loop().create_future()
        await self._room.wait()
        self._waiting.append(changes)
        if len(self._waiting) >= MOST_WAITING:
            self._room.clear()
        self._wake.set()
        if changes.done is not None:
            await changes.done

    async def _keep_on(self) -> None:
        while True:
            try:
                await self.drain()
            except StoreError as error:
                if not self.failure:
                    _logger.error("alarms wait in memory, for the store does not take them: %s", error)
                self.failure = str(error)
                await asyncio.sleep(_RETRY_S)
                continue
            if self.failure:
                _logger.info("the store takes alarms again")
            self.failure = ""
            self.kept_at = self._clock.monotonic()
            await self._wake.wait()
            self._wake.clear()

    async def _keep_waiting(self) -> None:
        waiting = list(self._waiting)
        taken_back = await keep(self._store, waiting, self._channels, self._clock.now())
        for _ in waiting:
            self._waiting.popleft()
        self._room.set()
        for alarm, incident in taken_back:
            if alarm.incident is incident:
                alarm.state, alarm.incident = step(alarm.state, Event.WITHDRAW).state, None
                self._hold(alarm)
        for changes in waiting:
            for logger, level, line in changes.log_lines:
                logging.getLogger(logger).log(level, "%s", line)
            if changes.done is not None and not changes.done.done():
                changes.done.set_result(None)
        if any(changes.notices for changes in waiting):
            self._on_notices()


def _matcher(rule: Rule) -> Callable[[str], object]:
    """Return what says whether a rule is for the point of a name."""
    exact = frozenset(name for name in rule.points if not set(name) & set("*?["))
    patterns = [translate(name) for name in rule.points if name not in exact]
    match = re.compile("|".join(patterns)).match if patterns else None
    return lambda name: name in exact or (match is not None and match(name) is not None)


def _incident(row: IncidentRow) -> Incident:
    return Incident(
        row.began_at,
        row.last_seen_at,
        Severity(row.severity),
        row.detail,
        row.suppressed_by,
        told=row.told,
        id=row.id,
    )
