"""Passwords: argon2id, in a thread of its own, and never more at once than the machine's memory is meant for."""

import asyncio
import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vigilia.errors import TooManyAttempts
from vigilia.language import tr

_T = TypeVar("_T")

LEAST_PASSWORD = 10
"""Characters; what a guesser has is attempts, and those are few."""
LONGEST_PASSWORD = 256
_LEAST_WITH_NAME = 16
"""Characters of a password that holds the user's own name."""
_LEAST_DIFFERENT = 5
_AT_ONCE = 2
_MOST_WAITING = 30
_MEMORY_KIB = 32 * 1024
_ROUNDS = 3
_SALT_BYTES, _HASH_BYTES = 16, 32

_hasher = PasswordHasher(
    time_cost=_ROUNDS, memory_cost=_MEMORY_KIB, parallelism=1, hash_len=_HASH_BYTES, salt_len=_SALT_BYTES
)


def check_password(password: str, user: str) -> None:
    """Raise ValueError unless `password` will do for `user`."""
    if len(password) < LEAST_PASSWORD:
        raise ValueError(tr("a password has at least {least} characters").format(least=LEAST_PASSWORD))
    if len(password) > LONGEST_PASSWORD:
        raise ValueError(tr("a password has at most {most} characters").format(most=LONGEST_PASSWORD))
    named = user.casefold() in password.casefold() and len(password) < _LEAST_WITH_NAME
    if named or len(set(password)) < _LEAST_DIFFERENT:
        raise ValueError(tr("the password is too easy to guess: choose some words that do not belong together"))


def hash_password(password: str) -> str:
    """Return what is kept of a password. Takes some 50 ms of one core, and 32 MiB."""
    return _hasher.hash(password.encode("utf-8", "surrogatepass"))


class Passwords:
    """Makes and checks hashes off the event loop: two at once, some more wait, and others are sent away."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "password")
        self._waiting = 0
        self._nobody = _impossible_hash()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password. Raises TooManyAttempts."""
        return await self._run(partial(hash_password, password))

    async def fits(self, password: str, known_hash: str | None) -> bool:
        """Return whether a password is the one of that hash. None, a user that does not exist, takes as long.

        Raises TooManyAttempts.
        """
        found = await self._run(partial(_verify, known_hash or self._nobody, password))
        return found and known_hash is not None

    @staticmethod
    def is_old(known_hash: str) -> bool:
        """Return whether a hash was made with other parameters than today's."""
        try:
            return _hasher.check_needs_rehash(known_hash)
        except InvalidHashError:
            return True

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._waiting >= _AT_ONCE + _MOST_WAITING:
            raise TooManyAttempts(tr("too many people sign in at this moment: try again"), 1.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _verify(known_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(known_hash, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def _impossible_hash() -> str:
    """Return the hash of no password, which takes as long to check as any."""
    salt, result = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_ROUNDS},p=1${salt}${result}"
