"""Times that a list can be narrowed to."""

from pydantic import BaseModel, Field

from vigilia.interfaces.api.answers import Failed
from vigilia.interfaces.api.moments import moment_of

_TIME = "UTC, ISO 8601, with Z"


class TimesQuery(BaseModel):
    """From when until when."""

    from_: str = Field(default="", alias="from", max_length=60, description=f"from then on: {_TIME}")
    to: str = Field(default="", max_length=60, description=f"only before this: {_TIME}")

    def interval(self) -> tuple[float | None, float | None]:
        """Return both in seconds UTC, None for what was left out. Raises Failed."""
        start = moment_of(self.from_, "from") if self.from_ else None
        end = moment_of(self.to, "to") if self.to else None
        if start is not None and end is not None and start >= end:
            raise Failed(422, "invalid-request", "from: it must be before to")
        return start, end

    def bounded(self, now: float, usual_s: float, most_s: float) -> tuple[float, float]:
        """Return both in seconds UTC: `to` is now unless it is given, `from` is `usual_s` before. Raises Failed.

        `most_s` is the longest time that may be asked for.
        """
        start, end = self.interval()
        end = now if end is None else end
        start = end - usual_s if start is None else start
        if start >= end:
            raise Failed(422, "invalid-request", "from: it must be before to, which is now unless it is given")
        if end - start > most_s:
            raise Failed(422, "invalid-request", f"from: at most {most_s / 86_400:g} days may be asked for at once")
        if start < 0:
            raise Failed(422, "invalid-request", "from: it is before 1970")
        return start, end
