"""The whole configuration: found, loaded, merged, checked as a whole, shown."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from vigilia.config import Config, find_config, load_config, load_listener
from vigilia.drivers import Plugin, find_plugins
from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.errors import ConfigError
from vigilia.oldnames import KEYS

FIXTURES = Path(__file__).parents[1] / "fixtures" / "aruba"
SWITCH: dict[str, Any] = {
    "name": "sw-1",
    "url": "http://192.0.2.10",
    "username": "controle",
    "password": "hunter2",
    "ports": [{"port": "3", "device": "TB-01:CamMF-01"}],
}
GOOD: dict[str, Any] = {"aruba": {"switches": [SWITCH]}}


def load(folder: Path, content: dict[str, Any] | bytes | str, **environment: str) -> Config:
    path = folder / "vigilia.toml"
    data = tomli_w.dumps(content).encode() if isinstance(content, dict) else content
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return load_config(path, environment)


def mistakes(folder: Path, content: dict[str, Any] | bytes | str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(folder, content, **environment)
    assert raised.value.problems
    return [str(problem).replace(f"{folder}/", "") for problem in raised.value.problems]


def aruba(config: Config) -> ArubaConfig:
    section = config.drivers["aruba"][1]
    assert isinstance(section, ArubaConfig)
    return section


# What is taken


def test_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    assert config.source == str(tmp_path / "vigilia.toml")
    assert (config.site.name, config.site.instance, config.site.language) == ("Vigilia", "vigilia", "pt-BR")
    assert str(config.zone) == "America/Sao_Paulo"
    assert config.data_dir == tmp_path / "state"
    assert config.site.log_dir == str(tmp_path / "logs")
    assert config.store.url.get_secret_value() == f"sqlite:///{tmp_path}/state/vigilia.db"
    assert (config.web.enabled, config.web.listen) == (True, "127.0.0.1:8080")
    assert config.epics is None, "absent is off"
    assert list(config.drivers) == ["aruba"]


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    config = load(
        tmp_path, GOOD | {"site": {"data_dir": "a/b", "log_dir": "/var/c"}, "store": {"url": "sqlite:///x.db"}}
    )
    assert config.data_dir == tmp_path / "a" / "b"
    assert config.site.log_dir == "/var/c"
    assert config.store.url.get_secret_value() == f"sqlite:///{tmp_path}/x.db"


def test_without_a_file_paths_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(None, {"VIGILIA_ARUBA__SWITCHES_FILE": str(FIXTURES / "switches.config")})
    assert config.source == "environment"
    assert config.data_dir == tmp_path / "state"
    assert len(aruba(config).switches) == 2


def test_the_legacy_files_stand_beside_the_configuration(tmp_path: Path) -> None:
    for name in ("switches.config", "rooms.config"):
        (tmp_path / name).write_bytes((FIXTURES / name).read_bytes())
    config = load(tmp_path, '[aruba]\nswitches_file = "switches.config"\nrooms_file = "rooms.config"\n')
    assert [switch.room for switch in aruba(config).switches] == ["Connectivity room"] * 2


def test_the_environment_wins(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        GOOD | {"site": {"name": "of the file"}},
        VIGILIA_SITE__NAME="of the environment",
        VIGILIA_ARUBA__SCAN_S="0.5",
        VIGILIA_EPICS__WRITERS='["ana@console-1"]',
        VIGILIA_CLOCK="x10",
    )
    assert config.site.name == "of the environment"
    assert aruba(config).scan_s == 0.5
    assert config.epics is not None, "the presence of a variable makes the section"
    assert config.epics.writers == ["ana@console-1"]


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    switches = '[{"name": "s", "url": "http://h", "ports": [{"port": "1", "device": "D"}]}]'
    assert aruba(load_config(None, {"VIGILIA_ARUBA__SWITCHES": switches})).switches[0].name == "s"


def test_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    switch = {key: value for key, value in SWITCH.items() if key != "password"} | {"password_file": "password"}
    password = aruba(load(tmp_path, {"aruba": {"switches": [switch]}})).switches[0].password
    assert password is not None
    assert password.get_secret_value() == "hunter2"


def test_what_is_shown_is_toml_that_means_the_same_without_secrets(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD | {"epics": {"prefix": "X:"}})
    shown = config.show()
    assert "hunter2" not in shown
    assert "hunter2" not in repr(config)
    table = tomllib.loads(shown)
    assert table["aruba"]["switches"] == [SWITCH | {"password": "***", "room": ""}]
    assert table["aruba"]["scan_s"] == 1.0
    assert table["epics"]["prefix"] == "X:"
    assert table.keys() == {"site", "web", "store", "history", "health", "epics", "aruba"}
    again = load(tmp_path, shown)
    assert again.show() == shown


@pytest.mark.parametrize(
    ("argument", "environment", "expected"),
    [
        ("a.toml", {"VIGILIA_CONFIG": "b.toml"}, Path("a.toml")),
        (None, {"VIGILIA_CONFIG": "b.toml"}, Path("b.toml")),
        (None, {"VIGILIA_CONFIG": ""}, None),
        (None, {}, None),
    ],
)
def test_which_file_is_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    environment: dict[str, str],
    expected: Path | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(argument, environment) == expected
    (tmp_path / "vigilia.toml").touch()
    assert find_config(argument, environment) == (expected or Path("vigilia.toml"))


# What is refused


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "vigilia.toml: drivers: no driver is configured; add a section such as [aruba], or set VIGILIA_"),
        (b"\x00\xff\xfe" * 100, "vigilia.toml: file: is not text in UTF-8; name a TOML file"),
        (b"aruba", "vigilia.toml: file: is not TOML: "),
        (b"aruba = 5", "vigilia.toml: aruba: cannot be 5; write a table of keys"),
        (b"[[aruba]]", "vigilia.toml: aruba: cannot be a list; write a table of keys"),
        (
            b"[arubas]",
            "vigilia.toml: [arubas]: is not a known section; remove it, or correct its spelling: alarms, aruba, ",
        ),
        (b"scan_s = 1.0", "vigilia.toml: [scan_s]: is not a known section"),
        (b"[site]\nnames = 'x'", "vigilia.toml: site.names: is not a known key; remove it or correct its spelling"),
        (b"[site]\nname = 5", "vigilia.toml: site.name: cannot be 5; input should be a valid string"),
        (b"[site]\ninstance = 'a b'", "vigilia.toml: site.instance: cannot be 'a b'"),
        (b"[site]\ntimezone = 'Mars/Base'", "vigilia.toml: site.timezone: 'Mars/Base' is no time zone; write one"),
        (b"[site]\ntimezone = '../../etc/passwd'", "vigilia.toml: site.timezone: '../../etc/passwd' is no time zone"),
        (b"[site]\ntimezone = ''", "vigilia.toml: site.timezone: '' is no time zone"),
        (b"[site]\nlanguage = 'pt'", "vigilia.toml: site.language: cannot be 'pt'; write 'pt-BR' or 'en'"),
        (b"[store]\nurl = 'mysql://x/y'", "vigilia.toml: store.url: is neither SQLite nor PostgreSQL; write"),
        (b"[store]\nurl = 'sqlite:///'", "vigilia.toml: store.url: is neither SQLite nor PostgreSQL; write"),
        (b"[store]\nurl = 'postgresql://u:p@h'", "vigilia.toml: store.url: names no database; write"),
        (b"[store]\nurl = 'postgresql://u:p@h:x/d'", "vigilia.toml: store.url: is no PostgreSQL address; write"),
        (b"[aruba]", "vigilia.toml: [aruba] switches: names no switch; add [[aruba.switches]] or switches_file"),
        (b"[aruba]\nca_file = 'x.pem'", "vigilia.toml: [aruba] ca_file: x.pem is no file; name a PEM bundle"),
        (b"[aruba]\nswitches_file = 'a'", "a: file: cannot be read (No such file or directory); name a JSON file"),
        (b'[aruba]\nswitches_file = "a\\u0000b"', "cannot be read (embedded null byte); name a JSON file"),
        (b"[aruba]\nscan_s = nan", "vigilia.toml: aruba.scan_s: cannot be nan"),
        (b"[aruba]\nscan_s = 2026-03-10", "vigilia.toml: aruba.scan_s: cannot be datetime.date(2026, 3, 10)"),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, content: bytes, expected: str) -> None:
    lines = [line for line in mistakes(tmp_path, content) if expected in line]
    assert len(lines) == 1, mistakes(tmp_path, content)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.toml: file: cannot be read \(No such file"):
        load_config(tmp_path / "nowhere.toml", {})


def test_every_mistake_is_told_and_not_only_the_first(tmp_path: Path) -> None:
    lines = mistakes(
        tmp_path,
        {
            "site": {"name": 1, "language": "fr"},
            "store": {"url": "x"},
            "epics": {"server_port": 0},
            "web": {"listen": "0.0.0.0:80"},
            "reactor": {"accept": "some"},
            "aruba": {"scan_s": "x", "switches": [{"name": "a"}]},
        },
        VIGILIA_ARUBA__TIMEOUT_S="soon",
    )
    assert len(lines) == 10, lines


def test_duplicates_are_told_with_the_file(tmp_path: Path) -> None:
    assert mistakes(tmp_path, {"aruba": {"switches": [SWITCH, SWITCH]}}) == [
        "vigilia.toml: [aruba] switch 'sw-1': is named 2 times; give each switch a name of its own",
        "vigilia.toml: [aruba] switch at 192.0.2.10:80: stands there 2 times; put all its ports under one switch",
        "vigilia.toml: [aruba] device 'TB-01:CamMF-01': is named 2 times; give each device a name of its own",
    ]


def test_a_mistake_in_a_legacy_file_is_told_with_that_file(tmp_path: Path) -> None:
    (tmp_path / "switches.config").write_text('{"switches": 5}')
    assert mistakes(tmp_path, '[aruba]\nswitches_file = "switches.config"\n') == [
        "switches.config: switches: cannot be 5; input should be a valid list"
    ]


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("VIGILIA_ARUBA__SCAN_S", "fast"),
        ("VIGILIA_ARUBA__SCAN", "1"),
        ("VIGILIA_ARUBA__SWITCHES", "sw-1"),
        ("VIGILIA_ARUBA__SWITCHES", "[" * 100_000),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path, variable: str, text: str) -> None:
    (line,) = mistakes(tmp_path, GOOD, **{variable: text})
    assert line.startswith(f"environment variable {variable}: aruba.")


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("VIGILIA_DEMO__X", "1", "[demo]: is not a known section"),
        ("VIGILIA_REACTOR__X", "1", "reactor.x: is not a known key"),
        ("VIGILIA_ARUBA__SWITCHES", '[{"name": "a"}]', "aruba.switches[0].url: is missing"),
        ("VIGILIA_ARUBA__SWITCHES", '[{"password_file": "x"}]', "aruba.switches[0].password_file: cannot be read"),
        ("VIGILIA_ARUBA__CA_FILE", "x.pem", "[aruba] ca_file: "),
    ],
)
def test_what_is_wrong_with_a_variable_is_not_blamed_on_the_file(
    tmp_path: Path, variable: str, text: str, expected: str
) -> None:
    lines = mistakes(tmp_path, GOOD, **{variable: text})
    assert any(line.startswith(f"environment variable {variable}: {expected}") for line in lines), lines
    assert not any(line.startswith("vigilia.toml") for line in lines)


def test_what_a_section_of_the_environment_lacks_is_not_blamed_on_a_variable(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "", VIGILIA_ARUBA__SCAN_S="1.0") == [
        "vigilia.toml: [aruba] switches: names no switch; add [[aruba.switches]] or switches_file"
    ]


def test_what_the_file_has_wrong_is_not_blamed_on_a_variable(tmp_path: Path) -> None:
    lines = mistakes(tmp_path, {"aruba": {"switches": [SWITCH], "scan": 1}}, VIGILIA_ARUBA__SCAN_S="1.0")
    assert lines == ["vigilia.toml: aruba.scan: is not a known key; remove it or correct its spelling"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:hush@db.example:5433/vigilia", "postgresql://ana:***@db.example:5433/vigilia"),
        ("postgresql://ana@db.example/vigilia", "postgresql://ana@db.example/vigilia"),
        (
            "postgresql://h/d?user=ana&password=hush&sslmode=require",
            "postgresql://h/d?user=ana&password=***&sslmode=require",
        ),
        ("postgresql:///vigilia?host=/run/postgresql", "postgresql:///vigilia?host=/run/postgresql"),
        ("postgresql://ana:hu%40sh@h/d", "postgresql://ana:***@h/d"),
    ],
)
def test_the_address_of_a_postgresql_store_is_shown_without_its_password(url: str, shown: str, tmp_path: Path) -> None:
    config = load(tmp_path, GOOD | {"store": {"url": url}})
    assert config.store.url.get_secret_value() == url
    assert f'url = "{shown}"' in config.show()
    assert "hush" not in repr(config)
    assert any("sh" in secret for secret in config.secrets()) == ("***" in shown), "logs are kept free of it as well"


@pytest.mark.parametrize(
    "password", ["qu@il", "qu/il", "1/quil", "qu#il", "qu?il", "1?quil=1&@", "1?qu=il", "[quil", "qu\nil"]
)
def test_a_password_that_breaks_its_address_is_not_repeated(password: str, tmp_path: Path) -> None:
    """What stands before a slash could be taken for a host and a port, and shown."""
    (mistake,) = mistakes(tmp_path, GOOD | {"store": {"url": f"postgresql://ana:{password}@h/d"}})
    assert mistake.startswith("vigilia.toml: store.url: is no PostgreSQL address; write ")
    assert "qu" not in mistake
    assert "il" not in mistake.removeprefix("vigilia.toml")


def test_the_address_of_a_store_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "store.url").write_text("postgresql://ana:hush@h/d\n")
    config = load(tmp_path, GOOD | {"store": {"url_file": "store.url"}})
    assert config.store.url.get_secret_value() == "postgresql://ana:hush@h/d"


def test_secrets_are_in_no_message(tmp_path: Path) -> None:
    for wrong in (
        {"aruba": {"switches": SWITCH}},
        {"aruba": {"switches": [SWITCH | {"password": ["hunter2"]}]}},
        {"aruba": {"switches": [[SWITCH]]}},
        {"aruba": {"switches": [SWITCH | {"ports": SWITCH}]}},
        {"aruba": [SWITCH]},
        {"aruba": {"switches": [SWITCH | {"url": "http://controle:hunter2@192.0.2.10"}]}},
        {"aruba": {"switches": [SWITCH | {"url": "http://controle:hunter2"}]}},
        {"site": SWITCH, **GOOD},
    ):
        assert "hunter2" not in " ".join(mistakes(tmp_path, wrong))


scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | st.dates()
    | st.datetimes()
    | st.times()
)
names = st.sampled_from(
    ["site", "web", "store", "epics", "aruba", "health", "switches", "ports", "password", "name", "url", "listen"]
)
tables = st.dictionaries(
    names | st.text(max_size=5),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def only_config_errors(path: Path) -> None:
    try:
        config = load_config(path, {})
    except ConfigError as error:
        problems = error.problems
    else:
        tomllib.loads(config.show())
        return
    assert problems
    for problem in problems:
        assert str(problem).isprintable()
        assert problem.place
        assert problem.key
        assert problem.right


@settings(max_examples=150, deadline=None)
@given(table=tables)
def test_no_toml_does_worse_than_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(tomli_w.dumps(table).encode("utf-8", "replace"))
    only_config_errors(path)


@given(content=st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_no_content_does_worse_than_a_config_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    only_config_errors(path)


# Secrets, and the names users have


def test_every_secret_of_the_configuration_is_found(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://ping.example.org/from-a-file\n")
    config = load(tmp_path, GOOD | {"health": {"ping_url_file": "url"}})
    assert sorted(config.secrets()) == ["https://ping.example.org/from-a-file", "hunter2"]
    assert load(tmp_path, {"aruba": {"switches": [{**SWITCH, "name": "b"}]}}).secrets() == ["hunter2"]


def test_an_old_name_is_what_a_message_names(tmp_path: Path) -> None:
    right = "set it to the real value, or unset it"
    assert mistakes(tmp_path, GOOD, PVOP_PASSWORD="<SUA_SENHA_PVOPERATION>", TEAMS_WEBHOOK_URL="") == [
        f"environment variable PVOP_PASSWORD: pvoperation.password: is a placeholder; {right}",
        f"environment variable TEAMS_WEBHOOK_URL: notify.teams.webhook_url: is empty; {right}",
    ]
    for problem in mistakes(tmp_path, GOOD, PVOP_EMAIL="a", PVOP_PASSWORD="s3cret", TEAMS_ENABLED="maybe"):
        assert problem.startswith(("environment variable PVOP_", "environment variable TEAMS_"))
        assert "s3cret" not in problem


def test_the_old_names_alone_are_a_whole_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    account = {"PVOP_EMAIL": "ana@example.org", "PVOP_PASSWORD": "s3cret"}
    config = load_config(None, account)
    assert list(config.drivers) == ["pvoperation"]
    section = config.drivers["pvoperation"][1]
    assert isinstance(section, PvOperationConfig)
    assert (section.email, section.password.get_secret_value()) == ("ana@example.org", "s3cret")
    assert section.base_url == "https://apipv.pvoperation.com.br/api/v1"
    assert config.notify.channels == ()

    url = "https://tenant.example:443/workflows/x?sig=s3cret"
    told = load_config(None, {**account, "PVOP_BASE_URL": "http://127.0.0.1:1/api/", "TEAMS_WEBHOOK_URL": url})
    assert getattr(told.drivers["pvoperation"][1], "base_url", None) == "http://127.0.0.1:1/api"
    assert told.notify.channels == ("teams",)
    assert told.notify.teams is not None
    assert told.notify.teams.webhook_url is not None
    assert told.notify.teams.webhook_url.get_secret_value() == url
    assert sorted(told.secrets()) == sorted(["s3cret", url])


@pytest.mark.parametrize("off", ["False", "false", "0", "não"])
def test_teams_is_switched_off_by_its_old_name_with_and_without_a_url(off: str, tmp_path: Path) -> None:
    for environment in ({}, {"TEAMS_WEBHOOK_URL": "https://x.example/"}):
        config = load(tmp_path, GOOD, TEAMS_ENABLED=off, **environment)
        assert config.notify.teams is not None
        assert config.notify.channels == ()
    (problem,) = mistakes(tmp_path, GOOD, TEAMS_ENABLED="True")
    assert "notify.teams.webhook_url: is missing; " in problem


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("text", ["<SEU_EMAIL_PVOPERATION>", "SUA_SENHA_s3cret", "https://COLE_AQUI_s3cret/"])
def test_a_placeholder_under_an_old_name_is_refused_by_that_name(name: str, text: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, GOOD, **{name: text})
    right = "set it to the real value, or unset it"
    assert found == [f"environment variable {name}: {KEYS[name]}: is a placeholder; {right}"]


def test_what_a_client_needs_is_found_without_the_rest(tmp_path: Path) -> None:
    (tmp_path / "vigilia.toml").write_text(
        '[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:1"\n[aruba]\nwrong = 1\n[later]\n'
    )
    environment = {"VIGILIA_WEB__LISTEN": "127.0.0.1:2", "VIGILIA_ARUBA__SCAN_S": "fast", "PVOP_EMAIL": ""}
    site, web = load_listener(tmp_path / "vigilia.toml", environment)
    assert (site.language, web.listen) == ("en", "127.0.0.1:2")
    with pytest.raises(ConfigError) as raised:
        load_listener(tmp_path / "vigilia.toml", {"VIGILIA_WEB__LISTEN": "nowhere"})
    assert str(raised.value).startswith("environment variable VIGILIA_WEB__LISTEN: web.listen: 'nowhere' is not")


def test_every_driver_is_found_whatever_was_imported_before() -> None:
    """A package gives its entry point late, and a module of the same name would stand in its place."""
    import vigilia.drivers.pvoperation.driver  # noqa: F401

    assert {name for name, plugin in find_plugins().items() if isinstance(plugin, Plugin)} >= {"aruba", "pvoperation"}
