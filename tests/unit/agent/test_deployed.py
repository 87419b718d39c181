"""The agent's unit and the page that tells how to install it agree with the program."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

from vigilia.agent.config import AgentSection, load_config
from vigilia.agent.guardian import STOP_S
from vigilia.agent.safeops import WHOLE_S
from vigilia.agent.worker import EXIT_RUNNING, EXIT_UNUSABLE

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "deploy" / "systemd" / "vigilia-agent.service"
PAGE = (ROOT / "docs" / "how-to" / "agent.md").read_text()
ANALYZE = shutil.which("systemd-analyze")

if ANALYZE:  # a container has no systemd to ask

    def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
        text = re.sub(r"/opt/vigilia/bin/vigilia", "/bin/true", UNIT.read_text())
        (tmp_path / "vigilia-agent.service").write_text(text)
        done = subprocess.run(
            [str(ANALYZE), "verify", "--man=no", str(tmp_path / "vigilia-agent.service")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = [line for line in done.stderr.splitlines() if "vigilia-agent.service" in line]
        assert (done.returncode, said) == (0, [])


def test_the_unit_knows_the_program(tmp_path: Path) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    service = parser["Service"]
    config = "/etc/vigilia/vigilia-agent.toml"
    assert service["ExecStart"] == f"/opt/vigilia/bin/vigilia agent {config}"
    assert service["ExecStopPost"] == f"/opt/vigilia/bin/vigilia agent safe {config}"
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "all")
    assert service["RestartPreventExitStatus"] == f"{EXIT_UNUSABLE} {EXIT_RUNNING}"
    assert set(service["SupplementaryGroups"].split()) == {"i2c", "gpio", "dialout"}
    (variable,) = re.findall(r"^Environment=(VIGILIA_AGENT__\w+)=\S+$", UNIT.read_text(), re.MULTILINE)
    assert variable.removeprefix("VIGILIA_AGENT__").lower() in AgentSection.model_fields


def test_whoever_is_left_of_the_two_is_told_to_leave_safe_before_it_is_killed() -> None:
    """systemd.kill(5): "mixed" has SIGKILL at once for what is left when the main process, the guardian, has died."""
    service = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    assert service["KillMode"] == "control-group"
    assert service.get("KillSignal", "SIGTERM") == service["WatchdogSignal"] == "SIGTERM"
    assert float(service["TimeoutStopSec"].removesuffix("s")) > STOP_S + WHOLE_S, "the guardian ends a worker before"


def test_the_page_shows_a_configuration_that_is_in_order(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "vigilia-agent.toml").write_text(shown)
    (tmp_path / "agent-token").write_text("token")
    (tmp_path / "ca.pem").touch()
    config = load_config(tmp_path / "vigilia-agent.toml", {})
    assert len(config.loops) == 1
