"""The `[history]` section: what it takes, what it hides, and how points are kept by it."""

from pathlib import Path

import pytest

from vigilia.config import load_config
from vigilia.errors import ConfigError
from vigilia.history.config import HistoryConfig, Treatment
from vigilia.points import shorten

DRIVER = '[aruba]\nswitches = [{ name = "s", url = "http://192.0.2.1", ports = [{ port = "1", device = "T" }] }]\n'


def load(folder: Path, text: str, **environment: str) -> HistoryConfig:
    file = folder / "vigilia.toml"
    file.write_text(DRIVER + text)
    return load_config(file, environment).history


def test_what_is_in_force_without_a_word(tmp_path: Path) -> None:
    history = load(tmp_path, "")
    assert history.enabled
    assert history.url.get_secret_value() == f"sqlite:///{tmp_path}/state/history.db"
    assert (history.keeping.raw_days, history.keeping.minute_days, history.keeping.hour_days) == (30, 400, 0)
    assert history.treatment("T:Power-Mon") == Treatment(True, 0.0, 300.0)


def test_a_file_is_found_from_the_configuration(tmp_path: Path) -> None:
    history = load(tmp_path, '[history]\nurl = "sqlite:///past/h.db"\n')
    assert history.url.get_secret_value() == f"sqlite:///{tmp_path}/past/h.db"
    assert load(tmp_path, "[history]\nenabled = false\n").enabled is False
    assert load(tmp_path, "", VIGILIA_HISTORY__OFF='["a"]', VIGILIA_HISTORY__MAX_INTERVAL_S="5").off == ["a"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://ana:s3cr%40t@db.example/h?sslpassword=k3y", "postgresql://ana:***@db.example/h?sslpassword=***"),
        ("influx+http://ana:s3cr%40t@127.0.0.1:8086/?db=h", "influx+http://ana:***@127.0.0.1:8086/?db=h"),
        (
            "influx+https://vm.example:8480/insert/0/influx?read=https://ana:k3y@vm.example:8481/select/0/prometheus",
            "influx+https://vm.example:8480/insert/0/influx?read=https://ana:***@vm.example:8481/select/0/prometheus",
        ),
        (
            "influx+http://ana:k3y@127.0.0.1/?read=http://ana:k3yk3ya@127.0.0.1:81/",
            "influx+http://ana:***@127.0.0.1/?read=http://ana:***@127.0.0.1:81/",
        ),
        ("influx+http://127.0.0.1:8428", "influx+http://127.0.0.1:8428"),
    ],
)
def test_passwords_are_hidden(tmp_path: Path, url: str, expected: str) -> None:
    (tmp_path / "secret").write_text(url)
    file = tmp_path / "vigilia.toml"
    file.write_text(f'{DRIVER}[history]\nurl_file = "secret"\n')
    config = load_config(file, {})
    assert config.history.url.get_secret_value() == url
    assert f'url = "{expected}"' in config.show()
    assert "s3cr" not in config.show()
    hidden = config.secrets()
    for secret in ("s3cr%40t", "s3cr@t", "k3y"):
        assert (secret in hidden) == (secret.partition("%")[0].partition("@")[0] in url)


def test_grafana_may_have_a_path(tmp_path: Path) -> None:
    assert load(tmp_path, "").grafana_url == ""
    history = load(tmp_path, '[history]\ngrafana_url = "https://watch.example/grafana/"\n')
    assert history.grafana_url == "https://watch.example/grafana"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('url = "mysql://u:s3cret@h/d"', "is no database that a history can be in"),
        ('url = "sqlite:///"', "is neither SQLite nor PostgreSQL"),
        ('url = "influx+http://"', "names no server"),
        ('url = "influx+http://host:x/"', "names no server"),
        ('url = "influx+http://u:p#w@host/"', "names no server"),
        ('url = "influx+http://host/?read=nowhere"', "names no server"),
        ('url = "influx+http://host/?db=h&u=ana&p=s3cret"', "says more than db= and read="),
        ('url = "postgresql://host"', "names no database"),
        ("max_interval_s = 0", "greater than or equal to 1"),
        ("dead_band = -1", "greater than or equal to 0"),
        ("dead_band = nan", "finite"),
        ("spool_mb = 0", "greater than or equal to 1"),
        ("raw_days = -1", "greater than or equal to 0"),
        ('grafana_url = "grafana.example"', "is not the address of a site"),
        ("points = [{ dead_band = 1 }]", "is missing"),
        ('points = [{ points = "a", deadband = 1 }]', "is not a known key"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"[history]\n{text}\n")
    (problem,) = caught.value.problems
    assert wrong in str(problem), shorten(problem)
    assert "s3cret" not in str(problem)
    assert problem.key.startswith("history.")


def test_the_last_word_on_a_point_counts(tmp_path: Path) -> None:
    history = load(
        tmp_path,
        """
        [history]
        dead_band = 0.1
        off = ["*:Desc", "T2:*"]
        [[history.points]]
        points = "*:Power-Mon"
        dead_band = 2.0
        [[history.points]]
        points = "T1:*"
        max_interval_s = 600
        [[history.points]]
        points = "T2:Power-Mon"
        record = true
        [[history.points]]
        points = "T1:Noise"
        record = false
        """,
    )
    assert history.treatment("T0:x") == Treatment(True, 0.1, 300.0)
    assert history.treatment("T1:Power-Mon") == Treatment(True, 2.0, 600.0)
    assert history.treatment("T2:Power-Mon") == Treatment(True, 2.0, 300.0)
    assert not history.treatment("T1:Desc").record
    assert not history.treatment("T2:x").record
    assert not history.treatment("T1:Noise").record
