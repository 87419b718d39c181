"""What a batch changed, and how it is kept: counters, alarms, incidents, notices and checkpoint in one transaction."""

import asyncio
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.counters import Episode
from vigilia.alarms.machine import Base
from vigilia.notices import Notice
from vigilia.points import Checkpoint
from vigilia.store import Store, alarmjournal, marks
from vigilia.store.alarmjournal import JournalEntry, JournalEvent
from vigilia.store.alarms import AlarmRow, IncidentRow, save_alarms, save_checkpoints, save_incidents
from vigilia.store.outbox import queue, withdraw

Channels = Callable[[Notice], tuple[str, ...]]
"""The channels that a notice goes to."""
_MARK = "alarms kept"


@dataclass(slots=True, eq=False)
class Changes:
    """What one batch, one tick or one operator's act changed. Rows are as they were then."""

    source: str
    checkpoint: Checkpoint | None = None
    alarms: dict[str, AlarmRow] = field(default_factory=dict[str, AlarmRow])
    incidents: dict[str, IncidentRow] = field(default_factory=dict[str, IncidentRow])
    notices: list[Notice] = field(default_factory=list[Notice])
    withdrawals: list[tuple[Alarm, Incident]] = field(default_factory=list[tuple[Alarm, Incident]])
    """Alarms to take back, where nobody can have read of them yet."""
    log_lines: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    """Logger, level and text of what is to be said once it is kept."""
    entries: list[JournalEntry] = field(default_factory=list[JournalEntry])
    """What the journal is to say of it, in order."""
    done: asyncio.Future[None] | None = None
    """Set when it is kept; None where nobody waits."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        kept = (self.checkpoint, self.alarms, self.incidents, self.notices, self.withdrawals, self.entries)
        return not any(kept)


class Keeping:
    """Changes on their way into the store, all of them or none.

    Where the answer to a COMMIT is lost nobody knows how it ended. Then the same Keeping, tried again, finds out first:
    its id stands in the store where it was kept.
    """

    def __init__(self, changes: Sequence[Changes]) -> None:
        self.changes = tuple(changes)
        """In their order."""
        self.taken_back: list[tuple[Alarm, Incident]] = []
        """The alarms that could be taken back; known when it is kept."""
        self.in_doubt = False
        """Whether it may be in the store although `keep` raised."""
        self._mark = {"id": str(uuid.uuid4())}

    async def keep(self, store: Store, channels: Channels, gone: Collection[str], now: float) -> None:
        """Keep the changes. Raises StoreError.

        `gone`: the incidents that were taken back before, of which changes made meanwhile may still speak.
        """
        async with store.writing() as connection:
            if self.in_doubt and await marks.read(connection, _MARK) == self._mark:
                return
            self.in_doubt = False
            self.taken_back = await _put(connection, self.changes, channels, gone, now)
            await marks.mark(connection, _MARK, self._mark)
            self.in_doubt = True


async def _put(
    connection: AsyncConnection, waiting: Sequence[Changes], channels: Channels, gone: Collection[str], now: float
) -> list[tuple[Alarm, Incident]]:
    """Put changes into the tables; return the alarms that could be taken back."""
    taken_back: dict[str, tuple[Alarm, Incident]] = {}
    alarms: dict[str, AlarmRow] = {}
    incidents: dict[str, IncidentRow] = {}
    entries: list[JournalEntry] = []
    for changes in waiting:
        alarms |= changes.alarms
        incidents |= changes.incidents
        known = [n for n in changes.notices if n.incident not in taken_back and n.incident not in gone]
        await queue(connection, [(notice, channels(notice)) for notice in known], now)
        # Of what is taken back nothing more is said, but for what somebody did.
        entries += [e for e in changes.entries if e.by.via or (e.incident not in taken_back and e.incident not in gone)]
        for alarm, incident in changes.withdrawals:
            if incident.id not in gone and await withdraw(connection, incident.id):
                taken_back[incident.id] = (alarm, incident)
                entries.append(_withdrawn(alarm, incident, now))
    for alarm, incident in taken_back.values():
        incidents.setdefault(incident.id, alarm.incident_row(incident))
    over = taken_back.keys() | set(gone)
    await save_alarms(
        connection, [_quiet(row, taken_back) if row.state["incident"] in over else row for row in alarms.values()]
    )
    await save_incidents(connection, [_over(row) if row.id in over else row for row in incidents.values()])
    checkpoints = [(changes.source, changes.checkpoint) for changes in waiting if changes.checkpoint]
    await save_checkpoints(connection, checkpoints, now)
    await alarmjournal.write(connection, entries)
    return list(taken_back.values())


def _withdrawn(alarm: Alarm, incident: Incident, now: float) -> JournalEntry:
    event, state = JournalEvent.WITHDRAWN, str(Base.NORMAL)
    cause = incident.suppressed_by
    return JournalEntry(now, alarm.id, event, incident.severity, state, incident.id, incident.last_seen, cause=cause)


def _quiet(row: AlarmRow, taken_back: Mapping[str, tuple[Alarm, Incident]]) -> AlarmRow:
    """Return an alarm whose incident was taken back as if it had not been; what made it is no news later."""
    known = list(row.counters["known"])
    if row.state["incident"] in taken_back:
        _, incident = taken_back[row.state["incident"]]
        known = sorted([*known, Episode(incident.began, incident.last_seen)])
    state = row.state | {"base": str(Base.NORMAL), "told": False, "incident": ""}
    return replace(row, state=state, counters=row.counters | {"known": known})


def _over(row: IncidentRow) -> IncidentRow:
    """Return an incident that nobody was told of, as over when it was suppressed."""
    return replace(row, ended_at=row.last_seen_at if row.ended_at is None else row.ended_at, told=False)
