"""What records of relays say: one class each, and an end only where no flag is set."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from vigilia.drivers.pvoperation.digest import Digest
from vigilia.drivers.pvoperation.mapping import last_record, relay_status, samples_of
from vigilia.drivers.pvoperation.progress import Progress
from vigilia.drivers.pvoperation.records import CLASSES, Record

CLASS_NAMES = [flags.name for flags in CLASSES]
FLAGS = {"Overvoltage": "r59A", "Undervoltage": "r27A", "Frequency": "r81O"}


def told(
    *records: Record, active: frozenset[tuple[str, str]] = frozenset()
) -> list[tuple[str, str, float | None, int]]:
    """The samples of relays: relay, class, time and value."""
    found = replace(Digest.of_nothing(Progress(0)), relays=records, newest=records[-1].time if records else None)
    samples = samples_of("1", found, lambda relay, class_name: (relay, class_name) in active)
    assert not records or samples.pop().name == last_record("1")
    parts = {relay_status("1", relay, name): (relay, name) for relay in ("R1", "R2") for name in CLASS_NAMES}
    return [(*parts[sample.name], sample.reading.time, int(sample.reading.value or 0)) for sample in samples]


def of_class(class_name: str, *records: Record, active: frozenset[tuple[str, str]] = frozenset()) -> list[object]:
    return [
        (time, value)
        for relay, name, time, value in told(*records, active=active)
        if (relay, name) == ("R1", class_name)
    ]


def record(time: float, *class_names: str, relay: str = "R1") -> Record:
    return Record(time, relay, tuple(sorted(FLAGS[name] for name in class_names)))


def test_a_first_record_gives_every_class_a_value() -> None:
    assert [(name, value) for _, name, _, value in told(record(1, "Undervoltage"))] == [
        (name, int(name == "Undervoltage")) for name in CLASS_NAMES
    ]


def test_a_record_of_one_class_says_nothing_of_another_that_is_active() -> None:
    active = frozenset({("R1", "Overvoltage")})
    assert of_class("Overvoltage", record(5, "Undervoltage"), active=active) == []
    assert of_class("Undervoltage", record(5, "Undervoltage"), active=active) == [(5, 1)]
    assert of_class("Frequency", record(5, "Undervoltage"), active=active) == [(5, 0)]


def test_a_record_without_a_flag_makes_every_class_normal() -> None:
    active = frozenset({("R1", "Overvoltage"), ("R1", "Undervoltage")})
    assert [(name, value) for _, name, _, value in told(record(5), active=active)] == [
        (name, 0) for name in CLASS_NAMES
    ]


def test_two_classes_that_alternate_stay_active_until_a_record_without_a_flag() -> None:
    records = [record(n, ("Overvoltage", "Undervoltage")[n % 2]) for n in range(4)]
    assert of_class("Overvoltage", *records) == [(0, 1), (2, 1)]
    assert of_class("Undervoltage", *records) == [(0, 0), (1, 1), (3, 1)]
    more = (*records, record(4), record(5, "Undervoltage"))
    assert of_class("Overvoltage", *more) == [(0, 1), (2, 1), (4, 0), (5, 0)]
    assert of_class("Undervoltage", *more) == [(0, 0), (1, 1), (3, 1), (4, 0), (5, 1)]


def test_one_class_of_a_record_hides_another_and_does_not_end_it() -> None:
    both = record(2, "Overvoltage", "Undervoltage")
    assert of_class("Undervoltage", record(1, "Undervoltage"), both) == [(1, 1)]


def test_relays_say_nothing_of_each_other() -> None:
    records = (record(1, "Overvoltage"), record(2, relay="R2"), record(3, "Undervoltage"))
    assert of_class("Overvoltage", *records) == [(1, 1)]


def test_a_late_record_does_not_let_a_newer_one_end_what_began_between_them() -> None:
    # The point is Active since 10; the record without a flag is of 8 and came late.
    late, newer = record(8), record(12, "Undervoltage")
    assert of_class("Overvoltage", late, newer, active=frozenset({("R1", "Overvoltage")})) == [(8, 0)]


@given(st.lists(st.sets(st.sampled_from(sorted(FLAGS)), max_size=2), max_size=12))
def test_an_alarm_never_ends_but_at_a_record_without_a_flag(flags: list[set[str]]) -> None:
    records = [record(float(time), *sorted(names)) for time, names in enumerate(flags)]
    clean = {float(time) for time, names in enumerate(flags) if not names}
    for class_name in CLASS_NAMES:
        value = 0
        for time, now in of_class(class_name, *records):  # type: ignore[misc]
            assert not (value and not now) or time in clean
            value = now
