"""Pins that are nowhere but in memory."""

from collections.abc import Iterator

import gpiozero
import pytest


class MockPins:
    """Pins in memory, for one process after another."""

    def __call__(self, number: int) -> float:
        """Return a pin's level; -1 where no process has any."""
        factory = gpiozero.Device.pin_factory
        return -1.0 if factory is None else float(factory.pin(number).state)

    def end_process(self) -> None:
        """Have all pins go with the process that held them, as at its end."""
        if gpiozero.Device.pin_factory is not None:
            gpiozero.Device.pin_factory.close()
        gpiozero.Device.pin_factory = None


@pytest.fixture
def mock_pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockPins]:
    """Have gpiozero use pins in memory; return what reads one."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setenv("GPIOZERO_MOCK_PIN_CLASS", "mockpwmpin")
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    pins = MockPins()
    yield pins
    pins.end_process()
