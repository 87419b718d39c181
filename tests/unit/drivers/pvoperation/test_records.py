"""What records say, in whatever spelling and wrong shape they come. Times are of São Paulo unless a test says else."""

import json
import math
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers.pvoperation.api import ZONE, inverter, local, relay, utc
from vigilia.drivers.pvoperation.plants import parse_plants
from vigilia.drivers.pvoperation.records import (
    CLASSES,
    INVERTERS,
    RELAYS,
    Day,
    classify,
    identity,
    is_not_set,
    is_set,
    local_time,
    parse_day,
    parse_power,
    set_flags,
)
from vigilia.errors import BadAnswer

NOON = utc("2026-03-10 12:00:00")
TIME = "2026-03-10 11:55:00"
NEW_YORK = ZoneInfo("America/New_York")


def relays(*items: Any, since: float = 0) -> Day:
    return parse_day(RELAYS, list(items), zone=ZONE, now=NOON, since=since)


def inverters(*items: Any) -> Day:
    return parse_day(INVERTERS, list(items), zone=ZONE, now=NOON, since=0)


@pytest.mark.parametrize(
    "item",
    [
        {"idrele": "5", "conteudojson": {"tsleitura": TIME, "r59A": 0}},
        {"idRele": 5, "conteudojson": {"tsleitura": TIME, "r59A": 0}},
        {"IdRele": 5.0, "conteudojson": {"tsleitura": TIME, "r59A": 0}},
        {"id_rele": " 5 ", "conteudojson": {"tsleitura": TIME, "r59A": 0}},
        {"IDRELE": "5", "ConteudoJson": {"TsLeitura": TIME, "r59A": 0}},
        {"idrele": None, "conteudojson": {"tsleitura": TIME, "r59A": 0, "Rele": 5}},
        {"idrele": "", "conteudojson": {"tsleitura": TIME, "r59A": 0, "rele": "5"}},
        {"conteudojson": {"tsleitura": TIME.replace(" ", "T"), "idrele": "5", "r59A": 0}},
    ],
)
def test_spellings_of_a_relay(item: dict[str, Any]) -> None:
    assert [(record.equipment, record.time) for record in relays(item).records] == [("5", utc(TIME))]


@pytest.mark.parametrize("key", ["Inversor", "esn", "ESN"])
def test_spellings_of_an_inverter(key: str) -> None:
    assert inverters({"conteudojson": {"tsleitura": TIME, key: "ES 1"}}).records[0].equipment == "ES_1"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "shape"),
        (7, "shape"),
        ([], "shape"),
        ({}, "shape"),
        ({"idrele": "5"}, "shape"),
        ({"idrele": "5", "conteudojson": None}, "shape"),
        ({"idrele": "5", "conteudojson": "{}"}, "time"),
        ({"idrele": "5", "conteudojson": ""}, "shape"),
        ({"idrele": "5", "conteudojson": "[]"}, "shape"),
        ({"idrele": "5", "conteudojson": '"{}"'}, "shape"),
        ({"idrele": "5", "conteudojson": "{'tsleitura': 5}"}, "shape"),
        ({"idrele": "5", "conteudojson": "[" * 60_000}, "shape"),
        ({"idrele": "5", "conteudojson": json.dumps({"tsleitura": TIME, "r59A": 0, "x": "y" * 70_000})}, "shape"),
        ({"idrele": "5", "conteudojson": json.dumps({"tsleitura": TIME, "r59A": None})}, "flags"),
        ({"idrele": "5", "conteudojson": dict.fromkeys(map(str, range(3000)))}, "shape"),
        ({"conteudojson": {"tsleitura": TIME}}, "id"),
        ({"idrele": True, "conteudojson": {"tsleitura": TIME}}, "id"),
        ({"idrele": -1, "conteudojson": {"tsleitura": TIME}}, "id"),
        ({"idrele": math.nan, "conteudojson": {"tsleitura": TIME}}, "id"),
        ({"idrele": 10**400, "conteudojson": {"tsleitura": TIME}}, "id"),
        ({"idrele": "x" * 41, "conteudojson": {"tsleitura": TIME}}, "id"),
        ({"idrele": ["5"], "conteudojson": {"tsleitura": TIME}}, "id"),
        ({"idrele": "5", "conteudojson": {}}, "time"),
        ({"idrele": "5", "conteudojson": {"tsleitura": 1773154500}}, "time"),
        ({"idrele": "5", "conteudojson": {"tsleitura": "yesterday"}}, "time"),
        ({"idrele": "5", "conteudojson": {"tsleitura": "2026-03-10"}}, "time"),
        ({"idrele": "5", "conteudojson": {"tsleitura": "2026-02-30 10:00:00"}}, "time"),
        ({"idrele": "5", "conteudojson": {"tsleitura": "0001-01-01 00:00:00"}}, "time"),
        ({"idrele": "5", "conteudojson": {"tsleitura": "9999-12-31 23:59:59"}}, "time"),
        ({"idrele": "5", "conteudojson": {"tsleitura": "2026-03-10 12:10:01"}}, "future"),
    ],
)
def test_what_is_left_out_and_why(item: Any, reason: str) -> None:
    day = relays(item, relay("6", TIME))
    assert [record.equipment for record in day.records] == ["6"]
    assert day.skipped == Counter({reason: 1})


