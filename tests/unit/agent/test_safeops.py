"""Operations that make outputs safe, done with the standard library alone."""

import os
import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.agent.safeops import SafeHands, check_operations

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["pwm", "gpio", "sim"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@pytest.fixture
def hands() -> Iterator[SafeHands]:
    hands = SafeHands()
    yield hands
    hands.release()


def test_what_is_an_operation() -> None:
    good: list[list[Any]] = [
        ["pwm", "/sys/class/pwm/pwmchip0/pwm0", 10_000_000, 0],
        ["gpio", 17, 0],
        ["i2c", "/dev/i2c-1", 103, "58"],
        ["uart", "/dev/ttyAMA0", 9600, "580d"],
        ["sim", "127.0.0.1:4000", 103, "58"],
    ]
    assert check_operations(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        ["pwm"],
        [["pwm", "/x"]],
        [["pwm", "/x", "1", 0]],
        [["gpio", "17", 0]],
        [["gpio", 17, True]],
        [["i2c", "/dev/i2c-1", 103, "5"]],
        [["i2c", "/dev/i2c-1", 103, "xy"]],
        [["run", "rm"]],
        [[["pwm"], "/x", 1, 0]],
        [["gpio", 17, 0]] * 17,
    ],
)
def test_what_is_none(bad: object) -> None:
    with pytest.raises(ValueError, match=r"no (list of )?operation|fromhex"):
        check_operations(bad)


@given(JSON)
def test_whatever_comes_is_taken_or_refused(value: object) -> None:
    try:
        operations = check_operations(value)
    except ValueError:
        return
    assert operations is value


def test_hardware_pwm_is_switched_off_and_a_channel_that_is_not_there_is_nothing(
    hands: SafeHands, tmp_path: Path
) -> None:
    for name in ("period", "duty_cycle", "enable"):
        (tmp_path / name).write_text("12345")
    safe = {
        "heater": [["pwm", str(tmp_path), 1000, 0]],
        "lamp": [["pwm", str(tmp_path / "pwm3"), 1000, 0]],
    }
    assert hands.make_safe(safe) == {}
    assert [(tmp_path / name).read_text() for name in ("period", "duty_cycle", "enable")] == ["12345", "0", "0"]
    assert not (tmp_path / "pwm3").exists()


def test_one_that_fails_holds_up_no_other_and_is_named(hands: SafeHands, tmp_path: Path) -> None:
    for name in ("duty_cycle", "enable"):  # what its period is cannot be read
        (tmp_path / name).write_text("1")
    (tmp_path / "folder" / "enable").mkdir(parents=True)
    began = time.monotonic()
    failures = hands.make_safe(
        {
            "pump": [["i2c", str(tmp_path / "no-bus"), 103, "58"]],
            "acid": [["sim", "127.0.0.1:1", 103, "58"]],
            "lamp": [["pwm", str(tmp_path / "folder"), 1000, 0]],
            "heater": [["pwm", str(tmp_path), 1000, 0]],
        }
    )
    assert time.monotonic() - began < 1.0
    assert failures.keys() == {"pump", "acid", "lamp"}
    assert "no-bus" in failures["pump"]
    assert (tmp_path / "enable").read_text() == "0"


def test_a_circuit_on_a_serial_line_is_told_twice(hands: SafeHands) -> None:
    ours, theirs = os.openpty()
    try:
        assert hands.make_safe({"pump": [["uart", os.ttyname(theirs), 9600, "580d"]]}) == {}
        heard = b""
        # A pseudo-terminal hands on what is written in its own time.
        while len(heard) < 4 and select.select([ours], [], [], 5)[0]:
            heard += os.read(ours, 100)
        assert heard == b"X\rX\r"
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(bool(list(Path("/dev").glob("gpiochip*"))), reason="this computer has pins, which are not ours")
def test_a_computer_without_pins_says_so(hands: SafeHands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    assert "no chip has the pins" in hands.make_safe({"relay": [["gpio", 17, 0]]})["relay"]
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    assert hands.make_safe({"relay": [["gpio", 17, 0]]}) == {}, "such a pin died with its worker"
