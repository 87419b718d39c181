"""Keeps secrets out of what the program writes: each is replaced by `***`, in whatever form a library spells it.

`hide` is told the configured secrets at start, and tokens as they are obtained. Log lines and tracebacks pass `redact`.
"""

import html
import json
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from types import TracebackType
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from vigilia.errors import printable

_MASK = "***"
_SHORT = 4
"""A secret shorter than this is replaced only where it stands alone: else it would hide the log itself."""
_MOST_PASSING = 256
"""Tokens that are remembered: older ones have expired long ago."""
_LEAST_PART = 8
"""The shortest part of a secret address (a path, a value of its query) that is secret by itself."""


class Redactor:
    """Knows what is to be hidden. Any thread may use it."""

    def __init__(self) -> None:
        self._lasting: dict[str, None] = {}
        self._passing: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def hide(self, secrets: Iterable[str], *, lasting: bool = False) -> None:
        """Replace each of `secrets` from now on. Of those not `lasting` the newest `_MOST_PASSING` are remembered."""
        with self._lock:
            known = self._lasting if lasting else self._passing
            fresh = [secret for secret in secrets if secret and secret not in self._lasting and secret not in known]
            if not fresh:
                return
            known.update(dict.fromkeys(fresh))
            while len(self._passing) > _MOST_PASSING:
                del self._passing[next(iter(self._passing))]
            forms = {form for secret in (*self._lasting, *self._passing) for form in _forms(secret)}
            self._pattern = re.compile("|".join(map(_expression, sorted(forms, key=len, reverse=True))))

    def redact(self, text: str) -> str:
        """Return `text` with everything hidden in it replaced by `***`."""
        pattern = self._pattern
        return pattern.sub(_MASK, text) if pattern else text


_program = Redactor()
"""The program's own: what is secret is so everywhere in it."""


def hide(secrets: Iterable[str], *, lasting: bool = False) -> None:
    """Replace each of `secrets` by `***` from now on, in every log line and traceback.

    `lasting`: those of the configuration. The others are tokens, of which a few hundred of the newest are remembered.
    """
    _program.hide(secrets, lasting=lasting)


def redact(text: str) -> str:
    """Return `text` with everything hidden in it replaced by `***`."""
    return _program.redact(text)


def guard_tracebacks() -> None:
    """Have the interpreter's own last words (an error that nobody caught) pass `redact` as well."""
    sys.excepthook = _say_uncaught
    threading.excepthook = lambda args: _say_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _say_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _say_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if sys.stderr is None:  # closed by whoever started us
        return
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def _expression(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"


def _forms(secret: str) -> Iterator[str]:
    """Give every spelling of `secret` that may come into a text."""
    for plain in {secret, secret.strip(), *_parts(secret)} - {""}:
        yield plain
        yield plain.replace("/", "\\/")  # some write JSON so
        yield printable(plain)
        yield html.escape(plain)
        yield from (repr(plain)[1:-1], ascii(plain)[1:-1])
        for escaped in (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]):
            yield escaped
            yield repr(escaped)[1:-1]  # JSON inside the repr of a body
        encodable = plain.encode("utf-8", "replace").decode()
        for encoded in (quote(encodable), quote(encodable, safe=""), quote_plus(encodable)):
            yield encoded
            yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


def _parts(secret: str) -> Iterator[str]:
    """Give what of a secret address is secret by itself: its path and query, long segments, values, a password."""
    if not secret.startswith(("https://", "http://")):
        return
    try:
        address = urlsplit(secret)
    except ValueError:
        return
    values = [value for _, value in parse_qsl(address.query)]
    whole = f"{address.path}?{address.query}" if address.query else address.path
    segments = [segment for segment in address.path.split("/") if len(segment) >= 2 * _LEAST_PART]
    for part in (whole, address.query, address.password or "", *segments, *values):
        if len(part) >= _LEAST_PART:
            yield from (part, unquote(part))
