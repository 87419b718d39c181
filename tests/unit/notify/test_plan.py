"""What is sent next: one card for a plant and kind, a summary for many, order kept, nothing left out."""

import re
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.notify.webhook import failure, recovery
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.cards import Card, Tone, compose, plain
from vigilia.notify.plan import LARGEST_CARD_BYTES, Again, New, Nothing, build, choose, in_order, second_half
from vigilia.notify.teams import TeamsSender
from vigilia.points import Severity
from vigilia.settings import Secret
from vigilia.store.outbox import Waiting

TEAMS = TeamsSender(Secret("https://x.example/"), "adaptive")
LEGACY = TeamsSender(Secret("https://x.example/"), "messagecard")


def measure(notices: Sequence[Notice]) -> int:
    return TEAMS.size(build(notices, TEAMS.size, site="Vigilia", link="https://vigilia.example/"))


def rows_of(*notices: Notice) -> list[Waiting]:
    return [Waiting(index, notice, 0.0, None, 0) for index, notice in enumerate(notices, 1)]


def next_of(
    rows: Sequence[Waiting], *, resting: Sequence[int] = (), urgent_only: bool = False, now: float = 100.0
) -> Again | New | Nothing:
    return choose(
        rows,
        resting=frozenset(resting),
        gather_until=lambda queued_at: queued_at + 5,
        now=now,
        measure=measure,
        urgent_only=urgent_only,
    )


def drain(rows: Sequence[Waiting]) -> list[list[Notice]]:
    """Everything that is sent, card by card, while all goes well."""
    rows = list(rows)
    cards: list[list[Notice]] = []
    number = 0
    while rows:
        match next_of(rows):
            case Again(card, mine):
                cards.append([row.notice for row in in_order(mine)])
                rows = [row for row in rows if row.card != card]
            case New(parts):
                for part in parts:
                    number += 1
                    ids = {row.id for row in part}
                    rows = [row._replace(card=number) if row.id in ids else row for row in rows]
            case Nothing():
                raise AssertionError("what waits is never sent")
    return cards


def test_one_card_for_a_plant_and_kind_with_a_line_for_each() -> None:
    cards = drain(rows_of(failure("A", "INV-1"), failure("B", "INV-2"), failure("A", "INV-3")))
    assert [compose(card).title for card in cards] == ["Falha de inversor – A", "Falha de inversor – B"]
    assert compose(cards[0]).lines == ("INV-1: Pac 0", "INV-3: Pac 0")


def test_a_card_of_the_service_looks_as_bad_as_it_is() -> None:
    tones = [
        compose([Notice(NoticeKind.SERVICE, "Monitor", "", "", 1.0, severity)]).tone
        for severity in (Severity.MAJOR, Severity.MINOR, Severity.NO_ALARM)
    ]
    assert tones == [Tone.ATTENTION, Tone.WARNING, Tone.GOOD]


def test_facts_of_the_area_are_told_once() -> None:
    facts = (("Planta", "A"), ("Capacidade", "1 kWp"))
    card = compose([failure("A", "1", facts=facts), failure("A", "2", facts=(*facts, ("Nota", "x")))])
    assert card.facts == (*facts, ("Nota", "x"))


def test_a_summary_tells_the_facts_of_each_area() -> None:
    """The capacity of a plant, above all: once, at the end of its line."""
    capacity = (("Capacidade", "2500 kWp"),)
    card = compose([failure("A", "1", facts=capacity), failure("A", "2", facts=capacity), failure("B", "3")])
    assert [line.partition(": ")[2] for line in card.lines] == ["1: Pac 0; 2: Pac 0 (Capacidade: 2500 kWp)", "3: Pac 0"]
    assert card.facts == ()


