"""The desk: what operators see of alarms, and what they may do with them.

An act is judged between two batches, and kept before it is answered. Where it cannot be kept in time it has not
happened: the alarm is as it was before, and stays so.
"""

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.engine import AlarmEngine
from vigilia.alarms.entries import entry
from vigilia.alarms.keeping import Changes
from vigilia.alarms.machine import Base, Event, allows
from vigilia.alarms.news import Following
from vigilia.clock import Clock
from vigilia.errors import AlarmChanged, AlarmRefused, UnknownAlarm
from vigilia.language import tr
from vigilia.notices import Notice, NoticeKind
from vigilia.points import Origin, shorten
from vigilia.rules import Act, AlarmItem, Told
from vigilia.store import Store, StoreError, schema
from vigilia.store.alarmjournal import JournalEvent
from vigilia.table import Journal

ACTIONS: Mapping[str, Event] = {
    str(event): event
    for event in (Event.ACKNOWLEDGE, Event.SHELVE, Event.UNSHELVE, Event.OUT_OF_SERVICE, Event.IN_SERVICE)
}
_JOURNALED: Mapping[Event, JournalEvent] = {
    Event.ACKNOWLEDGE: JournalEvent.ACKNOWLEDGED,
    Event.SHELVE: JournalEvent.SHELVED,
    Event.UNSHELVE: JournalEvent.UNSHELVED,
    Event.OUT_OF_SERVICE: JournalEvent.OUT_OF_SERVICE,
    Event.IN_SERVICE: JournalEvent.IN_SERVICE,
}
LONGEST_COMMENT = 1000
LONGEST_SHELVING_S = 31 * 86_400.0
"""Who wants an alarm away for longer takes it out of service: that does not end by itself, and is seen as such."""
_DEADLINE_S = 5.0


