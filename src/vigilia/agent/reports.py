"""The reports to the manager: everything in the first one, afterwards what is new since the last that arrived."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from vigilia.agent.clocking import Clocking
from vigilia.agent.desk import Desk
from vigilia.agent.memory import Decision, Key
from vigilia.agent.parts import Access, Declaration, Measured, Part
from vigilia.agent.samples import SampleStore
from vigilia.agent.wire import command_state_of, reading_of, setting_state_of
from vigilia.clock import Clock
from vigilia.points import Kind, Severity, Status
from vigilia.wire.reactor.v1 import reactor_pb2 as pb


class Reporter:
    """Makes reports. `faulty` says, by part, why one is not at work: its readings are then no good."""

    def __init__(
        self,
        parts: Sequence[Part],
        desk: Desk,
        store: SampleStore,
        clocking: Clocking,
        clock: Clock,
        faulty: Callable[[str], str],
    ) -> None:
        self._parts = parts
        self._desk = desk
        self._store = store
        self._clocking = clocking
        self._clock = clock
        self._faulty = faulty
        self._sequence = 0
        self._told: dict[Key, Measured] = {}
        self._decided: dict[Key, Decision] = {}
        self._sent: tuple[dict[Key, Measured], dict[Key, Decision]] = ({}, {})
        self._full = True

    def begin_anew(self) -> None:
        """Have the next report be a full one."""
        self._full = True

    def compose(self, reactor_id: str, boot_id: str) -> pb.ReportRequest:
        """Return the report that is due."""
        self._sequence += 1
        kinds = _kinds(part.declaration for part in self._parts)
        readings, decisions = self._readings(), self._desk.decisions()
        told, decided = ({}, {}) if self._full else (self._told, self._decided)
        report = pb.ReportRequest(
            reactor_id=reactor_id,
            boot_id=boot_id,
            sequence=self._sequence,
            time_ms=round(self._clock.now() * 1000),
            clock_trusted=self._clocking.trusted,
            full=self._full,
            samples_waiting=self._store.waiting,
            samples_dropped=self._store.dropped,
            oldest_waiting_ms=oldest_age_ms(self._store, self._clock),
        )
        for key, measured in readings.items():
            if told.get(key) != measured:
                kind = kinds.get((*key, Access.READING), Kind.NUMBER)
                report.readings.append(reading_of(key[0], measured, kind))
        for key, decision in decisions.items():
            if decided.get(key) != decision:
                kind = kinds.get((*key, Access.SETTING), Kind.NUMBER)
                report.settings.append(setting_state_of(key, decision, kind))
        report.commands.extend(map(command_state_of, self._desk.fates))
        self._sent = readings, dict(decisions)
        return report

    def arrived(self, *, full_wanted: bool) -> None:
        """Note that the report composed last has arrived."""
        self._told, self._decided = self._sent
        self._full = full_wanted

    def _readings(self) -> dict[Key, Measured]:
        """Return the newest readings of all parts; those of a part that a fault has stopped say so."""
        found: dict[Key, Measured] = {}
        for part in self._parts:
            name = part.declaration.name
            fault = self._faulty(name)
            for measured in part.readings():
                found[name, measured.parameter] = (
                    measured._replace(severity=Severity.INVALID, status=Status.COMM, detail=fault)
                    if fault
                    else measured
                )
        return found


def oldest_age_ms(store: SampleStore, clock: Clock) -> int:
    """Return how long the oldest sample has waited; 0: none waits."""
    oldest = store.oldest_ms
    return 0 if oldest is None else max(0, round(clock.now() * 1000) - oldest)


def _kinds(declarations: Iterable[Declaration]) -> Mapping[tuple[str, str, Access], Kind]:
    return {(of.name, it.name, it.access): it.kind for of in declarations for it in of.parameters}