def test_five_areas_are_cards_and_six_a_summary() -> None:
    five = [failure(area, "INV-1") for area in "ABCDE"]
    assert len(drain(rows_of(*five))) == 5
    (card,) = drain(rows_of(*five, recovery("F", "INV-9")))
    assert compose(card).title == "Summary of alerts"
    assert compose(card).lines[0] == "Falha de inversor – A: INV-1: Pac 0"
    assert compose(card).lines[-1] == "Inversor normalizado – F: INV-9: 12 min"


def test_a_failure_and_its_recovery_are_both_told_in_order() -> None:
    told = drain(rows_of(failure("A", "1"), recovery("A", "1"), failure("A", "1"), failure("A", "2")))
    assert [(card[0].kind, len(card)) for card in told] == [("raised", 1), ("cleared", 1), ("raised", 2)]


def test_others_are_cards_of_their_own_and_do_not_wait_to_be_gathered() -> None:
    beat = Notice(NoticeKind.HEARTBEAT, "Heartbeat", "", "OK", 1.0)
    rows = rows_of(failure("A", "1"), beat)
    assert next_of(rows, now=1.0) == New([[rows[1]]])
    assert next_of(rows[:1], now=1.0) == Nothing(5.0)
    assert len(drain(rows_of(*[failure(area, "1") for area in "ABCDEF"], beat, beat))) == 3


def test_what_rests_holds_only_its_own_alarms() -> None:
    rows = rows_of(failure("A", "1"), recovery("A", "1"), failure("B", "1"))
    rows[0] = rows[0]._replace(card=1)
    assert next_of(rows) == Again(1, [rows[0]])
    assert next_of(rows, resting=[1]) == New([[rows[2]]])
    assert next_of(rows[:2], resting=[1]) == Nothing()


def test_a_later_card_of_an_alarm_waits_though_its_number_is_smaller() -> None:
    """As it is after a card was split for its size: its second half has a new, higher number."""
    rows = rows_of(failure("A", "1"), recovery("A", "1"))
    rows = [rows[0]._replace(card=9), rows[1]._replace(card=6)]
    assert next_of(rows) == Again(9, [rows[0]])
    assert next_of(rows, resting=[9]) == Nothing()


def test_the_reserve_is_for_recoveries_that_may_go_alone() -> None:
    beat = Notice(NoticeKind.HEARTBEAT, "Heartbeat", "", "OK", 1.0)
    rows = rows_of(failure("A", "1"), recovery("A", "1"), recovery("B", "2"), beat)
    assert next_of(rows, urgent_only=True) == New([[rows[3]]])
    assert next_of(rows[:3], urgent_only=True) == New([[rows[2]]])
    assert next_of(rows[:2], urgent_only=True) == Nothing()
    claimed = [rows[0]._replace(card=1), rows[1], rows[2]._replace(card=2)]
    assert next_of(claimed, urgent_only=True) == Again(2, [claimed[2]])


def test_the_second_half_comes_after_the_first_for_every_alarm() -> None:
    notices = [failure(area, "1") for area in "ABCDEF"] + [recovery(area, "1") for area in "ABCDEF"]
    rows = rows_of(*notices)
    later = second_half(rows)
    assert [row.notice.kind for row in later] == [NoticeKind.CLEARED] * 6


# Properties

AREAS = [f"UFV {name}" for name in ("Açaí", "_Bom_ *Sol*", "C" * 300, "D [x](y)", "E🔥" * 40, "F\n- G", "H", "I", "")]
STORM = st.lists(
    st.tuples(st.sampled_from(AREAS), st.integers(0, 400), st.booleans(), st.integers(0, 900)), min_size=1, max_size=250
)


