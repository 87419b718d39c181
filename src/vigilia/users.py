"""`vigilia users`: who may sign in, and what programs show; changed in the store, whether the service runs or not."""

import argparse
import asyncio
import getpass
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from vigilia.clock import Clock, iso
from vigilia.config import Config
from vigilia.datadir import hold, make_data_dir
from vigilia.errors import AlreadyRunning, StartError, printable
from vigilia.interfaces.auth.door import new_link
from vigilia.interfaces.auth.members import check_name
from vigilia.interfaces.auth.office import new_token
from vigilia.interfaces.auth.passwords import check_password, hash_password
from vigilia.interfaces.auth.roles import ROLE_WORDS, Role
from vigilia.language import tr
from vigilia.points import Origin
from vigilia.store import Store, StoreError, accounts
from vigilia.store.accounts import Accounts, UserRow

_LONGEST_LINE = 2000
_DAY_S = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.set_defaults(action="list", json=False, config=None)
    actions = parser.add_subparsers(metavar="ACTION")
    listed = actions.add_parser("list", help="print users and tokens; where nobody exists, a link for the first")
    listed.add_argument("--json", action="store_true", help="print one JSON object")
    added = actions.add_parser("add", help="add a user; the password is asked for, or read from the standard input")
    added.add_argument("--role", choices=ROLE_WORDS, default=Role.VIEWER.word, help="default: viewer")
    role = actions.add_parser("role", help="give a user another role")
    password = actions.add_parser("passwd", help="give a user another password, and end all their sessions")
    removed = actions.add_parser("remove", help="remove a user, and end all their sessions")
    for command in (added, role, password, removed):
        command.add_argument("name", metavar="USER")
    role.add_argument("role", choices=ROLE_WORDS)
    token = actions.add_parser("token", help="make a token for a program, and print it, once; or remove one")
    token.add_argument("name", metavar="TOKEN", help="its name, for lists and the audit")
    token.add_argument("--role", choices=ROLE_WORDS, default=Role.VIEWER.word, help="default: viewer")
    token.add_argument("--days", type=float, default=None, help="it ends after so many; default: it has no end")
    token.add_argument("--remove", action="store_true", help="make the token of that name worth nothing")
    for name, command in actions.choices.items():
        command.set_defaults(action=name)
        command.add_argument("config", nargs="?", help="TOML file; default $VIGILIA_CONFIG, then ./vigilia.toml")


def run(parsed: argparse.Namespace, config: Config, clock: Clock) -> list[str]:
    """Do what was asked for; return the lines to print. Raises VigiliaError."""
    try:
        name = check_name(parsed.name) if parsed.action != "list" else ""
        password = ""
        if parsed.action in ("add", "passwd"):
            password = _asked_password()  # before the store is opened: people take their time
            check_password(password, name)
        if parsed.action == "token" and parsed.days is not None and not 0 < parsed.days < 40_000:
            raise ValueError(tr("--days takes a number above 0"))
        return asyncio.run(_act(parsed, config, clock.now(), name, password))
    except ValueError as error:
        raise StartError(str(error)) from error


def _who() -> Origin:
    """Return who runs the command, as the machine knows them."""
    try:
        return Origin("cli", getpass.getuser(), "")
    except (OSError, KeyError):  # a container's user without a name
        return Origin("cli", str(os.getuid()), "")


async def _act(parsed: argparse.Namespace, config: Config, now: float, name: str, password: str) -> list[str]:
    async with _open_store(config) as store:
        try:
            return await _change(parsed, config, store, now, name, password)
        except StoreError as error:
            raise StartError(tr("the store does not take it: {why}; try again").format(why=error)) from error


