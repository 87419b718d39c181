from pathlib import Path

import pytest

from vigilia.errors import StartError
from vigilia.interfaces.epics.screens.files import MARK, Written, write_files

OURS = f"<x/><!-- {MARK} -->".encode()


def test_writes_replaces_and_removes_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert write_files(folder, {"templates/row.bob": OURS, "one.bob": OURS, "two.bob": OURS}) == Written(3, 0, ())
    assert write_files(folder, {"templates/row.bob": OURS, "one.bob": OURS + b"2"}) == Written(2, 1, ())
    assert sorted(path.name for path in folder.rglob("*.*")) == ["one.bob", "row.bob"]
    assert (folder / "one.bob").read_bytes() == OURS + b"2"
    assert (folder / "one.bob").stat().st_mode & 0o777 == 0o644


def test_a_file_without_the_mark_is_never_touched(tmp_path: Path) -> None:
    mine = {"one.bob": b"mine", "notes.txt": OURS, "old.bob": b"also mine", "alarms.xml": b"<config/>"}
    for name, content in mine.items():
        (tmp_path / name).write_bytes(content)
    assert write_files(tmp_path, {"one.bob": OURS, "two.bob": OURS}) == Written(1, 0, ("one.bob",))
    assert {name: (tmp_path / name).read_bytes() for name in mine} == mine


def test_a_folder_and_a_link_in_the_way_stay(tmp_path: Path) -> None:
    (tmp_path / "one.bob").mkdir()
    (tmp_path / "elsewhere").write_bytes(OURS)
    (tmp_path / "two.bob").symlink_to(tmp_path / "elsewhere")
    assert write_files(tmp_path, {"one.bob": OURS, "two.bob": OURS + b"2"}).kept == ("one.bob", "two.bob")
    assert (tmp_path / "elsewhere").read_bytes() == OURS


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be written"):
        write_files(tmp_path / "file", {"one.bob": OURS})


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "two.bob").mkdir()
    (tmp_path / "two.bob" / "x").write_text("")
    write_files(tmp_path, {"one.bob": OURS, "two.bob": OURS})
    assert not list(tmp_path.glob(".vigilia-*"))
