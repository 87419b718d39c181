"""What a pump can be asked for: the command it is told, how much that is at the most, and how long it may take."""

from dataclasses import dataclass

from vigilia.agent.parts import Rejected
from vigilia.points import shorten

LEAST_ML = 0.5
"""The smallest dose; also the slowest rate, in ml/min, that the motor turns at (EZO-PMP data sheet)."""
FASTEST_ML_MIN = 105.0
_LONGEST_MIN = 1440.0
_SLACK = 2.0
"""A motor on a weak supply, or with a worn tube, takes longer than its data sheet says."""
_SLACK_S = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that a pump is told to do, and that ends by itself."""

    text: str
    ml: float
    """What it gives, at the most."""
    within_s: float
    """When it is stopped, should it not have ended."""
    continuous: bool = False
    """Whether it is to go on until it is stopped: its end is then no failure, however much was given."""


def single_dose(ml: float) -> Order:
    """Return the order of a dose, as fast as the pump can. Raises Rejected."""
    ml = _volume(ml)
    return Order(f"D,{ml:.2f}", ml, ml / FASTEST_ML_MIN * 60 * _SLACK + _SLACK_S)


def dose_over(text: str) -> Order:
    """Return the order of "ml,minutes": a dose over a time. Raises Rejected."""
    ml, minutes = _pair(text, "ml,minutes")
    ml = _volume(ml)
    _check_rate(ml / minutes)
    return Order(f"D,{ml:.2f},{minutes:g}", ml, minutes * 60 + _SLACK_S)


def steady_rate(text: str) -> Order:
    """Return the order of "ml/min,minutes": a steady rate for a time. Raises Rejected."""
    rate, minutes = _pair(text, "ml/min,minutes")
    rate = round(rate, 2)
    _check_rate(rate)
    return Order(f"DC,{rate:.2f},{minutes:g}", _volume(rate * minutes), minutes * 60 + _SLACK_S)


def continuous(most_s: float) -> Order:
    """Return the order to pump until stopped, `most_s` at the most.

    It is a dose of what the fastest pump gives in that time: should nobody be left to stop it, it ends all the same.
    """
    ml = max(LEAST_ML, round(FASTEST_ML_MIN * most_s / 60, 2))
    return Order(f"D,{ml:.2f}", ml, most_s, continuous=True)


def _volume(ml: float) -> float:
    """Return a volume as the pump takes it: with two decimals, and what counts is what it is told."""
    rounded = round(ml, 2)
    if not rounded >= LEAST_ML:  # NaN, too
        raise Rejected(f"{ml:g} ml is less than the pump can give: write {LEAST_ML:g} ml at least", over_limit=True)
    return rounded


def _check_rate(ml_min: float) -> None:
    if not LEAST_ML <= ml_min <= FASTEST_ML_MIN:
        raise Rejected(
            f"{ml_min:g} ml/min is not what the pump can do: {LEAST_ML:g} to {FASTEST_ML_MIN:g} ml/min", over_limit=True
        )


def _pair(text: str, form: str) -> tuple[float, float]:
    first, _, second = text.partition(",")
    try:
        amount, minutes = float(first), round(float(second), 2)
    except ValueError:
        raise Rejected(f'{shorten(text)} is not understood: write "{form}"', over_limit=True) from None
    if not 0 < minutes <= _LONGEST_MIN:
        raise Rejected(f"{shorten(second)} minutes: write 0.01 to {_LONGEST_MIN:g}", over_limit=True)
    return amount, minutes
