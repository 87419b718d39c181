"""PV names: what becomes of a point's name, what is cut, and what is refused in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.interfaces.epics.names import LONGEST_NAME, check_names, epics_name
from vigilia.points import Kind, Point

SUFFIXES = ("Connected-Sts", "Error-Mon", "RoundTrip99-Mon")


def device(name: str, *suffixes: str, link: str = "sw-1", **more: object) -> list[Point]:
    return [Point(f"{name}:{suffix}", Kind.NUMBER, name, link, **more) for suffix in suffixes]  # type: ignore[arg-type]


def own(link: str, instance: str = "vigilia") -> list[Point]:
    return device(f"{instance}:{link}", *SUFFIXES, link="")


def problems(*points: Point, prefix: str = "") -> list[str]:
    return [str(problem) for problem in check_names(prefix, points)]


def test_what_epics_does_not_allow_becomes_an_underscore() -> None:
    assert epics_name("X:", "a.b/c:Sts") == "X:a_b_c:Sts"
    assert epics_name("", "TB-01:CamMF-01:PwrState-Raw") == "TB-01:CamMF-01:PwrState-Raw"


@pytest.mark.parametrize(
    "link", ["sw-07.connectivity-room.facility.example.org", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "a" * 253]
)
def test_the_link_of_an_own_point_is_cut_to_fit(link: str) -> None:
    names = [epics_name("P:", point.name) for point in own(link)]
    assert [len(name) for name in names] == [min(60, len(f"P:vigilia:{link}:{suffix}")) for suffix in SUFFIXES]
    shown = link.replace(".", "_")
    assert all(name.startswith(f"P:vigilia:{shown[:10]}") for name in names)
    assert [name.rpartition(":")[2] for name in names] == list(SUFFIXES)
    assert problems(*own(link), prefix="P:") == []


def test_the_cut_is_the_same_in_every_version() -> None:
    assert epics_name("", f"vigilia:{'a' * 60}:Error-Mon") == f"vigilia:{'a' * 34}11ee3912:Error-Mon"


def test_links_that_begin_alike_stay_apart() -> None:
    assert problems(*own("a" * 60 + "1"), *own("a" * 60 + "2")) == []


@given(link=st.text(min_size=1, max_size=300), prefix=st.text(alphabet="AB:", max_size=10))
def test_whatever_the_link_its_points_fit(link: str, prefix: str) -> None:
    for point in own(link):
        assert len(epics_name(prefix, point.name)) <= LONGEST_NAME


def test_the_name_of_a_device_is_never_cut() -> None:
    points = device("D" * 50, "PwrState-Raw", "PwrState-Sel", "Class-Mon")
    assert problems(*points) == [
        f"[epics]: device {'D' * 50}: PV {'D' * 50}:PwrState-Raw and 1 more: longer than 60 characters; "
        "shorten the device's name or the prefix"
    ]
    colons = "D" * 20 + ":" + "D" * 29
    assert len(problems(*device(colons, "PwrState-Raw"))) == 1


def test_an_own_name_that_cannot_be_cut_is_refused() -> None:
    (line,) = problems(*own("sw-1", instance="i" * 30), prefix="P" * 40)
    assert line.endswith(" and 2 more: longer than 60 characters; shorten the prefix or the instance's name")


def test_a_clash_is_one_line_for_a_device() -> None:
    assert problems(*device("T.1", *SUFFIXES), *device("T_1", *SUFFIXES)) == [
        "[epics]: device T_1: PV T_1:Connected-Sts and 2 more: also that of device T.1; rename one of the devices"
    ]


def test_a_clash_of_switches_is_one_line_about_the_switch() -> None:
    assert problems(*own("h.1"), *own("h_1")) == [
        "[epics]: device vigilia:h_1: PV vigilia:h_1:Connected-Sts and 2 more: also that of device vigilia:h.1; "
        "give one of the switches another name"
    ]


@pytest.mark.parametrize("labels", [("x" * 26, "y"), tuple("abcdefghijklmnopq")])
def test_labels_that_epics_cannot_show(labels: tuple[str, ...]) -> None:
    (line,) = problems(*device("D", "State", labels=labels))
    assert (
        line == "[epics]: device D: PV D:State: labels that EPICS cannot show; use at most 16 labels of 25 characters"
    )
    assert problems(*device("D", "State", labels=("x" * 25, *"abcdefghijklmno"))) == []
