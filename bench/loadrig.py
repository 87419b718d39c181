"""A service with the driver that makes a load of thousands of values a second, which is installed for it alone."""

import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TypeVar

from programs import Program

_PLUGIN = {
    "METADATA": "Metadata-Version: 2.1\nName: vigilia-bench-load\nVersion: 0\n",
    "entry_points.txt": "[vigilia.drivers]\nload = loaddriver:driver\n",
}
_Program = TypeVar("_Program", bound=Program)


@contextlib.asynccontextmanager
async def with_load(service: _Program) -> AsyncGenerator[_Program]:
    """Run the service with the driver, installed as any is."""
    installed = service.folder / "vigilia_bench_load-0.dist-info"
    installed.mkdir()
    for name, text in _PLUGIN.items():
        (installed / name).write_text(text)
    paths = [str(service.folder), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    service.environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    async with service:
        yield service