def test_a_content_may_come_as_the_text_of_an_object() -> None:
    texts = [{**item, "conteudojson": json.dumps(item["conteudojson"])} for item in (relay("5", TIME, r59A=1),)]
    assert relays(*texts).records == relays(relay("5", TIME, r59A=1)).records != []
    inside = {"conteudojson": f' {{"tsleitura": "{TIME}", "esn": 7, "Pac": "1,5 kW"}}\n'}
    assert [(record.equipment, record.power) for record in inverters(inside).records] == [("7", 1.5)]


def test_ten_minutes_ahead_is_not_the_future() -> None:
    assert len(relays(relay("5", "2026-03-10 12:10:00")).records) == 1


@pytest.mark.parametrize("items", [None, {}, "[]", 5])
def test_a_day_that_is_no_list(items: Any) -> None:
    with pytest.raises(BadAnswer, match="no list"):
        parse_day(RELAYS, items, zone=ZONE, now=NOON, since=0)


def test_older_records_are_dropped_and_not_counted_as_wrong() -> None:
    day = relays(relay("5", TIME), relay("5", "2026-03-10 11:54:59"), since=utc(TIME))
    assert (len(day.records), day.skipped) == (1, Counter())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["tsleitura", "Pac", "Pout", "r59A", "Rele", "esn", "x"])


@given(
    st.lists(
        JSON
        | st.fixed_dictionaries(
            {
                "idrele": JSON | st.just(5),
                "idinversor": JSON | st.just(5),
                "conteudojson": st.dictionaries(KEYS, JSON | st.just(TIME), max_size=5),
            }
        ),
        max_size=5,
    )
)
def test_no_item_is_fatal_and_every_item_is_accounted_for(items: list[Any]) -> None:
    for day in (relays(*items), inverters(*items)):
        assert len(day.records) + day.skipped.total() == len(items)
        assert all(record.equipment and record.time <= NOON + 600 for record in day.records)


# Flags


@pytest.mark.parametrize(
    "value",
    [
        True,
        1,
        1.0,
        "1",
        "1.0",
        " 1,0 ",
        "01",
        "1.",
        "true",
        "ON",
        " sim ",
        "Ativo",
        "active",
        "alarm",
        "ALARME",
        "trip",
        "Tripped",
    ],
)
def test_a_flag_that_is_set(value: object) -> None:
    assert is_set(value)


@pytest.mark.parametrize(
    "value", [False, 0, 2, -1, 1.5, math.nan, math.inf, 10**400, None, "", "0", "off", "11", "não", [], [1], {"r": 1}]
)
def test_a_flag_that_is_not(value: object) -> None:
    assert not is_set(value)


