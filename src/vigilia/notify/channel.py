"""One channel's task: takes what waits for it out of the outbox, makes cards, keeps to the budget, sends, records.

Nothing here holds another channel up, and nothing is dropped: what cannot be sent now is sent later, with the number it
was given first.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from vigilia.clock import Clock
from vigilia.notices import Notice
from vigilia.notify.budget import Budget
from vigilia.notify.cards import Card
from vigilia.notify.plan import ALARM_KINDS, LARGEST_NUMBER, Again, New, Nothing, build, choose, in_order, second_half
from vigilia.notify.sender import NotDelivered, Sender
from vigilia.rules import Told
from vigilia.store import Store, StoreError, outbox
from vigilia.store.outbox import Waiting

_logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2000
"""Notices looked at together: the most a summary can be made of."""
GATHER_S = 5.0
"""How long a notice waits for others of the same scan."""
STORM_CARDS = 5
STORM_GATHER_S = 60.0
"""How long it waits after STORM_CARDS cards within STORM_S: that is a storm, and summaries serve people better."""
STORM_S = 300.0
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 300.0
FIRST_REST_S = 10.0
LONGEST_REST_S = 600.0
"""How long a card rests that was refused for itself, while others go on."""
FAREWELL_S = 3.0
"""Real seconds that a card under way has to be answered and recorded where the service stops."""
_STORE_RETRY_S = 2.0
_FAULT_RETRY_S = 30.0
_LONGEST_IDLE_S = 5.0
"""Real seconds between two looks at the outbox, whatever happens."""
LONGEST_SILENCE_S = 90.0
"""Real seconds: no turn takes longer, with the deadlines of the senders and of the store."""


class Channel:
    """Delivers the notices of one channel."""

    def __init__(
        self,
        sender: Sender,
        windows: Sequence[tuple[int, float]],
        store: Store,
        clock: Clock,
        site: str,
        link: str,
        grafana_url: str = "",
    ) -> None:
        self.name = sender.name
        self.waiting = 0
        """Notices that are not delivered yet."""
        self.oldest_at: float | None = None
        """When the oldest of them was queued, seconds UTC."""
        self.progressed = clock.monotonic()
        """The clock's monotonic time of the last turn."""
        self.on_delivered: Callable[[Notice, Told], None] | None = None
        """Called with each notice that was delivered."""
        self._sender = sender
        self._windows = windows
        self._store = store
        self._clock = clock
        self._site = site
        self._link = link
        self._grafana_url = grafana_url
        self._wake = asyncio.Event()
        self._budget: Budget | None = None
        self._told: deque[float] = deque(maxlen=STORM_CARDS)
        self._failures = 0
        self._quiet_until = 0.0
        self._resting: dict[int, float] = {}
        self._bare: set[int] = set()
        self._unrecorded: int | None = None
        self._store_away = False

    def wake(self) -> None:
        """Say that something was queued."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver, until cancelled."""
        try:
            while True:
                pause = await self._guarded_turn()
                self.progressed = self._clock.monotonic()
                await self._rest(pause)
        finally:
            await self._sender.close()

    async def send_past_the_outbox(self, notice: Notice) -> None:
        """Send one notice at once and only once, without a number: for what the store cannot be told."""
        card = self._build([notice], None)
        if self._budget is not None:
            self._budget.spend(self._clock.now())
        try:
            await self._sender.send(card)
        except NotDelivered as error:
            _logger.error("%s: %s, which the outbox does not hold: %s", self._sender.mark, card.title, error)

    async def _guarded_turn(self) -> float:
        """Take one turn; return how many seconds may pass before the next. Whatever goes wrong, there is a next one."""
        try:
            pause = await self._turn()
        except StoreError as error:
            if not self._store_away:
                _logger.error("%s: notices wait, for the store does not answer: %s", self.name, error)
            self._store_away = True
            return _STORE_RETRY_S
        except Exception:  # a fault in the program must not silence the channel for good
            _logger.exception("%s: a fault; notices wait", self.name)
            return _FAULT_RETRY_S
        self._store_away = False
        return pause

    async def _turn(self) -> float:
        if self._unrecorded is not None:
            await self._record(self._unrecorded)
        if self._budget is None:
            self._budget = Budget(self._windows, await outbox.sent_lately(self._store, self.name))
        rows = await outbox.waiting(self._store, self.name, MOST_AT_ONCE)
        await self._count(rows)
        now = self._clock.now()
        quiet = self._quiet_until - self._clock.monotonic()
        if not rows or quiet > 0:
            return quiet if rows else _LONGEST_IDLE_S * self._clock.speed
        short = self._budget.wait(now, urgent=False)
        if short > 0 and (pause := self._budget.wait(now, urgent=True)) > 0:
            return pause
        choice = choose(
            rows,
            resting=self._cards_at_rest(),
            gather_until=self._gather_until(now),
            now=now,
            measure=self._measure,
            urgent_only=short > 0,
        )
        match choice:
            case Again():
                await self._attempt(choice, self._budget)
            case New():
                parts = [[row.id for row in part] for part in choice.parts]
                await outbox.claim(self._store, self.name, parts, now)
            case Nothing():
                return self._until_something(choice, short, now)
        return 0.0

    async def _attempt(self, again: Again, budget: Budget) -> None:
        """Send a card once, and record how that went."""
        budget.spend(self._clock.now())
        await outbox.attempt(self._store, self.name, again.card, budget.sent)
        await self._to_its_end(self._send(again.card, in_order(again.rows), budget), again.card)

    async def _to_its_end(self, sending: Coroutine[Any, Any, None], number: int) -> None:
        """Await what sends a card. A card that was taken and is not recorded would be sent again by the next service.

        So where this is cancelled meanwhile, the card has FAREWELL_S.
        """
        task = asyncio.create_task(sending)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            try:
                await asyncio.wait([task], timeout=FAREWELL_S)
            finally:
                task.cancel()
            (how,) = await asyncio.gather(task, return_exceptions=True)
            if how is not None:
                why = "no answer in time" if isinstance(how, asyncio.CancelledError) else repr(how)
                _logger.warning(
                    "%s: whether no. %d arrived is not on record: it is sent again: %s", self.name, number, why
                )
            raise

    async def _send(self, number: int, rows: Sequence[Waiting], budget: Budget) -> None:
        card = self._card([row.notice for row in rows], number)
        try:
            await self._sender.send(card)
        except NotDelivered as error:
            budget.settle(self._clock.now())
            await self._not_delivered(number, rows, error)
            return
        budget.settle(self._clock.now())
        self._failures = 0
        self._resting.pop(number, None)
        self._bare.discard(number)
        if rows[0].notice.kind in ALARM_KINDS:
            self._told.append(self._clock.monotonic())
        self._unrecorded = number
        _logger.info("%s: delivered no. %d: %s", self.name, number, card.title)
        if self.on_delivered is not None:
            told = Told(self.name, number, self._clock.now())
            for row in rows:
                self.on_delivered(row.notice, told)
        await self._record(number)

    async def _record(self, card: int) -> None:
        """Record that a card was delivered. Where the store does not take it, the next turn begins with it."""
        await outbox.delivered(self._store, self.name, card, self._clock.now())
        self._unrecorded = None

    async def _not_delivered(self, card: int, rows: Sequence[Waiting], error: NotDelivered) -> None:
        self._failures += 1
        pause = error.retry_after_s or _backoff(self._failures)
        self._quiet_until = self._clock.monotonic() + pause
        if error.too_large and len(rows) > 1:
            half = second_half(rows)
            await outbox.reclaim(self._store, self.name, [row.id for row in half], self._clock.now())
        elif error.too_large and card not in self._bare:
            self._bare.add(card)
        elif error.refused:
            rest = min(LONGEST_REST_S, FIRST_REST_S * 2 ** min(rows[0].attempts, 10))
            self._resting[card] = self._clock.monotonic() + rest
        _logger.warning(
            "%s: no. %d (%s), attempt %d: %s; again in %.0f s",
            self._sender.mark,
            card,
            rows[0].notice.title,
            rows[0].attempts + 1,
            error,
            max(pause, self._resting.get(card, 0.0) - self._clock.monotonic()),
        )
        await outbox.failed(self._store, self.name, card, str(error))

    def _card(self, notices: Sequence[Notice], number: int) -> Card:
        card = self._build(notices, number)
        return replace(card, facts=()) if number in self._bare else card

    def _measure(self, notices: Sequence[Notice]) -> int:
        return self._sender.size(self._build(notices, LARGEST_NUMBER))

    def _build(self, notices: Sequence[Notice], number: int | None) -> Card:
        size, site, link = self._sender.size, self._site, self._link
        return build(notices, size, number=number, site=site, link=link, grafana_url=self._grafana_url)

    def _cards_at_rest(self) -> frozenset[int]:
        now = self._clock.monotonic()
        self._resting = {card: until for card, until in self._resting.items() if until > now}
        return frozenset(self._resting)

    def _gather_until(self, now: float) -> Callable[[float], float]:
        """Return what says, for the time a notice was queued, how long others may join it."""
        monotonic = self._clock.monotonic()
        storm = len(self._told) == STORM_CARDS and self._told[0] > monotonic - STORM_S
        gather = STORM_GATHER_S if storm else GATHER_S
        return lambda queued_at: queued_at + gather if queued_at <= now else now

    def _until_something(self, nothing: Nothing, short: float, now: float) -> float:
        """Return the seconds until there may be something to send, where all that waits cannot be sent now."""
        monotonic = self._clock.monotonic()
        ends = [until - monotonic for until in self._resting.values()]
        if nothing.ready_at is not None:
            ends.append(nothing.ready_at - now)
        if short > 0:
            ends.append(short)
        return max(0.0, min(ends, default=_LONGEST_IDLE_S * self._clock.speed))

    async def _count(self, rows: Sequence[Waiting]) -> None:
        self.waiting = len(rows)
        self.oldest_at = min((row.created_at for row in rows), default=None)
        if len(rows) == MOST_AT_ONCE:
            self.waiting, self.oldest_at = await outbox.backlog(self._store, [self.name])

    async def _rest(self, seconds: float) -> None:
        """Wait so many seconds of the clock, at most _LONGEST_IDLE_S real ones, or until something is queued."""
        try:
            # Not asyncio.wait_for: before Python 3.12 it swallows a cancellation that meets the wake.
            async with asyncio.timeout(min(max(0.0, seconds) / self._clock.speed, _LONGEST_IDLE_S)):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()


def _backoff(failures: int) -> float:
    """Return how long to wait after so many failures in a row, in seconds: doubled each time, drawn at random."""
    longest = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(failures - 1, 20))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - so that many senders do not come back together
