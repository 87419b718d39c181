"""The state file of the monitor before: every form of it that is taken, and every mistake that is named."""

import contextlib
import json
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia import state_file
from vigilia.state_file import CLASSES, InverterState, MonitorState, StateFileError, parse, read, write

ZONE = ZoneInfo("America/Sao_Paulo")
AT = 1_795_180_500.0  # 2026-11-20 10:15:00 in São Paulo

WHOLE = {
    "ultima_varredura_rele": "2026-11-20T10:15:00",
    "ultima_varredura_inversor": 1795180500,
    "ultima_varredura_rele_por_usina": {"19478": "2026-11-20 10:15:00", "20001": None},
    "ultima_varredura_inversor_por_usina": {"19478": "2026-11-20T13:15:00Z"},
    "rele_alertas_ativos": ["19478:R-1:SOBRETENSÃO", "19478:R-1:TERMICO", "20001:a:b:frequencia"],
    "estado_inversores": {
        "19478:INV 1": {"ativa": True, "seq_zero": 3, "rec_seq": 1},
        "19478:x:y": {"ativa": 0},
    },
    "pending_notifications": ["Falha de relé – UFV Sol", {"titulo": "é"}],
    "something_else": 1,
}


def state_of(**fields: Any) -> MonitorState:
    return parse(json.dumps(fields).encode(), ZONE)


def test_a_whole_file() -> None:
    assert parse(json.dumps(WHOLE).encode(), ZONE) == MonitorState(
        relay_scans={"19478": AT},
        inverter_scans={"19478": AT},
        relay_alarms=(
            ("19478", "R-1", "SOBRETENSÃO"),
            ("19478", "R-1", "TÉRMICO"),
            ("20001", "a:b", "FREQUÊNCIA"),
        ),
        inverters={
            ("19478", "INV 1"): InverterState(True, 3, 1),
            ("19478", "x:y"): InverterState(False, 0, 0),
        },
        pending=("Falha de relé – UFV Sol", '{"titulo": "é"}'),
        relay_scan=AT,
        inverter_scan=AT,
    )


@pytest.mark.parametrize(
    "said",
    [
        "2026-11-20T10:15:00",
        "2026-11-20T10:15:00.000000",
        "2026-11-20 10:15:00",
        "2026-11-20 10:15",
        "2026-11-20T10:15:00-03:00",
        "2026-11-20T13:15:00+00:00",
        "2026-11-20T13:15:00Z",
        " 2026-11-20 09:15:00-04:00 ",
        "20/11/2026 10:15:00",
        "20/11/2026 10:15",
        1795180500,
        1795180500.0,
        "1795180500",
        1795180500000,
        "1795180500.0",
    ],
)
def test_every_form_of_a_time(said: object) -> None:
    assert state_of(ultima_varredura_rele=said).relay_scan == AT


def test_a_time_without_a_zone_is_the_sites() -> None:
    content = b'{"ultima_varredura_rele": "2026-11-20 10:15:00"}'
    assert parse(content, timezone(timedelta(hours=-4))).relay_scan == AT + 3600


@pytest.mark.parametrize("name", CLASSES)
def test_classes_with_and_without_accents(name: str) -> None:
    plain = name.replace("Ã", "A").replace("Ê", "E").replace("É", "E")
    decomposed = name.replace("Ã", "A\u0303").replace("Ê", "E\u0302").replace("É", "E\u0301")
    for form in (name, plain, name.lower(), plain.lower(), decomposed, f" {name} "):
        assert state_of(rele_alertas_ativos=[f"1:r:{form}"]).relay_alarms == (("1", "r", name),)


def test_what_is_missing_or_null_is_empty() -> None:
    assert parse(b"{}", ZONE) == MonitorState()
    assert state_of(**dict.fromkeys(WHOLE)) == MonitorState()
    assert parse(b"\xef\xbb\xbf{}", ZONE) == MonitorState()


