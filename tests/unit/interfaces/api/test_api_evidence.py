"""GET /api/v1/evidence: when each system last spoke, and what of it is not known."""

from typing import Any

from vigilia.points import Severity, Status


async def test_a_system_that_never_spoke_says_so(service: Any) -> None:
    (item,) = (await service.get("/api/v1/evidence"))["items"]
    points = len(list(service.table.points()))
    assert item == {"system": "vigilia", "newest": None, "points": points, "unknown": 0, "never": points}


async def test_only_a_good_reading_is_a_sign_of_life(service: Any) -> None:
    await service.publish("T1:Power-Mon", 6.5, time=1_700_000_000.0)
    await service.publish("T2:Count-Mon", 1, time=1_700_000_060.0, severity=Severity.INVALID, status=Status.TIMEOUT)
    (item,) = (await service.get("/api/v1/evidence"))["items"]
    assert item["newest"] == "2023-11-14T22:13:20.000Z"
    assert item["unknown"] == 1
    assert item["never"] == item["points"] - 2


async def test_who_asks_again_at_once_gets_the_same_answer(service: Any) -> None:
    await service.publish("T1:Power-Mon", 6.5, time=1_700_000_000.0)
    first = await service.get("/api/v1/evidence")
    await service.publish("T1:Power-Mon", 6.5, time=1_700_000_001.0)
    assert await service.get("/api/v1/evidence") == first
