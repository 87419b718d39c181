"""How far a long command has come, for whoever watches it on a terminal."""

import sys
import time

_EVERY_S = 0.1
_WIDTH = 30
_ERASE = "\r\x1b[K"


class Progress:
    """A bar on the standard error stream; nothing at all where that is no terminal."""

    def __init__(self) -> None:
        self._seen = sys.stderr.isatty()
        self._last = 0.0

    def show(self, share: float, words: str) -> None:
        """Show that a share of the work is done, 0 to 1, and a few words."""
        now = time.monotonic()
        if not self._seen or now - self._last < _EVERY_S:
            return
        self._last = now
        done = min(max(share, 0.0), 1.0)
        bar = ("█" * round(done * _WIDTH)).ljust(_WIDTH, "░")
        sys.stderr.write(f"{_ERASE}{bar} {done:4.0%} {words}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar away, so that a line of text may follow."""
        if self._seen and self._last:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
            self._last = 0.0
