"""One alarm: a rule and a point, its state, and the readings counted for it."""

import bisect
import math
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from vigilia.alarms.counters import Counters, Episode
from vigilia.alarms.judge import BAD, NEITHER, Judge, Side, severity_of
from vigilia.alarms.machine import Base, Event, State
from vigilia.points import Point, Run, Sample, Severity, Value, Window
from vigilia.rules import Act, Rule, Told
from vigilia.store.alarms import AlarmRow, IncidentRow
from vigilia.sun import counts, openings

LATEST_S = 7_800.0
"""How late records may come, two hours and some minutes: their readings are kept for so long."""
_MORE_THAN_A_DAY_S = 90_000.0
_SHUT = (math.inf, -math.inf)
_FIRST_SCANS = 3
"""After a start, missing data are no alarm for this part of the time they may be missing: scans must come first."""


class Change(NamedTuple):
    """What the readings amount to: an alarm that began or ended, or one that did both before anybody knew."""

    kind: Literal["raise", "clear", "brief"]
    began: float
    ended: float | None


@dataclass(slots=True)
class Incident:
    """An alarm from start to end. Times are the equipment's, in seconds UTC."""

    began: float
    last_seen: float
    severity: Severity
    detail: str
    suppressed_by: str = ""
    ended: float | None = None
    brief: bool = False
    told: bool = False
    found: float = 0.0
    """When the watch learnt of it, by the clock."""
    start_known: bool = True
    """False where `began` is a guess: it was taken over from the monitor before."""
    cards: list[Told] = field(default_factory=list[Told])
    """The cards that told people of it."""
    channels: tuple[str, ...] = ()
    """The channels that the notice of its start was queued for."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    unconfirmed: bool = False
    """Whether the last reading said nothing."""

    @classmethod
    def of(cls, row: IncidentRow) -> "Incident":
        """Return an open incident as it was kept."""
        return cls(
            row.began_at,
            row.last_seen_at,
            Severity(row.severity),
            row.detail,
            row.suppressed_by,
            told=row.told,
            found=row.found_at,
            start_known=row.start_known,
            id=row.id,
        )

    def update(self, last_seen: float, severity: Severity, detail: str, *, unconfirmed: bool) -> bool:
        """Take in what the newest readings said; return whether a person would want to know."""
        worse = severity > self.severity
        news = worse or detail != self.detail or unconfirmed != self.unconfirmed
        self.unconfirmed = unconfirmed
        self.last_seen = max(self.last_seen, last_seen)
        self.severity = max(self.severity, severity)
        self.detail = detail
        return news


class Alarm:
    """What a rule makes of a point."""

    __slots__ = (
        "_judge",
        "_said",
        "_window",
        "acts",
        "counters",
        "dated",
        "detail",
        "id",
        "incident",
        "known",
        "last_seen",
        "latest",
        "point",
        "rule",
        "severity",
        "shelved_until",
        "since",
        "state",
        "suppressed_by",
        "unconfirmed",
    )

    def __init__(self, rule: Rule, point: Point) -> None:
        self.id = f"{rule.name}@{point.name}"
        self.rule = rule
        self.point = point
        self.state = State()
        self.counters = Counters()
        self.incident: Incident | None = None
        """The open one."""
        self.latest = ""
        """The id of the newest incident, open or over."""
        self.known: list[Episode] = []
        """Alarms that ended lately: what comes late about them is no news."""
        self.since = 0.0
        """When it came into its present state."""
        self.suppressed_by = ""
        self.acts: dict[Event, Act] = {}
        """What people did about it last, of each kind; what it means now, its state says."""
        self.shelved_until: float | None = None
        self.unconfirmed = False
        """Whether the last reading of an alarm said nothing: its confirmation is stale."""
        self.dated = False
        """Whether its readings are records, which have the equipment's own times: no clock of ours changes those."""
        self.detail = ""
        """What the newest bad reading said besides."""
        self.severity = rule.severity
        self.last_seen = 0.0
        """The time of the newest bad reading."""
        self._judge = Judge(rule)
        self._said: dict[float, tuple[Severity, str]] = {}
        """What bad readings said besides, by their times, until it is known what they amount to."""
        self._window = _open_hours(point.window)

    def redefine(self, point: Point) -> None:
        """Go on with another definition of the point: the equipment was renamed, or its window changed."""
        self.point = point
        self._window = _open_hours(point.window)

    @property
    def holding(self) -> tuple[str, ...]:
        """The groups whose alarm holds this one, so that nothing counts towards it.

        A lost link holds no more than what tells of missing data: readings of that time come later, and count.
        """
        if not self.rule.held_under_suppression:
            return ()
        return self.point.groups if self.rule.stale_s is not None else self.point.under

    def see(self, sample: Sample) -> bool:
        """Count a reading; return whether it counts for or against an alarm."""
        value, moment, _, _ = sample.reading
        side = NEITHER if moment is None else self._judge.side(self.point, sample.reading)
        return self._weigh(moment or 0.0, value, side, sample.detail)

    def see_run(self, run: Run) -> bool:
        """Count many readings; return whether any counts for or against an alarm."""
        counted = False
        side_of, weigh = self._judge.side_of, self._weigh
        for moment, value in zip(run.times, run.values, strict=True):
            counted |= weigh(moment, value, side_of(self.point, value), "")
        return counted

    def _weigh(self, moment: float, value: Value | None, side: Side, detail: str) -> bool:
        """Count a reading on the side it speaks for; return whether it counts for or against an alarm."""
        if side is NEITHER:
            self.unconfirmed = self.state.active and self.rule.stale_s is None
            return False
        window = self.point.window
        if window is not None and self.rule.stale_s is None:
            if not self._window.opens(moment):
                return False
            if side is BAD and window.latitude is not None and not counts(window, moment)[0]:
                side = NEITHER  # the sun is not up enough for it to mean anything
        self.unconfirmed = False
        if side is BAD:
            self._hear(moment, severity_of(self.rule, value), detail)
        self.counters.add(self.rule, moment, side)
        return True

    def settle(self, now: float, *, late: bool) -> list[Change]:
        """Return what the readings counted so far change, in order, and let go of old ones.

        `late`: whether readings come as records, which may be hours late.
        """
        self.dated = late
        counters = self.counters
        if self.rule.stale_s is not None:
            return self._settle_stale(now)
        newest = counters.last
        oldest = newest - LATEST_S if late and newest is not None else math.inf
        if self.incident is None and counters.quiet:
            counters.trim(self.rule, self.known, oldest)
            return []
        decided = self.known if self.incident is None else [*self.known, Episode(self.incident.began, None)]
        episodes = counters.episodes(self.rule, decided)
        counters.trim(self.rule, decided, oldest)
        return self._compare(episodes)

    def overdue(self, now: float, started: float) -> float | None:
        """Return since when readings have been missing for longer than a rule of stale data allows; None: not so."""
        most = self.rule.stale_s
        if most is None or self.state.active or now - started < most / _FIRST_SCANS:
            return None
        last = self.counters.last_by(now)
        since = max(started if last is None else last, self.counters.floor)
        if self.point.window is not None:
            if not self._window.opens(now):
                return None
            since = max(since, self._window.opened)
        return since if now - since > most else None

    def remember(self, began: float, ended: float) -> None:
        """Keep in mind an alarm that is over, as long as readings of its time may still come."""
        oldest = self.counters.times[0] if self.counters.times else ended
        recent = (episode for episode in self.known if (episode.ended or 0) >= oldest)
        self.known = sorted([*recent, Episode(began, ended)])

    def said(self, began: float, ended: float) -> tuple[Severity, str]:
        """Return how severe the readings between two times were at most, and what the last of them said."""
        times = sorted(moment for moment in self._said if began <= moment <= ended)
        if not times:
            return self.severity, self.detail
        return max(self._said[moment][0] for moment in times), self._said[times[-1]][1]

    def forget_said(self) -> None:
        """Forget what `said` would tell: what the readings amount to is known."""
        self._said.clear()

    def set_back(self, now: float) -> None:
        """Follow a clock that was set back to `now`: what it called later is no measure any more.

        When an alarm of records began and ended stays: a record between `now` and then is not the later for it.
        """
        self.counters.forget_after(now)
        self.last_seen = min(self.last_seen, now)
        if self.dated:
            return
        self.known = [episode for episode in self.known if (episode.ended or 0) <= now]
        if self.incident is not None:
            self.incident.began = min(self.incident.began, now)
            self.incident.last_seen = min(self.incident.last_seen, now)

    @property
    def plain(self) -> bool:
        """Whether it is as if it had never been: nothing that a restart must know."""
        return self.state.base is Base.NORMAL and not (self.state.shelved or self.state.out_of_service)

    def row(self, now: float) -> AlarmRow:
        """Return the alarm as it is kept."""
        state = {
            "base": str(self.state.base),
            "told": self.state.told,
            "shelved": self.state.shelved,
            "out_of_service": self.state.out_of_service,
            "incident": self.latest,
            "since": self.since,
            "acts": {str(event): list(act) for event, act in self.acts.items()},
            "shelved_until": self.shelved_until,
            "unconfirmed": self.unconfirmed,
            "dated": self.dated,
            "detail": self.detail,
            "last_seen": self.last_seen,
            "severity": int(self.severity),
        }
        counters = self.counters.to_json() | {"known": self.known}
        return AlarmRow(self.id, self.rule.name, self.point.name, state, counters, now)

    def restore(self, row: AlarmRow) -> None:
        """Go on from where `row` was kept. What suppresses it now is found out anew."""
        saved: dict[str, Any] = row.state
        self.state = State(Base(saved["base"]), saved["told"], saved["shelved"], False, saved["out_of_service"])
        self.latest = saved["incident"]
        self.since = saved["since"]
        self.acts = {Event(event): Act(*act) for event, act in saved.get("acts", {}).items()}
        if saved.get("acknowledged_by"):  # of an earlier version
            self.acts[Event.ACKNOWLEDGE] = Act(saved["acknowledged_by"], saved["since"], "")
        self.shelved_until = saved["shelved_until"]
        self.unconfirmed = saved["unconfirmed"]
        self.dated = saved.get("dated", False)
        self.detail = saved["detail"]
        self.last_seen = saved["last_seen"]
        self.severity = Severity(saved.get("severity", self.rule.severity))
        self.counters = Counters.from_json(row.counters)
        self.known = [Episode(*pair) for pair in row.counters["known"]]

    def incident_row(self, incident: Incident) -> IncidentRow:
        """Return an incident as it is kept."""
        point, rule = self.point, self.rule
        return IncidentRow(
            incident.id,
            self.id,
            rule.name,
            rule.system,
            point.name,
            point.device,
            point.area,
            point.equipment or point.device,
            rule.family,
            rule.label,
            int(incident.severity),
            incident.began,
            incident.ended,
            incident.last_seen,
            incident.detail,
            incident.suppressed_by,
            incident.brief,
            incident.told,
            rule.outage,
            incident.found,
            incident.start_known,
        )

    def _hear(self, moment: float, severity: Severity, detail: str) -> None:
        """Note what a bad reading said besides; the newest counts as what the alarm says."""
        self._said[moment] = severity, detail
        if moment >= self.last_seen:
            self.last_seen, self.severity, self.detail = moment, severity, detail

    def _compare(self, episodes: list[Episode]) -> list[Change]:
        """Return what is new about what the readings amount to."""
        open_since = self.incident.began if self.incident is not None else None
        changes: list[Change] = []
        for began, ended in episodes:
            if began == open_since:
                if ended is not None:
                    changes.append(Change("clear", began, ended))
            else:
                changes.append(Change("raise" if ended is None else "brief", began, ended))
        return changes

    def _settle_stale(self, now: float) -> list[Change]:
        last = self.counters.last_by(now)
        self.counters.trim(self.rule)
        fresh = last is not None and now - last <= (self.rule.stale_s or 0)
        if self.incident is None or last is None or not fresh:
            return []
        return [Change("clear", self.incident.began, max(last, self.incident.began))]


@lru_cache(maxsize=10_000)
def _open_hours(window: Window | None) -> "_OpenHours":
    """Return the hours of a window: one for all of its points, so that a day is looked for once."""
    return _OpenHours(window)


class _OpenHours:
    """When points' readings are judged; the day or night looked at last is remembered, for that is slow to find."""

    __slots__ = ("_shut_from", "_shut_to", "_window", "closed", "opened")

    def __init__(self, window: Window | None) -> None:
        self._window = window
        self.opened, self.closed = _SHUT
        self._shut_from, self._shut_to = _SHUT

    def opens(self, moment: float) -> bool:
        """Say whether the hours are open at `moment`; if so, `opened` and `closed` are their ends."""
        if self.opened <= moment <= self.closed:
            return True
        if self._window is None or self._shut_from < moment < self._shut_to:
            return False
        around = openings(self._window, moment - _MORE_THAN_A_DAY_S, moment + _MORE_THAN_A_DAY_S)
        index = bisect.bisect_right(around, (moment, math.inf))
        if index and moment <= around[index - 1][1]:
            self.opened, self.closed = around[index - 1]
            return True
        self._shut_from = around[index - 1][1] if index else moment
        self._shut_to = around[index][0] if index < len(around) else moment
        return False
