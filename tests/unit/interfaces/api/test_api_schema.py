"""Schemathesis reads the service's own OpenAPI document and tries what it allows, and what it does not."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.unit.history.places import FOR_EVER, row
from tests.unit.interfaces.api.conftest import Journal
from tests.unit.reports.made import incident

from vigilia.clock import Clock
from vigilia.history.sqlite import SqliteHistory
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.config import NotifyConfig
from vigilia.notify.notifier import Notifier
from vigilia.points import Severity, Status
from vigilia.records import Records
from vigilia.store import Store, incidents, notices, outbox, schema
from vigilia.store.alarmjournal import JournalEntry, JournalEvent, write


class Remembered(SqliteHistory):
    """A history whose points have a reading each minute."""

    def longest_interval_s(self, _name: str) -> float:
        return 60.0


@pytest.fixture
async def remembering(server_factory: Any, tmp_path: Path) -> AsyncIterator[Any]:
    """A service with some points read, now and before."""
    history = await Remembered.open(f"sqlite:///{tmp_path}/history.db", FOR_EVER)
    await history.write([row("T1:Power-Mon", 1_700_000_000_000 + at * 1000, at) for at in range(5000)])
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    await keep_some(store)
    clock, journal = Clock(), Journal()
    notifier = Notifier(NotifyConfig(), store, clock, "Vigilia", UTC)
    asked = {
        "records": Records(store, clock, UTC, journal, notifier),
        "outbox": partial(notices.newest, store),
        "channels": partial(notices.channels, store),
        "incidents": partial(incidents.newest, store),
        "audit": store.audit,
    }
    async with server_factory(history=history, **asked) as service:
        await service.publish("T1:PwrState-Raw", 2)
        await service.publish("T1:Power-Mon", 12.5, severity=Severity.MINOR, status=Status.HIGH)
        yield service
    await store.close()
    await history.close()


async def keep_some(store: Store) -> None:
    """Have the store know an incident, an entry of the journal and a notice."""
    notice = Notice(NoticeKind.RAISED, "Relay failure", "UFV Sol", "Relay 1", time.time(), alarm="relay@a")
    async with store.writing() as connection:
        await connection.execute(insert(schema.incidents).values(asdict(incident(time.time() - 90_000, None))))
        entry = JournalEntry(time.time(), "relay@a", JournalEvent.RAISED, Severity.MAJOR, "unacknowledged", "a")
        await write(connection, [entry])
        await outbox.queue(connection, [(notice, ("teams",))], time.time())


async def test_no_input_that_the_schema_suggests_makes_a_fault(remembering: Any, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{remembering.server.address}/api/openapi.json"),
        *("--exclude-path", "/api/v1/events"),  # has no end
        *(
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ),
        *("--max-examples", "40", "--seed", "1", "--generation-database", "none", "--no-color"),
        *("--request-timeout", "10", "--suppress-health-check", "all"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(150):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    # It did ask, and some of it was understood.
    assert remembering.journal.writes or remembering.equipment.writes
