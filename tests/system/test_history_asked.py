"""The history of a running service, as people ask it: over HTTP, exported and imported beside it, after a kill."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import until

pytestmark = pytest.mark.system

RAW = "SIM-01:Cam-01:PwrState-Raw"
SEL = "SIM-01:Cam-01:PwrState-Sel"


async def values(service: Any, name: str, **query: str) -> list[Any]:
    """What the history has of a point, without the marks of gaps; nothing where it knows no such point."""
    asked = "&".join(f"{key}={text}" for key, text in query.items())
    status, answer = await service.call("GET", f"/api/v1/history/{name}?{asked}")
    assert status in (200, 404), answer
    return [point["value"] for point in answer.get("points", []) if point["value"] is not None]


async def test_what_a_service_saw_is_there_for_everybody(
    simulate: Any, serve: Any, programs: Any, tmp_path: Path
) -> None:
    sim = await simulate()
    service = await serve(sim.config, epics=None)

    async def seen() -> list[Any]:
        return await values(service, RAW)

    await until(seen)
    before = (await service.point(RAW))["value"]
    assert (await service.put(SEL, 0))[0] == 200

    async def changed() -> bool:
        return (await seen())[-1] != before

    await until(changed)
    assert (await seen())[0] == before

    export = await programs("history", "export", "SIM-01:*", "--out", "all.csv")
    assert await export.wait() == 0, export.text
    header, *lines = (tmp_path / "all.csv").read_text().splitlines()
    assert header == "point,time,value,text,severity,status"
    assert {before, (await seen())[-1]} <= {float(line.split(",")[2]) for line in lines if line.startswith(f"{RAW},")}

    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (tmp_path / "old.csv").write_text(f"{header}\n{RAW},{yesterday},3,,,\ngone,{yesterday},7,,,\n")
    given = await programs("history", "import", "old.csv")
    assert await given.wait() == 0, given.text
    assert given.lines == ["2 rows imported, 0 lines left out"]
    assert await values(service, "gone", **{"from": yesterday, "to": yesterday}) == [7]
    assert await values(service, RAW, **{"from": yesterday, "to": yesterday}) == [3]

    await service.program.kill()
    service = await serve(sim.config, epics=None)
    assert (await values(service, RAW, max_points="10000"))[0] == before
    assert await values(service, RAW, **{"from": yesterday, "to": yesterday}) == [3]
    status, health = await service.call("GET", "/healthz")
    assert status == 200, health
    assert await service.program.stop() == 0
    assert "Traceback" not in service.program.text
