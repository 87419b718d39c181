"""Alarms over real HTTP from a real engine and store: what people do ends up in list, journal and audit; and many."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from tests.unit.alarms.rig import NOON, Rig, port, raw
from vigilia.alarms.desk import AlarmDesk
from vigilia.clock import iso
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.api.models import AlarmAnswer
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.api.server import WebServer
from vigilia.notify.config import NotifyConfig
from vigilia.notify.notifier import Notifier
from vigilia.points import Batch
from vigilia.records import Records
from vigilia.spool import Spool
from vigilia.store import WriteJournal, notices

PORT1 = "sw-1:1:PwrState-Raw"
ALARM = f"port@{PORT1}"


async def healthy() -> list[str]:
    return []


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start()
    yield rig
    await rig.stop()


@asynccontextmanager
async def serving(rig: Rig, folder: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, WriteJournal]]:
    spool = Spool(folder / "audit.spool", 1_000_000)
    journal = WriteJournal(spool, rig.store, rig.clock)
    desk = AlarmDesk(rig.engine, rig.store, rig.clock, journal)
    notifier = Notifier(NotifyConfig(), rig.store, rig.clock, "Vigilia", UTC)
    records = Records(rig.store, rig.clock, UTC, journal, notifier)
    parts = ApiParts(
        rig.table,
        [],
        rig.store.audit,
        healthy,
        rig.clock,
        "0",
        alarms=desk,
        outbox=partial(notices.newest, rig.store),
        records=records,
    )
    server = WebServer(WebConfig(listen="127.0.0.1:0"), parts)
    server.bind()
    await server.start()
    try:
        async with aiohttp.ClientSession(server.address) as client:
            yield client, journal
    finally:
        await server.stop()
        spool.close()


async def get(client: aiohttp.ClientSession, path: str, **query: Any) -> Any:
    async with client.get(path, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def act(client: aiohttp.ClientSession, action: str, **body: Any) -> Any:
    url = URL(f"/api/v1/alarms/{quote(ALARM, safe='')}/{action}", encoded=True)
    async with client.post(url, json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_what_people_do_is_in_the_list_the_journal_and_the_audit(rig: Rig, tmp_path: Path) -> None:
    await rig.publish(raw(0, 6), checkpoint=False)
    async with serving(rig, tmp_path) as (client, journal):
        long = "câmera <b>\u202e " + "x" * 900
        acknowledged = await act(client, "acknowledge", comment=long)
        AlarmAnswer.model_validate(acknowledged, strict=True)
        assert acknowledged["acknowledgement"] == {"by": "127.0.0.1 (api)", "at": iso(NOON), "comment": long}
        shelved = await act(client, "shelve", comment="obras", until=iso(NOON + 900))
        assert (shelved["quieted"]["comment"], shelved["shelved_until"]) == ("obras", iso(NOON + 900))
        out = await act(client, "out-of-service", comment="removida")
        assert (out["state"], out["quieted"]["comment"]) == ("out-of-service", "removida")
        assert (await act(client, "in-service"))["quieted"]["comment"] == "obras"
        assert (await act(client, "unshelve"))["quieted"] is None
        (listed,) = (await get(client, "/api/v1/alarms"))["items"]
        assert (listed["state"], listed["acknowledgement"]["comment"]) == ("acknowledged", long)
        entries = (await get(client, "/api/v1/journal", alarm=ALARM))["items"]
        assert [one["event"] for one in entries] == [
            *("unshelved", "in-service", "out-of-service", "shelved", "acknowledged", "raised")
        ]
        assert [one["comment"] for one in entries] == ["", "", "removida", "obras", long, ""]
        assert {(one["via"], one["host"]) for one in entries[:-1]} == {("api", "127.0.0.1")}
        assert entries[3]["until"] == iso(NOON + 900)
        assert {one["incident"] for one in entries} == {listed["incident"]}
        await journal.drain()
        audit = (await get(client, "/api/v1/audit", point=PORT1))["items"]
        assert [one["outcome"] for one in audit] == ["confirmed"] * 5
        assert audit[-1]["value"] == f"acknowledge port: {long}"


async def test_ten_thousand_alarms_in_pages(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [port(number) for number in range(10_001)])
    await rig.start(keeps=False)
    try:
        await rig.table.publish(Batch("poe", [raw(0, 6, number) for number in range(10_001)]))
        async with serving(rig, tmp_path) as (client, _):
            whole = await get(client, "/api/v1/alarms")
            assert len(whole["items"]) == 10_000
            (last,) = (await get(client, "/api/v1/alarms", next=whole["next"]))["items"]
            seen: list[str] = []
            following: str | None = ""
            while following is not None:
                page = await get(client, "/api/v1/alarms", state="unacknowledged", limit=1500, next=following)
                seen += [one["id"] for one in page["items"]]
                following = page["next"]
            assert seen == sorted(rig.engine.alarms)
            assert seen == [one["id"] for one in (*whole["items"], last)]
    finally:
        await rig.stop()
