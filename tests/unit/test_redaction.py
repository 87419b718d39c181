"""Secrets are replaced in whatever form a text has them."""

import html
import json
import subprocess
import sys
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.errors import printable
from vigilia.redaction import Redactor

WEBHOOK = "https://prod-7.example.org:443/workflows/0a1b2c3d4e5f60718293/triggers/run?api=2016-06-01&sig=Zm9v_b%2Bar-x"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


def test_nothing_hidden_changes_nothing(redactor: Redactor) -> None:
    assert redactor.redact("password=hunter2") == "password=hunter2"
    redactor.hide([""])
    assert redactor.redact("password=hunter2") == "password=hunter2"


@given(st.text(min_size=4).filter(lambda text: text.strip() and set(text) - set("*")))
def test_no_spelling_of_a_secret_gets_through(secret: str) -> None:
    redactor = Redactor()
    redactor.hide([secret], lasting=True)
    plain = secret.encode("utf-8", "replace").decode()
    spellings = {
        secret,
        quote(plain),
        quote(plain, safe=""),
        quote_plus(plain),
        urlencode({"": plain})[1:],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
        printable(secret),
    }
    for spelling in spellings:
        assert redactor.redact(f"before {spelling} after") == "before *** after"


def test_longer_secrets_go_first(redactor: Redactor) -> None:
    redactor.hide(["hunter", "hunter22"], lasting=True)
    assert redactor.redact("hunter22 hunter") == "*** ***"


def test_a_short_secret_is_hidden_only_where_it_stands_alone(redactor: Redactor) -> None:
    redactor.hide(["ab"], lasting=True)
    assert redactor.redact("password=ab about ab.") == "password=*** about ***."


def test_what_is_secret_in_an_address_is_hidden_by_itself(redactor: Redactor) -> None:
    redactor.hide([WEBHOOK], lasting=True)
    assert redactor.redact(f"POST {WEBHOOK} failed") == "POST *** failed"
    for part in (
        "/workflows/0a1b2c3d4e5f60718293/triggers/run?api=2016-06-01&sig=Zm9v_b%2Bar-x",
        "0a1b2c3d4e5f60718293",
        "Zm9v_b%2Bar-x",
        "Zm9v_b+ar-x",
    ):
        assert redactor.redact(f"at {part}") == "at ***"
    assert redactor.redact("prod-7.example.org does not resolve") == "prod-7.example.org does not resolve"


def test_a_password_in_an_address_is_hidden(redactor: Redactor) -> None:
    redactor.hide(["https://user:correct-horse@example.org/x"], lasting=True)
    assert redactor.redact("correct-horse") == "***"


def test_an_address_that_is_none_is_hidden_as_a_whole(redactor: Redactor) -> None:
    redactor.hide(["https://[broken/secret"], lasting=True)
    assert redactor.redact("x https://[broken/secret y") == "x *** y"


def test_tokens_are_forgotten_in_time_and_configured_secrets_never(redactor: Redactor) -> None:
    redactor.hide(["configured"], lasting=True)
    for number in range(1000):
        redactor.hide([f"token-{number:04}"])
    assert redactor.redact("configured") == "***"
    assert redactor.redact("token-0999 token-0800") == "*** ***"
    assert redactor.redact("token-0000") == "token-0000"
    assert redactor.redact("token-0744 token-0743") == "*** token-0743"


def test_the_interpreters_last_words_are_clean() -> None:
    program = (
        "from vigilia.redaction import hide, guard_tracebacks; import threading\n"
        "hide(['hunter2'], lasting=True); guard_tracebacks()\n"
        "def fail(): raise ValueError('no login with hunter2')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
        "class Last:\n"
        "    def __del__(self): fail()\n"
        "Last()\n"
        "fail()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("ValueError: no login with ***") == 3
    assert "hunter2" not in done.stderr.replace("hide(['hunter2']", "")
