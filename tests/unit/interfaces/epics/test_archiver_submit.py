import json
import socket

import pytest
from tests.archiver_appliance import ARCHIVED, MEASURING, PAUSED, Archived, ArchiverAppliance

from vigilia.errors import StartError
from vigilia.interfaces.epics.archiver import submit as submitting
from vigilia.interfaces.epics.archiver.http import NoArchiver, address_of
from vigilia.interfaces.epics.archiver.plan import MONITOR, SCAN, Wanted, listed, wanted
from vigilia.interfaces.epics.archiver.submit import submit
from vigilia.points import Kind, Point


def entries(*pvs: str) -> list[Wanted]:
    return [Wanted(pv, MONITOR, 1.0) for pv in pvs]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(submitting, "_SETTLE_S", 0.5)


async def test_new_pvs_are_accepted_and_measured_first() -> None:
    many = entries(*(f"T{number}:Sel" for number in range(250)))
    async with ArchiverAppliance() as archiver:
        outcomes = await submit(archiver.url, many)
        assert [outcome.pv for outcome in outcomes] == [entry.pv for entry in many]
        assert {(outcome.status, outcome.accepted, outcome.archived) for outcome in outcomes} == {
            (MEASURING, True, False)
        }
        assert [len(what) for path, what in archiver.requests if path == "archivePV"] == [100, 100, 50]
        archiver.measure()
        assert all(outcome.archived for outcome in await submit(archiver.url, many))


async def test_each_entry_has_its_sampling() -> None:
    async with ArchiverAppliance() as archiver:
        await submit(archiver.url, [Wanted("A", SCAN, 60.0, "slow"), Wanted("B", MONITOR, 0.5)])
        assert archiver.pvs["A"] == Archived("SCAN", 60.0, "slow")
        assert archiver.pvs["B"] == Archived("MONITOR", 0.5)


async def test_what_it_only_says_to_have_taken_is_not_accepted() -> None:
    async with ArchiverAppliance(forgets={"B"}) as archiver:
        outcomes = await submit(archiver.url, entries("A", "B", "C"))
    assert [outcome.accepted for outcome in outcomes] == [True, False, True]
    assert outcomes[1].status == "Not being archived"


async def test_a_paused_pv_is_not_accepted() -> None:
    async with ArchiverAppliance(pvs={"A": Archived(status=PAUSED)}) as archiver:
        (outcome,) = await submit(archiver.url, entries("A"))
    assert (outcome.accepted, outcome.status) == (False, PAUSED)


async def test_a_bad_name_costs_only_itself() -> None:
    names = ["A", "B", "no name", "C", "D"]
    async with ArchiverAppliance() as archiver:
        outcomes = await submit(archiver.url, entries(*names))
    assert [outcome.accepted for outcome in outcomes] == [True, True, False, True, True]
    assert "syntax check" in outcomes[2].reason


async def test_an_answer_that_is_no_json_is_judged_by_the_status() -> None:
    async with ArchiverAppliance() as archiver:
        outcomes = await submit(archiver.url, [*entries("A"), Wanted("B", "SOMETIMES", 1.0), *entries("C")])
    assert [outcome.accepted for outcome in outcomes] == [True, False, True]


async def test_a_cluster_that_hears_of_it_late_is_asked_again() -> None:
    async with ArchiverAppliance(slow_to_know={"A": 3}) as archiver:
        (outcome,) = await submit(archiver.url, entries("A"))
    assert outcome.accepted


async def test_an_alias_counts_as_what_it_stands_for() -> None:
    async with ArchiverAppliance(pvs={"Real": Archived(status=ARCHIVED)}, aliases={"A": "Real"}) as archiver:
        (outcome,) = await submit(archiver.url, entries("A"))
    assert outcome.archived


async def test_another_sampling_is_told() -> None:
    async with ArchiverAppliance(pvs={"A": Archived("SCAN", 30.0, status=ARCHIVED)}) as archiver:
        (outcome,) = await submit(archiver.url, entries("A"))
        (same,) = await submit(archiver.url, [Wanted("A", SCAN, 30.0)])
    assert (outcome.accepted, outcome.differs) == (True, "SCAN 30.0 s")
    assert same.differs == ""


async def test_characters_that_urls_have_their_own_use_for() -> None:
    names = ["A+B", "A;B", "A<B>", "A[1]", "A:-B"]
    async with ArchiverAppliance() as archiver:
        assert all(outcome.accepted for outcome in await submit(archiver.url, entries(*names)))
        assert list(archiver.pvs) == names


async def test_trouble_on_every_request_is_told_pv_by_pv() -> None:
    async with ArchiverAppliance(broken=503) as archiver:
        outcomes = await submit(archiver.url, entries("A", "B"))
    assert [(outcome.accepted, "503" in outcome.reason) for outcome in outcomes] == [(False, True), (False, True)]


async def test_one_that_goes_away_meanwhile_is_told_pv_by_pv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "AT_ONCE", 2)
    async with ArchiverAppliance(hangs_up_after=2) as archiver:
        outcomes = await submit(archiver.url, entries("A", "B", "C", "D", "E"))
    assert [outcome.accepted for outcome in outcomes] == [False] * 5
    assert all("cannot be reached" in outcome.reason for outcome in outcomes)


async def test_no_archiver_is_an_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(NoArchiver, match=f"127.0.0.1:{port} cannot be reached"):
            await submit(f"http://127.0.0.1:{port}", entries("A"))


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://arch:17665", "http://arch:17665"),
        ("http://arch:17665/", "http://arch:17665"),
        ("http://arch:17665/mgmt/ui/index.html", "http://arch:17665"),
        ("https://arch/archappl/retrieval/", "https://arch/archappl"),
    ],
)
def test_addresses(given: str, address: str) -> None:
    assert address_of(given) == address


@pytest.mark.parametrize(
    "given", ["arch:17665", "", "ftp://arch", "http://", "http://u:p@arch", "http://[", "http://a:0"]
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(StartError, match="is not the address of an archiver"):
        address_of(given)


def test_own_numbers_are_sampled_and_everything_else_is_monitored() -> None:
    points = [
        ("aruba", Point("T1:Power-Mon", Kind.NUMBER, "T1", "sw-1"), "T1:Power-Mon"),
        ("vigilia", Point("vigilia:Memory-Mon", Kind.NUMBER, "vigilia"), "vigilia:Memory-Mon"),
        ("vigilia", Point("vigilia:sw-1:Error-Mon", Kind.TEXT, "vigilia:sw-1"), "vigilia:sw-1:Error-Mon"),
    ]
    found = wanted(points, "vigilia", "daily")
    assert [(entry.method, entry.period_s, entry.policy) for entry in found] == [
        (MONITOR, 1.0, "daily"),
        (SCAN, 60.0, "daily"),
        (MONITOR, 1.0, "daily"),
    ]
    assert json.loads(listed(found)) == [entry.entry() for entry in found]
    assert json.loads(listed(found))[0] == {
        "pv": "T1:Power-Mon",
        "samplingmethod": "MONITOR",
        "samplingperiod": "1",
        "policy": "daily",
    }
    assert json.loads(listed([])) == []
