"""The terminal view on what a real service left behind, and on one that runs."""

import sqlite3
from pathlib import Path

from tests.unit.tui.conftest import View, viewed
from tests.unit.tui.site import Site, wait_for

DEVICE = "SIM-01:Cam-01"


async def test_what_is_wrong_is_seen_while_the_service_is_down(down: View) -> None:
    await down.until("service DOWN; data", "aruba", "!! MAJOR", "Connection refused", "?/1", "?connected")
    assert all(len(line) <= 80 for line in down.text.splitlines())
    await down.press("2")
    await down.until("NEW", "returned", "PoE fault", DEVICE)
    first, second = [line for line in down.text.splitlines() if "PoE fault" in line]
    assert "NEW" in first
    assert "returned" in second, "what nobody has acknowledged and still holds comes first"


async def test_why_and_who(down: View) -> None:
    await down.press("2")
    await down.until("NEW")
    await down.press("enter")
    await down.until("Why", "Who was told", "nobody", "What was done", "nothing yet", "Fault", f"{DEVICE}:PwrState-Raw")
    await down.press("escape")
    await down.until("Severity")


async def test_values_of_the_history_while_it_is_down(down: View) -> None:
    await down.press("3")
    await down.until("from history", f"{DEVICE}:PwrState-Raw")
    await down.press("slash", *"cam-01:pwrstate")
    await down.until(lambda: f"{DEVICE}:PwrState-Sts" in down.text and "Cam-02" not in down.text)
    await down.press("enter", "down", "enter")
    await down.until("Read at", "Fault", "Searching, Delivering")
    await down.press("escape", "slash", "escape")
    await down.until("Cam-02")


async def test_nothing_is_done_while_it_is_down(down: View) -> None:
    await down.press("2")
    await down.until("NEW")
    await down.press("a")
    await down.until("this needs the running service: no answer from")
    await down.press("3", "w")
    await down.until("SIM-01:Cam-01:MpsAbsent-Mon is read-only")
    await down.press("slash", *"cam-01:pwrstate-sel", "enter", "w")
    await down.until("this needs the running service")


async def test_incidents(down: View) -> None:
    await down.press("4")
    await down.until("PoE fault", "…")
    assert sum("PoE fault" in line for line in down.text.splitlines()) == 2
    await down.press("enter")
    await down.until("Began", "Outage", "Who was told", lambda: "it lasts" in down.text or "Lasted" in down.text)


async def test_a_chart_of_states_and_one_of_numbers(down: View) -> None:
    await down.press("3", "slash", *"cam-01:pwrstate-raw", "enter", "c")
    await down.until("the last 1 h", "Delivering│", "Fault│", "█")
    await down.press("minus")
    await down.until("the last 6 h")
    await down.press("left")
    await down.until("until")
    await down.press("escape", "slash", *["backspace"] * 30, *"cam-01:power-mon", "enter", "c")
    await down.until("the last 1 h, W", "│", "└", lambda: any(0x2800 < ord(sign) < 0x2900 for sign in down.text))


async def test_help_and_the_keys_of_every_page_fit(down: View) -> None:
    for page in "1234":
        await down.press(page)
        await down.until("help")
        assert "q end" in down.text.splitlines()[-1], down.text
    await down.press("question_mark")
    await down.until("Keys and signs", "acknowledge, with a comment")


async def test_tab_turns_the_pages(down: View) -> None:
    await down.press("tab")
    await down.until("told")
    await down.press("shift+tab", "shift+tab")
    await down.until("Began")