def test_alarms_given_twice_or_as_keys_are_taken_once() -> None:
    assert state_of(rele_alertas_ativos=["1:r:OUTROS", "1:r:outros"]).relay_alarms == (("1", "r", "OUTROS"),)
    assert state_of(rele_alertas_ativos={"1:r:OUTROS": {"desde": 1}}).relay_alarms == (("1", "r", "OUTROS"),)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ultima_varredura_rele": True}, "ultima_varredura_rele cannot be True: write a time"),
        ({"ultima_varredura_rele": "yesterday"}, "ultima_varredura_rele cannot be 'yesterday'"),
        ({"ultima_varredura_rele": 12}, "cannot be 12"),
        ({"ultima_varredura_rele": float("nan")}, "cannot be nan"),
        ({"ultima_varredura_rele": "inf"}, "cannot be 'inf'"),
        ({"ultima_varredura_rele": 10**400}, "cannot be"),
        ({"ultima_varredura_rele": "0001-01-01T00:00:00+14:00"}, "cannot be"),
        ({"ultima_varredura_rele": []}, "cannot be []"),
        ({"ultima_varredura_rele_por_usina": []}, "ultima_varredura_rele_por_usina cannot be []: write an object"),
        ({"ultima_varredura_rele_por_usina": {"7": "x"}}, "ultima_varredura_rele_por_usina['7'] cannot be 'x'"),
        ({"ultima_varredura_inversor_por_usina": {"7": {}}}, "ultima_varredura_inversor_por_usina['7'] cannot be {}"),
        ({"rele_alertas_ativos": "1:r:OUTROS"}, "rele_alertas_ativos cannot be '1:r:OUTROS': write a list"),
        ({"rele_alertas_ativos": [1]}, 'an entry of rele_alertas_ativos cannot be 1: write "plant:relay:class"'),
        ({"rele_alertas_ativos": ["1:OUTROS"]}, "cannot be '1:OUTROS': write"),
        ({"rele_alertas_ativos": ["1::OUTROS"]}, "cannot be '1::OUTROS': write"),
        ({"rele_alertas_ativos": ["1:r:WORSE"]}, "the classes are SOBRETENSÃO, "),
        ({"estado_inversores": 3}, "estado_inversores cannot be 3"),
        ({"estado_inversores": {"1": {}}}, "a key of estado_inversores cannot be '1': write \"plant:inverter\""),
        ({"estado_inversores": {"1:": {}}}, "cannot be '1:'"),
        ({"estado_inversores": {"1:i": True}}, "estado_inversores['1:i'] cannot be True"),
        ({"estado_inversores": {"1:i": {"ativa": "x"}}}, "estado_inversores['1:i'].ativa cannot be 'x'"),
        ({"estado_inversores": {"1:i": {"seq_zero": -1}}}, "estado_inversores['1:i'].seq_zero cannot be -1"),
        ({"estado_inversores": {"1:i": {"rec_seq": 1.5}}}, "estado_inversores['1:i'].rec_seq cannot be 1.5"),
        ({"estado_inversores": {"1:i": {"rec_seq": True}}}, "estado_inversores['1:i'].rec_seq cannot be True"),
        ({"estado_inversores": {"1:i": {"seq_zero": 10**7}}}, "write a whole number"),
        ({"pending_notifications": {"a": 1}}, "pending_notifications cannot be {'a': 1}: write a list"),
        ({"pending_notifications": "a"}, "pending_notifications cannot be 'a'"),
    ],
)
def test_a_wrong_shape_is_a_sentence(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(StateFileError) as caught:
        state_of(**fields)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b'{"a": ', "is not JSON"),
        (b"\xff\xfe{", "is not text in UTF-8"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"ultima_varredura_rele": ' + b"9" * 10_000 + b"}", "is not JSON"),
        (b"[]", "the content cannot be []: write an object"),
    ],
)
def test_what_is_no_json_object_is_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(StateFileError, match="the content") as caught:
        parse(content, ZONE)
    assert said in str(caught.value)


