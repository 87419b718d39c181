"""Keeps reactors and their settings in the store: what comes together is written together, and what failed again."""

import asyncio
import logging
from typing import TypeVar

from vigilia.drivers.reactor.inventory import Key
from vigilia.points import Origin
from vigilia.store import Store, StoreError
from vigilia.store.accesslog import Access, note
from vigilia.store.reactors import ReactorRow, SettingRow, save_reactors, save_settings

_Key = TypeVar("_Key")
_Row = TypeVar("_Row")

_logger = logging.getLogger(__name__)

_RETRY_S = 2.0
_ANSWER_S = 5.0
"""Real seconds for which somebody waits until something is kept."""
_LAST_S = 1.0


class Keeper:
    """What is to be kept, the newest of each. `run()` it in a task. Without a store nothing is kept."""

    def __init__(self, store: Store | None) -> None:
        self.failure = ""
        """Why the store takes nothing; empty: it does."""
        self._store = store
        self._reactors: dict[str, ReactorRow] = {}
        self._settings: dict[tuple[str, Key], SettingRow] = {}
        self._notes: list[tuple[ReactorRow, Access, Origin, float]] = []
        """What the access log is to say of what was done with reactors, each beside the row that it made."""
        self._kept: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()

    def put(self, row: ReactorRow | SettingRow) -> None:
        """Have a row be kept soon."""
        if isinstance(row, ReactorRow):
            self._reactors[row.id] = row
        else:
            self._settings[row.reactor, (row.part, row.parameter)] = row
        self._wake.set()

    async def keep_act(self, row: ReactorRow, act: Access, by: Origin, at: float) -> None:
        """Keep what somebody did with a reactor, and that they did. Raises StoreError where that fails, now."""
        self._notes.append((row, act, by, at))
        await self.keep(row)

    async def keep(self, row: ReactorRow | SettingRow) -> None:
        """Keep a row, and what else waits. Raises StoreError where that fails, now; it is tried again."""
        self.put(row)
        if self._kept is None or self._kept.done():
            self._kept = asyncio.get_running_loop().create_future()
        kept = self._kept
        try:
            async with asyncio.timeout(_ANSWER_S):
                await asyncio.shield(kept)
        except TimeoutError as error:
            raise StoreError("it gave no answer in time") from error

    def forget(self, row: ReactorRow | SettingRow) -> None:
        """Have a row that could not be kept not be tried again."""
        if isinstance(row, ReactorRow):
            self._notes = [noted for noted in self._notes if noted[0] is not row]
            if self._reactors.get(row.id) is row:
                del self._reactors[row.id]
        elif self._settings.get(key := (row.reactor, (row.part, row.parameter))) is row:
            del self._settings[key]

    async def run(self) -> None:
        """Keep what comes, until cancelled; then what is left."""
        try:
            while True:
                await self._wake.wait()
                if not await self._write():
                    await asyncio.sleep(_RETRY_S)
                    self._wake.set()
        finally:
            try:
                await asyncio.wait_for(self._write(), _LAST_S)
            except TimeoutError:
                _logger.error("the store did not take the last of the reactors' settings: it gave no answer in time")

    async def _write(self) -> bool:
        """Write what waits; return whether the store took it."""
        self._wake.clear()
        reactors, settings, notes = dict(self._reactors), dict(self._settings), list(self._notes)
        kept, self._kept = self._kept, None
        try:
            if self._store is not None and (reactors or settings):
                async with self._store.writing() as connection:
                    await save_reactors(connection, list(reactors.values()))
                    await save_settings(connection, list(settings.values()))
                    for row, act, by, at in notes:
                        await note(connection, act, row.id, by, at)
        except StoreError as error:
            if not self.failure:
                _logger.error("reactors' settings wait, for the store does not take them: %s", error)
            self.failure = str(error)
            if kept is not None and not kept.done():
                kept.set_exception(error)
                kept.exception()  # whoever asked may be gone
            return False
        except asyncio.CancelledError:
            self._kept = self._kept or kept  # the last attempt, on the way out, answers whoever waits
            raise
        if self.failure:
            self.failure = ""
            _logger.info("the store takes reactors' settings again")
        _drop(self._reactors, reactors)
        _drop(self._settings, settings)
        self._notes = [noted for noted in self._notes if noted not in notes]
        if kept is not None and not kept.done():
            kept.set_result(None)
        return True


def _drop(waiting: dict[_Key, _Row], kept: dict[_Key, _Row]) -> None:
    """Drop what was kept from what waits, but for what is newer."""
    for key, row in kept.items():
        if waiting.get(key) is row:
            del waiting[key]