@pytest.mark.parametrize("value", [False, 0, 0.0, -0.0, "0", "0.0", " 0,00 ", "000", "false", "OFF", "não", "Normal"])
def test_a_flag_that_is_said_not_to_be_set(value: object) -> None:
    assert is_not_set(value)
    assert not is_set(value)


UNKNOWN = [
    None,
    "",
    " ",
    "ALARME!",
    "yes",
    "2",
    "0.5",
    "1.0.0",
    "1e0",
    "²",
    "-1",
    "9" * 50,
    2,
    -1,
    0.5,
    math.nan,
    [],
    {},
]


@pytest.mark.parametrize("value", UNKNOWN)
def test_a_flag_of_which_nothing_is_said(value: object) -> None:
    assert not is_set(value)
    assert not is_not_set(value)
    silent = {"idrele": "5", "conteudojson": {"tsleitura": TIME, "r59A": value}}
    assert relays(silent).skipped == Counter({"flags": 1})  # no evidence that the relay is back to normal
    silent["conteudojson"]["r27A"] = "0.0"  # type: ignore[index]
    assert [record.flags for record in relays(silent).records] == [()]
    silent["conteudojson"]["r27A"] = "1.0"  # type: ignore[index]
    assert [record.flags for record in relays(silent).records] == [("r27A",)]


def test_names_of_flags_are_matched_without_regard_to_case() -> None:
    assert set_flags({"R59a": 1, "REL2T": "on", "rel2T": 1, "r99": 1, "tsleitura": "1", "": 1}) == ("r59A", "rEl2t")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["r86", "r49", "r81O", "r27A", "r59N", "r59A"], ("Overvoltage", ("r59N", "r59A"))),
        (["r86", "r49_2", "r81U", "r27_0"], ("Undervoltage", ("r27_0",))),
        (["r86", "rDO", "r49", "r81U"], ("Frequency", ("r81U",))),
        (["r86", "rAR", "r49"], ("Thermal", ("r49",))),
        (["r86", "rBA", "rAR"], ("Lockout", ("rBA", "rAR"))),
        (["r86", "rRL5"], ("Other", ("r86", "rRL5"))),
        ([], None),
    ],
)
def test_the_first_class_that_matches(flags: list[str], expected: tuple[str, tuple[str, ...]] | None) -> None:
    found = classify(flags)
    assert (found and (found[0].name, found[1])) == expected


def test_every_known_flag_has_one_class() -> None:
    flags = [flag for flags in CLASSES for flag in flags.flags]
    assert len(flags) == len(set(flags)) == 45
    assert all(classify([flag]) for flag in flags)


# Power


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12.3, 12.3),
        (0, 0.0),
        (-3, -3.0),
        ("-3", -3.0),
        ("−3 kW", -3.0),
        ("1.234,5 kW", 1234.5),
        ("1,234.5", 1234.5),
        ("1.234.567", 1234567.0),
        ("1.234.567,8", 1234567.8),
        ("12,5", 12.5),
        ("12.5KW", 12.5),
        ("500 W", 0.5),
        ("1,5 MW", 1500.0),
        (" 7 ", 7.0),
        (",5", 0.5),
        ("5,", 5.0),
        *((bad, None) for bad in (None, True, "", "kW", ".", "1 2", "12 V", "nan", "1e5", "--3", [], {}, "9" * 50)),
        *((bad, None) for bad in (math.nan, math.inf, -math.inf, 10**400, 1e300)),
    ],
)
def test_power(value: object, expected: float | None) -> None:
    assert parse_power(value) == expected


