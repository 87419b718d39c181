"""Passwords: what will do, what is kept of them, and what a user costs who does not exist."""

import asyncio

import pytest
from argon2 import extract_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from vigilia.errors import TooManyAttempts
from vigilia.interfaces.auth.passwords import Passwords, _impossible_hash, check_password, hash_password


@pytest.mark.parametrize("password", ["correct horse", "áéíóú ção ãõ", "x1y2z3w4v5", "ana and fifteen others"])
def test_passwords_that_will_do(password: str) -> None:
    check_password(password, "ana")


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("", "at least 10"),
        ("123456789", "at least 10"),
        ("x" * 257, "at most 256"),
        ("1111111111", "easy to guess"),
        ("abcabcabcabc", "easy to guess"),
        ("Ana1234567", "easy to guess"),
    ],
)
def test_passwords_that_will_not_do(password: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        check_password(password, "ana")


@settings(max_examples=5)
@given(st.text(max_size=256), st.text(max_size=256))
async def test_a_hash_fits_its_password_alone(password: str, other: str) -> None:
    passwords = Passwords()
    try:
        known = await passwords.hashed(password)
        assert await passwords.fits(password, known)
        assert await passwords.fits(other, known) == (other == password)
        assert not passwords.is_old(known)
        assert hash_password(password) != known, "each has its own salt"
    finally:
        passwords.close()


async def test_a_user_that_does_not_exist_costs_as_much_and_never_fits() -> None:
    passwords = Passwords()
    try:
        assert not await passwords.fits("anything", None)
    finally:
        passwords.close()
    assert extract_parameters(_impossible_hash()) == extract_parameters(hash_password("anything"))


async def test_a_hash_that_is_none_fits_nothing() -> None:
    passwords = Passwords()
    try:
        for known in ("", "x", "$argon2id$v=19$m=1"):
            assert not await passwords.fits("anything", known)
            assert passwords.is_old(known)
    finally:
        passwords.close()


async def test_no_more_wait_than_so_many() -> None:
    passwords = Passwords()
    try:
        asked = [passwords.fits("anything", None) for _ in range(40)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert answers.count(False) == 32
        assert sum(isinstance(answer, TooManyAttempts) for answer in answers) == 8
        assert not await passwords.fits("anything", None)
    finally:
        passwords.close()
