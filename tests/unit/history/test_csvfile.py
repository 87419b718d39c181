"""Readings as lines of CSV, and lines of CSV as readings."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history.places import START, row
from vigilia.history.acceptance import LONGEST_NAME, LONGEST_TEXT
from vigilia.history.backend import Row
from vigilia.history.csvfile import HEADER, line_of, records, row_of
from vigilia.points import Severity, Status

NOW = START + 86_400_000

names = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(str.isprintable)
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=60)
said = st.one_of(
    st.tuples(st.none(), st.none()),
    st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.none()),
    st.tuples(st.none(), texts),
)
rows = st.builds(
    lambda name, time_ms, what, severity, status: Row(name, time_ms, *what, severity, status),
    names,
    st.integers(0, NOW),
    said,
    st.sampled_from(Severity),
    st.sampled_from(Status),
)


def read(content: bytes) -> list[Row | str]:
    """What the lines of a file say, or what is wrong with them."""
    found: list[Row | str] = []
    for record in records(io.BytesIO(content)):
        try:
            found.append(record.wrong or row_of(record.text, NOW))
        except ValueError as error:
            found.append(str(error))
    return found


@given(st.lists(rows, max_size=8))
def test_what_is_written_is_read_back(written: list[Row]) -> None:
    content = "".join(map(line_of, written)).encode()
    assert read(content) == written


@given(st.lists(rows, max_size=8))
def test_others_can_read_it(written: list[Row]) -> None:
    parsed = list(csv.reader(io.StringIO(HEADER + "\n" + "".join(map(line_of, written)), newline="")))
    assert [fields[0] for fields in parsed[1:]] == [one.point for one in written]
    assert [fields[3] for fields in parsed[1:]] == [one.text or "" for one in written]


@given(st.binary(max_size=400))
def test_no_content_is_too_odd(content: bytes) -> None:
    for found in read(content):
        assert isinstance(found, Row) or found


def test_a_line() -> None:
    assert line_of(row("T1:Power-Mon", START + 120, 12.5)) == (
        "T1:Power-Mon,2026-01-01T00:00:00.120Z,12.5,,NO_ALARM,NO_ALARM\n"
    )
    assert line_of(row("p", START, 2.0)).split(",")[2] == "2"
    assert line_of(row("p", START, 0.1 + 0.2)).split(",")[2] == "0.30000000000000004"


def test_empty_text_is_not_no_text() -> None:
    empty, none = row("p", START, text=""), row("p", START)
    assert line_of(empty) != line_of(none)
    assert read((line_of(empty) + line_of(none)).encode()) == [empty, none]


def test_other_programs_files() -> None:
    content = (
        b"\xef\xbb\xbfp,2026-01-01T00:00:00Z,1,,,\r\n"
        b'"p","2025-12-31T21:00:00-03:00","1","","NO_ALARM","NO_ALARM"\r\n'
        b'"p","2026-01-01T00:00:00Z","","","INVALID","UDF"\r\n'
        b"\r\n"
        b"p,2026-01-01T00:00:00.0004Z,1e0,,,"
    )
    same = row("p", START, 1)
    assert read(content) == [same, same, row("p", START, severity=Severity.INVALID, status=Status.UDF), same]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("p,2026-01-01T00:00:00Z,1,,NO_ALARM", "5 fields"),
        ("p,2026-01-01T00:00:00Z,1,,NO_ALARM,NO_ALARM,", "7 fields"),
        ('p"q,2026-01-01T00:00:00Z,1,,a"b,NO_ALARM', "severity"),
        ('"p"q,2026-01-01T00:00:00Z,1,"",,', "not CSV"),
        (",2026-01-01T00:00:00Z,1,,,", "no point's name"),
        (f"{'p' * (LONGEST_NAME + 1)},2026-01-01T00:00:00Z,1,,,", "no point's name"),
        ("a\tb,2026-01-01T00:00:00Z,1,,,", "no point's name"),
        ("p,2026-01-01T00:00:00,1,,,", "with its zone"),
        ("p,2026-01-01,1,,,", "with its zone"),
        ("p,yesterday,1,,,", "no time"),
        ("p,,1,,,", "no time"),
        ("p,0001-01-01T00:00:00+14:00,1,,,", "before 1970"),
        ("p,1969-12-31T23:59:59Z,1,,,", "before 1970"),
        ("p,2026-01-02T00:00:00.001Z,1,,,", "yet to come"),
        ("p,2026-01-01T00:00:00Z,nan,,,", "no value"),
        ("p,2026-01-01T00:00:00Z,-inf,,,", "no value"),
        ("p,2026-01-01T00:00:00Z,1e999,,,", "no value"),
        ('p,2026-01-01T00:00:00Z,"1,5",,,', "no value"),
        (f"p,2026-01-01T00:00:00Z,{'9' * 5000},,,", "no value"),
        (f"p,2026-01-01T00:00:00Z,,{'x' * (LONGEST_TEXT + 1)},,", "characters"),
        ("p,2026-01-01T00:00:00Z,,a\0b,,", "NUL"),
        ("p,2026-01-01T00:00:00Z,1,on,,", "a value and a text"),
        ("p,2026-01-01T00:00:00Z,1,,LOUD,", "no severity"),
        ("p,2026-01-01T00:00:00Z,1,,,HIHIHI", "no status"),
        (f"p,2026-01-01T00:00:00Z,,{'x' * 70_000},,", "longer than"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_costs_no_other(line: str, wrong: str) -> None:
    good = line_of(row("good", START, 1)).encode()
    first, found, last = read(good + line.encode() + b"\n" + good)
    assert first == last == row("good", START, 1)
    assert isinstance(found, str)
    assert wrong in found
    assert len(found) < 300


def test_a_line_that_is_not_utf_8() -> None:
    good = line_of(row("good", START, 1)).encode()
    assert read(b"caf\xe9,2026-01-01T00:00:00Z,1,,,\n" + good) == ["it is not UTF-8", row("good", START, 1)]


def test_a_quote_that_is_never_closed_costs_only_its_line() -> None:
    good = line_of(row("good", START, 1))
    content = f'{good}p,2026-01-01T00:00:00Z,,"never closed,,\n{good * 3}'.encode()
    assert read(content) == [row("good", START, 1), "a quote in it is never closed", *[row("good", START, 1)] * 3]
    assert [record.line for record in records(io.BytesIO(content))] == [1, 2, 3, 4, 5]


def test_lines_are_counted_through_texts_of_several() -> None:
    content = line_of(row("p", START, text="one\ntwo\nthree")) + line_of(row("p", START + 1, 1))
    assert [record.line for record in records(io.BytesIO(content.encode()))] == [1, 4]


def test_memory_stays_flat_whatever_the_line() -> None:
    class Endless(io.RawIOBase):
        """A gigabyte without an end of line."""

        left = 1 << 30

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            size = min(len(buffer), self.left)
            buffer[:size] = b'"' * size
            self.left -= size
            return size

    (found,) = records(io.BufferedReader(Endless(), 1 << 20))
    assert "longer than" in found.wrong
