"""Event streams are few: nobody takes all of them from the others."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from vigilia.interfaces.api import streams
from vigilia.interfaces.auth.config import AuthConfig

EVENTS = "/api/v1/events?name=T1:Power-Mon"


@pytest.mark.parametrize("greedy", ["vera", None], ids=["a user", "those who have not signed in"])
async def test_nobody_takes_all_streams(place_factory: Any, monkeypatch: Any, greedy: str | None) -> None:
    monkeypatch.setattr(streams, "MOST_OF_ONE", 3)
    async with place_factory(auth=AuthConfig(anonymous="viewer")) as place, AsyncExitStack() as opened:
        taking = await place.signed_in(greedy) if greedy else place.browser()
        statuses: list[int] = []
        for _ in range(4):
            answer = await opened.enter_async_context(taking.client.get(EVENTS))
            statuses.append(answer.status)
        assert statuses == [200, 200, 200, 503]
        assert (await answer.json())["error"] == "no-stream"
        other = await place.signed_in("otto")
        answer = await opened.enter_async_context(other.client.get(EVENTS))
        assert answer.status == 200
