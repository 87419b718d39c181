"""Pins that are nowhere but in memory."""

from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def mock_pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], float]]:
    """Have gpiozero use pins in memory; return what reads one."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setenv("GPIOZERO_MOCK_PIN_CLASS", "mockpwmpin")
    import gpiozero

    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)

    def state(number: int) -> float:
        factory = gpiozero.Device.pin_factory
        return -1.0 if factory is None else float(factory.pin(number).state)

    yield state
    if gpiozero.Device.pin_factory is not None:
        gpiozero.Device.pin_factory.close()
