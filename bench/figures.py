"""Figures: a measured value beside its limit, and how they are computed and printed."""

import itertools
import math
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Figure:
    """A measured value. `limit` None: told for information. A value may be at most its limit, or at least."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False

    @property
    def passed(self) -> bool | None:
        """Whether it keeps its limit; None where it has none."""
        if self.limit is None:
            return None
        if math.isnan(self.value):
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank); NaN of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)] if ordered else math.nan


def median(values: Iterable[float]) -> float:
    """The 50th percentile."""
    return percentile(values, 50)


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; NaN of nothing."""
    return sum(values) / len(values) if values else math.nan


def steps(times: Sequence[float]) -> list[float]:
    """The intervals between moments."""
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def gaps(times: Sequence[float], end: float) -> list[float]:
    """The intervals between moments, up to `end`: what has not come back by then counts if it is the longest wait."""
    found = steps(times)
    last = end - times[-1] if times else math.inf
    return [*found, last] if last > max(found, default=0.0) else found


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def show_number(value: float) -> str:
    """At least three significant digits; whole numbers as such."""
    if math.isnan(value) or math.isinf(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    # One digit more below 2, so that 1.003 s is not taken for 1.00 s.
    digits = max(0, (3 if abs(value) < 2 else 2) - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def with_unit(value: float, unit: str) -> str:
    """A number with its unit; nothing for NaN."""
    return "" if math.isnan(value) else f"{show_number(value)} {unit}".rstrip()


def figures_table(results: dict[str, list[Figure]]) -> str:
    """All figures with their limits."""
    words = {None: "", True: "PASS", False: "FAIL"}
    rows: list[list[str]] = []
    for name, figures in results.items():
        for figure in figures:
            sign = "≥" if figure.at_least else "≤"
            limit = "" if figure.limit is None else f"{sign} {with_unit(figure.limit, figure.unit)}"
            value = with_unit(figure.value, figure.unit)
            rows.append([f"{name}: {figure.what}", value, limit, words[figure.passed]])
    return markdown(("Measured", "Value", "Limit", ""), rows)


def machine() -> str:
    """The facts of the machine that figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = psutil.virtual_memory().total / 2**30
    python = f"Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, {python}"
