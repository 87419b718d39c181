"""Roles, and which of them each route needs.

A route says what it needs with `needs`; one that says nothing needs a viewer to read and an operator for all else.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_NEEDED = "_vigilia_role"
_READING = frozenset({"GET", "HEAD"})


class Role(IntEnum):
    """What somebody may do; each role may all that those before it may."""

    NOBODY = 0
    """Who has not signed in, where that does not let them look."""
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The role as people write it: "viewer"."""
        return self.name.lower()

    @classmethod
    def read(cls, word: str) -> "Role":
        """Return the role that is written so; for a word that is none, the one that may do nothing."""
        return next((role for role in GIVEN if role.word == word), Role.NOBODY)


GIVEN = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
"""The roles that a user can have."""
ROLE_WORDS = tuple(role.word for role in GIVEN)


def needs(role: Role) -> Callable[[_Endpoint], _Endpoint]:
    """Declare the role that a route's function needs; `Role.NOBODY`: it is open. Stands below the route's decorator."""

    def declare(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _NEEDED, role)
        return endpoint

    return declare


def role_needed(endpoint: object, method: str) -> Role:
    """Return the role that a request of that method needs to have `endpoint` answer."""
    declared = getattr(endpoint, _NEEDED, None)
    if isinstance(declared, Role):
        return declared
    return Role.VIEWER if method in _READING else Role.OPERATOR