async def _change(
    parsed: argparse.Namespace, config: Config, store: Store, now: float, name: str, password: str
) -> list[str]:
    by = _who()
    match parsed.action:
        case "add":
            row = UserRow(name, parsed.role, await asyncio.to_thread(hash_password, password), now, by.user, now)
            await accounts.add_user(store, row, by)
            return [tr("{name} is added, as {role}").format(name=name, role=parsed.role)]
        case "role":
            await accounts.set_role(store, name, parsed.role, by, now)
            return [tr("{name} is {role} from now on").format(name=name, role=parsed.role)]
        case "passwd":
            await accounts.set_password(store, name, await asyncio.to_thread(hash_password, password), by, now)
            return [tr("{name} has another password, and every session has ended").format(name=name)]
        case "remove":
            left = await accounts.remove_user(store, name, by, now)
            said = [tr("{name} is removed, and every session has ended").format(name=name)]
            return said + [tr("a token that {name} made goes on: {token}").format(name=name, token=t) for t in left]
        case "token" if parsed.remove:
            await accounts.remove_token(store, name, by, now)
            return [tr("the token {name} is worth nothing any more").format(name=name)]
        case "token":
            ends_at = None if parsed.days is None else now + parsed.days * _DAY_S
            token, kept = new_token(name, Role.read(parsed.role), ends_at, by, now)
            await accounts.add_token(store, kept, by)
            return [token]
        case _:
            known = await accounts.load(store)
            return [_as_json(known)] if parsed.json else [*_lines(known), *await _first(config, store, now)]


@asynccontextmanager
async def _open_store(config: Config) -> AsyncGenerator[Store]:
    """Give the store beside the service that has it; where none has made or upgraded it yet, in its place."""
    url = config.store.url.get_secret_value()
    lock = None
    try:
        store = await Store.join(url)
    except StartError as missing:
        try:
            lock = hold(make_data_dir(config.data_dir))
            store = await Store.open(url)
        except AlreadyRunning:
            raise missing from None
    try:
        yield store
    finally:
        await store.close()
        if lock is not None:
            lock.release()


async def _first(config: Config, store: Store, now: float) -> list[str]:
    """Return the first administrator's link anew, where nobody exists; and that none is needed, where none is."""
    if config.web.signs_in is None:
        return [tr("nobody has to sign in here: add [web.auth] to the configuration")]
    token = await new_link(store, now)
    if not token:
        return []
    scheme = "https" if config.web.tls_cert else "http"
    link = f"{config.web.public_url or f'{scheme}://{config.web.listen}'}/sign-in#first={token}"
    return [tr("nobody can sign in yet; the first administrator, once and within a day: {link}").format(link=link)]


def _lines(known: Accounts) -> list[str]:
    lines = [
        tr("{name}: {role}, since {time}").format(name=user.name, role=user.role, time=_day(user.created_at))
        for user in sorted(known.users, key=lambda row: row.name)
    ]
    for token in sorted(known.tokens, key=lambda row: row.name):
        end = tr("without an end") if token.ends_at is None else tr("until {time}").format(time=_day(token.ends_at))
        lines.append(
            tr("token {name}: {role}, {end}, made by {by}").format(
                name=token.name, role=token.role, end=end, by=token.created_by
            )
        )
    return [printable(line) for line in lines]


def _as_json(known: Accounts) -> str:
    users = [
        {"name": row.name, "role": row.role, "created_at": iso(row.created_at), "created_by": row.created_by}
        for row in known.users
    ]
    tokens = [
        {
            "name": row.name,
            "role": row.role,
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "ends_at": None if row.ends_at is None else iso(row.ends_at),
        }
        for row in known.tokens
    ]
    return json.dumps({"users": users, "tokens": tokens}, ensure_ascii=False)


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def _asked_password() -> str:
    """Return the password that is typed twice, without an echo; or a line of the standard input. Raises StartError."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    try:
        typed = getpass.getpass(tr("password: "))
        again = getpass.getpass(tr("the same again: "))
    except (EOFError, KeyboardInterrupt):
        raise StartError(tr("no password was given: nothing is changed")) from None
    if typed != again:
        raise StartError(tr("these were two different passwords: nothing is changed"))
    return typed
