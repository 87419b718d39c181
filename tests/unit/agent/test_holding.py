"""One agent at a time holds its data."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vigilia.agent.holding import held
from vigilia.errors import AlreadyRunning, StartError

HOLDER = """
import sys, time
from pathlib import Path
from vigilia.agent.holding import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_holds_it_until_it_dies(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning, match=f"PID {other.pid} holds"), held(folder):
            pass
        os.kill(other.pid, signal.SIGKILL)
    with held(folder):
        assert (folder / "vigilia.pid").read_text() == f"{os.getpid()}\n"
    with held(folder):
        pass


def test_a_place_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"\[agent\] data_dir: .* cannot be used"), held(tmp_path / "file" / "data"):
        pass
