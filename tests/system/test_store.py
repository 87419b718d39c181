"""The service beside a store that takes nothing."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import until

pytestmark = pytest.mark.system

SEL = "SIM-01:Cam-01:PwrState-Sel"


async def test_a_locked_store_is_unhealthy_and_delays_neither_writes_nor_the_stop(
    simulate: Any, serve: Any, tmp_path: Path
) -> None:
    sim = await simulate()
    service = await serve(sim.config, epics=None)

    async def has_value() -> bool:
        return (await service.point(SEL))["value"] is not None

    await until(has_value)
    holder = sqlite3.connect(tmp_path / "state" / "vigilia.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert (await service.put(SEL, 0))[0] == 200
    status, answer = await service.call("GET", "/healthz")
    assert status == 503
    assert any("locked" in sentence for sentence in answer["missing"])
    began = time.monotonic()
    assert await service.program.stop() == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in service.program.text
    holder.execute("ROLLBACK")
    holder.close()
    service = await serve(sim.config, epics=None)
    _, answer = await service.call("GET", f"/api/v1/audit?point={SEL}")
    assert [item["outcome"] for item in answer["items"]] == ["confirmed"], "it waited on disk for the next start"
