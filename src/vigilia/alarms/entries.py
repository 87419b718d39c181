"""What the journal says of a change: the entry for it, with the alarm as it is right after."""

from typing import Any

from vigilia.alarms.alarm import Alarm, Incident
from vigilia.store.alarmjournal import JournalEntry, JournalEvent


def entry(alarm: Alarm, event: JournalEvent, at: float, incident: Incident | None = None, **more: Any) -> JournalEntry:
    """Return the entry that `event` befell an alarm `at` a time of the watch's clock, seconds UTC.

    `incident` is the one it belongs to, where that is not the open one; `more` are fields of the entry.
    """
    of = incident or alarm.incident
    return JournalEntry(
        at,
        alarm.id,
        event,
        of.severity if of else alarm.rule.severity,
        alarm.state.name,
        of.id if of else "",
        **more,
    )
