"""The desk: what operators see of alarms, and what they may do with them.

An act is judged between two batches, and kept before it is answered. Where it cannot be kept in time it has not
happened: the alarm is as it was before, and stays so.
"""

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from vigilia.alarms.alarm import Alarm
from vigilia.alarms.engine import AlarmEngine
from vigilia.alarms.keeping import Changes
from vigilia.alarms.machine import Base, Event, allows
from vigilia.alarms.news import Following
from vigilia.clock import Clock
from vigilia.errors import AlarmRefused, UnknownAlarm
from vigilia.language import tr
from vigilia.notices import NoticeKind
from vigilia.points import Origin, shorten
from vigilia.rules import AlarmItem
from vigilia.store import Store, StoreError, schema
from vigilia.table import Journal

ACTIONS: Mapping[str, Event] = {
    str(event): event
    for event in (Event.ACKNOWLEDGE, Event.SHELVE, Event.UNSHELVE, Event.OUT_OF_SERVICE, Event.IN_SERVICE)
}
LONGEST_COMMENT = 500
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
        self._told_at: dict[str, float] = {}
        """When the notice of an incident's beginning was first delivered."""

    async def load(self) -> None:
        """Learn which open alarms people were told of before this start. Raises StoreError."""
        outbox, incidents = schema.outbox, schema.incidents
        query = (
            select(outbox.c.incident, func.min(outbox.c.delivered_at))
            .join(incidents, incidents.c.id == outbox.c.incident)
            .where(incidents.c.ended_at.is_(None), outbox.c.kind == NoticeKind.RAISED.value)
            .where(outbox.c.delivered_at.is_not(None))
            .group_by(outbox.c.incident)
        )
        async with self._store.reading() as connection:
            self._told_at = {row[0]: row[1] for row in await connection.execute(query)}

    def delivered(self, incident: str, at: float) -> None:
        """Take note that a notice of an incident was delivered; its end may be meant as well, and means nothing."""
        opened = {alarm.incident.id: alarm.id for alarm in self._engine.alarms.values() if alarm.incident is not None}
        self._told_at = {known: told_at for known, told_at in self._told_at.items() if known in opened}
        if incident in opened:
            self._told_at.setdefault(incident, at)
            self._engine.news.tell(opened[incident])

    def items(self) -> Sequence[AlarmItem]:
        """Return every alarm, those that are normal included, the newest first."""
        shown = [self._item(alarm) for alarm in self._engine.alarms.values()]
        return sorted(shown, key=lambda item: (-item.since, item.id))

    def item(self, alarm: str) -> AlarmItem | None:
        """Return the alarm of that id; None: there is none."""
        found = self._engine.alarms.get(alarm)
        return None if found is None else self._item(found)

    def follow(self) -> Following:
        """Return what tells which alarms change from now on."""
        return self._engine.news.follow()

    async def act(self, alarm: str, action: str, by: Origin, comment: str, until: float | None) -> AlarmItem:
        """Do what an operator asks for, once it is kept; return the alarm as it is then.

        `until` (seconds UTC) is when shelving ends, which it must. Raises UnknownAlarm, or AlarmRefused: then
        nothing was done, and nothing of it will be.
        """
        found = self._engine.alarms.get(alarm)
        if found is None:
            raise UnknownAlarm(tr("no alarm is named {id}").format(id=shorten(alarm, 120)))
        asked = ": ".join(part for part in (f"{action[:20]} {found.rule.name}", comment[:LONGEST_COMMENT]) if part)
        act_id = self._journal.asked(found.point, asked, found.state.name, by)
        try:
            await self._act(found, action, by, comment, until)
        except AlarmRefused as error:
            self._journal.answered(act_id, type(error).__name__, str(error))
            raise
        except BaseException:
            self._journal.answered(act_id, "unknown", "the service stopped, or failed, before it was kept")
            raise
        self._journal.answered(act_id, "confirmed", "")
        return self._item(found)

    async def _act(self, alarm: Alarm, action: str, by: Origin, comment: str, until: float | None) -> None:
        event = self._event(action, comment, until)
        try:
            async with asyncio.timeout(_DEADLINE_S), self._engine.judging:
                await self._engine.keeper.drain()
                self._check(alarm, event, action)
                await self._keep(alarm, event, by, until)
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

    async def _keep(self, alarm: Alarm, event: Event, by: Origin, until: float | None) -> None:
        """Let the act happen and keep it; where it cannot be kept, take it back before anything else is judged."""
        before = alarm.state, alarm.since, alarm.acknowledged_by, alarm.shelved_until
        told = alarm.incident.told if alarm.incident else False
        if event is Event.ACKNOWLEDGE:
            alarm.acknowledged_by = by.user or str(by)
        elif event in (Event.SHELVE, Event.UNSHELVE):
            alarm.shelved_until = until if event is Event.SHELVE else None
        changes = Changes("desk")
        self._engine.change(alarm, event, changes)
        self._engine.keeper.add(changes)
        try:
            await self._engine.keeper.drain()
        except BaseException:
            alarm.state, alarm.since, alarm.acknowledged_by, alarm.shelved_until = before
            if alarm.incident:
                alarm.incident.told = told
            self._engine.keeper.revoke(changes, self._engine.as_it_is(alarm))
            raise
        finally:
            self._engine.watch_shelving(alarm)

    def _item(self, alarm: Alarm) -> AlarmItem:
        incident, state = alarm.incident, alarm.state
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
            suppressed_by=alarm.suppressed_by if state.suppressed and alarm.suppressed_by else None,
            acknowledged_by=alarm.acknowledged_by if state.base is Base.ACKNOWLEDGED else None,
            shelved_until=alarm.shelved_until,
            detail="; ".join(part for part in parts if part),
            told_at=self._told_at.get(incident.id) if incident else None,
            system=alarm.rule.system,
        )


def _name(alarm: Alarm) -> str:
    """Return what people call the alarm: "Relay failure: OVERVOLTAGE"."""
    rule = alarm.rule
    return f"{tr(rule.title)}: {tr(rule.label)}" if rule.label else tr(rule.title)
