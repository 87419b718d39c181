"""The pages, built once for all tests that need them, and Node.js to check them with."""

import subprocess
import tempfile
import zlib
from pathlib import Path

from filelock import FileLock
from hatch_build import make_pages, node_and_npm

ROOT = Path(__file__).parents[1]
_LOCK = Path(tempfile.gettempdir(), f"vigilia-pages-{zlib.crc32(str(ROOT).encode())}.lock")


def built_pages() -> Path:
    """Return the folder of the pages; they are built where they are not what web/ says."""
    with FileLock(_LOCK):
        return make_pages(ROOT, tools=True)


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Node.js in web/."""
    command = [node_and_npm()[0], *arguments]
    return subprocess.run(command, cwd=ROOT / "web", capture_output=True, text=True, timeout=100, check=False)
