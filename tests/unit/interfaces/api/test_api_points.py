import math
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from vigilia.interfaces.api.models import PointAnswer, SeverityName, StatusName
from vigilia.points import Kind, Point, Severity, Status

ODD = "odd/name with%2F#and?ü:X-SP"


def path_of(name: str, suffix: str = "") -> URL:
    return URL(f"/api/v1/points/{quote(name, safe='')}{suffix}", encoded=True)


async def test_a_point_looks_as_the_design_says(alarmed: Any) -> None:
    assert await alarmed.get("/api/v1/points/T1:PwrState-Raw") == {
        "name": "T1:PwrState-Raw",
        "value": 2,
        "label": "Delivering",
        "units": None,
        "severity": "NO_ALARM",
        "status": "NO_ALARM",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "access": "r",
        "device": "T1",
        "link": "sw-1",
        "description": "Power state of Câmera 1",
        "kind": "enum",
        "labels": ["Disabled", "Searching", "Delivering", "Fault"],
        "limits": None,
        "precision": 3,
        "system": "vigilia",
    }


async def test_a_point_never_read_has_no_value(service: Any) -> None:
    point = await service.get("/api/v1/points/T2:Level-SP")
    assert (point["value"], point["label"], point["timestamp"]) == (None, None, None)
    assert (point["severity"], point["status"]) == ("INVALID", "UDF")
    assert (point["access"], point["limits"], point["units"]) == ("rw", [0.0, 100.0], "%")


async def test_every_point_in_the_list_has_the_documented_shape(alarmed: Any) -> None:
    answer = await alarmed.get("/api/v1/points")
    assert answer.keys() == {"items", "next"}
    assert answer["next"] is None
    assert len(answer["items"]) == len(alarmed.table)
    for item in answer["items"]:
        PointAnswer.model_validate(item)
        assert item.keys() == PointAnswer.model_fields.keys()


def test_the_documented_names_of_alarms_are_those_of_the_points() -> None:
    assert list(SeverityName.__args__) == [severity.name for severity in Severity]
    assert list(StatusName.__args__) == [status.name for status in Status]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"q": "pwrstate"}, ["T1:PwrState-Raw", "T1:PwrState-Sel"]),
        ({"q": "CÂMERA"}, ["T1:PwrState-Raw"]),
        ({"device": "T1", "q": "power"}, ["T1:PwrState-Raw", "T1:Power-Mon"]),
        ({"link": "sw-2", "device": "T2"}, ["T2:Level-SP", "T2:Count-Mon", "T2:Desc-SP"]),
        ({"device": "t1"}, []),
        ({"q": ODD}, [ODD]),
    ],
)
async def test_the_list_is_filtered(service: Any, filters: dict[str, str], expected: list[str]) -> None:
    assert [item["name"] for item in (await service.get("/api/v1/points", **filters))["items"]] == expected


async def test_pages_give_every_point_once(service: Any) -> None:
    names: list[str] = []
    following: dict[str, str] = {}
    for _ in range(10):
        page = await service.get("/api/v1/points", limit=3, link="sw-2", **following)
        assert len(page["items"]) <= 3
        names += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        following = {"next": page["next"]}
    assert names == [point.name for point in service.table.points() if point.link == "sw-2"]


async def test_a_page_holds_10000_points_at_most(service: Any) -> None:
    service.table.add(Point(f"many:{n}", Kind.NUMBER, "many") for n in range(10_001))
    page = await service.get("/api/v1/points", device="many")
    assert len(page["items"]) == 10_000
    rest = await service.get("/api/v1/points", device="many", next=page["next"])
    assert [item["name"] for item in rest["items"]] == ["many:10000"]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "next=!", "next=bm9uZQ", "next=%F0%9F%92%A9"])
async def test_bad_parameters_are_refused(service: Any, query: str) -> None:
    status, body = await service.failing("GET", f"/api/v1/points?{query}")
    assert (status, body["error"]) == (422, "invalid-request")
    assert query.partition("=")[0] in body["detail"]


@pytest.mark.parametrize("point", ["T9:None", "", "T1:PwrState-Raw/", "a/b/c", "%FF", "%00"])
async def test_an_unknown_point_is_not_found(service: Any, point: str) -> None:
    status, body = await service.failing("GET", URL(f"/api/v1/points/{point}", encoded=True))
    assert (status, body["error"]) == (404, "unknown-point")


@pytest.mark.parametrize("name", [ODD, "ends/value"])
async def test_odd_names_are_read_and_written(service: Any, name: str) -> None:
    async with service.client.put(path_of(name, "/value"), json={"value": 7}) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["name"] == name
    assert service.equipment.writes == [(name, 7)]
    assert (await service.get(path_of(name)))["value"] == 7


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
async def test_numbers_that_are_not_finite_never_appear(service: Any, value: float) -> None:
    await service.publish("T1:Power-Mon", value)
    await service.publish("T1:PwrState-Raw", value)
    for name in ("T1:Power-Mon", "T1:PwrState-Raw"):
        point = await service.get(f"/api/v1/points/{name}")
        assert point["value"] is None
        assert point["label"] is None


@pytest.mark.parametrize(
    "value", ["half a pair: \ud800", "two\r\nlines \u2028", 2**80], ids=["surrogate", "lines", "huge"]
)
async def test_whatever_equipment_says_can_be_shown(service: Any, value: Any) -> None:
    await service.publish("T2:Desc-SP", value)
    assert (await service.get("/api/v1/points/T2:Desc-SP"))["value"] == value


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/api/v1", 404, "not-found"),
        ("GET", "/api/v1/pointsX", 404, "not-found"),
        ("POST", "/api/v1/points", 405, "method-not-allowed"),
        ("DELETE", "/api/v1/points/T1:PwrState-Raw", 405, "method-not-allowed"),
        ("PUT", "/api/v1/points/T1:PwrState-Raw", 405, "method-not-allowed"),
        ("PATCH", "/healthz", 405, "method-not-allowed"),
        ("OPTIONS", "/api/v1/points", 405, "method-not-allowed"),
    ],
)
async def test_what_is_not_there_is_refused_in_the_one_shape(
    service: Any, method: str, path: str, status: int, error: str
) -> None:
    answered, body = await service.failing(method, URL(path, encoded=True))
    assert (answered, body["error"]) == (status, error)


async def test_a_fault_is_answered_in_the_one_shape_and_logged(server_factory: Any, caplog: Any) -> None:
    async def broken() -> list[str]:
        raise ZeroDivisionError("secret inside")

    async with server_factory(health=broken) as service:
        status, body = await service.failing("GET", "/healthz")
        assert (status, body["error"]) == (500, "internal-error")
        assert "secret" not in body["detail"]
        assert "secret inside" in caplog.text
        async with service.client.get("/healthz") as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
