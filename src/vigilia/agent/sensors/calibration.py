"""Calibration, as it is asked for and as circuits tell of it: pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from vigilia.agent.parts import Rejected
from vigilia.agent.sensors.kinds import EzoKind, Step
from vigilia.errors import BadAnswer
from vigilia.points import shorten

BEGIN, END, CLEAR = "begin", "end", "clear"
LASTS_S = 900.0
"""A probe is held to be in calibration for so long after it was last said or done: loops that use it hold."""

_GOOD_SLOPE = (85.0, 105.0)
"""Per cent of an ideal probe: outside, a pH probe is worn or dirty (EZO-pH data sheet, Slope)."""
_WORD = re.compile(r"[a-z]{1,10}")
_VALUE = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{1,3})?")


class Request(NamedTuple):
    """What is asked for: to begin, to end, to clear, or a step."""

    word: str
    command: str = ""
    """What the circuit is told; empty: nothing."""
    points_before: int = 0


class State(NamedTuple):
    """What a circuit says of its calibration."""

    points: int
    text: str
    poor: bool
    """Whether the slope is that of a worn or dirty probe."""


def parse_request(kind: EzoKind, text: str) -> Request:
    """Return what a text asks for: "begin", "mid,7.00", "1413", "clear", "end". Raises Rejected."""
    word, _, value = text.strip().lower().removeprefix("cal,").partition(",")
    word, value = word.strip(), value.strip()
    if _VALUE.fullmatch(word) and not value:
        # DO and CO2 know zero as a step of its own, which the circuit itself calls Cal,0.
        zero = float(word) == 0 and any(step.name == "zero" for step in kind.steps)
        word, value = ("zero", "") if zero else ("single", word)
    if word in (BEGIN, END) and not value:
        return Request(word)
    if word == CLEAR and not value:
        return Request(word, f"{kind.calibrated_by},clear")
    step = next((step for step in kind.steps if step.name == word), None)
    if step is None or not _WORD.fullmatch(word):
        raise Rejected(f"{shorten(text)} is no step of calibrating {kind.name}: write {usage(kind)}", over_limit=True)
    return Request(word, step_command(kind, step, value), step.points_before)


def step_command(kind: EzoKind, step: Step, value: str) -> str:
    """Return what the circuit is told for a step. Raises Rejected for a value that the step does not take."""
    if step.limits is None:
        if value:
            raise Rejected(f"the step {step.name!r} of {kind.name} takes no value", over_limit=True)
        return step.command
    low, high = step.limits
    units = kind.calibrated.units
    if not _VALUE.fullmatch(value) or not low <= float(value) <= high:
        right = f"{step.name},{step.usual:g}" if step.usual is not None else step.name
        raise Rejected(
            f"the step {step.name!r} of {kind.name} takes a value of {low:g} to {high:g} {units}, not "
            f"{shorten(value)}: write {right!r}, say",
            over_limit=True,
        )
    return step.command.format(value=value.removeprefix("+"))


def usage(kind: EzoKind) -> str:
    """Return what may be asked for, for people."""
    steps = [step.name if step.limits is None else f"{step.name},{step.usual:g}" for step in kind.steps]
    return ", ".join(f'"{text}"' for text in (BEGIN, *steps, CLEAR, END))


def describe(points: Sequence[str], slope: Sequence[str] | None) -> State:
    """Return the state that the values of `Cal,?` and `Slope,?` (None: not asked) tell of. Raises BadAnswer."""
    if not points or not re.fullmatch(r"[0-9]", points[0]):
        raise BadAnswer(f"{shorten(','.join(points))} where calibrated points are counted")
    count = int(points[0])
    text = f"{count} point{'s' if count > 1 else ''}" if count else "not calibrated"
    if not slope:
        return State(count, text, poor=False)
    if len(slope) < 2 or not all(re.fullmatch(r"-?[0-9]{1,4}(\.[0-9]{1,4})?", value) for value in slope):
        raise BadAnswer(f"{shorten(','.join(slope))} where a slope belongs")
    acid, base = float(slope[0]), float(slope[1])
    text += f"; slope acid {acid:g} %, base {base:g} %"
    if len(slope) > 2:  # newer firmware
        text += f", offset {float(slope[2]):g} mV"
    low, high = _GOOD_SLOPE
    return State(count, text, poor=count > 1 and not (low <= acid <= high and low <= base <= high))
