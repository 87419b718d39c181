"""`vigilia users` as somebody at a terminal finds it, with and without a service that has the store."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from vigilia.store import Store, accesslog, accounts

GOOD = "another good one"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vigilia.toml").write_text(
        '[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:8123"\n[web.auth]\n'
        '[[aruba.switches]]\nname = "sw-1"\nurl = "http://127.0.0.1:1"\nports = [{ port = "1", device = "D" }]\n'
    )
    return tmp_path


def run(folder: Path, *arguments: str, given: str = "") -> tuple[int, str]:
    """The exit code of the command, and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "vigilia", "users", *arguments],
        cwd=folder,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_users_and_tokens_before_the_first_start(folder: Path) -> None:
    code, said = run(folder)
    assert code == 0
    assert "http://127.0.0.1:8123/sign-in#first=" in said
    assert run(folder, "add", "Ana", "--role", "admin", given=f"{GOOD}\n") == (0, "ana is added, as admin\n")
    assert run(folder, "add", "ana", given=f"{GOOD}\n") == (2, "vigilia: there is a user ana already\n")
    code, token = run(folder, "token", "prom", "--days", "7")
    assert (code, token.startswith("vigilia_"), len(token.splitlines())) == (0, True, 1)
    code, said = run(folder, "list", "--json")
    listed = json.loads(said)
    assert [(user["name"], user["role"]) for user in listed["users"]] == [("ana", "admin")]
    assert [(token["name"], token["role"]) for token in listed["tokens"]] == [("prom", "viewer")]
    code, said = run(folder)
    assert (code, "first=" in said, len(said.splitlines())) == (0, False, 2)
    assert "until " in said
    code, said = run(folder, "remove", "ana")
    assert (code, "last administrator" in said) == (2, True)
    assert run(folder, "token", "prom", "--remove")[0] == 0
    assert run(folder, "role", "ana", "viewer")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("add", "ana"), "short\n", "a password has at least 10 characters"),
        (("add", "ana"), "", "a password has at least 10 characters"),
        (("add", "a b"), f"{GOOD}\n", "a name has 1 to 60"),
        (("passwd", "nobody"), f"{GOOD}\n", "there is no user nobody"),
        (("remove", "nobody"), "", "there is no user nobody"),
        (("role", "nobody", "viewer"), "", "there is no user nobody"),
        (("token", "none", "--remove"), "", "there is no token none"),
        (("token", "t", "--days", "0"), "", "--days takes a number above 0"),
        (("add", "ana", "--role", "root"), "", "invalid choice"),
        (("add", "ana", "absent.toml"), f"{GOOD}\n", "absent.toml"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, arguments: tuple[str, ...], given: str, said: str) -> None:
    code, told = run(folder, *arguments, given=given)
    assert code == 2
    assert said in told
    assert "Traceback" not in told


def test_a_password_is_asked_for_twice_and_not_shown(folder: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vigilia", "users", "add", "ana", "--role", "admin"],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,  # so that the prompt finds no other terminal
    )
    os.close(theirs)
    shown = b""
    try:
        for prompt in (b"password: ", b"the same again: "):
            while prompt not in shown:
                shown += os.read(ours, 1000)
            os.write(ours, f"{GOOD}\n".encode())
        while b"added" not in shown:
            shown += os.read(ours, 1000)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert GOOD.encode() not in shown


async def test_it_works_while_a_service_has_the_store(folder: Path) -> None:
    store = await Store.open(f"sqlite:///{folder}/state/vigilia.db")
    try:
        code, said = await asyncio.to_thread(run, folder, "add", "ana", given=f"{GOOD}\n")
        assert (code, said) == (0, "ana is added, as viewer\n")
        (row,) = (await accounts.load(store)).users
        assert row.password_hash.startswith("$argon2id$")
        (line,) = await accesslog.newest(store)
        assert (line["event"], line["about"], line["via"], bool(line["user"])) == ("user-added", "ana", "cli", True)
    finally:
        await store.close()


def test_where_nobody_has_to_sign_in_it_says_so(folder: Path) -> None:
    content = (folder / "vigilia.toml").read_text()
    (folder / "vigilia.toml").write_text(content.replace("[web.auth]\n", ""))
    assert run(folder) == (0, "nobody has to sign in here: add [web.auth] to the configuration\n")


def test_a_newer_store_is_left_alone(folder: Path) -> None:
    import sqlite3

    assert run(folder)[0] == 0
    with sqlite3.connect(folder / "state" / "vigilia.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    code, said = run(folder)
    assert (code, "newer than this program" in said) == (2, True)