class AlarmDesk:
    """Alarms that are not normal, and operators' acts on them."""

    def __init__(self, engine: AlarmEngine, store: Store, clock: Clock, journal: Journal) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._journal = journal

    async def load(self) -> None:
        """Learn which open alarms people were told of before this start, or are yet to be. Raises StoreError."""
        outbox, incidents = schema.outbox, schema.incidents
        query = (
            select(outbox.c.alarm, outbox.c.incident, outbox.c.channel, outbox.c.card, outbox.c.delivered_at)
            .join(incidents, incidents.c.id == outbox.c.incident)
            .where(incidents.c.ended_at.is_(None), outbox.c.kind == NoticeKind.RAISED.value)
            .order_by(outbox.c.delivered_at, outbox.c.id)
        )
        async with self._store.reading() as connection:
            for row in await connection.execute(query):
                incident = self._open(row.alarm, row.incident)
                if incident is not None:
                    incident.channels = tuple(dict.fromkeys((*incident.channels, row.channel)))
                if row.delivered_at is not None:
                    self._note_card(row.alarm, row.incident, Told(row.channel, row.card, row.delivered_at))

    def delivered(self, notice: Notice, told: Told) -> None:
        """Take note that a notice was delivered; one that tells of an end, or of no alarm, means nothing here."""
        if notice.kind is NoticeKind.RAISED:
            self._note_card(notice.alarm, notice.incident, told)

    def _note_card(self, name: str, incident: str, told: Told) -> None:
        found = self._open(name, incident)
        if found is not None:
            found.cards.append(told)
            self._engine.news.tell(name)

    def _open(self, name: str, incident: str) -> Incident | None:
        """Return the incident of that id, if it is the alarm's open one."""
        alarm = self._engine.alarms.get(name)
        found = alarm.incident if alarm is not None else None
        return found if found is not None and found.id == incident else None

    def items(self) -> Sequence[AlarmItem]:
        """Return every alarm, those that are normal included, the newest first."""
        shown = [self._item(alarm) for alarm in self._engine.alarms.values()]
        return sorted(shown, key=lambda item: (-item.since, item.id))

    def ids(self, state: str | None) -> list[str]:
        """Return the ids of the alarms in a state, in order; None: of all that are not normal."""
        alarms = self._engine.alarms
        if state is None:
            return sorted(name for name, alarm in alarms.items() if alarm.state.name != "normal")
        return sorted(name for name, alarm in alarms.items() if alarm.state.name == state)

    def find(self, alarm: str) -> AlarmItem | None:
        """Return the alarm of that id; None: there is none."""
        found = self._engine.alarms.get(alarm)
        return None if found is None else self._item(found)

    def follow(self) -> Following:
        """Return what tells which alarms change from now on."""
        return self._engine.news.follow()

    async def act(
        self, alarm: str, action: str, by: Origin, comment: str, until: float | None, expected: str | None = None
    ) -> AlarmItem:
        """Do what an operator asks for, once it is kept; return the alarm as it is then.

        `until` (seconds UTC) is when shelving ends, which it must. `expected` is the newest incident that the operator
        saw, empty where there was none; None: whichever it is. Raises UnknownAlarm, or AlarmRefused (AlarmChanged where
        a newer incident is there): then nothing was done, and nothing of it will be.
        """
        found = self._engine.alarms.get(alarm)
        if found is None:
            raise UnknownAlarm(tr("no alarm is named {id}").format(id=shorten(alarm, 120)))
        asked = ": ".join(part for part in (f"{action[:20]} {found.rule.name}", comment[:LONGEST_COMMENT]) if part)
        act_id = self._journal.asked(found.point, asked, found.state.name, by)
        try:
            await self._act(found, action, by, comment, until, expected)
        except AlarmRefused as error:
            self._journal.answered(act_id, type(error).__name__, str(error))
            raise
        except BaseException:
            self._journal.answered(act_id, "unknown", "the service stopped, or failed, before it was kept")
            raise
        self._journal.answered(act_id, "confirmed", "")
        return self._item(found)

    async def _act(
        self, alarm: Alarm, action: str, by: Origin, comment: str, until: float | None, expected: str | None
    ) -> None:
        event = self._event(action, comment, until)
        keeper = self._engine.keeper
        try:
            if keeper.failure:  # no reading is to wait for a database that is known to be away
                raise StoreError(keeper.failure)
            async with asyncio.timeout(_DEADLINE_S), self._engine.judging:
                await keeper.drain()
                _check_seen(alarm, expected)
                self._check(alarm, event, action)
                await self._keep(alarm, event, by, comment, until)
        except (StoreError, TimeoutError) as error:
            why = str(error) or tr("it gave no answer in time")
            raise AlarmRefused(
                tr("{action} was not done, for the store does not take it: {why}; try again later").format(
                    action=action, why=why
                )
            ) from error

    def _event(self, action: str, comment: str, until: float | None) -> Event:
        """Return the event that an action is. Raises AlarmRefused where it lacks something."""
        event = ACTIONS.get(action)
        now = self._clock.now()
        if event is None:
            right = ", ".join(ACTIONS)
            raise AlarmRefused(
                tr("{action} is no action; choose one of: {right}").format(action=shorten(action), right=right)
            )
        if len(comment) > LONGEST_COMMENT:
            raise AlarmRefused(
                tr("the comment is too long; write at most {most} characters").format(most=LONGEST_COMMENT)
            )
        if event is Event.SHELVE and (until is None or not now < until <= now + LONGEST_SHELVING_S):
            raise AlarmRefused(tr("shelving needs an end; give a time in the next 31 days"))
        return event

    def _check(self, alarm: Alarm, event: Event, action: str) -> None:
        again = event is Event.SHELVE and alarm.state.shelved  # until another time
        if not (again or allows(alarm.state, event)):
            raise AlarmRefused(
                tr("{action} means nothing for {id}, which is {state}").format(
                    action=action, id=alarm.id, state=alarm.state.name
                )
            )

    async def _keep(self, alarm: Alarm, event: Event, by: Origin, comment: str, until: float | None) -> None:
        """Let the act happen and keep it; where it cannot be kept, take it back before anything else is judged."""
        before = alarm.state, alarm.since, alarm.acts, alarm.shelved_until
        now = self._clock.now()
        told = alarm.incident.told if alarm.incident else False
        alarm.acts = {**alarm.acts, event: Act(by.user or str(by), now, comment)}
        if event in (Event.SHELVE, Event.UNSHELVE):
            alarm.shelved_until = until if event is Event.SHELVE else None
        changes = Changes("desk")
        self._engine.change(alarm, event, changes)
        changes.entries.append(entry(alarm, _JOURNALED[event], now, by=by, comment=comment, until=until))
        self._engine.keeper.add(changes)
        try:
            await self._engine.keeper.drain()
        except BaseException:
            alarm.state, alarm.since, alarm.acts, alarm.shelved_until = before
            if alarm.incident:
                alarm.incident.told = told
            self._engine.keeper.revoke(changes, self._engine.as_it_is(alarm, by))
            raise
        finally:
            self._engine.watch_shelving(alarm)

    def _item(self, alarm: Alarm) -> AlarmItem:
        incident, state, acts = alarm.incident, alarm.state, alarm.acts
        acknowledgement = acts.get(Event.ACKNOWLEDGE) if state.base is Base.ACKNOWLEDGED else None
        quiet = Event.OUT_OF_SERVICE if state.out_of_service else Event.SHELVE if state.shelved else None
        parts = [
            incident.detail if incident else "",
            tr("confirmation stale") if alarm.unconfirmed else "",
            "" if incident is None or incident.start_known else tr("start not known"),
        ]
        return AlarmItem(
            id=alarm.id,
            point=alarm.point.name,
            device=alarm.point.equipment or alarm.point.device,
            name=_name(alarm),
            state=state.name,
            severity=incident.severity if incident else alarm.rule.severity,
            since=alarm.since,
            began=incident.began if incident else None,
            suppressed_by=alarm.suppressed_by if state.suppressed and alarm.suppressed_by else None,
            acknowledged_by=acknowledgement.by if acknowledgement else None,
            shelved_until=alarm.shelved_until,
            detail="; ".join(part for part in parts if part),
            system=alarm.rule.system,
            told_at=incident.cards[0].at if incident and incident.cards else None,
            told=tuple(incident.cards) if incident else (),
            waiting=_waiting(incident) if incident else (),
            acknowledgement=acknowledgement,
            quieted=acts.get(quiet) if quiet else None,
            incident=incident.id if incident else "",
            latest=alarm.latest,
            area=alarm.point.area,
        )


def _check_seen(alarm: Alarm, expected: str | None) -> None:
    """Raise AlarmChanged where the newest incident is another than was seen: whoever acts does not know of it."""
    if expected is not None and expected != alarm.latest:
        raise AlarmChanged(
            tr("{id} was raised anew since you looked, and is {state}: look at it again").format(
                id=alarm.id, state=alarm.state.name
            )
        )


def _waiting(incident: Incident) -> tuple[str, ...]:
    """Return the channels that the notice of an incident's start still waits for."""
    taken = {told.channel for told in incident.cards}
    return tuple(channel for channel in incident.channels if incident.told and channel not in taken)


def _name(alarm: Alarm) -> str:
    """Return what people call the alarm: "Relay failure: OVERVOLTAGE"."""
    rule = alarm.rule
    return f"{tr(rule.title)}: {tr(rule.label)}" if rule.label else tr(rule.title)
