"""What the tests of notices share: a webhook, a store, and a channel between them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.notify.webhook import Webhook, listening
from vigilia.store import Store


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with listening() as webhook:
        yield webhook


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()
