"""Links, audit, health and metrics."""

import asyncio
import math
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from vigilia.clock import Clock
from vigilia.interfaces.api.models import AuditAnswer, LinkAnswer
from vigilia.link import Contact
from vigilia.points import Kind, Origin, Point, Severity, Status
from vigilia.spool import Spool
from vigilia.store import Store, StoreError, WriteJournal


async def samples(service: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every metric by its name and labels, as a Prometheus client reads them."""
    async with service.client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = await answer.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_links_tell_how_they_fare(service: Any, run_link: Any, quiet_session: Any, until: Any) -> None:
    async with run_link("sw-1", quiet_session) as link:
        service.links.append(link)
        await until(lambda: link.contact is Contact.CONNECTED)

        async def job() -> None:
            await asyncio.sleep(0.01)

        await link.write(job)
        answer = await service.get("/api/v1/links")
        assert answer["next"] is None
        (item,) = answer["items"]
        LinkAnswer.model_validate(item)
        assert item.keys() == LinkAnswer.model_fields.keys()
        assert (item["name"], item["contact"], item["sessions"], item["reconnects"]) == ("sw-1", "connected", 1, 0)
        assert 10 <= item["round_trip_ms"] < 1000
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["since"])


async def test_a_lost_link_says_why(service: Any, run_link: Any, quiet_session: Any, until: Any) -> None:
    quiet_session.refuse = "connection refused"
    async with run_link("sw-1", quiet_session) as link:
        service.links.append(link)
        await until(lambda: link.error)
        (item,) = (await service.get("/api/v1/links"))["items"]
        assert item["contact"] in ("disconnected", "connecting")
        assert item["error"] == "connection refused"
        assert (item["round_trip_ms"], item["round_trip_p99_ms"], item["sessions"]) == (None, None, 0)
        assert (await samples(service))["vigilia_link_connected", (("link", "sw-1"),)] == 0


async def test_the_audit_gives_writes_the_newest_first(server_factory: Any, tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/store.db")
    spool = Spool(tmp_path / "audit.spool", 1_000_000)
    journal = WriteJournal(spool, store, Clock())
    points = [Point(name, Kind.INTEGER, "T1", writable=True) for name in ("a", "b")]
    for number in range(5):
        write = journal.asked(points[number % 2], number, None, Origin("api", "", "127.0.0.1"))
        journal.answered(write, "confirmed" if number else "Refused", "" if number else "no")
    await journal.drain()
    try:
        async with server_factory(audit=store.audit) as service:
            answer = await service.get("/api/v1/audit")
            assert [item["value"] for item in answer["items"]] == [4, 3, 2, 1, 0]
            assert answer["next"] is None
            for item in answer["items"]:
                AuditAnswer.model_validate(item)
                assert item.keys() == AuditAnswer.model_fields.keys()
            assert (answer["items"][-1]["outcome"], answer["items"][-1]["detail"]) == ("Refused", "no")
            assert [i["value"] for i in (await service.get("/api/v1/audit", point="b"))["items"]] == [3, 1]
            seen: list[int] = []
            following: dict[str, str] = {}
            while following is not None:
                page = await service.get("/api/v1/audit", limit=2, **following)
                seen += [item["value"] for item in page["items"]]
                following = {"next": page["next"]} if page["next"] else None
            assert seen == [4, 3, 2, 1, 0]
    finally:
        await store.close()
        spool.close()


@pytest.mark.parametrize("cursor", ["!", "eA", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk", "wrI"])
async def test_a_cursor_that_no_page_gave_is_refused(service: Any, cursor: str) -> None:
    status, body = await service.failing("GET", f"/api/v1/audit?next={cursor}")
    assert (status, body["error"]) == (422, "invalid-request")


async def test_a_store_that_is_away_is_said(server_factory: Any) -> None:
    async def away(*_: Any, **__: Any) -> list[dict[str, Any]]:
        raise StoreError("disk I/O error")

    async with server_factory(audit=away) as service:
        status, body = await service.failing("GET", "/api/v1/audit")
        assert (status, body["error"]) == (503, "store-unavailable")
        assert "disk I/O error" in body["detail"]


async def test_health_is_what_the_evidence_says(server_factory: Any) -> None:
    missing: list[str] = []

    async def health() -> list[str]:
        return missing

    async with server_factory(health=health) as service:
        assert await service.get("/healthz") == {"status": "ok"}
        missing.append("sw-1 has not progressed for 30 s")
        async with service.client.get("/healthz") as answer:
            assert answer.status == 503
            assert await answer.json() == {"status": "failing", "missing": missing}


async def test_health_that_does_not_answer_is_failing(server_factory: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilia.interfaces.api.health._HEALTH_S", 0.05)

    async def health() -> list[str]:
        await asyncio.Event().wait()
        return []

    async with server_factory(health=health) as service, service.client.get("/healthz") as answer:
        assert answer.status == 503
        assert (await answer.json())["missing"] == ["no evidence within 0.05 s"]


async def test_points_are_metrics(alarmed: Any) -> None:
    await alarmed.publish("T2:Desc-SP", "text")
    await alarmed.publish("T2:Count-Mon", math.nan)
    await alarmed.publish("T1:PwrState-Sel", True)
    found = await samples(alarmed)

    def of(kind: str, name: str, device: str) -> float | None:
        return found.get((f"vigilia_point_{kind}", (("device", device), ("point", name))))

    assert of("value", "T1:PwrState-Raw", "T1") == 2
    assert of("value", "T1:Power-Mon", "T1") == 12.5
    assert of("value", "T1:PwrState-Sel", "T1") == 1
    assert of("severity", "T1:Power-Mon", "T1") == 1
    for name in ("T2:Desc-SP", "T2:Count-Mon", "T2:Level-SP"):  # text, not finite, never read
        assert of("value", name, "T2") is None
    assert of("severity", "T2:Level-SP", "T2") == 3
    assert len([key for key in found if key[0] == "vigilia_point_severity"]) == len(alarmed.table)


async def test_names_are_escaped_in_metrics(service: Any) -> None:
    name = 'quote " back \\ slash'
    service.table.add([Point(name, Kind.NUMBER, "x\ny")])
    await service.publish(name, 1.5)
    assert (await samples(service))["vigilia_point_value", (("device", "x\ny"), ("point", name))] == 1.5


async def test_links_and_the_process_are_metrics(service: Any, run_link: Any, quiet_session: Any, until: Any) -> None:
    async with run_link("sw-1", quiet_session) as link:
        service.links.append(link)
        await until(lambda: link.contact is Contact.CONNECTED)
        found = await samples(service)
        link_label = (("link", "sw-1"),)
        assert found["vigilia_link_connected", link_label] == 1
        assert found["vigilia_link_sessions", link_label] == 1
        assert found["vigilia_link_waiting_writes", link_label] == 0
        assert found["vigilia_link_reconnects_total", link_label] == 0
        assert found["vigilia_link_bad_answers_total", link_label] == 0
        assert abs(found["vigilia_link_since_seconds", link_label] - link.since) < 1e-3
        assert ("vigilia_link_round_trip_median_seconds", link_label) not in found
    assert found["vigilia_build_info", (("version", "1.2"),)] == 1
    assert found["vigilia_event_streams", ()] == 0
    assert found["vigilia_event_values_replaced_total", ()] == 0
    assert found["process_resident_memory_bytes", ()] > 1e6
    assert found["process_cpu_seconds_total", ()] > 0


def test_severity_numbers_are_those_of_epics() -> None:
    assert (Severity.INVALID, Status.UDF) == (3, 17)
