"""Schemathesis reads the service's own OpenAPI document and tries what it allows, and what it does not."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any


async def test_no_input_that_the_schema_suggests_makes_a_fault(alarmed: Any, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{alarmed.server.address}/api/openapi.json"),
        *("--exclude-path", "/api/v1/events"),  # has no end
        *(
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ),
        *("--max-examples", "40", "--seed", "1", "--generation-database", "none", "--no-color"),
        *("--request-timeout", "10", "--suppress-health-check", "all"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(100):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    # It did ask, and some of it was understood.
    assert alarmed.journal.writes or alarmed.equipment.writes
