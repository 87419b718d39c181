"""The workbook, opened again by another program's reader."""

import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from tests.unit.reports.made import incident
from vigilia.language import use
from vigilia.points import Window
from vigilia.reports import workbook
from vigilia.reports.unavailability import unavailability
from vigilia.reports.week import week_of
from vigilia.reports.workbook import compose
from vigilia.store.incidents import Incident

ZONE = ZoneInfo("America/Sao_Paulo")
WEEK = week_of(date(2026, 11, 16), ZONE)
WINDOWS = {"UFV Sol": Window("06:30", "17:30", "America/Sao_Paulo")}
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://example.org")',
    "http://example.org",
    "{=1}",
    "'=1",
    "007",
)


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use("en")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def opened(*incidents: Incident, now: float = WEEK.end + 300) -> Any:
    return load_workbook(io.BytesIO(compose(unavailability(incidents, WEEK, WINDOWS, now), ZONE, now)))


def rows(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_the_summary() -> None:
    book = opened(
        incident(at("2026-11-17T05:30"), at("2026-11-17T08:00:01")),
        incident(at("2026-11-22T00:00"), None, "b", area="UFV Mar", equipment="Inv 7", family="Inverter alarms"),
    )
    assert book.sheetnames == ["Summary", "Occurrences"]
    found = rows(book["Summary"])
    assert found[0][0] == "Weekly report"
    assert found[1][:2] == ["Week", "2026-11-16 – 2026-11-22 (America/Sao_Paulo)"]
    assert found[2][:2] == ["Made", "2026-11-23 00:05:00"]
    assert found[5][:4] == ["Plant", "Equipment", "Kind", "Incidents"]
    day, hours = timedelta(days=1), timedelta(hours=2, minutes=30, seconds=1)
    assert found[6] == ["UFV Mar", "(whole plant)", None, 1, 1, day, pytest.approx(1 / 7), None, None]
    assert found[7] == ["UFV Mar", "Inv 7", "Inverter alarms", 1, 1, day, pytest.approx(1 / 7), None, None]
    window, share = timedelta(hours=1, minutes=30, seconds=1), pytest.approx(5401 / (77 * 3600))
    assert found[8] == ["UFV Sol", "(whole plant)", None, 1, 0, hours, pytest.approx(9001 / 604800), window, share]
    assert found[9][:3] == ["UFV Sol", "Relé 1", "Relay alarms"]
    assert found[11][0] == "All plants"
    assert found[11][3:6] == [2, 1, day + hours]


def test_the_occurrences() -> None:
    book = opened(
        incident(at("2026-11-15T23:00"), at("2026-11-16T07:00:01.4"), suppressed_by="relay@x", told=False),
        incident(at("2026-11-22T00:00"), None, "b"),
        incident(at("2026-11-22T01:00"), at("2026-11-22T01:00"), "c", brief=True, told=False),
    )
    heading, first, second, third = rows(book["Occurrences"])
    assert heading[:4] == ["Plant", "Equipment", "Kind", "Class"]
    assert first == [
        *("UFV Sol", "Relé 1", "Relay alarms", "OVERVOLTAGE", "MAJOR"),
        *(datetime(2026, 11, 15, 23), datetime(2026, 11, 16, 7, 0, 1)),  # noqa: DTZ001 - a sheet knows no zone
        "America/Sao_Paulo",
        *(timedelta(hours=8, seconds=1), timedelta(hours=7, seconds=1), timedelta(minutes=30, seconds=1)),
        *("r59A", "no", "relay@x"),
    ]
    assert second[6] == "still open"
    assert second[8:10] == [timedelta(days=1), timedelta(days=1)]
    assert (second[12], third[12]) == ("yes", "brief")


def test_the_times_of_an_occurrence_are_those_of_its_plant() -> None:
    began, ended = at("2026-11-17T05:30"), at("2026-11-17T08:00")
    windows = {"UFV Oeste": Window("06:30", "17:30", "America/Cuiaba")}
    found = unavailability([incident(began, ended, area="UFV Oeste"), incident(began, None)], WEEK, windows, WEEK.end)
    _, west, sun = rows(load_workbook(io.BytesIO(compose(found, ZONE, WEEK.end)))["Occurrences"])
    assert west[5:8] == [datetime(2026, 11, 17, 4, 30), datetime(2026, 11, 17, 7), "America/Cuiaba"]  # noqa: DTZ001
    assert sun[5:8] == [datetime(2026, 11, 17, 5, 30), "still open", "America/Sao_Paulo"]  # noqa: DTZ001


def test_a_start_that_is_not_known_does_not_look_exact() -> None:
    book = opened(incident(at("2026-11-17T05:30"), at("2026-11-17T08:00"), start_known=False))
    assert str(rows(book["Summary"])[4][0]).startswith("Incidents taken over")
    _, row = rows(book["Occurrences"])
    assert row[5] == "not known; taken as 2026-11-17 05:30:00"
    assert row[8] is None
    assert row[9] == timedelta(hours=2, minutes=30)
    exact = opened(incident(at("2026-11-17T05:30"), at("2026-11-17T08:00")))
    assert rows(exact["Summary"])[4][0] is None


def test_a_week_that_is_not_over_says_so() -> None:
    found = rows(opened(now=at("2026-11-18T12:00"))["Summary"])
    assert found[1][1] == "2026-11-16 – 2026-11-22 (America/Sao_Paulo) as far as 2026-11-18 12:00:00"


def test_a_week_without_incidents() -> None:
    book = opened()
    assert rows(book["Summary"])[-1][:4] == ["All plants", None, None, 0]
    assert len(rows(book["Occurrences"])) == 1


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_a_link_or_a_number(text: str) -> None:
    book = opened(incident(WEEK.start, None, area=text, equipment=text, detail=text, suppressed_by=text, label=text))
    seen = 0
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                if cell.value == text:
                    seen += 1
                    assert cell.data_type == "s"
                    assert cell.quotePrefix  # a text even after somebody edits the cell
    assert seen == 3 + 5


def test_texts_that_no_workbook_holds_are_spelled_out_or_cut() -> None:
    book = opened(incident(WEEK.start, None, equipment="a\x00\x1b[31mb\ud800\uffff", detail="x" * 100_000))
    last = rows(book["Occurrences"])[-1]
    assert last[1] == r"a\x00\x1b[31mb\ud800\uffff"
    assert len(last[11]) == 32_000


def test_what_is_too_much_for_a_sheet_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_MOST_ROWS", 2)
    found = rows(opened(*(incident(WEEK.start + n, None, str(n)) for n in range(5)))["Occurrences"])
    assert len(found) == 1 + 2 + 1
    assert found[-1][0] == "3 more are not written here."
