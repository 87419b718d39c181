"""Journal, figures, notices once more, audit filters and weekly reports over real HTTP, from real stores."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from sqlalchemy import insert
from tests.unit.interfaces.api.conftest import wait_until
from tests.unit.notify.webhook import Webhook, listening
from tests.unit.reports.made import incident

from vigilia.clock import Clock, iso
from vigilia.interfaces.api.models import AuditAnswer, NoticeAnswer
from vigilia.interfaces.api.recordmodels import FiguresAnswer, JournalAnswer, ReportAnswer
from vigilia.language import use
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.config import NotifyConfig
from vigilia.notify.notifier import Notifier
from vigilia.points import Kind, Origin, Point, Severity
from vigilia.records import Records
from vigilia.spool import Spool
from vigilia.store import Store, WriteJournal, notices, outbox, schema
from vigilia.store.alarmjournal import JournalEntry, JournalEvent, write
from vigilia.store.incidents import Incident

ZONE = ZoneInfo("America/Sao_Paulo")
NOW = 1_795_179_600.0
"""Friday, 2026-11-20, 10:20 local time."""
ANA = Origin("web", "ana", "10.0.0.7")
RAISED = Notice(NoticeKind.RAISED, "Relay failure", "UFV Sol", "Relay 1", NOW, Severity.MAJOR, alarm="a@p")


@dataclass
class Kept:
    """A service over a store, with a channel to a webhook."""

    service: Any
    store: Store
    webhook: Webhook
    journal: WriteJournal
    records: Records
    notifier: Notifier


@pytest.fixture(autouse=True)
def _english() -> None:
    use("en")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


@pytest.fixture
async def kept(server_factory: Any, store: Store, tmp_path: Path) -> AsyncIterator[Kept]:
    clock = Clock(NOW, 20)  # cards are gathered for five of its seconds
    spool = Spool(tmp_path / "audit.spool", 1_000_000)
    journal = WriteJournal(spool, store, clock)
    async with listening() as webhook:
        config = NotifyConfig.model_validate({"teams": {"webhook_url": webhook.url, "heartbeat_times": []}})
        notifier = Notifier(config, store, clock, "Vigilia", ZONE)
        records = Records(store, clock, ZONE, journal, notifier)
        sending = asyncio.create_task(notifier.run())
        async with server_factory(
            records=records, outbox=partial(notices.newest, store), audit=store.audit, clock=Clock(NOW, 0.001)
        ) as service:
            yield Kept(service, store, webhook, journal, records, notifier)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    spool.close()


async def keep(store: Store, *found: Incident | JournalEntry) -> None:
    async with store.writing() as connection:
        rows = [asdict(one) for one in found if isinstance(one, Incident)]
        if rows:
            await connection.execute(insert(schema.incidents), rows)
        await write(connection, [one for one in found if isinstance(one, JournalEntry)])


# The journal


async def test_the_journal(kept: Kept) -> None:
    await keep(
        kept.store,
        JournalEntry(NOW, "a@p", JournalEvent.RAISED, Severity.MAJOR, "unacknowledged", "i-1", NOW - 60, detail="r59A"),
        JournalEntry(NOW + 1, "a@p", JournalEvent.TOLD, Severity.MAJOR, incident="i-1", channel="teams", card=7),
        JournalEntry(
            NOW + 2, "a@p", JournalEvent.SHELVED, Severity.MAJOR, "shelved", by=ANA, comment="<b>é", until=NOW + 60
        ),
        JournalEntry(NOW + 3, "b@p", JournalEvent.SUPPRESSED, Severity.MINOR, "suppressed", cause="a@p"),
    )
    answer = await kept.service.get("/api/v1/journal")
    for one in answer["items"]:
        JournalAnswer.model_validate(one, strict=True)
        assert one.keys() == JournalAnswer.model_fields.keys()
    suppressed, shelved, told, raised = answer["items"]
    assert (suppressed["cause"], suppressed["alarm"], suppressed["via"]) == ("a@p", "b@p", None)
    assert (shelved["user"], shelved["comment"], shelved["until"]) == ("ana", "<b>é", iso(NOW + 60))
    assert (told["channel"], told["card"], told["state"]) == ("teams", 7, None)
    assert raised == {
        "id": 1,
        "time": iso(NOW),
        "alarm": "a@p",
        "incident": "i-1",
        "event": "raised",
        "state": "unacknowledged",
        "severity": "MAJOR",
        "happened_at": iso(NOW - 60),
        "via": None,
        "user": "",
        "host": "",
        "comment": "",
        "until": None,
        "cause": None,
        "detail": "r59A",
        "channel": None,
        "card": None,
    }


async def test_the_journal_s_filters_and_pages(kept: Kept) -> None:
    raised = JournalEntry(NOW, "a@p", JournalEvent.RAISED, Severity.MAJOR, "unacknowledged", "i-1")
    acked = replace(raised, event=JournalEvent.ACKNOWLEDGED, by=ANA, incident="i-2")
    await keep(kept.store, *(replace(raised, detail=str(n)) for n in range(5)), replace(acked, at=NOW + 9, alarm="b@p"))
    get = kept.service.get
    for query, count in (
        ({"alarm": "b@p"}, 1),
        ({"incident": "i-1"}, 5),
        ({"event": "acknowledged"}, 1),
        ({"user": "ana"}, 1),
        ({"from": iso(NOW + 1)}, 1),
        ({"to": iso(NOW + 1)}, 5),
        ({"alarm": "b@p", "event": "raised"}, 0),
    ):
        assert len((await get("/api/v1/journal", **query))["items"]) == count, query
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        page = await get("/api/v1/journal", alarm="a@p", limit=2, next=following)
        seen += [one["detail"] for one in page["items"]]
        following = page["next"]
    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    "query",
    [
        "event=exploded",
        "from=soon",
        f"from={iso(NOW)}&to={iso(NOW)}",
        "next=eA",
        "next=bmFuIDE",
        "limit=0",
    ],
)
async def test_wrong_questions_to_the_journal(kept: Kept, query: str) -> None:
    status, body = await kept.service.failing("GET", f"/api/v1/journal?{query}")
    assert (status, body["error"]) == (422, "invalid-request")


# Figures


async def test_the_figures(kept: Kept) -> None:
    rows = [incident(NOW - n, NOW, str(n), alarm=f"{n % 2}@p", found_at=NOW - n) for n in range(5, 41, 5)]
    stale = incident(NOW - 90_000, None, "stale", alarm="stale@p", found_at=NOW - 90_000, severity=Severity.MINOR)
    await keep(kept.store, *rows, stale)
    answer = await kept.service.get("/api/v1/alarms/figures", **{"from": iso(NOW - 1000)})
    FiguresAnswer.model_validate(answer, strict=True)
    assert (answer["total"], answer["standing"], answer["stale_count"]) == (8, 1, 1)
    assert (answer["from"], answer["to"][:19]) == (iso(NOW - 1200), iso(NOW)[:19])
    rate = answer["rate_per_10min"]
    assert (rate["max"], rate["periods"], rate["bucket_s"], len(rate["buckets"])) == (8, 3, 600, 3)
    assert answer["flood_share"] == 0
    assert answer["per_severity"] == {"MINOR": 0, "MAJOR": 8, "INVALID": 0}
    assert [(one["alarm"], one["count"], one["share"]) for one in answer["top"]] == [("0@p", 4, 0.5), ("1@p", 4, 0.5)]
    assert {(one["alarm"], one["count_per_min"], one["area"]) for one in answer["chattering"]} == {
        ("0@p", 4, "UFV Sol"),
        ("1@p", 4, "UFV Sol"),
    }
    assert [(one["alarm"], one["since"]) for one in answer["stale"]] == [("stale@p", iso(NOW - 90_000))]
    week = await kept.service.get("/api/v1/alarms/figures")
    assert (week["total"], week["rate_per_10min"]["periods"]) == (9, 7 * 144 + 1)


@pytest.mark.parametrize(
    "query",
    [
        f"from={iso(NOW + 60)}",
        "from=2020-01-01T00:00:00Z",
        "to=1970-01-01T00:00:00Z",
        "from=x",
        "to=9999-12-31T00:00:00Z",
    ],
)
async def test_wrong_times_of_figures(kept: Kept, query: str) -> None:
    if query.startswith("to=9999"):
        assert (await kept.service.get(f"/api/v1/alarms/figures?{query}"))["total"] == 0
        return
    status, body = await kept.service.failing("GET", f"/api/v1/alarms/figures?{query}")
    assert (status, body["error"]) == (422, "invalid-request")


# Notices once more


async def sent(kept: Kept) -> int:
    async with kept.store.writing() as connection:
        await outbox.queue(connection, [(RAISED, ("teams",))], NOW)
    before = len(kept.webhook.accepted)
    kept.notifier.wake()
    await wait_until(lambda: len(kept.webhook.accepted) > before)
    (row, *_) = await rows_of(kept)
    return row["id"]


async def rows_of(kept: Kept, **query: str) -> list[dict[str, Any]]:
    items = (await kept.service.get("/api/v1/outbox", **query))["items"]
    for one in items:
        NoticeAnswer.model_validate(one, strict=True)
    return items


async def delivered(kept: Kept, number: int) -> None:
    async with asyncio.timeout(10):
        while next(row for row in await rows_of(kept) if row["id"] == number)["state"] != "sent":  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


async def test_a_notice_is_sent_once_more_and_says_so(kept: Kept) -> None:
    first = await sent(kept)
    await delivered(kept, first)
    async with kept.service.client.post(f"/api/v1/outbox/{first}/resend") as answer:
        assert answer.status == 202, await answer.text()
        again = await answer.json()
    NoticeAnswer.model_validate(again, strict=True)
    assert (again["repeats"], again["title"], again["channel"]) == (first, "Repetition: Relay failure", "teams")
    status, body = await kept.service.failing("POST", f"/api/v1/outbox/{first}/resend")
    assert (status, body["error"]) == (409, "notice-refused")
    await delivered(kept, again["id"])
    assert [title for title in kept.webhook.titles if "Repetition" in title] == ["Repetition: Relay failure – UFV Sol"]
    assert "Sent once more for" in json.dumps(kept.webhook.accepted[-1])
    await kept.journal.drain()
    audit = (await kept.service.get("/api/v1/audit", point=f"outbox:{first}"))["items"]
    assert [(one["value"], one["outcome"], one["host"]) for one in audit] == [
        ("resend", "NoticeRefused", "127.0.0.1"),
        ("resend", "confirmed", "127.0.0.1"),
    ]
    assert audit[1]["detail"] == f"queued as notice {again['id']}"


async def test_ten_clicks_are_one_repetition(kept: Kept) -> None:
    first = await sent(kept)
    await delivered(kept, first)

    async def click() -> int:
        async with kept.service.client.post(f"/api/v1/outbox/{first}/resend") as answer:
            return answer.status

    answers = await asyncio.gather(*(click() for _ in range(10)))
    assert sorted(answers) == [202] + [409] * 9
    assert len([row for row in await rows_of(kept) if row["repeats"] == first]) == 1


async def test_what_cannot_be_sent_once_more(kept: Kept) -> None:
    assert (await kept.service.failing("POST", "/api/v1/outbox/77/resend"))[1]["error"] == "unknown-notice"
    for wrong in ("0", "x", str(2**31), "-1"):
        assert (await kept.service.failing("POST", f"/api/v1/outbox/{wrong}/resend"))[0] == 422
    assert (await kept.service.failing("GET", "/api/v1/outbox/1/resend"))[0] == 405


async def test_notices_of_one_state(kept: Kept) -> None:
    first = await sent(kept)
    await delivered(kept, first)
    assert [row["id"] for row in await rows_of(kept, state="sent", kind="raised", area="sol", alarm="a@p")] == [first]
    assert await rows_of(kept, state="waiting") == await rows_of(kept, state="failed") == []
    assert await rows_of(kept, channel="apprise") == []
    for query in ("state=lost", "kind=rumour", f"area={'x' * 201}"):
        assert (await kept.service.failing("GET", f"/api/v1/outbox?{query}"))[0] == 422


# The audit


async def test_the_audit_s_filters(kept: Kept) -> None:
    for name, user, outcome in (
        ("R1:acid:Dose-SP", "ana", "confirmed"),
        ("R1:ph:Calibrate-Cmd", "bia", "NotWritable"),
        ("R10:acid:Dose-SP", "ana", "pending"),
        ("R1_x:y", "ana", ""),
    ):
        asked = kept.journal.asked(Point(name, Kind.NUMBER, "d", writable=True), 1, None, Origin("web", user))
        if outcome:
            kept.journal.answered(asked, outcome, "")
    await kept.journal.drain()
    get = kept.service.get

    async def points(**query: str) -> list[str]:
        items = (await get("/api/v1/audit", **query))["items"]
        for one in items:
            AuditAnswer.model_validate(one, strict=True)
        return [one["point"].partition(":")[0] + one["user"][:1] for one in items]

    assert await points(point="R1:*") == ["R1b", "R1a"]
    assert await points(point="R1_*") == ["R1_xa"]
    assert await points(user="ana") == ["R1_xa", "R10a", "R1a"]
    assert await points(outcome="failed") == ["R1b"]
    assert await points(outcome="confirmed", user="ana") == ["R1a"]
    assert await points(outcome="open") == ["R1_xa"]
    assert await points(outcome="NotWritable") == ["R1b"]
    assert await points(**{"from": iso(NOW - 1), "to": iso(NOW + 86_400)}) == ["R1_xa", "R10a", "R1b", "R1a"]
    assert await points(to=iso(NOW - 1)) == []
    assert (await kept.service.failing("GET", "/api/v1/audit?from=x"))[0] == 422


# Weekly reports


async def test_the_weeks_that_can_be_had(kept: Kept) -> None:
    present = (await kept.service.get("/api/v1/reports"))["items"]
    assert [one["week"] for one in present] == ["2026-11-16"], "no incident yet"
    await keep(kept.store, incident(NOW - 15 * 86_400, None), incident(NOW - 400 * 86_400, None, "b", outage=False))
    answer = await kept.service.get("/api/v1/reports")
    for one in answer["items"]:
        ReportAnswer.model_validate(one, strict=True)
    assert [(one["week"], one["complete"]) for one in answer["items"]] == [
        ("2026-11-16", False),
        ("2026-11-09", True),
        ("2026-11-02", True),
    ]
    assert answer["items"][1] | {} == {
        "week": "2026-11-09",
        "last": "2026-11-15",
        "from": "2026-11-09T03:00:00.000Z",
        "to": "2026-11-16T03:00:00.000Z",
        "complete": True,
        "file": "vigilia-2026-11-09.xlsx",
        "path": "/api/v1/reports/2026-11-09.xlsx",
    }
    first = await kept.service.get("/api/v1/reports", limit=2)
    second = await kept.service.get("/api/v1/reports", limit=2, next=first["next"])
    assert [one["week"] for one in second["items"]] == ["2026-11-02"]
    assert second["next"] is None


async def test_a_report_is_made_of_what_is_known_now(kept: Kept) -> None:
    async def download(day: str) -> tuple[Any, bytes]:
        async with kept.service.client.get(f"/api/v1/reports/{day}.xlsx") as answer:
            assert answer.status == 200, await answer.text()
            return answer.headers, await answer.read()

    headers, content = await download("2026-11-18")
    assert headers["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert headers["Content-Disposition"] == 'attachment; filename="vigilia-2026-11-16.xlsx"'
    assert headers["Cache-Control"] == "no-store"
    assert zipfile.is_zipfile(io.BytesIO(content))
    assert "=EVIL" not in cells(content)
    await keep(kept.store, incident(NOW - 3600, NOW, equipment="=EVIL"))
    _, content = await download("2026-11-16")
    assert "=EVIL" in cells(content)


def cells(content: bytes) -> list[Any]:
    book = load_workbook(io.BytesIO(content))
    return [cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]


@pytest.mark.parametrize(
    ("day", "status"),
    [("2026-11-23", 404), ("1999-12-31", 404), ("2026-11-31", 422), ("20261118", 422), ("x", 422), ("9999-12-31", 404)],
)
async def test_days_of_which_there_is_no_report(kept: Kept, day: str, status: int) -> None:
    assert (await kept.service.failing("GET", f"/api/v1/reports/{day}.xlsx"))[0] == status


async def test_who_goes_away_leaves_no_second_one_in_its_way(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.interfaces.api.reports._ANSWER_S", 0.0)
    status, body = await kept.service.failing("GET", "/api/v1/reports/2026-11-18.xlsx")
    assert (status, body["error"]) == (503, "busy")
    week, content = await kept.records.report(date(2026, 11, 18))
    assert (week.first, zipfile.is_zipfile(io.BytesIO(content))) == (date(2026, 11, 16), True)


# Without, and away


async def test_without_records(service: Any) -> None:
    for path in ("journal", "reports", "outbox"):
        assert await service.get(f"/api/v1/{path}") == {"items": [], "next": None}
    for method, path in (("GET", "alarms/figures"), ("GET", "reports/2026-11-16.xlsx"), ("POST", "outbox/1/resend")):
        assert (await service.failing(method, f"/api/v1/{path}"))[0] == 404


async def test_a_store_that_is_away_is_said(kept: Kept) -> None:
    async with kept.store.writing() as connection:
        for table in ("incidents", "alarm_journal", "outbox"):
            await connection.exec_driver_sql(f"DROP TABLE {table}")
    for method, path in (
        ("GET", "journal"),
        ("GET", "alarms/figures"),
        ("GET", "reports"),
        ("GET", "reports/2026-11-16.xlsx"),
        ("POST", "outbox/1/resend"),
    ):
        status, body = await kept.service.failing(method, f"/api/v1/{path}")
        assert (status, body["error"]) == (503, "store-unavailable"), path


async def test_reports_that_are_asked_for_in_vain_do_not_pile_up(kept: Kept, monkeypatch: Any) -> None:
    """Each keeps a core busy for seconds, and is made to its end when whoever asked has left long since."""
    begun: list[date] = []
    go_on = asyncio.Event()

    async def compose_slowly(_store: Any, week: Any, *_: Any) -> bytes:
        begun.append(week.first)
        await go_on.wait()
        return b"a workbook"

    monkeypatch.setattr("vigilia.records.compose_report", compose_slowly)
    monkeypatch.setattr("vigilia.interfaces.api.reports._ANSWER_S", 0.01)
    monkeypatch.setattr("vigilia.records._MOST_WORKBOOKS", 3)
    for day in ("2026-11-18", "2026-11-17", "2026-11-11", "2026-11-04", "2026-10-28", "2026-10-21"):
        for _ in range(2):
            status, body = await kept.service.failing("GET", f"/api/v1/reports/{day}.xlsx")
            assert (status, body["error"]) == (503, "busy")
    go_on.set()
    async with asyncio.timeout(10):
        while True:
            with suppress(TimeoutError):
                await kept.records.report(date(2026, 10, 21))
                break
            await asyncio.sleep(0)
    assert begun == [date(2026, 11, 16), date(2026, 11, 9), date(2026, 11, 2), date(2026, 10, 19)]
