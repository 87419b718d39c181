"""The heartbeat: when it is due, and what it says. Pure: the app fills in what is known.

It is earned: a heartbeat says that the watch works only where there is evidence of it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from vigilia.language import tr
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.cards import LONGEST_FACT, plain
from vigilia.points import Severity

GRACE_S = 900.0
"""A heartbeat that was missed by less, for the service was down, is made up for."""
_LONGEST_ITEM = 100


@dataclass(frozen=True, slots=True)
class Slot:
    """One time at which a heartbeat is due."""

    name: str
    """The local date and time, which is what makes two slots the same: "2026-11-21T07:00"."""
    at: float
    """Seconds UTC."""


@dataclass(frozen=True, slots=True)
class ScanVital:
    """How one kind of scan goes."""

    name: str
    """In the site's language, as the card shows it: "Relés"."""
    last_at: float | None
    """When the last one ended, seconds UTC; None: none has."""
    period_s: float


@dataclass(frozen=True, slots=True)
class ActiveAlarm:
    """An alarm that is active."""

    family: str
    """As its rule says it, in English."""
    area: str
    equipment: str


@dataclass(frozen=True, slots=True)
class BriefIncident:
    """An incident that was over when it was found: it had no card of its own."""

    area: str
    equipment: str
    label: str
    """As its rule says it, in English; may be empty."""
    began_at: float
    ended_at: float
    zone: tzinfo | None = None
    """Where it is; None: as the site."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a heartbeat tells."""

    scans: Sequence[ScanVital] = ()
    families: Sequence[str] = ()
    """The families, in English, that are told even where no alarm of them is active."""
    alarms: Sequence[ActiveAlarm] = ()
    brief: Sequence[BriefIncident] = ()
    """Those since the last heartbeat."""
    waiting: int = 0
    """Notices that are not delivered."""
    success: str = ""
    """The API's rate of success, in words; empty: there is none."""


def due(now: float, times: Sequence[str], zone: tzinfo, last: str | None, started_at: float) -> Slot | None:
    """Return the slot whose heartbeat is to be sent now, or None.

    `last` is the name of the last slot served: no slot comes twice, not where the clock is set back either. Of several
    that were missed only the last counts, and none that was over before the service started (`started_at`), but for
    GRACE_S where it ran before.
    """
    past = [slot for slot in _slots(now, times, zone) if slot.at <= now]
    if not past:
        return None
    slot = max(past, key=lambda slot: slot.at)
    earliest = started_at if last is None else started_at - GRACE_S
    return None if slot.at < earliest or (last is not None and slot.name <= last) else slot


def seconds_to_next(now: float, times: Sequence[str], zone: tzinfo) -> float | None:
    """Return how long it is to the next slot; None: there are no heartbeats."""
    return min((slot.at - now for slot in _slots(now, times, zone) if slot.at > now), default=None)


def compose_heartbeat(vitals: Vitals, missing: Sequence[str], now: float, zone: tzinfo, host: str, pid: int) -> Notice:
    """Return the heartbeat. `missing` are the pieces of evidence that there should be and are not, a sentence each."""
    late = [scan for scan in vitals.scans if is_late(scan, now)]
    status = tr("SCAN LATE") if late else "OK"
    facts = [(tr("Status"), status)]
    if missing:
        facts.append((tr("Missing evidence"), _listed(missing)))
    facts += [(scan.name, _last_scan(scan, now, zone)) for scan in vitals.scans]
    for family in dict.fromkeys([*vitals.families, *(alarm.family for alarm in vitals.alarms)]):
        facts.append((tr(family), _by_area([alarm for alarm in vitals.alarms if alarm.family == family])))
    if vitals.brief:
        facts.append((tr("Brief alarms"), f"{len(vitals.brief)}: {_listed(_brief(vitals.brief, zone))}"))
    facts.append((tr("Notices waiting"), str(vitals.waiting)))
    if vitals.success:
        facts.append((tr("API success rate"), vitals.success))
    facts.append((tr("Host"), f"{host}, PID {pid}"))
    return Notice(
        NoticeKind.HEARTBEAT,
        tr("Heartbeat"),
        tr("evidence is missing") if missing else "",
        status if not missing else f"{status}; {tr('evidence is missing')}",
        now,
        Severity.MINOR if late or missing else Severity.NO_ALARM,
        facts=tuple(facts),
    )


def is_late(scan: ScanVital, now: float) -> bool:
    """Say whether the last scan is older than twice its interval."""
    return scan.last_at is None or now - scan.last_at > 2 * scan.period_s


def _slots(now: float, times: Sequence[str], zone: tzinfo) -> Iterable[Slot]:
    """Give the slots of yesterday, today and tomorrow. A time that a change of the clocks leaves out comes after it."""
    today = datetime.fromtimestamp(now, zone).date()
    for days in (-1, 0, 1):
        for time in times:
            name = f"{(today + timedelta(days)).isoformat()}T{time}"
            yield Slot(name, datetime.fromisoformat(name).replace(tzinfo=zone).timestamp())


def _last_scan(scan: ScanVital, now: float, zone: tzinfo) -> str:
    if scan.last_at is None:
        return tr("none yet")
    moment = datetime.fromtimestamp(scan.last_at, zone).strftime(tr("%Y-%m-%d %H:%M"))
    return f"{moment} – {tr('SCAN LATE')}" if is_late(scan, now) else moment


def _by_area(alarms: Sequence[ActiveAlarm]) -> str:
    """Return the number of alarms, and that of each area, the most first."""
    if not alarms:
        return "0"
    counts = Counter(alarm.area or alarm.equipment for alarm in alarms)
    return f"{len(alarms)}: {_listed([f'{area} ({count})' for area, count in counts.most_common()])}"


def _brief(incidents: Sequence[BriefIncident], zone: tzinfo) -> list[str]:
    """Return a text for each; its times are those of its place, which is named where the clocks of `zone` differ."""
    lines: list[str] = []
    for incident in incidents:
        local = incident.zone or zone
        began, ended = (datetime.fromtimestamp(moment, local) for moment in (incident.began_at, incident.ended_at))
        elsewhere = began.utcoffset() != datetime.fromtimestamp(incident.began_at, zone).utcoffset()
        what = " ".join(filter(None, (incident.equipment, tr(incident.label) if incident.label else "")))
        where = " – ".join(filter(None, (incident.area, what)))
        lines.append(f"{where} {began:%H:%M}–{ended:%H:%M}" + (f" ({local})" if elsewhere else ""))
    return lines


def _listed(items: Sequence[str]) -> str:
    """Return as many items as fit on a card, and how many do not: a heartbeat's lists are the only ones ever cut."""
    shown: list[str] = []
    room = LONGEST_FACT - 20  # the count before, and "+N" after
    for item in items:
        text = plain(item, _LONGEST_ITEM)
        room -= len(text) + 2
        if room < 0:
            break
        shown.append(text)
    left = len(items) - len(shown)
    return ", ".join([*shown, f"+{left}"] if left else shown)
