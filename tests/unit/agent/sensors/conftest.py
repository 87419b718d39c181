"""Sensors with circuits that really listen, and that need no time."""

import pytest

from vigilia.agent.ezo import protocol


@pytest.fixture(autouse=True)
def quick_circuits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as long as the stand-ins need; tests/unit/agent/ezo sees to the real waits."""
    monkeypatch.setattr(protocol, "_WAIT_S", 0.002)
    monkeypatch.setattr(protocol, "_LONG_WAIT_S", 0.002)
    monkeypatch.setattr(protocol, "_READ_WAITS_S", {})
