"""Times that clients send: ISO 8601, with their zone."""

from vigilia.clock import moment
from vigilia.interfaces.api.answers import Failed
from vigilia.points import shorten


def moment_of(text: str, name: str) -> float:
    """Return a time that a client sent in seconds UTC; `name` is what it sent it as. Raises Failed."""
    try:
        return moment(text)
    except ValueError:
        right = 'write a time with its zone, such as "2026-03-10T08:50:00Z"'
        raise Failed(422, "invalid-request", f"{name}: {shorten(text)} is no time: {right}") from None
