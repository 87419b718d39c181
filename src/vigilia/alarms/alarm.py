"""One alarm: a rule and a point, its state, and the readings counted for it."""

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from vigilia.alarms.counters import Counters, Episode
from vigilia.alarms.judge import Side, judge, severity_of
from vigilia.alarms.machine import Base, State
from vigilia.points import Point, Sample, Severity
from vigilia.rules import Rule
from vigilia.store.alarms import AlarmRow, IncidentRow
from vigilia.sun import counts, openings

_MORE_THAN_A_DAY_S = 90_000.0
_SHUT = (float("inf"), float("-inf"))


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
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def update(self, last_seen: float, severity: Severity, detail: str) -> bool:
        """Take in what the newest bad reading said; return whether a person would want to know."""
        worse = severity > self.severity
        news = worse or detail != self.detail
        self.last_seen = max(self.last_seen, last_seen)
        self.severity = max(self.severity, severity)
        self.detail = detail
        return news


class Alarm:
    """What a rule makes of a point."""

    __slots__ = (
        "_day",
        "acknowledged_by",
        "counters",
        "detail",
        "id",
        "incident",
        "known",
        "last_seen",
        "point",
        "rule",
        "severity",
        "shelved_until",
        "since",
        "state",
        "suppressed_by",
        "told_at",
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
        self.known: list[Episode] = []
        """Alarms that ended lately: what comes late about them is no news."""
        self.since = 0.0
        """When it came into its present state."""
        self.suppressed_by = ""
        self.acknowledged_by = ""
        self.shelved_until: float | None = None
        self.told_at: float | None = None
        """When the notice of the open incident was delivered."""
        self.unconfirmed = False
        """Whether the last reading of an alarm said nothing: its confirmation is stale."""
        self.detail = ""
        """What the newest bad reading said besides."""
        self.severity = rule.severity
        self.last_seen = 0.0
        """The time of the newest bad reading."""
        self._day = _SHUT

    def see(self, sample: Sample) -> bool:
        """Count a reading; return whether it counts for or against an alarm."""
        reading = sample.reading
        moment = reading.time
        side = judge(self.rule, self.point, reading)
        if moment is None or side is Side.NEITHER:
            self.unconfirmed = self.state.active
            return False
        if self.point.window is not None and self.rule.stale_s is None:
            if not self._in_window(moment):
                return False
            if side is Side.BAD and not counts(self.point.window, moment)[0]:
                side = Side.NEITHER  # the sun is not up enough for it to mean anything
        self.unconfirmed = False
        if side is Side.BAD and moment >= self.last_seen:
            self.last_seen = moment
            self.detail = sample.detail
            self.severity = severity_of(self.rule, reading)
        self.counters.add(self.rule, moment, side)
        return True

    def settle(self, now: float) -> list[Change]:
        """Return what the readings counted so far change, in order, and let go of old ones."""
        if self.rule.stale_s is not None:
            return self._settle_stale(now)
        if self.counters.quiet and not self.state.active:
            self.counters.trim(self.rule, [])
            return []
        episodes = self.counters.episodes(self.rule)
        self.counters.trim(self.rule, episodes)
        return self._compare(episodes)

    def overdue(self, now: float, started: float) -> float | None:
        """Return since when readings have been missing for longer than a rule of stale data allows; None: not so."""
        if self.rule.stale_s is None or self.state.active:
            return None
        since = max(started if self.counters.last is None else self.counters.last, self.counters.floor)
        if self.point.window is not None:
            if not self._in_window(now):
                return None
            since = max(since, self._day[0])
        return since if now - since > self.rule.stale_s else None

    def remember(self, began: float, ended: float) -> None:
        """Keep in mind an alarm that is over, as long as readings of its time may still come."""
        oldest = self.counters.times[0] if self.counters.times else ended
        self.known = [*(episode for episode in self.known if (episode.ended or 0) >= oldest), Episode(began, ended)]

    @property
    def plain(self) -> bool:
        """Whether it is as if it had never been: nothing that a restart must know."""
        return self.state.base is Base.NORMAL and not (self.state.shelved or self.state.out_of_service)

    def row(self, now: float) -> AlarmRow:
        """Return the alarm as it is kept."""
        state = asdict(self.state) | {
            "since": self.since,
            "acknowledged_by": self.acknowledged_by,
            "shelved_until": self.shelved_until,
            "unconfirmed": self.unconfirmed,
            "detail": self.detail,
            "last_seen": self.last_seen,
        }
        counters = self.counters.to_json() | {"known": self.known}
        return AlarmRow(self.id, self.rule.name, self.point.name, state, counters, now)

    def restore(self, row: AlarmRow) -> None:
        """Go on from where `row` was kept. What suppresses it now is found out anew."""
        saved: dict[str, Any] = row.state
        self.state = State(Base(saved["base"]), saved["told"], saved["shelved"], False, saved["out_of_service"])
        self.since = saved["since"]
        self.acknowledged_by = saved["acknowledged_by"]
        self.shelved_until = saved["shelved_until"]
        self.unconfirmed = saved["unconfirmed"]
        self.detail = saved["detail"]
        self.last_seen = saved["last_seen"]
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
        )

    def _compare(self, episodes: list[Episode]) -> list[Change]:
        """Hold what the readings amount to against what is known, and return the difference."""
        changes: list[Change] = []
        if self.incident is not None:
            began = self.incident.began
            same = next((e for e in episodes if e.ended is None or e.ended > began), None)
            if same is not None and same.ended is None:
                return self._strange(episodes[:-1])
            ended = same.ended if same is not None and same.ended is not None else self.counters.last or began
            changes.append(Change("clear", began, ended))
            episodes = [e for e in episodes if e is not same]
        changes += self._strange([e for e in episodes if e.ended is not None])
        if episodes and episodes[-1].ended is None:
            changes.append(Change("raise", episodes[-1].began, None))
        return changes

    def _strange(self, over: list[Episode]) -> list[Change]:
        """Return those of the alarms that are over which nobody knows of."""
        return [
            Change("brief", began, ended)
            for began, ended in over
            if ended is not None and not any(began <= (k.ended or began) and ended >= k.began for k in self.known)
        ]

    def _settle_stale(self, now: float) -> list[Change]:
        last = self.counters.last
        self.counters.trim(self.rule, [])
        fresh = last is not None and now - last <= (self.rule.stale_s or 0)
        if self.incident is None or not self.state.active or last is None or not fresh:
            return []
        return [Change("clear", self.incident.began, max(last, self.incident.began))]

    def _in_window(self, moment: float) -> bool:
        """Say whether the point's window is open at `moment`; the day looked at last is remembered."""
        opened, shut = self._day
        if opened <= moment <= shut:
            return True
        if self.point.window is None or not counts(self.point.window, moment)[1]:
            return False
        around = openings(self.point.window, moment - _MORE_THAN_A_DAY_S, moment + _MORE_THAN_A_DAY_S)
        self._day = next((day for day in around if day[0] <= moment <= day[1]), _SHUT)
        return True
