"""One reactor as the service knows it: what it has, who speaks for it, what it said last, and what it is to be told."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from vigilia.clock import Clock, iso
from vigilia.drivers.reactor.commands import Commands, Unknown, failure
from vigilia.drivers.reactor.inventory import Inventory, Key
from vigilia.drivers.reactor.liveness import Liveness
from vigilia.drivers.reactor.rules import RECENT_S, ReactorPoints
from vigilia.drivers.reactor.settings import Settings, reported, shown
from vigilia.drivers.reactor.values import LONGEST_DETAIL, BadValue, alarm_of, value_of
from vigilia.errors import printable
from vigilia.fleet import Presence, ReactorItem
from vigilia.language import tr
from vigilia.points import Point, Reading, Sample, Severity, Status, Value
from vigilia.store.reactors import ReactorRow, SettingRow
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

_logger = logging.getLogger(__name__)

_MOST_OFF_S = 60.0
"""An agent's clock that is further off than this is not believed: its times are moved by what it is off."""
_MOST_COUNTED = 2**53
_RIVAL_S = 90.0
"""How long it is shown that another agent with its id called: clock seconds."""
_GOOD = (Severity.NO_ALARM, Status.NO_ALARM)

Present = Callable[[str], Reading]
"""Gives the latest reading of a point."""


