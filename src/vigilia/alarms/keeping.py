"""What a batch changed, and how it is kept: counters, alarms, incidents, notices and checkpoint in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.machine import Base
from vigilia.notices import Notice
from vigilia.points import Checkpoint
from vigilia.store import Store
from vigilia.store.alarms import AlarmRow, IncidentRow, save_alarms, save_checkpoints, save_incidents
from vigilia.store.outbox import queue, withdraw

Channels = Callable[[Notice], tuple[str, ...]]
"""The channels that a notice goes to."""


@dataclass(slots=True)
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
    done: asyncio.Future[None] | None = None
    """Set when it is kept; None where nobody waits."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.checkpoint or self.alarms or self.incidents or self.notices or self.withdrawals)


async def keep(
    store: Store, waiting: Sequence[Changes], channels: Channels, now: float
) -> list[tuple[Alarm, Incident]]:
    """Keep changes in their order, all or none; return the alarms that could be taken back. Raises StoreError."""
    taken_back: dict[str, tuple[Alarm, Incident]] = {}
    async with store.writing() as connection:
        alarms: dict[str, AlarmRow] = {}
        incidents: dict[str, IncidentRow] = {}
        for changes in waiting:
            alarms |= changes.alarms
            incidents |= changes.incidents
            notices = [notice for notice in changes.notices if notice.incident not in taken_back]
            await queue(connection, [(notice, channels(notice)) for notice in notices], now)
            for alarm, incident in changes.withdrawals:
                if await withdraw(connection, incident.id):
                    taken_back[incident.id] = (alarm, incident)
        for alarm, incident in taken_back.values():
            incidents[incident.id] = _taken_back(incidents.get(incident.id, alarm.incident_row(incident)))
            row = alarms.get(alarm.id, alarm.row(now))
            quiet = row.state | {"base": str(Base.NORMAL), "told": False}
            alarms[alarm.id] = replace(row, state=quiet, counters=row.counters | {"began": None})
        await save_alarms(connection, list(alarms.values()))
        await save_incidents(connection, list(incidents.values()))
        checkpoints = [(changes.source, changes.checkpoint) for changes in waiting if changes.checkpoint]
        await save_checkpoints(connection, checkpoints, now)
    return list(taken_back.values())


def _taken_back(row: IncidentRow) -> IncidentRow:
    """Return an incident that nobody was told of, as over when it was suppressed."""
    return replace(row, ended_at=row.ended_at or row.last_seen_at, told=False)
