"""Log files: which line goes where, how a line looks, and what is never in it."""

import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vigilia.errors import StartError
from vigilia.logs import DAYS_KEPT, hide, set_up_logs
from vigilia.redaction import Redactor

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO   |WARNING|ERROR  |CRITICAL) (.*)")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing hidden yet, and afterwards the process as it was."""
    monkeypatch.setattr("vigilia.redaction._program", Redactor())
    root, alembic = logging.getLogger().level, logging.getLogger("alembic").level
    yield
    logging.captureWarnings(False)
    logging.getLogger().setLevel(root)
    logging.getLogger("alembic").setLevel(alembic)


def texts(path: Path) -> list[str]:
    found = [LINE.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(found), path.read_text()
    return [match[2] for match in found if match]


def test_a_line_of_a_subject_goes_to_its_own_log_and_the_common_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with set_up_logs(tmp_path / "logs"):
        logging.getLogger("vigilia.app").info("on watch")
        logging.getLogger("vigilia.log.rele").warning("[RELE] Falha – UFV %s", "Sol")
        logging.getLogger("vigilia.log.inversor").warning("[ALERTA INVERSOR] INV-1")
    assert texts(tmp_path / "logs/vigilia.log") == ["on watch", "[RELE] Falha – UFV Sol", "[ALERTA INVERSOR] INV-1"]
    assert texts(tmp_path / "logs/rele/rele.log") == ["[RELE] Falha – UFV Sol"]
    assert texts(tmp_path / "logs/inversor/inversor.log") == ["[ALERTA INVERSOR] INV-1"]
    assert "[RELE] Falha – UFV Sol" in capfd.readouterr().err


def test_a_log_without_lines_has_no_file(tmp_path: Path) -> None:
    with set_up_logs(tmp_path):
        logging.getLogger("vigilia.app").info("on watch")
    assert [path.name for path in tmp_path.iterdir()] == ["vigilia.log"]


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "A", "x" * 41])
def test_a_name_that_is_no_folder_makes_none(tmp_path: Path, name: str) -> None:
    with set_up_logs(tmp_path / "logs"):
        logging.getLogger(f"vigilia.log.{name}").info("here")
    assert texts(tmp_path / "logs/vigilia.log") == ["here"]
    assert [path.name for path in tmp_path.rglob("*.log")] == ["vigilia.log"]


def test_a_folder_that_cannot_be_made_costs_that_log_only(tmp_path: Path) -> None:
    (tmp_path / "rele").write_text("in the way")
    with set_up_logs(tmp_path):
        logging.getLogger("vigilia.log.rele").warning("[RELE] Falha")
        logging.getLogger("vigilia.log.rele").warning("[RELE] Normalizacao")
        deadline = time.monotonic() + 10  # the line about it is written after those it was found with
        while "cannot be written" not in (tmp_path / "vigilia.log").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    lines = texts(tmp_path / "vigilia.log")
    assert [line for line in lines if line.startswith("[RELE]")] == ["[RELE] Falha", "[RELE] Normalizacao"]
    assert sum("cannot be written" in line for line in lines) == 1


def test_a_folder_for_all_logs_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(StartError, match=r"\[site\] log_dir: .*logs cannot be written"), set_up_logs(tmp_path / "logs"):
        pass


def test_yesterdays_lines_are_moved_away_and_a_week_is_kept(tmp_path: Path) -> None:
    for path in (tmp_path / "vigilia.log", tmp_path / "rele/rele.log"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("2026-01-01 00:00:00,000 INFO    old\n")
        old = time.time() - 86_400 * 1.5
        os.utime(path, (old, old))
        for day in range(10):
            path.with_name(f"{path.name}.2025-12-{10 + day}").touch()
    with set_up_logs(tmp_path):
        logging.getLogger("vigilia.log.rele").info("new")
    for path in (tmp_path / "vigilia.log", tmp_path / "rele/rele.log"):
        assert texts(path) == ["new"]
        assert len(list(path.parent.glob(f"{path.name}.*"))) == DAYS_KEPT == 7


def test_no_secret_gets_into_a_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hide(["hunter2/+", "https://example.org/hook/abcdefghijklmnop"], lasting=True)
    hide(["token-of-today"])
    with set_up_logs(tmp_path):
        log = logging.getLogger("vigilia.log.rele")
        log.warning("login with %s, %r", "hunter2/+", {"password": "hunter2/+"})
        log.warning("POST /hook/abcdefghijklmnop and hunter2%2F%2B")
        log.warning('{"token":"token-of-today","password":"hunter2\\/+"}')
        try:
            raise ValueError("refused: hunter2/+")
        except ValueError:
            log.exception("a fault")
        logging.getLogger("some.library").error("x-access-token: token-of-today")
    written = "".join(path.read_text() for path in tmp_path.rglob("*.log")) + capfd.readouterr().err
    assert "Traceback" in written
    assert "login with ***, " in written
    for secret in ("hunter2", "token-of-today", "abcdefghijklmnop"):
        assert secret not in written
