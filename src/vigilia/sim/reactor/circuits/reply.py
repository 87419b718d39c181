"""What a circuit answers to a command, and the reading of a command's words."""

import math
from dataclasses import dataclass

SHORT_S = 0.3
"""How long most commands take (Atlas Scientific data sheets: "processing delay")."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `text` None: the circuit says nothing at all, as after Sleep."""

    text: str | None = ""
    wait_s: float = SHORT_S
    is_ok: bool = True
    code: str = ""
    """Said over UART before *ER: why it is refused."""
    after: str = ""
    """Said over UART behind *OK."""
    ends_itself: bool = False
    """Over UART the text is the whole answer, without *OK: X says *DONE."""


SILENT = Reply(None)


class NotUnderstood(Exception):
    """The circuit does not take the command. `code`: what a pump says over UART before *ER."""

    def __init__(self, code: str = "") -> None:
        super().__init__(code)
        self.code = code


def number(text: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return the number that `text` says; raises NotUnderstood for anything else, or outside the limits."""
    try:
        value = float(text)
    except ValueError:
        raise NotUnderstood from None
    if not math.isfinite(value) or not low <= value <= high:
        raise NotUnderstood
    return value


def whole(text: str, low: int, high: int) -> int:
    """Return the whole number that `text` says; raises NotUnderstood."""
    if not text.isdecimal() or not low <= int(text) <= high:
        raise NotUnderstood
    return int(text)


def one(words: list[str]) -> str:
    """Return the only word; raises NotUnderstood where there are more, or none."""
    if len(words) != 1:
        raise NotUnderstood
    return words[0]


def none(words: list[str]) -> None:
    """Raise NotUnderstood where there are any words."""
    if words:
        raise NotUnderstood
