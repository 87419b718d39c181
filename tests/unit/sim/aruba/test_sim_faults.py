"""Which faults are in force, and for which requests."""

import math

import pytest

from vigilia.sim.aruba import FAULTS, FaultError
from vigilia.sim.aruba.faults import REQUEST_FAULTS, Faults


def taken(faults: Faults, now: float, method: str = "GET", path: str = "/rest/v3/poe/ports/stats") -> str | None:
    fault = faults.take(REQUEST_FAULTS, method, path, now)
    return None if fault is None else fault.kind


def test_a_fault_lasts_until_cleared() -> None:
    faults = Faults()
    faults.inject("hang", 0.0)
    assert [taken(faults, now) for now in (0.0, 1e6)] == ["hang", "hang"]
    faults.clear()
    assert taken(faults, 1e6) is None


def test_a_fault_lasts_its_time() -> None:
    faults = Faults()
    faults.inject("500", 10.0, duration_s=2)
    assert [taken(faults, now) for now in (10.0, 11.9, 12.0)] == ["500", "500", None]


def test_a_fault_counts_only_what_it_concerns_and_the_oldest_goes_first() -> None:
    faults = Faults()
    faults.inject("500", 0.0, count=2, path="ports/1%2F24/", method="put")
    faults.inject("503", 0.0, count=1)
    assert taken(faults, 0.0, "PUT", "/rest/v3/ports/1/24/poe") == "500"
    assert taken(faults, 0.0, "GET", "/rest/v3/ports/1/24/poe") == "503"
    assert taken(faults, 0.0, "PUT", "/rest/v3/ports/1/2/poe") is None
    assert taken(faults, 0.0, "PUT", "/rest/v3/ports/1/24/poe") == "500"
    assert taken(faults, 0.0, "PUT", "/rest/v3/ports/1/24/poe") is None


def test_missing_ports_and_refusal() -> None:
    faults = Faults()
    assert faults.refused_until(0.0) == -math.inf
    faults.inject("missing-port", 0.0, ports=["3"], duration_s=1)
    faults.inject("missing-port", 0.0, ports=["4"])
    faults.inject("refuse", 0.0, duration_s=5)
    assert faults.missing_ports(0.5) == {"3", "4"}
    assert faults.missing_ports(1.0) == {"4"}
    assert faults.refused_until(1.0) == 5.0
    faults.inject("refuse", 1.0)
    assert faults.refused_until(1.0) == math.inf


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        ("melt", {}, "unknown fault 'melt': the faults are hang, reset"),
        ("expire", {"count": 1}, "does not take count: it takes no parameter"),
        ("refuse", {"path": "x", "count": 2}, "does not take count, path: it takes duration_s"),
        ("hang", {"ports": ["1"]}, "does not take ports"),
        ("hang", {"location": "x"}, "does not take location"),
        ("redirect", {}, "needs location"),
        ("missing-port", {}, "needs ports"),
        ("hang", {"duration_s": 0.0}, "duration_s is 0.0"),
        ("hang", {"duration_s": math.nan}, "duration_s is nan"),
        ("hang", {"count": 0}, "count is 0"),
    ],
)
def test_senseless_faults_are_refused(kind: str, options: dict[str, object], complaint: str) -> None:
    faults = Faults()
    with pytest.raises(FaultError, match=complaint):
        faults.inject(kind, 0.0, **options)
    assert faults.active(0.0) == []


def test_every_fault_is_explained() -> None:
    assert all(kind.text for kind in FAULTS.values())
    assert set(FAULTS) > REQUEST_FAULTS
