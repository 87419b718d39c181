"""`vigilia report`, as a person runs it: real processes on a real store."""

import asyncio
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from sqlalchemy import insert

from tests.unit.reports.made import incident
from vigilia.errors import StartError
from vigilia.reports.command import week_named
from vigilia.store import Store, schema

ZONE = ZoneInfo("America/Sao_Paulo")
CONFIG = """
[site]
language = "en"
[aruba]
switches = [{ name = "sw-1", url = "http://127.0.0.1:9", ports = [{ port = "1", device = "T1" }] }]
"""


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def report(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vigilia", "report", *arguments],
        cwd=folder,
        env={**os.environ, "VIGILIA_CLOCK": "2026-11-25T12:00:00"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "vigilia.toml").write_text(CONFIG)
    return tmp_path


async def fill(folder: Path) -> Store:
    store = await Store.open(f"sqlite:///{folder}/state/vigilia.db")
    async with store.writing() as connection:
        found = incident(at("2026-11-17T05:30"), at("2026-11-17T08:00"), "a")
        await connection.execute(insert(schema.incidents), [asdict(found)])
    return store


async def test_it_writes_the_report_and_says_where_while_the_store_is_in_use(site: Path) -> None:
    store = await fill(site)
    try:
        async with store.reading() as connection:
            await connection.exec_driver_sql("SELECT count(*) FROM incidents")
            done = await asyncio.to_thread(report, site, "--week", "2026-11-20")
    finally:
        await store.close()
    assert (done.returncode, done.stderr) == (0, "")
    path, *lines = done.stdout.splitlines()
    assert Path(path) == site / "state" / "reports" / "vigilia-2026-11-16.xlsx"
    assert lines == [
        "Week: 2026-11-16 – 2026-11-22",
        "Plants with incidents: 1",
        "Incidents: 1",
        "Of them brief: 0",
        "Still open: 0",
        "Unavailable in the week: 2:30:00",
    ]
    assert load_workbook(path).sheetnames == ["Summary", "Occurrences"]


async def test_any_day_names_the_week_and_a_file_may_name_the_configuration(site: Path, tmp_path: Path) -> None:
    await (await fill(site)).close()
    for day in ("2026-11-16", "2026-11-22"):
        done = await asyncio.to_thread(report, tmp_path.parent, "--week", day, str(site / "vigilia.toml"))
        assert done.stdout.splitlines()[0].endswith("vigilia-2026-11-16.xlsx"), done.stderr
    done = await asyncio.to_thread(report, site, "--week", "2026-11-23")
    assert done.stdout.splitlines()[0].endswith("vigilia-2026-11-23.xlsx")


NO_DAYS = ("yesterday", "2026-13-01", "2026-02-30", "20261120", "2026-W47", "0001-01-01", "", "9999-12-31")


@pytest.mark.parametrize("day", NO_DAYS)
def test_what_is_no_day_is_a_sentence(day: str) -> None:
    with pytest.raises(StartError) as caught:
        week_named(day, ZONE, at("2026-11-25T12:00"))
    assert str(caught.value) == f"--week {day!r} is no day: write any day of the week as YYYY-MM-DD"


async def test_the_sentence_is_all_that_is_shown(site: Path) -> None:
    await (await fill(site)).close()
    done = await asyncio.to_thread(report, site, "--week=tomorrow")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "vigilia: --week 'tomorrow' is no day: write any day of the week as YYYY-MM-DD\n"


def test_a_week_to_come_is_a_sentence() -> None:
    now = at("2026-11-25T12:00")
    assert week_named("2026-11-29", ZONE, now).first.isoformat() == "2026-11-23"
    with pytest.raises(StartError, match="that week begins on 2026-11-30 and is yet to come: name an earlier day"):
        week_named("2026-12-01", ZONE, now)


def test_a_missing_store_is_a_sentence_and_none_is_made(site: Path) -> None:
    done = report(site, "--week", "2026-11-20")
    assert done.returncode == 2
    assert done.stderr.startswith(f"vigilia: there is no store at {site}/state/vigilia.db: name the configuration")
    assert not (site / "state").exists()


def test_what_is_no_store_is_a_sentence(site: Path) -> None:
    (site / "state").mkdir()
    (site / "state" / "vigilia.db").write_text("not a database, whatever its name says, and long enough")
    done = report(site, "--week", "2026-11-20")
    assert done.returncode == 2
    assert "cannot be read: file is not a database" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_week_must_be_named(site: Path) -> None:
    done = report(site)
    assert done.returncode == 2
    assert "--week" in done.stderr
