"""The error tree: every error Vigilia raises on purpose, in one place.

    VigiliaError
    ├── ConfigError              the configuration cannot be used (exit 2)
    ├── StartError               the program cannot start here and now (exit 2)
    │   └── AlreadyRunning       another instance holds the data directory (exit 3)
    ├── LinkError                a conversation with equipment went wrong
    │   ├── ConnectionLost       no answer: refused, reset, cut, timed out
    │   ├── BadAnswer            an answer that cannot be used; the connection stands
    │   ├── LoginRefused         the equipment answered, and would not let us in: a person must see to it
    │   └── NoSession            the equipment answered, and has no room for us at present
    ├── WriteError               a write that was not confirmed, with its reason
    │   ├── UnknownPoint         no point has that name
    │   ├── ReadOnly             the point takes no writes
    │   ├── InvalidValue         wrong type, not finite, outside the limits
    │   ├── NotWritable          refused by its present state (disconnected, queue full)
    │   ├── Changed              somebody else has changed it since whoever asks looked
    │   ├── Refused              the equipment answered, and did not do it
    │   ├── WriteTimeout         no answer came in time; it may or may not have been done
    │   └── Pending              not confirmed, but kept: it is applied when the equipment is back
    │       └── Begun            the equipment is at it: how it ends is known later
    ├── UnknownAlarm             no alarm has that id
    ├── UnknownReactor           no reactor has that id, or none that could be accepted
    ├── UnknownPart              the reactor has no such part, or none of which that can be asked
    ├── AlarmRefused             the alarm's present state does not allow that action
    │   └── AlarmChanged         it was raised anew since whoever asks looked
    ├── UnknownNotice            no notice has that id
    ├── NoticeRefused            the notice cannot be sent once more now
    ├── SignInRefused            the user or the password is wrong, or a link is worth nothing
    ├── TooManyAttempts          too many sign-ins failed: wait before the next one
    ├── UnknownAccount           no user, or no token, has that name
    └── AccountRefused           what is asked for users and tokens is not to be done as they are

Vendor errors (aiohttp, SQLAlchemy, softioc) are translated into this tree at the edge where they arise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the guardian imports this module, and no event loop
    import asyncio
    from collections.abc import Sequence


def printable(text: str) -> str:
    """Return `text` with its control characters spelled out: what equipment says may not forge a line or a colour."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class VigiliaError(Exception):
    """Base of all errors that Vigilia raises on purpose; its text is a sentence fit for a person."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration: where, which key, what, and what would be right."""

    place: str
    key: str
    wrong: str
    right: str

    def __str__(self) -> str:
        """Give the problem as the one line that is printed for it, whatever characters a key may have."""
        return printable(f"{self.place}: {self.key}: {self.wrong}; {self.right}")


class ConfigError(VigiliaError):
    """The configuration cannot be used; carries one `Problem` for each thing wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class StartError(VigiliaError):
    """The program cannot start: a port taken, a missing extra, a store newer than the program."""


class AlreadyRunning(StartError):
    """Another instance holds the data directory."""


class LinkError(VigiliaError):
    """A conversation with equipment went wrong."""


class ConnectionLost(LinkError):
    """No answer came: refused, reset, cut before an answer began, or out of time."""


class BadAnswer(LinkError):
    """The equipment answered something that cannot be used; it is discarded and counted."""


class LoginRefused(LinkError):
    """The equipment answered a login with a refusal that does not heal by itself: wrong credentials above all."""


class NoSession(LinkError):
    """The equipment answered that it holds as many login sessions as it can; one of others may end."""


class WriteError(VigiliaError):
    """A write was not confirmed; the text says why."""


class UnknownPoint(WriteError):
    """No point has that name."""


class ReadOnly(WriteError):
    """The point takes no writes."""


class InvalidValue(WriteError):
    """The value has the wrong type, is not finite, or lies outside the point's limits."""


class NotWritable(WriteError):
    """The point's present state refuses writes: its link is down, or too many writes wait already."""


class Changed(WriteError):
    """The point is not as whoever asks for the write saw it: nothing was done."""


class Refused(WriteError):
    """The equipment answered, and did not do it."""


class WriteTimeout(WriteError):
    """No answer came in time: the equipment may or may not have done it."""


class Pending(WriteError):
    """The equipment is away, and the value is kept for it: durable, and applied when it is back."""


class Begun(Pending):
    """The equipment has begun what takes long, and is at it: `end` says how that ended, None where well."""

    def __init__(self, text: str, end: asyncio.Future[WriteError | None]) -> None:
        super().__init__(text)
        self.end = end


class UnknownReactor(VigiliaError):
    """No reactor of that id is known or waits to be accepted."""


class UnknownPart(VigiliaError):
    """The reactor has no part of that name, or none of which that can be asked."""


class UnknownAlarm(VigiliaError):
    """No alarm has that id."""


class AlarmRefused(VigiliaError):
    """The alarm's present state does not allow that action: what is normal cannot be acknowledged."""


class AlarmChanged(AlarmRefused):
    """The alarm was raised anew since whoever asks for an act saw it: nothing was done."""


class UnknownNotice(VigiliaError):
    """No notice has that id: it is of long ago, or there never was one."""


class NoticeRefused(VigiliaError):
    """The notice cannot be sent once more now: it waits itself, or its repetition does."""


class SignInRefused(VigiliaError):
    """Nobody was signed in: the user or the password is wrong, or a link is worth nothing (any more)."""


class TooManyAttempts(VigiliaError):
    """Too many sign-ins failed; nothing was looked at. `wait_s`: seconds until the next one may be tried."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class UnknownAccount(VigiliaError):
    """No user, or no token, has that name."""


class AccountRefused(VigiliaError):
    """The users and tokens there are do not allow it: a name is taken, the last administrator would go."""
