"""Pages of long lists: how many items, and from where on."""

import base64
import binascii

from pydantic import BaseModel, Field

from vigilia.interfaces.api.answers import Failed
from vigilia.interfaces.api.models import LONGEST_PAGE

_LARGEST_ID = 2**63 - 1


class PageQuery(BaseModel):
    """The parameters that every long list takes."""

    limit: int = Field(default=LONGEST_PAGE, ge=1, le=LONGEST_PAGE, description="most items on the page")
    next: str = Field(default="", max_length=2000, description="the `next` of the page before")

    def start(self) -> str | None:
        """Return the last item of the page before, as `cursor` was given it; None for the first page. Raises Failed."""
        if not self.next:
            return None
        try:
            return base64.urlsafe_b64decode(self.next + "=" * (-len(self.next) % 4)).decode("utf-8", "surrogatepass")
        except (binascii.Error, ValueError) as error:
            raise invalid_cursor() from error

    def number(self) -> int | None:
        """Return the id of the last item of the page before, a number; None for the first page. Raises Failed."""
        start = self.start()
        if start is None:
            return None
        if not (start.isascii() and start.isdigit() and len(start) < 20 and int(start) <= _LARGEST_ID):
            raise invalid_cursor()
        return int(start)


def cursor(last: str) -> str:
    """Return the `next` of a page that ends with `last`."""
    return base64.urlsafe_b64encode(last.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def invalid_cursor() -> Failed:
    """Return the failure of a request whose `next` no page gave."""
    return Failed(422, "invalid-request", "next: no page gave this; ask without next for the first page")
