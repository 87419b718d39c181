"""Incidents and the outbox over real HTTP, from a real store."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.unit.reports.made import incident

from vigilia.clock import iso
from vigilia.interfaces.api.models import IncidentAnswer, NoticeAnswer
from vigilia.interfaces.api.recordmodels import ChannelsAnswer
from vigilia.notices import Notice, NoticeKind
from vigilia.store import Store, incidents, notices, schema
from vigilia.store.incidents import Incident

NOW = 1_795_180_500.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


@pytest.fixture
async def stored(server_factory: Any, store: Store) -> AsyncIterator[Any]:
    async with server_factory(
        incidents=partial(incidents.newest, store),
        outbox=partial(notices.newest, store),
        channels=partial(notices.channels, store),
    ) as service:
        yield service


async def keep(store: Store, *found: Incident) -> None:
    async with store.writing() as connection:
        await connection.execute(insert(schema.incidents), [asdict(one) for one in found])


def ids(answer: Any) -> str:
    return "".join(one["id"] for one in answer["items"])


async def test_an_incident(stored: Any, store: Store) -> None:
    await keep(store, incident(NOW, NOW + 2.5, suppressed_by="x@y"), incident(NOW - 1, None, "b"))
    first, second = (await stored.get("/api/v1/incidents"))["items"]
    for one in (first, second):
        IncidentAnswer.model_validate(one)
        assert one.keys() == IncidentAnswer.model_fields.keys()
    assert first == asdict(incident(NOW, None)) | {
        "name": "Relay alarms: OVERVOLTAGE",
        "severity": "MAJOR",
        "began_at": iso(NOW),
        "ended_at": iso(NOW + 2.5),
        "last_seen_at": iso(NOW),
        "suppressed_by": "x@y",
        "found_at": iso(NOW + 2.5),
    }
    assert (second["ended_at"], second["suppressed_by"]) == (None, None)


async def test_an_interval(stored: Any, store: Store) -> None:
    await keep(store, incident(NOW, NOW + 10, "a"), incident(NOW + 5, NOW + 20, "b"), incident(NOW + 15, None, "c"))
    for start, end, expected in (
        ("", "", "cba"),
        (iso(NOW + 10), "", "cb"),
        ("", iso(NOW + 15), "ba"),
        (iso(NOW + 10), iso(NOW + 12), "b"),
        (iso(NOW + 100), "", "c"),
        ("", iso(NOW), ""),
    ):
        assert ids(await stored.get("/api/v1/incidents", **{"from": start, "to": end})) == expected


async def test_pages(stored: Any, store: Store) -> None:
    await keep(store, *(incident(NOW + 0.1, None, name) for name in "abcde"), incident(NOW, None, "f"))
    seen, following = "", ""
    while True:
        page = await stored.get("/api/v1/incidents", limit=2, next=following)
        seen, following = seen + ids(page), page["next"]
        if not following:
            break
    assert seen == "edcbaf"


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-11-20",
        "to=2026-11-20T10:00:00",
        "from=2026-11-20T10:00:00Z&to=2026-11-20T10:00:00Z",
        "next=eA",
        "next=bmFuIGE",  # "nan a"
        "next=MSAA",  # "1 " and a NUL
        "limit=0",
    ],
)
async def test_wrong_queries(stored: Any, query: str) -> None:
    status, body = await stored.failing("GET", f"/api/v1/incidents?{query}")
    assert (status, body["error"]) == (422, "invalid-request")


async def test_without_a_store_the_lists_are_empty(service: Any) -> None:
    for path in ("incidents", "outbox"):
        assert await service.get(f"/api/v1/{path}") == {"items": [], "next": None}


def row(**other: Any) -> dict[str, Any]:
    notice = Notice(NoticeKind.RAISED, "Falha de relé", "UFV Sol", "Relé 1", NOW, alarm="relay@p", incident="a")
    return {
        "channel": "teams",
        "kind": "raised",
        "alarm": "relay@p",
        "incident": "a",
        "area": "UFV Sol",
        "notice": asdict(notice),
        "created_at": NOW + 1,
        "card": None,
        "claimed_at": None,
        "attempts": 0,
        "delivered_at": None,
        "error": "",
    } | other


async def test_the_outbox(stored: Any, store: Store) -> None:
    async with store.writing() as connection:
        for values in (row(card=7, attempts=2, delivered_at=NOW + 9), row(error="HTTP 429"), row(channel="apprise")):
            await connection.execute(insert(schema.outbox).values(values))
    answer = await stored.get("/api/v1/outbox")
    for one in answer["items"]:
        NoticeAnswer.model_validate(one)
        assert one.keys() == NoticeAnswer.model_fields.keys()
    assert [one["id"] for one in answer["items"]] == [3, 2, 1]
    assert answer["items"][2] == {
        "id": 1,
        "channel": "teams",
        "kind": "raised",
        "state": "sent",
        "title": "Falha de relé",
        "area": "UFV Sol",
        "line": "Relé 1",
        "alarm": "relay@p",
        "incident": "a",
        "at": iso(NOW),
        "created_at": iso(NOW + 1),
        "card": 7,
        "attempts": 2,
        "delivered_at": iso(NOW + 9),
        "error": "",
        "repeats": None,
    }
    assert (answer["items"][1]["error"], answer["items"][1]["delivered_at"]) == ("HTTP 429", None)
    first = await stored.get("/api/v1/outbox", limit=2)
    assert [one["id"] for one in (await stored.get("/api/v1/outbox", next=first["next"]))["items"]] == [1]
    assert (await stored.failing("GET", "/api/v1/outbox?next=eA"))[0] == 422


async def test_the_channels_count_all_that_waits(stored: Any, store: Store) -> None:
    assert await stored.get("/api/v1/outbox/channels") == {"items": []}
    waiting = [row(created_at=NOW + age) for age in range(4000)]
    failed = [row(created_at=NOW + 9000, error=why) for why in ("HTTP 429", "HTTP 503")]
    sent = [
        row(channel=name, card=card, delivered_at=NOW + card) for name, card in (("teams", 9), ("mail", 3), ("mail", 2))
    ]
    async with store.writing() as connection:
        await connection.execute(insert(schema.outbox), waiting + failed + sent)
    answer = await stored.get("/api/v1/outbox/channels")
    ChannelsAnswer.model_validate(answer)
    mail, teams = answer["items"]
    assert (mail["name"], mail["waiting"], mail["failed"], mail["oldest"]) == ("mail", 0, 0, None)
    assert (mail["newest_failed"], mail["newest_sent"]["card"]) == (None, 3)
    assert (teams["name"], teams["waiting"], teams["failed"], teams["oldest"]) == ("teams", 4002, 2, iso(NOW))
    assert (teams["newest_failed"]["error"], teams["newest_sent"]["card"]) == ("HTTP 503", 9)
    assert teams["newest_sent"] == (await stored.get("/api/v1/outbox", state="sent", channel="teams"))["items"][0]


async def test_a_store_that_is_away_is_said(stored: Any, store: Store, tmp_path: Path) -> None:
    async with store.writing() as connection:
        for table in ("incidents", "outbox"):
            await connection.exec_driver_sql(f"DROP TABLE {table}")
    for path in ("incidents", "outbox", "outbox/channels"):
        status, body = await stored.failing("GET", f"/api/v1/{path}")
        assert (status, body["error"]) == (503, "store-unavailable")


async def test_incidents_of_a_system_a_place_and_a_state(stored: Any, store: Store) -> None:
    await keep(store, incident(NOW, NOW + 2.5), incident(NOW - 1, None, "b"))
    one = asdict(incident(NOW, None))

    async def found(**wanted: str) -> str:
        return ids(await stored.get("/api/v1/incidents", **wanted))

    assert await found(system=one["system"]) == "ab"
    assert await found(system="nobody's") == ""
    assert await found(state="open") == "b"
    assert await found(state="closed") == "a"
    for place in ("ufv sol", "REL", "relay-1"):  # area, equipment, device
        assert await found(area=place) == "ab"
    assert await found(area="%") == ""
