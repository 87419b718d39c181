"""What a channel sends next: pure decisions over the notices that wait."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vigilia.notices import Notice, NoticeKind
from vigilia.notify.cards import Card, compose, grouped
from vigilia.notify.links import page_of
from vigilia.store.outbox import Waiting

LARGEST_CARD_BYTES = 20_000
MOST_AREAS = 5
"""When notices of more areas wait, they are summed up."""

ALARM_KINDS = (NoticeKind.RAISED, NoticeKind.CLEARED)
_URGENT_KINDS = (NoticeKind.CLEARED, NoticeKind.HEARTBEAT)
LARGEST_NUMBER = 10**9
"""A card's number at its longest, for measuring."""

Measure = Callable[[Card], int]
"""How many bytes a card takes."""


@dataclass(frozen=True, slots=True)
class Again:
    """A card that was claimed before, and is to be sent (again)."""

    card: int
    rows: Sequence[Waiting]


@dataclass(frozen=True, slots=True)
class New:
    """Notices that nobody has seen, to be claimed: each part makes a card."""

    parts: Sequence[Sequence[Waiting]]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing can be sent now."""

    ready_at: float | None = None
    """When notices that are being gathered will be ready; None: there are none."""


def choose(
    rows: Sequence[Waiting],
    *,
    resting: frozenset[int],
    gather_until: Callable[[float], float],
    now: float,
    measure: Callable[[Sequence[Notice]], int],
    urgent_only: bool,
) -> Again | New | Nothing:
    """Return what to send next of `rows`, which are in the order of their ids.

    `resting` are the cards that are not tried for now: what belongs to the same alarms waits for them. `gather_until`
    says for the time a notice was queued how long others are waited for to go with it. With `urgent_only`, only cards
    that may use the budget's reserve are looked for.
    """
    claimed: dict[int, list[Waiting]] = {}
    for row in rows:
        if row.card is not None:
            claimed.setdefault(row.card, []).append(row)
    first_card = _first_card_of_each_alarm(rows)
    for card in sorted(claimed):
        turn = all(first_card.get(row.notice.alarm, card) == card for row in claimed[card])
        if turn and card not in resting and (not urgent_only or urgent(claimed[card])):
            return Again(card, claimed[card])
    held = {row.notice.alarm for part in claimed.values() for row in part if row.notice.alarm}
    return _choose_new(
        [row for row in rows if row.card is None and row.notice.alarm not in held],
        gather_until,
        now,
        measure,
        urgent_only,
    )


def _first_card_of_each_alarm(rows: Sequence[Waiting]) -> dict[str, int]:
    """Return for each alarm the card that carries the earliest of its notices: no other may go before it."""
    first: dict[str, int] = {}
    for row in rows:
        if row.notice.alarm and row.card is not None:
            first.setdefault(row.notice.alarm, row.card)
    return first


def urgent(rows: Sequence[Waiting]) -> bool:
    """Say whether a card of these notices may use the budget's reserve."""
    return all(row.notice.kind in _URGENT_KINDS for row in rows)


def _choose_new(
    rows: Sequence[Waiting],
    gather_until: Callable[[float], float],
    now: float,
    measure: Callable[[Sequence[Notice]], int],
    urgent_only: bool,
) -> New | Nothing:
    for row in rows:
        if row.notice.kind not in ALARM_KINDS and (not urgent_only or urgent([row])):
            return New([[row]])
    alarms = [row for row in rows if row.notice.kind in ALARM_KINDS]
    if urgent_only:
        alarms = _recoveries_alone(alarms)
    if not alarms:
        return Nothing()
    ready_at = min(gather_until(row.created_at) for row in alarms)
    if ready_at > now:
        return Nothing(ready_at)
    groups = _groups(alarms)
    if len({row.notice.area for row in alarms}) > MOST_AREAS:
        return New(split([row for group in groups for row in group], measure))
    return New(split(groups[0], measure))


def _recoveries_alone(rows: Sequence[Waiting]) -> list[Waiting]:
    """Return the recoveries whose failures do not wait themselves."""
    begun: set[str] = set()
    found: list[Waiting] = []
    for row in rows:
        if row.notice.kind is NoticeKind.CLEARED and row.notice.alarm not in begun:
            found.append(row)
        else:
            begun.add(row.notice.alarm)
    return found


def split(rows: Sequence[Waiting], measure: Callable[[Sequence[Notice]], int]) -> list[list[Waiting]]:
    """Return `rows` in parts, each of which makes a card of at most LARGEST_CARD_BYTES."""
    parts: list[list[Waiting]] = []
    rest = list(rows)
    while rest:
        fits, too_many = 1, len(rest) + 1
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if measure([row.notice for row in in_order(rest[:middle])]) <= LARGEST_CARD_BYTES:
                fits = middle
            else:
                too_many = middle
        parts.append(rest[:fits])
        rest = rest[fits:]
    return parts


def second_half(rows: Sequence[Waiting]) -> list[Waiting]:
    """Return the rows that a card which was too large must give up, so that what stays can be sent before them."""
    ordered = [row for group in _groups(in_order(rows)) for row in group]
    return ordered[len(ordered) // 2 :]


def _groups(rows: Sequence[Waiting]) -> list[list[Waiting]]:
    return [[rows[index] for index in group] for group in grouped([row.notice for row in rows])]


def in_order(rows: Sequence[Waiting]) -> list[Waiting]:
    """Return `rows` in the order in which they were queued: a card is made anew from them so, at each attempt."""
    return sorted(rows, key=lambda row: row.id)


def build(
    notices: Sequence[Notice],
    size: Measure,
    *,
    number: int | None = LARGEST_NUMBER,
    site: str,
    link: str,
    grafana_url: str = "",
) -> Card:
    """Return the card for notices, its facts shortened from the end where one notice alone is too large with them."""
    card = replace(compose(notices, grafana_url), number=number, site=site, link=page_of(link, notices))
    while len(notices) == 1 and card.facts and size(card) > LARGEST_CARD_BYTES:
        card = replace(card, facts=card.facts[:-1])
    return card
