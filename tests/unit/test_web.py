"""The pages' own tests and checks, which Node.js runs."""

import subprocess
import sys

import pytest

from tests.pages import ROOT, built_pages, node


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    built_pages()


def test_their_unit_tests() -> None:
    done = node("--test", "--experimental-eventsource")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass 0" not in done.stdout


def test_their_types() -> None:
    done = node("node_modules/typescript/bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout


def test_every_text_is_in_both_languages() -> None:
    done = node("messages.mjs")
    assert done.returncode == 0, done.stderr


def test_their_types_of_the_api_are_the_apis() -> None:
    script = ROOT / "scripts/api-types"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_lock_file_names_no_address() -> None:
    lock = (ROOT / "web/package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 30
