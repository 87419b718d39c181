"""What circuits answer, decoded: whatever comes, there is a text, a wait, or a BadAnswer."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.agent.ezo import protocol
from vigilia.agent.ezo.protocol import Health, Identity, NotUnderstood
from vigilia.errors import BadAnswer


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x017.02\0".ljust(40, b"\0"), "7.02"),
        (b"\x01\0".ljust(40, b"\xff"), ""),
        (b"\x01" + bytes(byte | 0x80 for byte in b"?I,pH,2.16\0"), "?I,pH,2.16"),
        (b"\x01466.4,252,0.23,1.000\0\x07noise", "466.4,252,0.23,1.000"),
        (b"\xfe", None),
    ],
)
def test_an_i2c_answer_is_the_text_to_its_nul(data: bytes, text: str | None) -> None:
    assert protocol.decode_i2c(data) == text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\x017.0", "without its end"),
        (b"\xff\0", "255"),
        (b"\x00\0", "code 0"),
        (b"\x69\0", "two devices"),
        (b"\x01\x07\x1b[2J\0", "noise"),
    ],
)
def test_what_is_no_i2c_answer_is_said_to_be_none(data: bytes, says: str) -> None:
    with pytest.raises(BadAnswer, match=says) as caught:
        protocol.decode_i2c(data)
    assert not isinstance(caught.value, NotUnderstood)
    assert str(caught.value).isprintable()


def test_a_syntax_error_is_an_error_of_its_own() -> None:
    with pytest.raises(NotUnderstood):
        protocol.decode_i2c(b"\x02\0")
    with pytest.raises(NotUnderstood):
        protocol.decode_uart(b"*ER\r", "R")


@given(st.binary(max_size=60))
def test_any_bytes_over_i2c_are_a_text_or_a_bad_answer(data: bytes) -> None:
    with contextlib.suppress(BadAnswer):
        text = protocol.decode_i2c(data)
        assert text is None or (text.isascii() and text.isprintable())


@pytest.mark.parametrize(
    ("came", "command", "answer"),
    [
        (b"7.02\r*OK\r", "R", "7.02"),
        (b"6.9\r7.02\r*OK\r", "R", "7.02"),
        (b"7.01\r?I,pH,2.16\r*OK\r", "i", "?I,pH,2.16"),
        (b"?T,25.1\r7.01\r*OK\r", "T,?", "?T,25.1"),
        (b"*OK\r", "T,25.1", ""),
        (b"*RE\r\n*ok\r", "T,25.1", ""),
        (b"*DONE,10.00\r3.20\r*OK\r", "R", "3.20"),
        (b"*DONE,3.20\r*OK\r", "X", "*DONE,3.20"),
        (b"*DONE,3.20\r", "X", "*DONE,3.20"),
        (b"\xff\x00\x81\r7.02\r*OK\r", "R", "7.02"),
    ],
)
def test_a_serial_answer_is_the_last_line_of_its_kind(came: bytes, command: str, answer: str) -> None:
    assert protocol.has_ended(came, command)
    assert protocol.decode_uart(came, command) == answer


def test_the_end_of_a_dose_ends_no_answer_but_that_to_a_stop() -> None:
    assert not protocol.has_ended(b"*DONE,3.20\r", "D,?")
    with pytest.raises(BadAnswer, match="without its"):
        protocol.decode_uart(b"*DONE,3.20\r", "D,5.00")


@pytest.mark.parametrize(
    ("came", "says"),
    [(b"7.02\r", "without its"), (b"7.02\r*O", "without its"), (b"\xff7.02\r*OK\r", "noise"), (b"", "without its")],
)
def test_a_serial_answer_that_is_cut_or_garbled_is_none(came: bytes, says: str) -> None:
    with pytest.raises(BadAnswer, match=says):
        protocol.decode_uart(came, "R")


@given(st.binary(max_size=80), st.sampled_from(["R", "T,?", "i", "X"]))
def test_any_bytes_over_a_serial_line_are_a_text_or_a_bad_answer(came: bytes, command: str) -> None:
    with contextlib.suppress(BadAnswer):
        answer = protocol.decode_uart(came + b"\r*OK\r", command)
        assert answer.isascii()
        assert answer.isprintable()


@pytest.mark.parametrize(
    ("answer", "command", "values"),
    [
        ("?T,25.1", "T,?", ("25.1",)),
        ("?CAL,2", "Cal,?", ("2",)),
        ("?,O,EC,TDS,S,SG", "O,?", ("EC", "TDS", "S", "SG")),
        ("?,P,101.3", "P,?", ("101.3",)),
        ("?S,50.0,ppt", "S,?", ("50.0", "ppt")),
        ("?MAXRATE,58.5", "DC,?", ("58.5",)),
        ("?,O", "O,?", ()),
    ],
)
def test_a_query_is_answered_with_values(answer: str, command: str, values: tuple[str, ...]) -> None:
    assert protocol.fields(answer, command) == values


@pytest.mark.parametrize("answer", ["", "7.02", "?I,pH,2.16", "T,25.1", "?TV,3"])
def test_the_answer_to_another_question_is_none(answer: str) -> None:
    with pytest.raises(BadAnswer):
        protocol.fields(answer, "T,?")


@pytest.mark.parametrize("text", ["", "nan", "NaN", "inf", "1e5", "7.02 V", "7,02", "٣", "--1", "." * 40, "1_0"])
def test_what_is_no_plain_number_is_none(text: str) -> None:
    with pytest.raises(BadAnswer):
        protocol.number(text)


@given(st.text(max_size=30))
def test_a_number_is_finite_or_none(text: str) -> None:
    with contextlib.suppress(BadAnswer):
        assert math.isfinite(protocol.number(text))


@pytest.mark.parametrize(
    ("said", "type_"), [("pH", "pH"), ("PH", "pH"), ("D.O.", "DO"), ("OR", "ORP"), ("ORP", "ORP"), ("EC", "EC")]
)
def test_firmwares_spell_one_type_in_several_ways(said: str, type_: str) -> None:
    assert protocol.parse_identity(f"?I,{said},1.98") == Identity(type_, "1.98")


def test_a_health_may_leave_anything_out() -> None:
    assert protocol.parse_health("?Status,P,5.04") == Health("P", 5.04)
    assert protocol.parse_health("?STATUS,b,") == Health("B", None)
    assert protocol.parse_health("?Status") == Health("", None)
    with pytest.raises(BadAnswer):
        protocol.parse_health("?Status,P,nan")


def test_waits_are_those_of_the_data_sheets() -> None:
    waits = {kind: protocol.wait_of("R", kind) for kind in ("pH", "ORP", "CO2", "EC", "RTD", "DO", "HUM", "PMP")}
    assert waits == {"pH": 0.9, "ORP": 0.9, "CO2": 0.9, "EC": 0.6, "RTD": 0.6, "DO": 0.6, "HUM": 0.3, "PMP": 0.3}
    assert protocol.wait_of("RT,25.1", "EC") == 0.6
    assert protocol.wait_of("Cal,mid,7.00", "pH") == 0.9
    assert {protocol.wait_of(command, "pH") for command in ("Cal,?", "i", "T,25.1", "Status", "Slope,?")} == {0.3}


@pytest.mark.parametrize("command", ["", "R\r", "Name,ä", "x" * 41, "i\0"])
def test_what_cannot_be_a_command_is_a_fault(command: str) -> None:
    with pytest.raises(ValueError, match="no command"):
        protocol.check_command(command)
