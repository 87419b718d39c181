"""Alarms over real HTTP: the lists, and what people may do."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from vigilia.clock import Clock, iso
from vigilia.errors import AlarmChanged, AlarmRefused, UnknownAlarm
from vigilia.interfaces.api.models import LONGEST_PAGE, AlarmAnswer, AlarmChangedAnswer
from vigilia.points import Origin, Severity
from vigilia.rules import Act, AlarmItem, Told
from vigilia.store import StoreError

NOW = 1_795_180_500.0
ODD = "relay@19478:Relay-é/1 %2F?#&:Over-Sts/shelve"
LARGEST_ALARM_BYTES = 1000
"""Of these here, as JSON."""
ACTIONS = ("acknowledge", "shelve", "unshelve", "out-of-service", "in-service")


def item(name: str, state: str = "unacknowledged", **other: Any) -> AlarmItem:
    return AlarmItem(name, name.partition("@")[2], "T1", "pH low", state, Severity.MAJOR, NOW - 0.5, **other)


class Judge:
    """Takes actions, and remembers them."""

    def __init__(self) -> None:
        self.alarms = {
            one.id: one
            for one in (
                item(
                    "b@T1:x",
                    "acknowledged",
                    acknowledged_by="ana",
                    acknowledgement=Act("ana", NOW + 1, "vou ver"),
                    told_at=NOW,
                    told=(Told("teams", 7, NOW), Told("apprise", 3, NOW + 2)),
                ),
                item("a@T1:x"),
                item("c@T1:x", "normal"),
                item(
                    "d@T1:x",
                    "shelved",
                    shelved_until=NOW + 60,
                    suppressed_by="a@T1:x",
                    detail="5.4",
                    quieted=Act("bia", NOW - 9, "obras"),
                    incident="i-1",
                    latest="i-1",
                    began=NOW - 300,
                    waiting=("teams",),
                    area="Sala 1",
                ),
                item(ODD, "returned"),
            )
        }
        self.acts: list[tuple[str, str, Origin, str, float | None]] = []
        self.expected: list[str | None] = []
        self.error: Exception | None = None

    def items(self) -> Sequence[AlarmItem]:
        return list(self.alarms.values())

    def ids(self, state: str | None) -> list[str]:
        wanted = (one for one in self.alarms.values() if (one.state == state if state else one.state != "normal"))
        return sorted(one.id for one in wanted)

    def find(self, alarm: str) -> AlarmItem | None:
        return self.alarms.get(alarm)

    async def act(
        self, alarm: str, action: str, by: Origin, comment: str, until: float | None, expected: str | None = None
    ) -> AlarmItem:
        if self.error:
            raise self.error
        if alarm not in self.alarms:
            raise UnknownAlarm(f"no alarm has the id {alarm!r}")
        self.acts.append((alarm, action, by, comment, until))
        self.expected.append(expected)
        self.alarms[alarm] = replace(self.alarms[alarm], state="shelved", shelved_until=until)
        return self.alarms[alarm]


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
async def judged(server_factory: Any, judge: Judge) -> AsyncIterator[Any]:
    async with server_factory(alarms=judge, clock=Clock(NOW, 0.001)) as service:
        yield service


def path(alarm: str, action: str) -> URL:
    return URL(f"/api/v1/alarms/{quote(alarm, safe='')}/{action}", encoded=True)


async def test_the_list_has_all_that_is_not_normal(judged: Any) -> None:
    answer = await judged.get("/api/v1/alarms")
    assert [one["id"] for one in answer["items"]] == ["a@T1:x", "b@T1:x", "d@T1:x", ODD]
    assert answer["next"] is None
    for one in answer["items"]:
        AlarmAnswer.model_validate(one)
        assert one.keys() == AlarmAnswer.model_fields.keys()
    assert answer["items"][2] == {
        "id": "d@T1:x",
        "point": "T1:x",
        "device": "T1",
        "name": "pH low",
        "state": "shelved",
        "severity": "MAJOR",
        "since": iso(NOW - 0.5),
        "began": iso(NOW - 300),
        "suppressed_by": "a@T1:x",
        "acknowledged_by": None,
        "shelved_until": iso(NOW + 60),
        "detail": "5.4",
        "told_at": None,
        "told": [],
        "waiting": ["teams"],
        "acknowledgement": None,
        "quieted": {"by": "bia", "at": iso(NOW - 9), "comment": "obras"},
        "incident": "i-1",
        "latest_incident": "i-1",
        "area": "Sala 1",
        "system": "",
    }
    second = answer["items"][1]
    assert (second["acknowledged_by"], second["told_at"]) == ("ana", iso(NOW))
    assert second["acknowledgement"] == {"by": "ana", "at": iso(NOW + 1), "comment": "vou ver"}
    assert second["told"] == [
        {"channel": "teams", "card": 7, "at": iso(NOW)},
        {"channel": "apprise", "card": 3, "at": iso(NOW + 2)},
    ]


@pytest.mark.parametrize(
    ("state", "ids"),
    [("normal", ["c@T1:x"]), ("acknowledged", ["b@T1:x"]), ("returned", [ODD]), ("suppressed", [])],
)
async def test_one_state(judged: Any, state: str, ids: list[str]) -> None:
    assert [one["id"] for one in (await judged.get("/api/v1/alarms", state=state))["items"]] == ids


async def test_pages(judged: Any) -> None:
    first = await judged.get("/api/v1/alarms", limit=3)
    second = await judged.get("/api/v1/alarms", limit=3, next=first["next"])
    assert [one["id"] for one in first["items"] + second["items"]] == ["a@T1:x", "b@T1:x", "d@T1:x", ODD]
    assert second["next"] is None


@pytest.mark.parametrize("limit", [None, 1000])
async def test_ten_thousand_alarms_in_pages_that_are_bounded(judged: Any, judge: Judge, limit: int | None) -> None:
    judge.alarms = {one.id: one for one in (item(f"low@T{number}:x") for number in range(10_000))}
    most, found, following = limit or LONGEST_PAGE, list[str](), ""
    asked = {"limit": limit} if limit else {}
    for _ in range(10_000 // most):
        async with judged.client.get("/api/v1/alarms", params=asked | {"next": following}) as answer:
            content = await answer.read()
        assert len(content) <= most * LARGEST_ALARM_BYTES
        page = json.loads(content)
        assert len(page["items"]) == most
        found += [one["id"] for one in page["items"]]
        following = page["next"]
    assert following is None
    assert found == sorted(judge.alarms)


async def test_no_page_is_longer_than_the_longest(judged: Any) -> None:
    status, body = await judged.failing("GET", f"/api/v1/alarms?limit={LONGEST_PAGE + 1}")
    assert (status, body["error"]) == (422, "invalid-request")


async def test_a_state_that_is_none(judged: Any) -> None:
    status, body = await judged.failing("GET", "/api/v1/alarms?state=bad")
    assert (status, body["error"]) == (422, "invalid-request")


async def test_without_a_judge_the_list_is_empty(service: Any) -> None:
    assert await service.get("/api/v1/alarms") == {"items": [], "next": None}
    status, body = await service.failing("POST", path("a@b", "acknowledge"))
    assert (status, body["error"]) == (404, "unknown-alarm")


@pytest.mark.parametrize("action", ACTIONS)
async def test_an_action_reaches_the_judge(judged: Any, judge: Judge, action: str) -> None:
    body = {"comment": "câmera em obras"} | ({"until": iso(NOW + 3600)} if action == "shelve" else {})
    async with judged.client.post(path(ODD, action), json=body) as answer:
        assert answer.status == 200
        found = await answer.json()
    AlarmAnswer.model_validate(found)
    assert found["id"] == ODD
    until = NOW + 3600 if action == "shelve" else None
    assert judge.acts == [(ODD, action, Origin("api", host="127.0.0.1"), "câmera em obras", until)]


async def test_nothing_needs_to_be_said(judged: Any, judge: Judge) -> None:
    for body in (None, b"{}"):
        headers = {"Content-Type": "application/json"} if body else {}
        async with judged.client.post(path("a@T1:x", "acknowledge"), data=body, headers=headers) as answer:
            assert answer.status == 200
    assert [(comment, until) for *_, comment, until in judge.acts] == [("", None)] * 2


@pytest.mark.parametrize(
    ("body", "expected"), [({}, None), ({"expected": None}, ""), ({"expected": "i-1"}, "i-1")], ids=str
)
async def test_what_was_seen_reaches_the_judge(judged: Any, judge: Judge, body: Any, expected: str | None) -> None:
    async with judged.client.post(path("a@T1:x", "acknowledge"), json=body) as answer:
        assert answer.status == 200
    assert judge.expected == [expected]


async def test_raised_anew_since_says_how_it_is_now(judged: Any, judge: Judge) -> None:
    judge.error = AlarmChanged("d@T1:x was raised anew")
    async with judged.client.post(path("d@T1:x", "unshelve"), json={"expected": "i-0"}) as answer:
        body = await answer.json()
    assert (answer.status, body["error"], body["alarm"]["latest_incident"]) == (409, "alarm-changed", "i-1")
    AlarmChangedAnswer.model_validate(body)


@pytest.mark.parametrize("until", [NOW + 1, NOW + 30 * 86_400 - 1])
async def test_ends_that_are_taken(judged: Any, judge: Judge, until: float) -> None:
    for text in (iso(until), iso(until - 3 * 3600).replace("Z", "-03:00")):
        async with judged.client.post(path("a@T1:x", "shelve"), json={"until": text}) as answer:
            assert answer.status == 200, await answer.text()
    assert [act[-1] for act in judge.acts] == [until, until]


@pytest.mark.parametrize(
    ("action", "body", "said"),
    [
        ("shelve", {}, "a shelving needs an end"),
        ("shelve", {"until": None}, "a shelving needs an end"),
        ("shelve", {"until": iso(NOW - 1)}, "is past, or more than 30 days ahead"),
        ("shelve", {"until": iso(NOW + 30 * 86_400 + 60)}, "is past, or more than 30 days ahead"),
        ("shelve", {"until": "2026-11-20T10:30:00"}, "write a time with its zone"),
        ("shelve", {"until": "soon"}, "'soon' is no time"),
        ("shelve", {"until": "0001-01-01T00:00:00+23:59"}, "until: "),
        ("shelve", {"until": NOW}, "until: "),
        ("acknowledge", {"until": iso(NOW + 60)}, "acknowledge takes no end"),
        ("out-of-service", {"until": iso(NOW + 60)}, "out-of-service takes no end"),
        ("acknowledge", {"comment": 5}, "comment: "),
        ("acknowledge", {"comment": "x" * 1001}, "comment: "),
        ("acknowledge", {"expected": 5}, "expected: "),
        ("acknowledge", {"reason": "x"}, "reason: "),
        ("acknowledge", [], "body: "),
        ("explode", {}, "action: "),
    ],
)
async def test_wrong_input_is_refused(judged: Any, judge: Judge, action: str, body: Any, said: str) -> None:
    status, answer = await judged.failing("POST", path("a@T1:x", action), json=body)
    assert (status, answer["error"]) == (422, "invalid-request")
    assert said in answer["detail"]
    assert judge.acts == []


async def test_a_body_that_is_no_json(judged: Any, judge: Judge) -> None:
    for data, kind, expected in (
        (b"{", "application/json", (400, "bad-json")),
        (b"comment=x", "application/x-www-form-urlencoded", (415, "unsupported-media-type")),
        (json.dumps({"comment": "x" * 70_000}).encode(), "application/json", (413, "too-large")),
    ):
        status, body = await judged.failing(
            "POST", path("a@T1:x", "acknowledge"), data=data, headers={"Content-Type": kind}
        )
        assert (status, body["error"]) == expected
    assert judge.acts == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnknownAlarm("no alarm has the id 'x'"), (404, "unknown-alarm")),
        (AlarmRefused("a@T1:x is normal: there is nothing to acknowledge"), (409, "alarm-refused")),
        (StoreError("disk I/O error"), (503, "store-unavailable")),
    ],
)
async def test_what_the_judge_says(judged: Any, judge: Judge, error: Exception, expected: tuple[int, str]) -> None:
    judge.error = error
    status, body = await judged.failing("POST", path("a@T1:x", "acknowledge"))
    assert (status, body["error"]) == expected
    assert str(error) in body["detail"]


async def test_a_judge_without_an_answer(judged: Any, judge: Judge, monkeypatch: Any) -> None:
    async def never(*_: Any) -> AlarmItem:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("vigilia.interfaces.api.alarms._ANSWER_S", 0.05)
    monkeypatch.setattr(judge, "act", never)
    status, body = await judged.failing("POST", path("a@T1:x", "acknowledge"))
    assert (status, body["error"]) == (503, "store-unavailable")


async def test_an_action_is_no_get(judged: Any) -> None:
    status, _ = await judged.failing("GET", path("a@T1:x", "acknowledge"))
    assert status == 405
    assert (await judged.failing("POST", "/api/v1/alarms"))[0] == 405


async def test_one_alarm_whatever_its_state(judged: Any) -> None:
    for name in ("b@T1:x", ODD):
        (found,) = (await judged.get("/api/v1/alarms", id=name))["items"]
        assert found["id"] == name
    assert (await judged.get("/api/v1/alarms", id="gone@T1:x"))["items"] == []
