"""The code in the repository is what the .proto files say, and each field says what it means."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROTO = ROOT / "src/vigilia/wire/reactor/v1/reactor.proto"


def test_the_code_is_what_the_proto_file_says() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/wire", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_number_is_used_once() -> None:
    for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", PROTO.read_text(), re.S | re.M):
        outer = re.sub(r"^  (?:enum|message) .*?^  \}", "", body, flags=re.S | re.M)
        numbers = re.findall(r"= (\d+);", outer)
        assert len(numbers) == len(set(numbers)), name
