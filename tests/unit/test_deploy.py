"""The files under deploy/ agree with the program: the unit, its drop-in, and the container file."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

from vigilia.cli import EXIT_RUNNING
from vigilia.config import load_listener
from vigilia.health import _STORE_PERIOD_S, _STORE_SILENCE_S

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy" / "systemd" / "vigilia.service"
ANALYZE = shutil.which("systemd-analyze")
CONTAINER = (ROOT / "deploy" / "container" / "Containerfile").read_text()


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser


if ANALYZE:  # a container has no systemd to ask

    def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
        # It looks whether the program is there.
        text = UNIT.read_text().replace("/opt/vigilia/bin/vigilia", "/bin/true")
        (tmp_path / "vigilia.service").write_text(text)
        done = subprocess.run(
            [ANALYZE, "verify", "--man=no", str(tmp_path / "vigilia.service")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, [line for line in done.stderr.splitlines() if "vigilia.service" in line]) == (0, [])


def test_the_unit_knows_the_program() -> None:
    service = unit()["Service"]
    assert service["Type"] == "notify"
    assert re.fullmatch(r"/\S+/vigilia run /etc/vigilia/vigilia\.toml", service["ExecStart"])
    assert service["RestartPreventExitStatus"] == str(EXIT_RUNNING)
    # The store's silence must have been noticed before the watchdog's patience is at its end.
    assert service["WatchdogSec"] == "2min"
    assert _STORE_PERIOD_S + _STORE_SILENCE_S < 60
    assert int(service["TimeoutStopSec"].removesuffix("s")) > 10


def test_the_environment_of_unit_and_container_is_one_the_program_takes(tmp_path: Path) -> None:
    lines = [*UNIT.read_text().splitlines(), *CONTAINER.splitlines()]
    given = [match for line in lines for match in re.findall(r"\b(VIGILIA_SITE__\w+)=(\S+)", line)]
    assert len(given) == 4
    (tmp_path / "vigilia.toml").touch()
    for name, value in given:
        load_listener(tmp_path / "vigilia.toml", {name: value})


def test_every_credential_of_the_drop_in_is_one_of_the_guide() -> None:
    drop_in = (ROOT / "deploy" / "systemd" / "secrets.conf").read_text()
    loaded = dict(re.findall(r"^LoadCredential=([a-z-]+):/etc/vigilia/secrets/([a-z-]+)$", drop_in, re.MULTILINE))
    assert loaded
    assert all(name == file for name, file in loaded.items())
    assert set(re.findall(r"%d/([a-z-]+)", drop_in)) <= loaded.keys()


def test_the_container_pins_what_was_tested() -> None:
    command = re.search(r"sed -nE '([^']+)' requirements.lock", CONTAINER)
    assert command
    done = subprocess.run(
        ["sed", "-nE", command[1], str(ROOT / "requirements.lock")], capture_output=True, text=True, check=True
    )
    pinned = done.stdout.splitlines()
    assert {line.partition("==")[0] for line in pinned} >= {"aiohttp", "pydantic", "softioc", "sqlalchemy"}
    lock = (ROOT / "requirements.lock").read_text()
    assert len(pinned) == len(re.findall(r"^\S+==", lock, re.MULTILINE))
    assert not any("\\" in line or "--hash" in line for line in pinned)
    assert "USER vigilia" in CONTAINER
    assert 'CMD ["vigilia", "status"]' in CONTAINER
