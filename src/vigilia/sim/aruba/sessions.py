"""The login sessions of a simulated switch: few at a time, forgotten when idle."""

import secrets


class Sessions:
    """Open sessions. Times are seconds on the caller's monotonic clock.

    `limit`: how many may be open at once; `idle_s`: how long an unused one lives.
    """

    def __init__(self, limit: int = 5, idle_s: float = 120.0) -> None:
        self.limit = limit
        self.idle_s = idle_s
        self.logins = 0
        self.max_open = 0
        self._last_used: dict[str, float] = {}

    def open(self, now: float) -> str | None:
        """A new session's id, or None when none is free."""
        if self.count(now) >= self.limit:
            return None
        session = secrets.token_urlsafe(24)
        self._last_used[session] = now
        self.logins += 1
        self.max_open = max(self.max_open, len(self._last_used))
        return session

    def use(self, session: str, now: float) -> bool:
        """Whether the session is open; if so its idle time begins anew."""
        self._drop_idle(now)
        if session not in self._last_used:
            return False
        self._last_used[session] = now
        return True

    def close(self, session: str) -> None:
        """End one session; an unknown one is no error."""
        self._last_used.pop(session, None)

    def clear(self) -> None:
        """End all sessions at once."""
        self._last_used.clear()

    def count(self, now: float) -> int:
        """How many sessions are open now."""
        self._drop_idle(now)
        return len(self._last_used)

    def _drop_idle(self, now: float) -> None:
        idle = [session for session, used in self._last_used.items() if now - used >= self.idle_s]
        for session in idle:
            del self._last_used[session]