class Reactor:
    """One reactor that is accepted."""

    def __init__(
        self,
        row: ReactorRow,
        inventory: Inventory,
        settings: Iterable[SettingRow],
        *,
        instance: str,
        interval_s: float,
        clock: Clock,
        dropped: int | None = None,
    ) -> None:
        """`dropped`: how many samples its agent had dropped by what it said last; None: that is not known."""
        self.id = row.id
        self.row = row
        self.inventory = inventory
        self.settings = Settings(row.id, list(settings))
        self.commands = Commands(row.id)
        self.liveness = Liveness(interval_s)
        self.points = ReactorPoints(instance, row.id)
        self.registering = asyncio.Lock()
        """Held while it registers."""
        self.declared = bool(inventory.parts)
        """Whether its points are in the table."""
        self.full_wanted = True
        """Whether the next report must be full."""
        self.address = ""
        self.trouble = ""
        self._clock = clock
        self._since = clock.now()
        self._heard: float | None = None
        self._lost = False
        self._back_at = 0.0
        """When contact was back after the last loss: whatever it has told since was so then, or later."""
        self._restarted: float | None = None
        self._rival: float | None = None
        """When another agent with its id called last."""
        self._failing: dict[str, dict[str, str]] = {}
        """By part: the parameters that have a bus error, and what is said of it."""
        self._backlog: tuple[int, float] | None = None
        self.dropped = dropped
        """How many samples its agent has dropped, by its own count, which goes on through its restarts and ours."""
        self._dropped_lately = 0
        self._dropped_at = 0.0
        self.clock_ahead_s: float | None = None
        """How far its clock is ahead of ours; None: it is not right, or has not said."""
        self._held_up = ""
        self._held_up_shown = False
        self._watch: asyncio.Event | None = None

    # Who speaks for it

    def begin(self, request: wire.RegisterRequest, inventory: Inventory, address: str) -> list[Unknown]:
        """Have the agent that registers speak for the reactor from now on; return what the one before had begun."""
        now = self._clock.now()
        unknown: list[Unknown] = []
        new_start = self.row.boot != request.boot_id
        if new_start:
            self._restarted = now if self.row.boot else None
            unknown = self.commands.give_up(tr("its agent has started anew"))
            self.end_watch()
        if self.dropped is None and not self.row.boot:
            self.dropped = 0  # it was never here before: what it says is news
        if not self.liveness.alive:
            self._since = now
        self.liveness.begin(request.boot_id, request.machine_id)
        self.settings.begin(request.settings_revision)
        self.inventory = inventory
        self.address, self.full_wanted = address, True
        self.trouble = "" if self.liveness.alive else "it registers, but its reports do not come"
        self._heard = now
        self._failing.clear()
        self._note_clock(request.time_ms, now, trusted=request.clock_trusted)
        self.row = replace(
            self.row,
            name=printable(request.name),
            version=printable(request.version),
            boot=request.boot_id,
            machine=request.machine_id,
            registered_at=now,
        )
        return unknown

    def note_rival(self, trouble: str) -> None:
        """Take note that another agent with its id calls."""
        self.trouble, self._rival = trouble, self._clock.now()

    def hold_up(self, trouble: str) -> None:
        """Take note why its samples cannot be taken at present; empty: they can."""
        if trouble and not self._held_up:
            _logger.error("%s: %s", self.id, trouble)
        elif self._held_up and not trouble:
            _logger.info("%s: its samples are taken again", self.id)
        self._held_up = trouble

    def lose(self) -> list[Unknown]:
        """Have nobody wait for it: it is away. Return what it had begun, and has not told the end of."""
        self._lost = True
        self._since = self._clock.now()
        self.trouble = "it has stopped reporting"
        self.full_wanted = True
        self.settings.give_up()
        self.end_watch()
        return self.commands.lose()

    # What it says

    def hear(self, report: wire.ReportRequest, present: Present) -> tuple[list[Sample], list[SettingRow]]:
        """Take a report that is newer than all before; return what the points show, and the settings to be kept."""
        now = self._clock.now()
        self._heard = now
        back = self.liveness.touch()
        if back:
            self._since, self.trouble = now, ""
        if self._lost:
            self._lost, self._back_at = False, now
        if report.full:
            self.full_wanted = False
        self._note_clock(report.time_ms, now, trusted=report.clock_trusted)
        samples = self._readings(report, present, now)
        rows = self._settings_of(report, present, now, samples)
        self._count(report, now)
        samples += self.status(now) if back else self._lately(now)
        return samples, rows

    def end_of(self, state: wire.CommandState, present: Present) -> tuple[bool, list[Sample]]:
        """Take what it says of a command; return whether that is its end, and what its point shows of it."""
        over, asked = self.commands.hear(state)
        if not over or asked is None or asked.later is None or asked.key not in self.inventory.commands:
            return over, []
        point = self.inventory.commands[asked.key].point  # nobody waits for it any more: it alone can say so
        error = failure(state, self.id)
        if error is None:
            return over, [Sample(point.name, Reading(present(point.name).value, self._clock.now()))]
        return over, [self.failed_command(point, present, str(error))]

    def failed_command(self, point: Point, present: Present, why: str) -> Sample:
        """Return what the point of a command that was not done shows."""
        reading = Reading(present(point.name).value, self._clock.now(), Severity.INVALID, Status.WRITE)
        return Sample(point.name, reading, why)

    def unknown(self, commands: Iterable[Unknown], present: Present) -> list[Sample]:
        """Return what the points of commands show of which nobody knows how they ended."""
        known = [(self.inventory.commands[key].point, why) for key, why in commands if key in self.inventory.commands]
        return [self.failed_command(point, present, str(why)) for point, why in known]

    # What is shown of it

    def contact(self, now: float) -> Sample:
        """Return whether there is contact; none is a MAJOR alarm."""
        connected = self.liveness.alive
        alarm = _GOOD if connected else (Severity.MAJOR, Status.STATE)
        return Sample(self.points.connected.name, Reading(int(connected), now, *alarm), self.trouble)

    def status(self, now: float) -> list[Sample]:
        """Return what the service's own points of it show."""
        contact = self.contact(now)
        return [
            contact,
            Sample(self.points.since.name, Reading(iso(self._since), now)),
            Sample(self.points.error.name, contact.reading._replace(value=self._all_trouble)),
            Sample(self.points.restarted.name, Reading(0, now)),
            *self._lately(now),
        ]

    def item(self) -> ReactorItem:
        """Return it as lists show it."""
        waiting, oldest_s = self._backlog or (None, None)
        return ReactorItem(
            self.id,
            self.row.name,
            self.row.version,
            Presence.CONNECTED if self.liveness.alive else Presence.AWAY,
            self._since,
            self._heard,
            self.address,
            enrolled=bool(self.row.token_hash),
            points=len(self.inventory.points),
            settings=self.settings.open_items(self.inventory),
            samples_waiting=waiting,
            oldest_waiting_s=oldest_s,
            samples_dropped=self.dropped,
            trouble=self._all_trouble,
        )

    # The stream that shortens the wait

    def nudge(self) -> None:
        """Have the next report come at once."""
        if self._watch is not None:
            self._watch.set()

    def watch(self) -> asyncio.Event:
        """Begin a stream of nudges, in the place of one before; return what each nudge sets."""
        self.end_watch()
        self._watch = asyncio.Event()
        self.liveness.watching = 1
        return self._watch

    def is_watched_by(self, nudged: asyncio.Event) -> bool:
        """Say whether a stream is the one that counts."""
        return self._watch is nudged

    def end_watch(self, nudged: asyncio.Event | None = None) -> None:
        """End the stream of nudges: the one given, or any."""
        if self._watch is not None and nudged in (None, self._watch):
            self._watch.set()
            self._watch = None
            self.liveness.watching = 0

    # Inside

    @property
    def _all_trouble(self) -> str:
        return self.trouble or self._held_up

    def _note_clock(self, time_ms: int, now: float, *, trusted: bool) -> None:
        self.clock_ahead_s = time_ms / 1000 - now if trusted and time_ms else None

    def _readings(self, report: wire.ReportRequest, present: Present, now: float) -> list[Sample]:
        off_s = now - report.time_ms / 1000
        shift_s = 0.0 if report.clock_trusted and abs(off_s) <= _MOST_OFF_S else off_s
        samples: list[Sample] = []
        touched: set[str] = set()
        for reading in report.readings:
            point = self.inventory.readings.get((reading.part, reading.parameter))
            if point is None:
                continue
            severity, status = alarm_of(reading.severity, reading.status)
            detail = printable(reading.detail[:LONGEST_DETAIL])
            value: Value | None = None
            try:
                value = value_of(point, reading.value)
            except BadValue as error:
                severity, status, detail = Severity.INVALID, Status.READ, str(error)
            if value is None:
                value = present(point.name).value
                if value is None:
                    continue  # it stays what it is: never read
                if severity is not Severity.INVALID:
                    severity, status = Severity.INVALID, Status.READ
            self._note_contact(reading.part, reading.parameter, detail, failed=status is Status.COMM, touched=touched)
            time = reading.time_ms / 1000 + shift_s if reading.time_ms > 0 else now
            # What has been so since before a loss is confirmed by the return, and is no late news then.
            time = max(0.0, min(max(time, self._back_at), now))
            samples.append(Sample(point.name, Reading(value, time, severity, status), detail))
        samples.sort(key=_time)
        for part in touched | self._failing.keys():
            if (contact := self.inventory.contacts.get(part)) is not None:
                failing = self._failing.get(part)
                alarm = (Severity.MAJOR, Status.STATE) if failing else _GOOD
                why = next(iter(failing.values())) if failing else ""
                samples.append(Sample(contact.name, Reading(int(bool(failing)), now, *alarm), why))
        return samples

    def _note_contact(self, part: str, parameter: str, detail: str, *, failed: bool, touched: set[str]) -> None:
        touched.add(part)
        if failed:
            self._failing.setdefault(part, {})[parameter] = detail
        elif part in self._failing:
            self._failing[part].pop(parameter, None)
            if not self._failing[part]:
                del self._failing[part]

    def _settings_of(
        self, report: wire.ReportRequest, present: Present, now: float, samples: list[Sample]
    ) -> list[SettingRow]:
        rows: list[SettingRow] = []
        for state in report.settings:
            found = reported(self.inventory, state)
            if found is None:
                continue
            key, value = found
            row = self.settings.hear(key, state, value, now)
            if row is not None:
                rows.append(row)
                samples.append(shown(row, self.inventory))
                if row.reason:
                    _logger.warning("%s: %s: %r was rejected: %s", self.id, ":".join(key), row.value, row.reason)
            if value is not None:
                samples += self._reported(key, value, present, now)
        return rows

    def _reported(self, key: Key, value: Value, present: Present, now: float) -> list[Sample]:
        """Return what holds; what nobody has asked for yet is desired as it is."""
        desired, reported_point = self.inventory.settings[key]
        samples = [Sample(reported_point.name, Reading(value, now))]
        if self.settings.row(key) is None and present(desired.name)[0:4:2] != (value, Severity.NO_ALARM):
            samples.append(Sample(desired.name, Reading(value, now)))
        return samples

    def _lately(self, now: float) -> list[Sample]:
        """Return what there is to say of late: a restart, and its samples."""
        points, samples = self.points, list[Sample]()
        if self._rival is not None:
            lately = now - self._rival < _RIVAL_S
            self.trouble, self._rival = (self.trouble, self._rival) if lately else ("", None)
            alarm = (Severity.MINOR, Status.STATE) if lately else _GOOD
            samples.append(Sample(points.error.name, Reading(self._all_trouble, now, *alarm)))
        elif self.liveness.alive and (self._held_up or self._held_up_shown):
            alarm = (Severity.MINOR, Status.STATE) if self._held_up else _GOOD
            samples.append(Sample(points.error.name, Reading(self._all_trouble, now, *alarm)))
            self._held_up_shown = bool(self._held_up)
        if self._restarted is not None:
            lately = now - self._restarted < RECENT_S
            samples.append(Sample(points.restarted.name, Reading(int(lately), now)))
            self._restarted = self._restarted if lately else None
        if self._backlog is not None:
            self._dropped_lately = self._dropped_lately if now - self._dropped_at < RECENT_S else 0
            waiting, oldest_s = self._backlog
            samples += [
                Sample(points.waiting.name, Reading(waiting, now)),
                Sample(points.oldest.name, Reading(oldest_s, now)),
                Sample(points.dropped.name, Reading(self._dropped_lately, now)),
            ]
        return samples

    def _count(self, report: wire.ReportRequest, now: float) -> None:
        self._backlog = (min(report.samples_waiting, 2**31 - 1), report.oldest_waiting_ms / 1000)
        dropped = min(report.samples_dropped, _MOST_COUNTED)
        if self.dropped is not None and dropped != self.dropped:
            # Fewer than before: it counts in another file now, from nothing on.
            self.lose_samples(dropped - self.dropped if dropped > self.dropped else dropped)
        self.dropped = dropped

    def lose_samples(self, count: int) -> None:
        """Take note that samples of it are lost, there or here."""
        now = self._clock.now()
        if now - self._dropped_at >= RECENT_S:
            self._dropped_lately = 0
        if count:
            self._dropped_lately = min(self._dropped_lately + count, 2**31 - 1)
            self._dropped_at = now


def _time(sample: Sample) -> float:
    return sample.reading.time or 0.0
