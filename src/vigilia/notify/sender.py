"""What every channel's sender does, and how it says that it could not."""

from typing import Protocol

from vigilia.errors import VigiliaError
from vigilia.notify.cards import Card


class NotDelivered(VigiliaError):
    """A channel did not take a card. The text says why, and holds no secret."""

    def __init__(
        self, reason: str, *, retry_after_s: float | None = None, refused: bool = False, too_large: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        """How long the channel asked to be left alone; None: it did not."""
        self.refused = refused
        """True where the same card will hardly ever be taken: it is tried again all the same, but slowly."""
        self.too_large = too_large
        """True where a smaller card may be taken."""


class Sender(Protocol):
    """Sends cards to one place. Knows nothing of queues, budgets and repetition."""

    name: str
    """The channel's name."""
    mark: str
    """Begins the log line of a card that was not taken: what people search for. Never translated."""

    def size(self, card: Card) -> int:
        """Return how many bytes a card takes in this channel's form."""
        ...

    async def send(self, card: Card) -> None:
        """Send a card once, within a deadline of its own. Raises NotDelivered where it was not taken."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
