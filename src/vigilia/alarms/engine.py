"""The alarm engine: a consumer of every reading, which keeps what follows from a batch together with its checkpoint."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo

from vigilia.alarms.alarm import Alarm, Change, Incident
from vigilia.alarms.entries import entry
from vigilia.alarms.keeper import Keeper
from vigilia.alarms.keeping import Changes, Channels
from vigilia.alarms.machine import Event, Tell, step
from vigilia.alarms.news import AlarmNews
from vigilia.alarms.roster import Roster
from vigilia.alarms.suppression import Suppression
from vigilia.alarms.telling import log_line, notice
from vigilia.clock import Clock
from vigilia.points import Batch, Origin
from vigilia.rules import Rule, Standing
from vigilia.store import Store
from vigilia.store.alarmjournal import JournalEvent
from vigilia.store.alarms import AlarmRow, IncidentRow, load_alarms, load_incidents
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)

_TICK_S = 1.0
_SET_BACK_S = 1.0
"""A clock that is set back by less is only being adjusted."""
_REMEMBERED_S = 3 * 86_400.0
"""How far back a start looks for suppressions that ended: as far as records may still be fetched, and a day."""


class AlarmEngine:
    """Judges readings by rules. The table's consumer; `run()` it in a task."""

    def __init__(
        self,
        table: PointTable,
        store: Store,
        clock: Clock,
        zone: tzinfo,
        channels: Channels,
        on_notices: Callable[[], None],
    ) -> None:
        self._started = clock.now()
        self._suppression = Suppression()
        self.news = AlarmNews()
        self._roster = Roster(table, self._suppression, self.news, self._started, self._regroup)
        self.alarms = self._roster.alarms
        """Every alarm there may be, by its id."""
        self.shelved: set[Alarm] = set()
        """Those shelved until a time."""
        self._store = store
        self._clock = clock
        self._zone = zone
        self._channels = channels
        self.keeper = Keeper(store, clock, channels, self._take_back, on_notices)
        self.judging = asyncio.Lock()
        """Held while readings are judged, and by an operator's act until it is kept."""
        self._latest = 0.0
        """The latest time the clock gave: where it gives an earlier one, it was set back."""

    # What happens

    async def take(self, batch: Batch) -> None:
        """Judge a batch. One with a checkpoint is kept when this returns; what others cause is kept soon after."""
        changes = Changes(batch.source, batch.checkpoint)
        if batch.checkpoint is not None:
            changes.done = asyncio.get_running_loop().create_future()
        async with self.judging:
            self._judge(batch, changes)
            # In line at once: whoever is cancelled while it waits leaves no half, and the order is kept.
            self.keeper.add(changes)
        await self.keeper.wait_for(changes)

    async def run(self) -> None:
        """Keep what changes, and see to what only time brings, until cancelled."""
        keeper = asyncio.create_task(self.keeper.run(), name="alarm keeper")
        try:
            while not keeper.done():
                await self._clock.sleep(_TICK_S)
                changes = Changes("clock")
                async with self.judging:
                    self._tick(self._look_at_clock(), changes)
                    self.keeper.add(changes)
                await self.keeper.wait_for(changes)
            keeper.result()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    def standing(self, rule: str, point: str) -> Standing:
        """Return how the alarm that a rule makes of a point stands."""
        alarm = self.alarms.get(f"{rule}@{point}")
        if alarm is None:
            return Standing.NORMAL
        if alarm.state.suppressed:
            return Standing.SUPPRESSED
        return Standing.ACTIVE if alarm.state.active else Standing.NORMAL

    def change(self, alarm: Alarm, event: Event, changes: Changes) -> None:
        """Let an event happen to an alarm besides its readings, and note what follows."""
        self._step(alarm, event, changes, alarm.incident)
        self._note(alarm, changes)

    def as_it_is(self, alarm: Alarm, by: Origin) -> Changes:
        """Return what keeps an alarm as it is now, because what somebody did with it was not kept in time."""
        changes = Changes("desk")
        self._note(alarm, changes)
        changes.entries.append(entry(alarm, JournalEvent.UNDONE, self._clock.now(), by=by))
        return changes

    def watch_shelving(self, alarm: Alarm) -> None:
        """Take note that the end of an alarm's shelving has changed."""
        if alarm.shelved_until is None:
            self.shelved.discard(alarm)
        else:
            self.shelved.add(alarm)

    # From a start to the next

    @property
    def active(self) -> int:
        """How many alarms are active."""
        return sum(alarm.state.active for alarm in self.alarms.values())

    async def load(self, rules: Sequence[Rule]) -> None:
        """Judge by `rules` from now on, and go on from what the store knows.

        Call it once, when the table has all known points. Raises StoreError.
        """
        self._roster.judge_by(rules)
        incidents = await load_incidents(self._store, self._clock.now() - _REMEMBERED_S)
        opened = {row.alarm: row for row in incidents if row.ended_at is None}
        for row in await load_alarms(self._store):
            self._restore(row, opened.get(row.id))
        for row in incidents:
            alarm = self._roster.find(row.rule, row.point)
            if alarm is not None and row.ended_at is not None:
                self._suppression.uncover(alarm, row.began_at, row.ended_at)
        for alarm in self.alarms.values():
            if alarm.state.active:
                self._suppression.cover(alarm)
        changes = Changes("start")
        for alarm in self.alarms.values():
            self._roster.join(alarm)
            if alarm.incident is not None and not alarm.state.quiet and not alarm.state.told:
                self.change(alarm, Event.RELEASE, changes)  # what suppressed it is not there any more
                changes.entries.append(entry(alarm, JournalEvent.RELEASED, self._clock.now()))
        self._look_at_clock()
        self.keeper.add(changes)

    def _restore(self, row: AlarmRow, opened: IncidentRow | None) -> None:
        alarm = self._roster.find(row.rule, row.point)
        if alarm is None:
            _logger.warning("the alarm %s is left as it is: its point or its rule is not there any more", row.id)
            return
        alarm.restore(row)
        self._latest = max(self._latest, row.changed_at)
        if alarm.shelved_until is not None:
            self.shelved.add(alarm)
        if opened is not None and alarm.state.active:
            alarm.incident = Incident.of(opened)
            alarm.incident.unconfirmed = alarm.unconfirmed
        elif alarm.state.active:  # the incidents were emptied: the next readings raise it again
            alarm.state = step(alarm.state, Event.WITHDRAW).state

    # Inside

    def _judge(self, batch: Batch, changes: Changes) -> None:
        now = self._look_at_clock()
        touched: dict[Alarm, None] = {}
        found: dict[str, tuple[Alarm, ...]] = {}
        for run in batch.runs if batch.live else ():
            for alarm in self._roster.of(run.name):
                if alarm.see_run(run) or (alarm.unconfirmed and alarm.incident):
                    touched[alarm] = None
        for sample in batch.samples if batch.live else ():
            alarms = found.get(sample.name)
            if alarms is None:
                alarms = found[sample.name] = self._roster.of(sample.name)
            for alarm in alarms:
                if alarm.see(sample) or (alarm.unconfirmed and alarm.incident):
                    touched[alarm] = None
        for alarm in touched:
            self._settle(alarm, now, changes, save=batch.checkpoint is not None)

    def _look_at_clock(self) -> float:
        """Return the time now; where the clock was set back, have all follow it."""
        now = self._clock.now()
        if now < self._latest - _SET_BACK_S:
            _logger.warning("the clock was set back by %.0f s", self._latest - now)
            self._suppression.set_back(now)
            for alarm in self.alarms.values():
                alarm.set_back(now)
            for alarm in self.alarms.values():
                self._roster.hold(alarm)
            self._started = min(self._started, now)
            self._latest = now
        self._latest = max(self._latest, now)
        return now

    def _settle(self, alarm: Alarm, now: float, changes: Changes, *, save: bool) -> None:
        """Draw the consequences of an alarm's readings."""
        for change in alarm.settle(now, late=save):
            self._apply(alarm, change, changes)
        incident = alarm.incident
        if incident is not None:
            severity, _ = alarm.said(incident.began, math.inf)
            before = incident.severity
            if incident.update(alarm.last_seen, severity, alarm.detail, unconfirmed=alarm.unconfirmed) or save:
                changes.incidents[incident.id] = alarm.incident_row(incident)
                self.news.tell(alarm.id)
            if incident.severity > before:
                worse = entry(alarm, JournalEvent.WORSE, now, happened_at=alarm.last_seen, detail=alarm.detail)
                changes.entries.append(worse)
        alarm.forget_said()
        if save:
            changes.alarms[alarm.id] = alarm.row(now)

    def _apply(self, alarm: Alarm, change: Change, changes: Changes) -> None:
        now = self._clock.now()
        if change.kind == "brief":
            self._keep_past(alarm, change.began, change.ended or change.began, changes)
            return
        if change.kind == "raise":
            severity, detail = alarm.said(change.began, math.inf)
            incident = alarm.incident = Incident(
                change.began, max(alarm.last_seen, change.began), severity, detail, alarm.suppressed_by, found=now
            )
            alarm.latest = incident.id
            self._say(alarm, incident, "raise", changes)
            self._step(alarm, Event.RAISE, changes, incident)
            cause = alarm.suppressed_by
            raised = entry(alarm, JournalEvent.RAISED, now, happened_at=change.began, detail=detail, cause=cause)
            changes.entries.append(raised)
            self._suppress(self._suppression.cover(alarm), alarm, changes)
        else:
            incident = alarm.incident
            if incident is None:
                return
            incident.ended = max(change.ended or incident.last_seen, incident.began)
            alarm.remember(incident.began, incident.ended)
            self._say(alarm, incident, "clear", changes)
            self._step(alarm, Event.CLEAR, changes, incident)
            changes.entries.append(entry(alarm, JournalEvent.CLEARED, now, happened_at=incident.ended))
            alarm.incident = None
            changes.incidents[incident.id] = alarm.incident_row(incident)
            self._release(self._suppression.uncover(alarm, incident.began, incident.ended), now, changes)
            self._roster.hold(alarm)
        self._note(alarm, changes)

    def _keep_past(self, alarm: Alarm, began: float, ended: float, changes: Changes) -> None:
        """Keep an alarm that was over when it was found: brief, or closed by a suppression that began under it."""
        now = self._clock.now()
        closed = any(span.start == ended for span in alarm.counters.spans)
        severity, detail = alarm.said(began, ended)
        # What is held under a suppression was over before it began.
        cause = "" if alarm.rule.held_under_suppression and not closed else alarm.suppressed_by
        incident = Incident(began, ended, severity, detail, cause, ended, brief=not closed, found=now)
        alarm.remember(began, ended)
        self._say(alarm, incident, "raise", changes)
        if not closed:
            self._say(alarm, incident, "clear", changes)
        end, under = (JournalEvent.SUPPRESSED, alarm.suppressed_by) if closed else (JournalEvent.CLEARED, "")
        changes.entries += [
            entry(alarm, JournalEvent.RAISED, now, incident, happened_at=began, detail=detail),
            entry(alarm, end, now, incident, happened_at=ended, cause=under),
        ]
        changes.incidents[incident.id] = alarm.incident_row(incident)
        self._release(self._suppression.uncover(alarm, began, ended), now, changes)

    def _step(self, alarm: Alarm, event: Event, changes: Changes, incident: Incident | None) -> None:
        """Let the state machine take an event, and queue the notice that follows."""
        self.news.tell(alarm.id)
        before = alarm.state
        alarm.state, tell = step(before, event)
        if alarm.state.name != before.name:
            alarm.since = self._clock.now()
        if tell is None or incident is None:
            return
        said = notice(alarm, incident, tell, self._zone)
        if tell is Tell.RAISED:
            incident.told, incident.channels = True, self._channels(said)
        changes.notices.append(said)

    def _suppress(self, under: Iterable[Alarm], cause: Alarm, changes: Changes) -> None:
        for alarm in under:
            held_before = alarm.counters.floor == math.inf
            if not alarm.state.suppressed:
                alarm.suppressed_by = cause.id
                self._step(alarm, Event.SUPPRESS, changes, alarm.incident)
                self._enter_suppressed(alarm, changes)
            self._roster.hold(alarm)
            incident = alarm.incident
            if incident is not None:
                incident.suppressed_by = alarm.suppressed_by
                if alarm.counters.floor == math.inf and not held_before:
                    changes.withdrawals.append((alarm, incident))
                self._note(alarm, changes)

    def _release(self, under: Iterable[Alarm], now: float, changes: Changes) -> None:
        for alarm in under:
            self._roster.hold(alarm)
            cause = self._suppression.cause(alarm)
            if cause is not None:
                changed, alarm.suppressed_by = alarm.suppressed_by != cause.id, cause.id
                self.news.tell(alarm.id)
                if changed:
                    self._enter_suppressed(alarm, changes)
                continue
            was_suppressed = alarm.state.suppressed
            alarm.suppressed_by = ""
            self._step(alarm, Event.RELEASE, changes, alarm.incident)
            if was_suppressed and alarm.incident is not None:
                changes.entries.append(entry(alarm, JournalEvent.RELEASED, now))
            if alarm.rule.held_under_suppression and not alarm.counters.quiet:
                for change in alarm.settle(
                    now, late=True
                ):  # readings later than the suppression may have come before its end
                    self._apply(alarm, change, changes)
            if was_suppressed and not alarm.plain:
                self._note(alarm, changes)

    def _regroup(self, alarms: Sequence[Alarm]) -> None:
        """Have alarms be suppressed by what covers their groups now that a point was defined anew, or by nothing."""
        changes = Changes("definition")
        for alarm in alarms:
            cause = self._suppression.cause(alarm)
            if cause is not None and not alarm.state.suppressed:
                self._suppress([alarm], cause, changes)
            else:
                self._release([alarm], self._clock.now(), changes)
        self.keeper.add(changes)

    def _enter_suppressed(self, alarm: Alarm, changes: Changes) -> None:
        """Have the journal say what suppresses an alarm that stands; of others there is nothing to say."""
        if alarm.incident is not None:
            cause = alarm.suppressed_by
            changes.entries.append(entry(alarm, JournalEvent.SUPPRESSED, self._clock.now(), cause=cause))

    def _tick(self, now: float, changes: Changes) -> None:
        """See to what no reading brings: data that stay away, and shelving that comes to its end."""
        for alarm in self._timed():
            if alarm.shelved_until is not None and now >= alarm.shelved_until:
                alarm.shelved_until = None
                self.shelved.discard(alarm)
                self.change(alarm, Event.UNSHELVE, changes)
                changes.entries.append(entry(alarm, JournalEvent.UNSHELVED, now))
            since = alarm.overdue(now, self._started)
            if since is not None:
                alarm.last_seen = since
                self._apply(alarm, Change("raise", since, None), changes)

    def _timed(self) -> list[Alarm]:
        return [*self._roster.stale, *(alarm for alarm in self.shelved if alarm.rule.stale_s is None)]

    def _note(self, alarm: Alarm, changes: Changes) -> None:
        """Have an alarm and its incident kept as they are now."""
        self.news.tell(alarm.id)
        changes.alarms[alarm.id] = alarm.row(self._clock.now())
        if alarm.incident is not None:
            changes.incidents[alarm.incident.id] = alarm.incident_row(alarm.incident)

    def _say(self, alarm: Alarm, incident: Incident, change: str, changes: Changes) -> None:
        logger = f"vigilia.log.{alarm.rule.log}" if alarm.rule.log else __name__
        level = logging.WARNING if change == "raise" else logging.INFO
        changes.log_lines.append((logger, level, log_line(alarm, incident, change)))

    def _take_back(self, taken_back: Iterable[tuple[Alarm, Incident]]) -> None:
        """Have alarms that nobody was told of be as if they had not been; what held since may raise them anew."""
        changes = Changes("withdrawals")
        for alarm, incident in taken_back:
            if alarm.incident is incident:
                alarm.incident, alarm.latest = None, ""
                self.news.tell(alarm.id)
            alarm.remember(incident.began, incident.last_seen)
            if alarm.incident is None:
                alarm.state = step(alarm.state, Event.WITHDRAW).state
                self._roster.hold(alarm)
                for change in alarm.settle(self._clock.now(), late=True):
                    self._apply(alarm, change, changes)
        self.keeper.add(changes)
