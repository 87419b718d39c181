"""The notifier: what the service has to tell, from routes to delivery, as one thing."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path

from vigilia.clock import Clock
from vigilia.language import tr
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.apprise import AppriseSender
from vigilia.notify.cards import Card, Tone
from vigilia.notify.channel import LONGEST_SILENCE_S, Channel
from vigilia.notify.config import NotifyConfig
from vigilia.notify.heartbeat import Vitals, compose_heartbeat, due, seconds_to_next
from vigilia.notify.routes import Routes
from vigilia.notify.sender import NotDelivered, Sender
from vigilia.notify.teams import TeamsSender
from vigilia.rules import Told
from vigilia.store import Store, StoreError, alarmjournal, outbox
from vigilia.store.marks import mark, marked

_logger = logging.getLogger(__name__)

_MARK = "heartbeat"
_PRUNE_S = 6 * 3600.0
_LONGEST_LOOK_S = 30.0
"""Seconds between two looks at the clock, which may have been set meanwhile."""


class Notifier:
    """Tells people: owns the channels, one task each, and the heartbeat's times.

    Raises StartError where a channel lacks its package.
    """

    def __init__(
        self,
        config: NotifyConfig,
        store: Store,
        clock: Clock,
        site: str,
        zone: tzinfo,
        *,
        public_url: str = "",
        grafana_url: str = "",
        data_dir: Path = Path(),
    ) -> None:
        self._routes = Routes.of(config)
        self._store = store
        self._clock = clock
        self._zone = zone
        self._times = config.heartbeat_times
        self._started_at = clock.now()
        budgets = {"teams": config.teams, "apprise": config.apprise}
        self._channels = [
            Channel(sender, section.windows, store, clock, site, public_url, grafana_url)
            for sender in make_senders(config, data_dir)
            if (section := budgets[sender.name]) is not None
        ]

    def channels_for(self, notice: Notice) -> tuple[str, ...]:
        """Return the names of the channels that a notice goes to, for `outbox.queue`."""
        return self._routes.channels_for(notice)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The channels there are."""
        return tuple(channel.name for channel in self._channels)

    async def run(self) -> None:
        """Deliver what is queued, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for channel in self._channels:
                group.create_task(channel.run(), name=f"notify {channel.name}")
            group.create_task(self._prune(), name="notify prune")

    def wake(self) -> None:
        """Say that notices were queued and committed."""
        for channel in self._channels:
            channel.wake()

    def when_delivered(self, call: Callable[[Notice, Told], None]) -> None:
        """Have `call` told of each notice that a channel took."""
        for channel in self._channels:
            channel.on_delivered = call

    async def tell(self, *notices: Notice) -> None:
        """Queue notices that belong to no other change: a report, or what befell the service.

        Where the store takes nothing, what befell the service is sent past it, once; for other notices this raises
        StoreError.
        """
        now = self._clock.now()
        try:
            async with self._store.writing() as connection:
                await outbox.queue(connection, [(notice, self.channels_for(notice)) for notice in notices], now)
        except StoreError:
            if any(notice.kind is not NoticeKind.SERVICE for notice in notices):
                raise
            for notice in notices:
                named = self.channels_for(notice)
                await asyncio.gather(
                    *(channel.send_past_the_outbox(notice) for channel in self._channels if channel.name in named)
                )
        self.wake()

    # Heartbeats

    async def wait_for_heartbeat(self) -> None:
        """Return when a heartbeat is due; without heartbeat times, or while the store is away, it waits on."""
        while True:
            now = self._clock.now()
            try:
                last = await self._last_heartbeat()
            except StoreError as error:
                _logger.error("[HEARTBEAT] the store does not say when the last one was: %s", error)
            else:
                if due(now, self._times, self._zone, last[0] if last else None, self._started_at):
                    return
            pause = seconds_to_next(now, self._times, self._zone)
            await self._clock.sleep(_LONGEST_LOOK_S if pause is None else min(pause, _LONGEST_LOOK_S))

    async def last_heartbeat(self) -> float | None:
        """Return when the last heartbeat was made, seconds UTC: alarms that were brief since then belong to the next.

        Raises StoreError.
        """
        last = await self._last_heartbeat()
        return last[1] if last else None

    async def heartbeat(self, vitals: Vitals, missing: Sequence[str]) -> None:
        """Queue the heartbeat that is due, once. Without one due it does nothing.

        `missing` are the pieces of evidence that there should be and are not, as `Health.missing` gives them: then the
        heartbeat's title says so. Raises StoreError.
        """
        last = await self._last_heartbeat()
        now = self._clock.now()
        slot = due(now, self._times, self._zone, last[0] if last else None, self._started_at)
        if slot is None:
            return
        notice = compose_heartbeat(vitals, missing, now, self._zone, socket.gethostname(), os.getpid())
        async with self._store.writing() as connection:
            await mark(connection, _MARK, {"slot": slot.name, "at": now})
            await outbox.queue(connection, [(notice, self.channels_for(notice))], now)
        _logger.info("[HEARTBEAT] %s", "; ".join([notice.line, *(f"{title}: {text}" for title, text in notice.facts)]))
        self.wake()

    async def _last_heartbeat(self) -> tuple[str, float] | None:
        value = await marked(self._store, _MARK)
        return (str(value["slot"]), float(value["at"])) if value else None

    # What health and own points ask

    @property
    def waiting(self) -> int:
        """Notices that are not delivered yet; one that goes to two channels counts twice."""
        return sum(channel.waiting for channel in self._channels)

    @property
    def oldest_unsent_s(self) -> float:
        """How long the oldest of them has been waiting, in seconds; 0: none waits."""
        oldest = min((channel.oldest_at for channel in self._channels if channel.oldest_at is not None), default=None)
        return 0.0 if oldest is None else max(0.0, self._clock.now() - oldest)

    @property
    def progress(self) -> float:
        """The clock's monotonic time at which the slowest channel last took a turn; without channels, now."""
        return min((channel.progressed for channel in self._channels), default=self._clock.monotonic())

    @property
    def moved(self) -> object:
        """Another value after each turn of a channel: only then may what waits, and why, be otherwise."""
        return [channel.progressed for channel in self._channels]

    @property
    def longest_silence_s(self) -> float:
        """How far `progress` may lie back, in seconds of the clock, while all is well."""
        return self._clock.of_real(LONGEST_SILENCE_S)

    async def _prune(self) -> None:
        while True:
            try:
                await outbox.prune(self._store, self._clock.now())
                await alarmjournal.prune(self._store, self._clock.now())
            except StoreError as error:
                _logger.warning("notices and journal entries of long ago stay for now: %s", error)
            await self._clock.sleep(max(_PRUNE_S, self._clock.of_real(60.0)))

    @staticmethod
    async def test_card(config: NotifyConfig, site: str, public_url: str, data_dir: Path) -> dict[str, str]:
        """Send a test card to every channel at once, past outbox and budget; return by channel why it was not taken.

        An empty text says that it was. Raises StartError where a channel lacks its package.
        """
        card = Card(tr("Test card"), Tone.PLAIN, (tr("This channel works."),), site=site, link=public_url)
        answers: dict[str, str] = {}
        for sender in make_senders(config, data_dir):
            try:
                await sender.send(card)
                answers[sender.name] = ""
            except NotDelivered as error:
                answers[sender.name] = str(error)
            finally:
                await sender.close()
        return answers


def make_senders(config: NotifyConfig, data_dir: Path) -> list[Sender]:
    """Return the senders of the channels that are on. Raises StartError where one lacks its package."""
    senders: list[Sender] = []
    if config.teams is not None and config.teams.enabled and config.teams.webhook_url is not None:
        senders.append(TeamsSender(config.teams.webhook_url, config.teams.format))
    if config.apprise is not None and config.apprise.urls:
        senders.append(AppriseSender(config.apprise.urls, data_dir))
    return senders
