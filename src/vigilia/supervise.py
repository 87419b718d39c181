"""Owns the tasks: starts links and services, connects links with the table, and stops everything in order."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from vigilia.link import Contact, Link
from vigilia.ownpoints import OwnPoints
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)


class Supervisor:
    """The owner of every long-lived task. A service that ends by itself is a fault, and ends the program."""

    def __init__(self, table: PointTable, own: OwnPoints, links: Sequence[Link]) -> None:
        self._table = table
        self._own = own
        self._links = links
        self._link_tasks: list[asyncio.Task[None]] = []
        self._services: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping = False

    def start_service(self, name: str, service: Coroutine[Any, Any, None]) -> None:
        """Run `service` until the program stops."""
        task = asyncio.create_task(service, name=name)
        task.add_done_callback(self._service_ended)
        self._services.append(task)

    def start_errand(self, name: str, errand: Coroutine[Any, Any, None]) -> None:
        """Run `errand`, which ends by itself, beside everything else; it is cancelled where the program stops first."""
        task = asyncio.create_task(errand, name=name)
        task.add_done_callback(self._errand_ended)
        self._services.append(task)

    async def start_links(self) -> None:
        """Say that no link has contact yet, and run them all."""
        for link in self._links:
            link.on_contact = self._contact_changed
            await self._own.publish_contact(link)
            task = asyncio.create_task(link.run(), name=f"link {link.name}")
            task.add_done_callback(self._errand_ended)
            self._link_tasks.append(task)

    async def wait_for(self, work: Coroutine[Any, Any, None] | None, stop: asyncio.Event) -> None:
        """Wait until `work` (if any) is done or `stop` is set. Raises what `work`, or a service that ended, raises."""
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait(), name="stop")]
        if work:
            tasks.append(asyncio.create_task(work, name="start"))
        try:
            done, _ = await asyncio.wait({self._failed, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for ended in done:
            ended.result()
        self._stopping = stop.is_set()

    async def stop_links(self) -> None:
        """Stop all links at once: each lets its request end and logs out."""
        self._stopping = True
        await asyncio.gather(*(link.stop() for link in self._links))
        await asyncio.gather(*self._link_tasks, return_exceptions=True)

    async def stop_services(self) -> None:
        """Cancel the services and wait for their end."""
        self._stopping = True
        for task in self._services:
            task.cancel()
        await asyncio.gather(*self._services, return_exceptions=True)

    async def _contact_changed(self, link: Link) -> None:
        if link.contact is Contact.DISCONNECTED:
            await self._table.lose(link.name)
        await self._own.publish_contact(link)

    def _errand_ended(self, task: asyncio.Task[None]) -> None:
        """A link and an errand end in their time; one that fails would leave undone what nobody else does."""
        if not task.cancelled() and task.exception() is not None:
            self._service_ended(task)

    def _service_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._stopping or self._failed.done():
            return
        error = task.exception()
        _logger.critical("%s ended: the service stops", task.get_name(), exc_info=error)
        self._failed.set_exception(error or RuntimeError(f"{task.get_name()} ended by itself"))