def test_reading_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "monitor_state.json"
    with pytest.raises(StateFileError, match=r"monitor_state\.json cannot be read \(No such file"):
        read(path, ZONE)
    with pytest.raises(StateFileError, match=r"cannot be read \(Is a directory"):
        read(tmp_path, ZONE)
    path.write_text('{"ultima_varredura_rele": 1795180500}')
    assert read(path, ZONE).relay_scan == AT
    path.write_text("{")
    with pytest.raises(StateFileError, match=r"monitor_state\.json: the content is not JSON"):
        read(path, ZONE)
    monkeypatch.setattr(state_file, "LARGEST_FILE_BYTES", 10)
    path.write_text('{"a": 1234}')
    with pytest.raises(StateFileError, match="is larger than"):
        read(path, ZONE)


def test_what_is_written_is_what_the_monitor_before_wrote() -> None:
    text = write(parse(json.dumps(WHOLE).encode(), ZONE), ZONE)
    assert "SOBRETENSÃO" in text
    assert json.loads(text) == {
        "ultima_varredura_rele": "2026-11-20T10:15:00",
        "ultima_varredura_inversor": "2026-11-20T10:15:00",
        "ultima_varredura_rele_por_usina": {"19478": "2026-11-20T10:15:00"},
        "ultima_varredura_inversor_por_usina": {"19478": "2026-11-20T10:15:00"},
        "rele_alertas_ativos": ["19478:R-1:SOBRETENSÃO", "19478:R-1:TÉRMICO", "20001:a:b:FREQUÊNCIA"],
        "estado_inversores": {
            "19478:INV 1": {"ativa": True, "seq_zero": 3, "rec_seq": 1},
            "19478:x:y": {"ativa": False, "seq_zero": 0, "rec_seq": 0},
        },
        "pending_notifications": ["Falha de relé – UFV Sol", '{"titulo": "é"}'],
    }


def test_the_last_scan_of_all_is_the_latest_of_the_plants_where_it_is_not_known() -> None:
    written = json.loads(write(MonitorState(relay_scans={"1": AT - 600, "2": AT}), ZONE))
    assert written["ultima_varredura_rele"] == "2026-11-20T10:15:00"
    assert written["ultima_varredura_inversor"] is None


moments = st.floats(1_600_000_000, 2_000_000_000).map(lambda moment: round(moment, 6))
ids = st.text(st.characters(exclude_characters=":", exclude_categories=["Cs", "Cc", "Z"]), min_size=1)
counters = st.integers(0, 1000)


@given(
    st.builds(
        MonitorState,
        relay_scans=st.dictionaries(ids, moments),
        inverter_scans=st.dictionaries(ids, moments),
        relay_alarms=st.lists(st.tuples(ids, ids, st.sampled_from(CLASSES)), unique=True).map(tuple),
        inverters=st.dictionaries(
            st.tuples(ids, ids), st.builds(InverterState, active=st.booleans(), zeros=counters, recoveries=counters)
        ),
        pending=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple),
        relay_scan=moments,
        inverter_scan=moments,
    )
)
def test_what_is_written_is_read_back(state: MonitorState) -> None:
    found = parse(write(state, ZONE).encode(), ZONE)
    assert found.relay_scans == pytest.approx(state.relay_scans, abs=1e-5)
    assert found.inverter_scans == pytest.approx(state.inverter_scans, abs=1e-5)
    assert (found.relay_alarms, found.inverters, found.pending) == (state.relay_alarms, state.inverters, state.pending)
    assert found.relay_scan == pytest.approx(state.relay_scan, abs=1e-5)


keys = st.sampled_from([*WHOLE, "1:i", "ativa", "seq_zero"])
leaves = st.none() | st.booleans() | st.floats() | st.text()


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20))
def test_nothing_but_a_sentence_comes_of_any_json(value: object) -> None:
    for content in (value, dict.fromkeys(WHOLE, value), *({name: value} for name in WHOLE)):
        with contextlib.suppress(StateFileError):
            assert isinstance(parse(json.dumps(content).encode(), ZONE), MonitorState)