async def test_a_store_that_is_locked_or_away_says_so_and_is_read_again(site: Site, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    for name in ("vigilia.db", "history.db"):
        with sqlite3.connect(site.folder / "state" / name) as source, sqlite3.connect(state / name) as copy:
            source.backup(copy)
        source.close()
        copy.execute("PRAGMA journal_mode = DELETE")  # in WAL mode a writer locks no reader out
        copy.close()
    config = tmp_path / "vigilia.toml"
    config.write_text(site.config.read_text())
    async with viewed(config) as view:
        await view.press("2")
        await view.until("NEW")
        (state / "vigilia.db").rename(state / "away.db")
        await view.until("there is no store at")
        assert "PoE fault" in view.text, "what was known stays to be seen"
        (state / "away.db").rename(state / "vigilia.db")
        await view.until(lambda: "there is no store at" not in view.text)
        lock = sqlite3.connect(state / "vigilia.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        await view.until("database is locked")
        lock.close()
        await view.until(lambda: "database is locked" not in view.text)


async def test_a_store_of_another_version_gets_a_sentence(site: Site, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "vigilia.toml").write_text(site.config.read_text())
    with sqlite3.connect(state / "vigilia.db") as store:
        store.execute("CREATE TABLE alembic_version (version_num TEXT)")
        store.execute("INSERT INTO alembic_version VALUES ('9999')")
    store.close()
    async with viewed(tmp_path / "vigilia.toml") as view:
        await view.until("revision 9999, newer than this program's")
    with sqlite3.connect(state / "vigilia.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '0001'")
    store.close()
    async with viewed(tmp_path / "vigilia.toml") as view:
        await view.until("revision 0001, and this program reads")
        assert list(state.iterdir()) == [state / "vigilia.db"], "nothing was made or migrated there"


async def test_no_points_at_all(tmp_path: Path) -> None:
    (tmp_path / "vigilia.toml").write_text('[site]\nlanguage = "en"\n[history]\nenabled = false\n')
    async with viewed(tmp_path / "vigilia.toml") as view:
        await view.until("add a driver to the", "there is no store at", "no history is kept", "Notices: not known")
        await view.press("3")
        await view.until("add a driver to the")


async def test_acting_on_a_service_that_runs_and_losing_it(site: Site) -> None:
    async with viewed(site.config) as view:
        await view.until("service DOWN")
        with site.service() as process:
            await view.until("service healthy", "1/1")
            await view.press("2")
            await view.until("NEW")
            await view.press("a")
            await view.until("Comment; Enter acknowledges")
            await view.press(*"on my way", "enter")
            await view.until("Acknowledged; it is now: acked")
            await view.press("enter")
            await view.until("acked", lambda: "NEW" not in view.text)
            await view.press("enter")
            await view.until("acked by", "acknowledge poe-fault: on my way")
            await view.press("escape")

            await view.press("s", *["backspace"] * 2, *"soon", "enter")
            await view.until("'soon' is no time up to 30 days")
            await view.press(*["backspace"] * 4, *"2h", "enter", "enter")
            await view.until("Shelved until")
            await view.press("enter")
            await view.until("shelved")
            await view.press("u", "enter")
            await view.until("Not shelved any more; it is now: acked")
            await view.press("enter")

            await view.press("3", "slash", *"cam-03:pwrstate-sel", "enter")
            await view.until("SIM-01:Cam-03:PwrState-Sel     w On", lambda: "from history" not in view.text)
            await view.press("w")
            await view.until("It says now: On")
            await view.press("up", "enter")
            await view.until("Off: Enter writes it, Esc does not")
            assert site.point("SIM-01:Cam-03:PwrState-Sel")["label"] == "On", "nothing was written yet"
            await view.press("enter")
            await view.until("Confirmed by the equipment; the point says Off")
            assert site.point("SIM-01:Cam-03:PwrState-Sel")["label"] == "Off"
            await view.press("enter")
            await view.until("w Off")
            await view.press("w", "down", "enter", "enter")
            await view.until("Confirmed by the equipment; the point says On")
            await view.press("enter")
            process.kill()
            await view.until("service DOWN; data", "from history")
        with site.service():
            await view.until("service healthy")


async def test_a_value_that_changed_meanwhile_is_not_overwritten(site: Site) -> None:
    from tests.unit.tui.site import ask

    sel = "SIM-01:Cam-04:PwrState-Sel"
    with site.service():
        wait_for(lambda: site.point("SIM-01:Cam-04:PwrState-Raw")["severity"] == "NO_ALARM")
        async with viewed(site.config) as view:
            await view.press("3", "slash", *"cam-04:pwrstate-sel", "enter")
            await view.until("w On", "service healthy")
            await view.press("w", "up")
            ask("PUT", f"{site.url}/api/v1/points/{sel}/value", {"value": "Off"})
            await view.press("enter", "enter")
            await view.until("!! NOT DONE", "is 'Off' by now, not 'On'")
            await view.press("escape")
            ask("PUT", f"{site.url}/api/v1/points/{sel}/value", {"value": "On"})