def storm(steps: list[tuple[str, int, bool, int]]) -> list[Notice]:
    """Notices of alarms that come and go, each with a tag of its own in its line."""
    notices: list[Notice] = []
    active: set[str] = set()
    for index, (area, inverter, _, filler) in enumerate(steps):
        equipment = f"<{index}> INV {inverter}" + " ç🔥" * (filler // 3)
        alarm = f"{area}/{inverter}"
        notices.append((recovery if alarm in active else failure)(area, equipment, alarm=alarm))
        active ^= {alarm}
    return notices


@settings(max_examples=60)
@given(STORM)
def test_every_equipment_is_named_exactly_once_in_order_on_cards_of_bounded_size(
    steps: list[tuple[str, int, bool, int]],
) -> None:
    notices = storm(steps)
    cards = drain(rows_of(*notices))
    built = [build(card, TEAMS.size, number=1042, site="Vigilia", link="https://vigilia.example/") for card in cards]
    text = "\n".join(line for card in built for line in card.lines)
    assert Counter(re.findall(r"<(\d+)>", text)) == Counter(str(index) for index in range(len(notices)))
    assert max(TEAMS.size(card) for card in built) <= LARGEST_CARD_BYTES
    told: dict[str, list[str]] = {}
    for card in built:
        for line in card.lines:
            for tag in re.findall(r"<(\d+)>", line):
                told.setdefault(notices[int(tag)].alarm, []).append(tag)
    for alarm, tags in told.items():
        assert tags == [str(index) for index, notice in enumerate(notices) if notice.alarm == alarm]


TEXTS = st.text(max_size=50) | st.text(st.sampled_from('\\"&<*[🔥\x00\ud800'), min_size=20).map(
    lambda text: text * 1500
)


@settings(max_examples=60)
@given(TEXTS, TEXTS, TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=30), st.sampled_from(NoticeKind))
def test_no_text_breaks_a_card_or_makes_it_too_large(
    title: str, area: str, line: str, facts: list[tuple[str, str]], kind: NoticeKind
) -> None:
    notice = Notice(kind, title, area, line, 1.0, Severity.MAJOR, facts=tuple(facts))
    for sender in (TEAMS, LEGACY):
        card = build([notice], sender.size, site="Vigilia", link="https://vigilia.example/")
        assert sender.size(card) <= LARGEST_CARD_BYTES
        assert "\n" not in card.title


def test_facts_give_way_where_one_notice_is_too_large_with_them() -> None:
    facts = tuple((f"{number}" + "🔥" * 60, f"{number}" + "🔥" * 400) for number in range(12))
    notice = failure("🔥" * 400, "INV-1 " + "🔥" * 2000, facts=facts)
    card = build([notice], TEAMS.size, site="Vigilia", link="")
    assert TEAMS.size(card) <= LARGEST_CARD_BYTES
    assert 6 < len(card.facts) < 12
    assert card.lines[0].startswith("INV-1 ")


def test_texts_are_one_line_and_whole_where_they_can_be() -> None:
    assert plain("  UFV\n\tSão \x00José 👩\u200d🔧 ", 100) == "UFV São José 👩\u200d🔧"
    assert plain("x" * 30_000, 10) == "x" * 9 + "…"
    assert plain("\u202egnp.exe", 50) == "gnp.exe"


def test_a_storm_of_500_alarms_in_25_plants_costs_few_cards() -> None:
    line = "Pac 0 em 3 leituras seguidas, a primeira 10:15, a última 10:25 de 21/11/2026"
    notices = [
        Notice(
            NoticeKind.RAISED,
            "Falha de inversor",
            f"UFV Plant number {plant}",
            f"INV-{plant}-{inverter}: {line}",
            1.0,
            Severity.MAJOR,
            facts=(("Planta", "x" * 100),),
            alarm=f"{plant}/{inverter}",
        )
        for plant in range(25)
        for inverter in range(20)
    ]
    cards: list[Card] = [compose(card) for card in drain(rows_of(*notices))]
    assert len(cards) <= 5
    text = "\n".join(line for card in cards for line in card.lines)
    assert text.count("x" * 100) <= 25 + len(cards)  # the facts of a plant: once, or twice where its line is parted
    assert all(text.count(f"INV-{plant}-{inverter}:") == 1 for plant in range(25) for inverter in range(20))
