"""How long to wait between two attempts to reconnect."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts to reconnect: at random, growing from `first_s` to `most_s`.

    Each wait is drawn between `first_s` and three times the one before ("decorrelated jitter"), so that many links
    that lost contact together do not come back together.
    """

    first_s: float = 0.5
    most_s: float = 10.0

    def after(self, previous_s: float | None) -> float:
        """Return the wait that follows a wait of `previous_s` (None: the first)."""
        highest = 2 * self.first_s if previous_s is None else 3 * previous_s
        return min(self.most_s, random.uniform(self.first_s, max(self.first_s, highest)))  # noqa: S311
