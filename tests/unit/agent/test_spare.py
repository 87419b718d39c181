"""What a start leaves behind is given back, and nothing that is needed goes with it."""

import subprocess
import sys

from vigilia.agent.spare import _code  # pyright: ignore[reportPrivateUsage]

SMAPS = """\
7f0000000000-7f0000002000 r-xp 00000000 08:01 12 /usr/lib/libcode.so
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
7f0000002000-7f0000003000 r--p 00002000 08:01 12 /usr/lib/libcode.so
Anonymous:             4 kB
7f0000003000-7f0000004000 rw-p 00003000 08:01 12 /usr/lib/libcode.so
Anonymous:             0 kB
7f0000004000-7f0000005000 r--p 00000000 08:01 13 /usr/share/with a space
Anonymous:             0 kB
7f0000005000-7f0000006000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f0000006000-7f0000007000 r-xp 00000000 00:00 0 [vdso]
Anonymous:             0 kB
"""

SCRIPT = """
import decimal, json, sqlite3, ssl
import grpc.aio, pydantic
from pathlib import Path
from vigilia.agent.spare import spare_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

before = resident()
spare_memory()
after = resident()
sqlite3.connect(":memory:").execute("SELECT 1").fetchone()
pydantic.create_model("Model", number=(int, 1))(number=2)
json.dumps({"before": before})
print(before - after)
"""


def test_only_what_nobody_wrote_to_is_given_back() -> None:
    assert list(_code(SMAPS)) == [(0x7F0000000000, 0x7F0000002000), (0x7F0000004000, 0x7F0000005000)]


def test_megabytes_are_given_back_and_the_program_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5_000, "kB"
