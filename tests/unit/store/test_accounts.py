"""Users, sessions, tokens and the access log, in both kinds of store, and beside the service that has it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from vigilia.errors import AccountRefused, SignInRefused, UnknownAccount
from vigilia.points import Origin
from vigilia.store import Store, accesslog, accounts, firstlink, schema
from vigilia.store.accesslog import Access
from vigilia.store.accounts import FailureRow, SessionRow, TokenRow, UserRow

BY = Origin("cli", "root", "host")


def user(name: str, role: str = "admin") -> UserRow:
    return UserRow(name, role, f"hash of {name}", 1.0, "root", 1.0)


def session(user: str, number: int, seen_at: float = 1.0) -> SessionRow:
    return SessionRow(f"{user} {number}", user, "192.0.2.1", 1.0, seen_at, 1000.0)


async def events(store: Store) -> list[tuple[str, str]]:
    return [(row["event"], row["about"]) for row in reversed(await accesslog.newest(store))]


async def test_what_is_kept_is_found_again(store: Store) -> None:
    await accounts.add_user(store, user("ana"), BY)
    await accounts.begin_session(store, session("ana", 1), BY, "hash of ana")
    token = TokenRow("prom", "viewer", "t", 1.0, "ana", 2.5)
    await accounts.add_token(store, token, BY)
    failure = FailureRow("pair ana 192.0.2.1", 1.5, 3.0)
    await accounts.keep_failures(store, [failure], 3.0, about="ana", by=BY)
    kept = await accounts.load(store)
    assert (kept.users, kept.sessions, kept.tokens) == ([user("ana")], [session("ana", 1)], [token])
    assert kept.failures == [failure]
    assert await events(store) == [
        ("user-added", "ana"),
        ("signed-in", "ana"),
        ("token-made", "prom"),
        ("refused", "ana"),
    ]
    (line,) = await accesslog.newest(store, limit=1)
    assert line == {
        "id": 4,
        "time": "1970-01-01T00:00:03.000Z",
        "event": "refused",
        "about": "ana",
        "via": "cli",
        "user": "root",
        "host": "host",
        "detail": "",
    }


async def test_no_change_is_missed_that_another_program_makes_while_all_is_read(store: Store, url: str) -> None:
    other = await Store.join(url)
    work = asyncio.create_task(_add_users(other, 60))
    while not work.done():
        kept = await accounts.load(store)
        assert len(kept.users) >= kept.revision, "what is older than its revision is never read again"
    await work
    await other.close()
    assert len((await accounts.load(store)).users) == 60


async def _add_users(store: Store, count: int) -> None:
    for number in range(count):
        await accounts.add_user(store, user(f"user-{number}"), BY)


async def test_each_change_of_accounts_is_told_by_the_revision(store: Store) -> None:
    seen = [await accounts.revision(store)]
    for change in (
        accounts.add_user(store, user("ana"), BY),
        accounts.add_user(store, user("otto", "operator"), BY),
        accounts.set_role(store, "otto", "viewer", BY, 2.0),
        accounts.set_password(store, "otto", "new", BY, 2.0),
        accounts.remove_user(store, "otto", BY, 2.0),
        accounts.add_token(store, TokenRow("t", "viewer", "t", 1.0, "ana"), BY),
        accounts.remove_token(store, "t", BY, 2.0),
    ):
        await change
        seen.append(await accounts.revision(store))
    assert seen == list(range(8))


async def test_a_refused_change_leaves_nothing_behind(store: Store) -> None:
    await accounts.add_user(store, user("ana"), BY)
    before = await accounts.load(store), await events(store)
    for change, error in (
        (accounts.add_user(store, user("ana", "viewer"), BY), AccountRefused),
        (accounts.remove_user(store, "ana", BY, 2.0), AccountRefused),
        (accounts.set_role(store, "ana", "operator", BY, 2.0), AccountRefused),
        (accounts.set_role(store, "otto", "admin", BY, 2.0), UnknownAccount),
        (accounts.set_password(store, "otto", "x", BY, 2.0), UnknownAccount),
        (accounts.remove_user(store, "otto", BY, 2.0), UnknownAccount),
        (accounts.remove_token(store, "t", BY, 2.0), UnknownAccount),
        (accounts.begin_session(store, session("ana", 1), BY, "another hash"), SignInRefused),
        (accounts.begin_session(store, session("otto", 1), BY, ""), SignInRefused),
    ):
        with pytest.raises(error):
            await change
    assert (await accounts.load(store), await events(store)) == before


async def test_two_who_take_the_role_from_each_other_do_not_both_lose_it(store: Store, url: str) -> None:
    for name in ("ana", "eva"):
        await accounts.add_user(store, user(name), BY)
    beside = await Store.join(url)
    try:
        ends = await asyncio.gather(
            accounts.set_role(store, "ana", "viewer", BY, 2.0),
            accounts.set_role(beside, "eva", "viewer", BY, 2.0),
            return_exceptions=True,
        )
        assert [type(end) for end in ends if end is not None] == [AccountRefused]
        assert sorted(row.role for row in (await accounts.load(store)).users) == ["admin", "viewer"]
    finally:
        await beside.close()


async def test_a_command_writes_beside_the_service(store: Store, url: str) -> None:
    beside = await Store.join(url)
    try:
        for number in range(20):
            await asyncio.gather(
                accounts.add_user(beside, user(f"a{number}"), BY),
                accounts.keep_failures(store, [FailureRow("user a ", 1.0, 1.0)], 1.0, about="a", by=BY),
            )
        assert len((await accounts.load(store)).users) == 20
        assert await accounts.revision(store) == 20
    finally:
        await beside.close()


async def test_a_password_ends_sessions_and_locks_of_its_user_alone(store: Store) -> None:
    for name in ("ana", "ana2", "a_a"):
        await accounts.add_user(store, user(name), BY)
        await accounts.begin_session(store, session(name, 1), BY, f"hash of {name}")
    keys = [f"{kind} {name} x" for kind in ("pair", "device") for name in ("ana", "ana2", "a_a")]
    keys += ["user ana ", "user ana2 ", "address 192.0.2.1"]
    await accounts.keep_failures(store, [FailureRow(key, 1.0, 1.0) for key in keys], 1.0)
    await accounts.set_password(store, "ana", "new", BY, 2.0, session("ana", 2))
    kept = await accounts.load(store)
    assert {row.id_hash for row in kept.sessions} == {"ana 2", "ana2 1", "a_a 1"}
    assert {row.key for row in kept.failures} == {key for key in keys if " ana " not in key}
    await accounts.set_password(store, "a_a", "new", BY, 2.0)
    left = {row.key for row in (await accounts.load(store)).failures}
    assert left == {"pair ana2 x", "device ana2 x", "user ana2 ", "address 192.0.2.1"}


async def test_of_many_sessions_the_oldest_end(store: Store) -> None:
    await accounts.add_user(store, user("ana"), BY)
    for number in range(25):
        await accounts.begin_session(store, session("ana", number, seen_at=number), BY, "hash of ana")
    left = {row.id_hash for row in (await accounts.load(store)).sessions}
    assert left == {f"ana {number}" for number in range(5, 25)}


async def test_who_removes_a_user_is_told_of_tokens_that_go_on(store: Store) -> None:
    for name in ("ana", "eva"):
        await accounts.add_user(store, user(name), BY)
    await accounts.add_token(store, TokenRow("t", "viewer", "t", 1.0, "eva"), BY)
    assert await accounts.remove_user(store, "eva", BY, 2.0) == ["t"]


async def test_old_failures_are_dropped(store: Store) -> None:
    await accounts.keep_failures(store, [FailureRow(f"user u{n} ", 1.0, n) for n in range(10)], 10.0)
    await accounts.keep_failures(store, [], 10.0, forgotten=4.0)
    assert sorted(row.failed_at for row in (await accounts.load(store)).failures) == [4, 5, 6, 7, 8, 9]


async def test_refusals_push_out_nothing_else(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accesslog, "_KEPT", 20)
    await accounts.add_user(store, user("ana"), BY)
    for _ in range(10):
        async with store.writing() as connection:
            for number in range(30):
                await accesslog.note(connection, Access.REFUSED, "ana", BY, float(number))
    async with store.reading() as connection:
        count = await connection.scalar(select(func.count()).select_from(schema.access_log))
    assert count is not None
    assert count <= 20 + 100 + 1
    assert (await events(store))[0] == ("user-added", "ana")


async def test_a_link_is_good_once_for_a_time_and_only_while_nobody_exists(store: Store) -> None:
    assert not await firstlink.is_valid(store, "h", 1.0)
    assert await firstlink.keep_link(store, "old", 100.0)
    assert await firstlink.keep_link(store, "h", 100.0)
    assert [await firstlink.is_valid(store, h, now) for h, now in (("h", 1.0), ("h", 100.0), ("old", 1.0))] == [
        *(True, False, False)
    ]
    with pytest.raises(SignInRefused):
        await firstlink.redeem(store, "old", user("ana"), session("ana", 1), BY)
    assert await firstlink.is_valid(store, "h", 1.0), "a wrong one does not spoil it"
    await firstlink.redeem(store, "h", user("ana"), session("ana", 1), BY)
    with pytest.raises(SignInRefused):
        await firstlink.redeem(store, "h", user("eva"), session("eva", 1), BY)
    assert not await firstlink.keep_link(store, "h2", 100.0)
    kept = await accounts.load(store)
    assert ([row.name for row in kept.users], [row.user for row in kept.sessions]) == (["ana"], ["ana"])


async def test_any_text_is_told(store: Store, url: str) -> None:
    odd: Any = "a\0b\ud800<script>\x1b[31m" * 30
    async with store.writing() as connection:
        await accesslog.note(connection, Access.REFUSED, odd, Origin("web", odd, odd), 1.0, odd * 10)
    (line,) = await accesslog.newest(store)
    assert line["about"].startswith("a?b?<script>")


async def test_a_change_while_everything_is_read_is_noticed_afterwards(store: Store, monkeypatch: Any) -> None:
    """Else somebody who is removed at that moment would stay signed in until the next change."""
    await accounts.add_user(store, user("ana"), BY)
    await accounts.add_user(store, user("otto", "operator"), BY)
    ask = accounts.revision

    async def ask_late(store: Store) -> int:
        await accounts.remove_user(store, "otto", BY, 2.0)
        return await ask(store)

    monkeypatch.setattr(accounts, "revision", ask_late)
    kept = await accounts.load(store)
    monkeypatch.undo()
    gone = [row.name for row in kept.users] == ["ana"]
    assert gone or kept.revision != await accounts.revision(store)