@given(st.floats(-1e6, 1e6).map(lambda number: round(number, 3)))
def test_power_as_brazilians_write_it(number: float) -> None:
    text = f"{number:,.3f}".translate(str.maketrans(",.", ".,"))
    assert parse_power(f"{text} kW") == pytest.approx(number)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"Pout": 2, "Pac": 1}, 1),
        ({"Pout": 2, "Pac": None}, 2),
        ({"Potencia": 4, "Potencia_Saida": "3 kW"}, 3),
        ({"potencia": 4}, 4),
        ({"Pac": "off", "Pout": 2}, None),
        ({}, None),
    ],
)
def test_the_first_power_that_is_there(content: dict[str, Any], expected: float | None) -> None:
    day = inverters({"idinversor": 5, "conteudojson": {"tsleitura": TIME, **content}})
    assert day.records[0].power == expected


# Time


def test_the_hour_that_comes_twice_is_its_first_pass() -> None:
    assert local_time("2026-11-01 01:30:00", NEW_YORK) == utc("2026-11-01 05:30:00", ZoneInfo("UTC"))


def test_the_hour_that_is_left_out_counts_on() -> None:
    assert local_time("2026-03-08 02:30:00", NEW_YORK) == utc("2026-03-08 07:30:00", ZoneInfo("UTC"))
    assert local_time("2026-03-08 03:30:00", NEW_YORK) == utc("2026-03-08 07:30:00", ZoneInfo("UTC"))


def test_a_time_with_an_offset_means_what_it_says() -> None:
    assert local_time("2026-03-10T12:00:00Z", ZONE) == utc("2026-03-10 12:00:00", ZoneInfo("UTC"))


@given(st.integers(1, 4_000_000_000))
def test_local_times_lead_back(moment: int) -> None:
    found = local_time(local(moment), ZONE)
    assert found is not None
    assert local(found) == local(moment) or found - moment == 3600  # a time that was left out is not among them


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = local_time(text, ZONE)
    assert found is None or found > 0


@given(st.text(max_size=60) | st.integers() | st.floats())
def test_an_id_is_fit_for_a_name(value: object) -> None:
    found = identity(value)
    if found is not None:
        assert 0 < len(found) <= 40
        assert found.isprintable()
        assert not any(character.isspace() for character in found)


# Plants


def test_plants() -> None:
    plants, unusable = parse_plants(
        [
            {"id": 19478, "nome": " UFV\nAlfa ", "capacidade": 2500.0},
            {"id": "A:7", "nome": None, "capacidade": "many"},
            {"id": 19478, "nome": "again"},
            {"id": 3, "nome": "x" * 200, "capacidade": 0.1235},
            {"id": None},
            {"nome": "no id"},
            "no plant",
            {"id": 4, "capacidade": math.nan},
        ]
    )
    assert unusable == 3
    assert [(plant.id, plant.key, plant.name, plant.capacity) for plant in plants] == [
        ("19478", 19478, "UFV Alfa", "2500 kWp"),
        ("A_7", "A:7", "A:7", ""),
        ("3", 3, "x" * 80, "0.123 kWp"),
        ("4", 4, "4", ""),
    ]


@pytest.mark.parametrize("items", [None, {}, "plants"])
def test_a_list_of_plants_that_is_none(items: Any) -> None:
    with pytest.raises(BadAnswer):
        parse_plants(items)


def test_an_inverter_without_power_is_still_a_record() -> None:
    assert inverters(inverter("7", TIME, None)).records[0].power is None


@pytest.mark.parametrize("flags", [{}, {"r59A": None}, {"r59A": "", "r27A": []}, {"r59A": math.nan}, {"Vab": 380}])
def test_a_relay_s_record_that_says_nothing_of_flags_is_no_evidence(flags: dict[str, Any]) -> None:
    item = {"idrele": "R1", "conteudojson": {"tsleitura": "2026-03-10 10:00:00", **flags}}
    day = parse_day(RELAYS, [item], zone=ZONE, now=2e9, since=0.0)
    assert (day.records, day.skipped) == ([], {"flags": 1})
    item["conteudojson"] |= {"R47": False}
    assert [record.flags for record in parse_day(RELAYS, [item], zone=ZONE, now=2e9, since=0.0).records] == [()]
