"""The compact stream over real HTTP: what pages live on."""

import asyncio
import json
import math
import socket
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from pydantic import TypeAdapter

from vigilia.clock import iso
from vigilia.fleet import Presence, ReactorItem
from vigilia.interfaces.api import clients, feeding, live, watched
from vigilia.interfaces.api.eventmodels import StreamEvents
from vigilia.interfaces.api.models import AlarmAnswer, LinkAnswer, ReactorAnswer
from vigilia.interfaces.api.parts import Vitals
from vigilia.link import Contact
from vigilia.points import Batch, Kind, Origin, Point, Reading, Sample, Severity, Status
from vigilia.rules import AlarmItem
from vigilia.store.tally import Tally

ALL = "/api/v1/events?compact=true"
NONE = f"{ALL}&points=false"
NOW = 1_795_180_500.0
MANY = 10_000


class Page:
    """A page's side of a stream: what it holds after each event, as a page would."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.values: dict[str, list[Any]] = {}
        self.states: dict[str, str] = {}
        self.complete = False
        self.events: list[tuple[str, Any]] = []
        self._answer = answer

    async def until(self, wanted: Any, within_s: float = 5.0) -> None:
        """Read on until `wanted` (a function of this page) is true."""
        async with asyncio.timeout(within_s):
            while not wanted(self):
                await self.next()

    async def next(self) -> tuple[str, Any]:
        """Read one event."""
        fields: dict[str, str] = {}
        while (line := (await self._answer.content.readuntil(b"\n")).decode().rstrip("\n")) or "event" not in fields:
            name, _, value = line.partition(": ")
            fields[name] = value
        found = fields["event"], json.loads(fields["data"])
        assert as_documented(*found) == found[1]
        self.events.append(found)
        if found[0] == "points":
            self.values |= {name: rest for name, *rest in found[1]["points"]}
            self.complete = self.complete or found[1].get("complete", False)
        if found[0] == "alarms":
            self.states |= {item["id"]: item["state"] for item in found[1]["items"]}
        return found

    async def wait_for(self, event: str) -> Any:
        """Read on to the next event of that name, and return its data."""
        async with asyncio.timeout(5):
            while (found := await self.next())[0] != event:
                pass
        return found[1]


def as_documented(event: str, data: Any) -> Any:
    """Return what the API's documentation makes of an event's data: what it does not know is not in it."""
    kind: TypeAdapter[Any] = TypeAdapter(StreamEvents.model_fields[event].annotation)
    return kind.dump_python(kind.validate_python(data), mode="json", exclude_unset=True)


def complete(page: Page) -> bool:
    return page.complete


async def test_it_begins_with_every_point_and_goes_on_with_changes(alarmed: Any) -> None:
    async with alarmed.client.get(ALL) as answer:
        assert answer.content_type == "text/event-stream"
        page = Page(answer)
        await page.until(complete)
        assert list(page.values) == [point.name for point in alarmed.table.points()]
        assert page.values["T1:PwrState-Raw"] == [2, 0, 0, 1_700_000_000.0]
        assert page.values["T1:Power-Mon"] == [12.5, int(Severity.MINOR), int(Status.HIGH), 1_700_000_000.0]
        assert page.values["T2:Level-SP"] == [None, int(Severity.INVALID), int(Status.UDF), None]
        await alarmed.publish("T1:PwrState-Raw", 3, 1_700_000_001.1239)
        name, data = await page.next()
        assert (name, data["points"]) == ("points", [["T1:PwrState-Raw", 3, 0, 0, 1_700_000_001.124]])
        assert data.keys() == {"time", "points"}
        assert data["time"].endswith("Z")


async def test_a_long_list_comes_in_parcels_and_the_last_one_says_so(service: Any) -> None:
    service.table.add([Point(f"many:{n}", Kind.NUMBER, "many") for n in range(1200)])
    async with service.client.get(f"{ALL}&device=many") as answer:
        page = Page(answer)
        await page.until(complete)
        assert [len(data["points"]) for _, data in page.events] == [500, 500, 200]
        assert [data.get("complete") for _, data in page.events] == [None, None, True]
        assert list(page.values) == [f"many:{n}" for n in range(1200)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=T2:Desc-SP&name=T1:Power-Mon", ["T1:Power-Mon", "T2:Desc-SP"]),
        ("device=T2", ["T2:Level-SP", "T2:Count-Mon", "T2:Desc-SP"]),
        ("link=sw-1&q=PWRstate", ["T1:PwrState-Raw", "T1:PwrState-Sel"]),
        ("system=other", ["O1:X-Mon"]),
        ("device=nobody", []),
    ],
)
async def test_only_the_points_asked_for_are_followed(service: Any, query: str, expected: list[str]) -> None:
    service.table.add([Point("O1:X-Mon", Kind.NUMBER, "O1")], None, "other")
    async with service.client.get(f"{ALL}&{query}") as answer:
        page = Page(answer)
        await page.until(complete)
        assert list(page.values) == expected
        await service.publish("T2:Count-Mon", 1)
        if "T2:Count-Mon" in expected:
            await page.until(lambda page: page.values["T2:Count-Mon"][0] == 1)
        if expected:
            await service.publish(expected[-1], "x" if "Desc" in expected[-1] else 1)
            await page.until(lambda page: page.values[expected[-1]][0] in ("x", 1))
        assert set(page.values) == set(expected)


async def test_what_goes_only_with_compact_is_refused_without(service: Any) -> None:
    for query in ("watch=alarms", "points=false", "system=aruba"):
        status, body = await service.failing("GET", f"/api/v1/events?{query}")
        assert (status, body["error"]) == (422, "invalid-request")
    assert (await service.failing("GET", f"{ALL}&watch=weather"))[0] == 422


async def test_odd_values_travel(service: Any) -> None:
    await service.publish("T1:Power-Mon", math.nan)
    await service.publish("T2:Desc-SP", 'line\nfeed \u2028 "<script>" \ud800')
    await service.publish("T1:PwrState-Sel", True)
    async with service.client.get(ALL) as answer:
        page = Page(answer)
        await page.until(complete)
        assert page.values["T1:Power-Mon"][0] is None
        assert page.values["T2:Desc-SP"][0] == 'line\nfeed \u2028 "<script>" \ud800'
        assert page.values["T1:PwrState-Sel"][0] is True


async def test_pages_that_follow_the_same_share_one_subscription_and_the_same_bytes(
    service: Any, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    encoded: list[str] = []
    plain = live.fragment
    monkeypatch.setattr(live, "fragment", lambda name, reading: encoded.append(name) or plain(name, reading))
    queries = [ALL, ALL, f"{ALL}&device=T1", f"{ALL}&name=T1:Power-Mon"]
    answers = [await service.client.get(query) for query in queries]
    pages = [Page(answer) for answer in answers]
    for page in pages:
        await page.until(complete)
    assert service.table.viewers == 1
    await service.publish("T1:Power-Mon", 3.5)
    for page in pages:
        await page.until(lambda page: page.values["T1:Power-Mon"][0] == 3.5)
    assert encoded == ["T1:Power-Mon"]
    for answer in answers:
        answer.close()
    await until(lambda: service.table.viewers == 0)
    assert len(service.parts.streams) == 0


async def test_points_that_come_later_are_defined_and_told(service: Any) -> None:
    new = Point("T9:Power-Mon", Kind.NUMBER, "T9", "sw-9")
    async with service.client.get(f"{ALL}&device=T9") as answer, service.client.get(f"{ALL}&device=T1") as other:
        page, bystander = Page(answer), Page(other)
        await page.until(complete)
        await bystander.until(complete)
        service.table.define([new], None, "test")
        assert await page.next() == ("defined", {})
        await service.publish(new.name, 2.5)
        await page.until(lambda page: page.values.get(new.name, [None])[0] == 2.5)
        service.table.define([replace(new, units="kW")], None, "test")
        await page.wait_for("defined")
        service.table.define([replace(new, device="T10")], None, "test")
        assert await page.wait_for("gone") == [new.name]
        await service.publish(new.name, 3.5)
        await service.publish("T1:Power-Mon", 1.0)
        await bystander.until(lambda page: page.values["T1:Power-Mon"][0] == 1.0)
        assert {name for name, _ in bystander.events} == {"points"}  # none of this was about its points
        assert page.values[new.name][0] == 2.5


async def test_a_name_that_no_point_has_is_gone_until_it_comes(service: Any) -> None:
    async with service.client.get(f"{ALL}&name=T9:X&name=T1:Power-Mon") as answer:
        page = Page(answer)
        assert await page.wait_for("gone") == ["T9:X"]
        await page.until(complete)
        assert list(page.values) == ["T1:Power-Mon"]
        service.table.add([Point("T9:X", Kind.NUMBER, "T9")])
        await page.wait_for("defined")
        await page.until(lambda page: "T9:X" in page.values)


async def test_silence_has_its_beats(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    async with service.client.get(NONE) as answer:
        page = Page(answer)
        for _ in range(3):
            name, data = await page.next()
            assert (name, data.keys()) == ("beat", {"time"})


async def test_a_client_that_leaves_is_forgotten_with_all_it_followed(service: Any, until: Any) -> None:
    answer = await service.client.get(f"{ALL}&watch=alarms&watch=links&watch=health&watch=reactors&watch=notices")
    await Page(answer).until(complete)
    answer.close()
    await until(lambda: len(service.parts.streams) == 0)
    assert service.table.viewers == 0
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("event")]


async def test_stopping_ends_compact_streams(service: Any) -> None:
    answer = await service.client.get(f"{ALL}&watch=health")
    await Page(answer).until(complete)
    await service.server.stop()
    assert await asyncio.wait_for(answer.read(), 5) is not None  # ends, and not by an error
    assert service.table.viewers == 0


async def test_a_fault_ends_the_streams_and_the_next_one_works(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with service.client.get(ALL) as answer:
        await Page(answer).until(complete)
        with monkeypatch.context() as broken:
            broken.setattr(live, "fragment", lambda _name, _reading: 1 / 0)
            await service.publish("T1:Power-Mon", 3.5)
            assert await asyncio.wait_for(answer.read(), 5) is not None
    async with service.client.get(ALL) as answer:
        page = Page(answer)
        await page.until(complete)
        await service.publish("T1:Power-Mon", 4.5)
        await page.until(lambda page: page.values["T1:Power-Mon"][0] == 4.5)


@asynccontextmanager
async def slow_page(service: Any, query: str) -> AsyncIterator[tuple[Page, Any]]:
    """A page that reads nothing until it is asked to, over small buffers; and what the service has of it."""

    def small(address: Any) -> socket.socket:
        made = socket.socket(address[0], address[1])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        return made

    connector = aiohttp.TCPConnector(socket_factory=small)
    async with (
        aiohttp.ClientSession(service.server.address, connector=connector, read_bufsize=2**20) as session,
        session.get(query) as answer,
    ):
        while not len(service.parts.streams):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.005)
        (client,) = service.parts.streams._open.values()  # noqa: SLF001 - what it holds is to be bounded
        yield Page(answer), client


async def test_a_slow_page_gets_the_newest_of_each_point_and_costs_little(service: Any, until: Any) -> None:
    text = "x" * 500
    names = [f"many:{n}" for n in range(2000)]
    service.table.add([Point(name, Kind.TEXT, "many") for name in names])
    async with slow_page(service, f"{ALL}&device=many") as (page, client):
        rounds = 0
        while not client.replaced:
            rounds += 1
            await service.table.publish(Batch("test", [Sample(n, Reading(f"{rounds}{text}", 1.0)) for n in names]))
            await asyncio.sleep(live.TICK_S)
            assert client._bytes <= clients.MOST_QUEUED_BYTES + 500 * 600  # noqa: SLF001 - one event beyond, at most
            assert rounds < 200
        last = f"{rounds}{text}"
        await page.until(lambda page: [value[0] for value in page.values.values()].count(last) == 2000, 20)
    await until(lambda: len(service.parts.streams) == 0)
    assert service.parts.streams.replaced > 0


async def test_a_page_that_stops_reading_is_dropped(service: Any, monkeypatch: pytest.MonkeyPatch, until: Any) -> None:
    monkeypatch.setattr(feeding, "_STUCK_S", 0.2)
    service.table.add(Point(f"many:{n}" + "x" * 500, Kind.TEXT, "many") for n in range(20_000))
    async with slow_page(service, ALL):
        await until(lambda: len(service.parts.streams) == 0)
        assert service.table.viewers == 0


# What else is watched


class Following:
    def __init__(self, judge: "Judge") -> None:
        self.ids: set[str] = set()
        self.judge = judge
        judge.followers.append(self)

    def fetch(self) -> Collection[str]:
        found, self.ids = self.ids, set()
        return found

    def close(self) -> None:
        self.judge.followers.remove(self)


class Judge:
    """Keeps alarms, and says which change."""

    def __init__(self, count: int) -> None:
        self.alarms = {f"a@T{n}:x": self.make(f"a@T{n}:x") for n in range(count)}
        self.followers: list[Following] = []

    def make(self, name: str, state: str = "unacknowledged", detail: str = "") -> AlarmItem:
        return AlarmItem(name, name[2:], "T1", "pH low", state, Severity.MAJOR, NOW, detail=detail)

    def put(self, name: str, state: str, detail: str = "") -> None:
        self.alarms[name] = self.make(name, state, detail)
        for follower in self.followers:
            follower.ids.add(name)

    def items(self) -> Sequence[AlarmItem]:
        return list(self.alarms.values())

    def ids(self, state: str | None) -> list[str]:
        return sorted(name for name, item in self.alarms.items() if item.state != "normal")

    def find(self, alarm: str) -> AlarmItem | None:
        return self.alarms.get(alarm)

    def follow(self) -> Following:
        return Following(self)

    async def act(
        self, alarm: str, action: str, by: Origin, comment: str, until: float | None, expected: str | None = None
    ) -> AlarmItem:
        raise NotImplementedError


@pytest.fixture
async def judged(server_factory: Any) -> AsyncIterator[Any]:
    async with server_factory(alarms=Judge(700)) as service:
        service.judge = service.parts.alarms
        yield service


async def test_alarms_are_listed_and_then_told_as_they_change(judged: Any, until: Any) -> None:
    judged.judge.put("b@T1:x", "normal")
    async with judged.client.get(f"{NONE}&watch=alarms") as answer:
        page = Page(answer)
        first, second = await page.wait_for("alarms"), await page.wait_for("alarms")
        assert (len(first["items"]), first["complete"]) == (500, False)
        assert (len(second["items"]), second["complete"]) == (200, True)
        listed = (await judged.get("/api/v1/alarms"))["items"]
        assert sorted(first["items"] + second["items"], key=lambda item: item["id"]) == listed
        assert listed[0].keys() == AlarmAnswer.model_fields.keys()
        judged.judge.put("a@T1:x", "acknowledged")
        (item,) = (await page.wait_for("alarms"))["items"]
        assert (item["id"], item["state"]) == ("a@T1:x", "acknowledged")
        judged.judge.put("a@T1:x", "acknowledged")  # nothing to tell
        judged.judge.put("a@T2:x", "normal")
        (item,) = (await page.wait_for("alarms"))["items"]
        assert (item["id"], item["state"]) == ("a@T2:x", "normal")
        async with judged.client.get(f"{NONE}&watch=alarms") as another:
            again = Page(another)
            seen = (await again.wait_for("alarms"))["items"] + (await again.wait_for("alarms"))["items"]
            assert len(seen) == 699
    await until(lambda: not judged.judge.followers)


async def test_ten_thousand_alarms_come_in_parcels_that_are_bounded(server_factory: Any) -> None:
    async with server_factory(alarms=Judge(MANY)) as service:
        judge = service.parts.alarms
        async with service.client.get(f"{NONE}&watch=alarms") as answer:
            page = Page(answer)
            await page.until(lambda page: page.events[-1:] and page.events[-1][1].get("complete"), 30)
            told = [data for event, data in page.events if event == "alarms"]
            assert [len(data["items"]) for data in told] == [clients.PARCEL] * (MANY // clients.PARCEL)
            assert [data["complete"] for data in told] == [False] * (len(told) - 1) + [True]
            assert page.states == dict.fromkeys(judge.alarms, "unacknowledged")
            before = len(page.events)
            for name in list(judge.alarms):  # a storm: all of them at once
                judge.put(name, "acknowledged")
            await page.until(lambda page: "unacknowledged" not in page.states.values(), 30)
            told = [data for event, data in page.events[before:] if event == "alarms"]
            assert max(len(data["items"]) for data in told) <= clients.PARCEL
            assert page.states == dict.fromkeys(judge.alarms, "acknowledged")


async def test_a_page_that_is_behind_hears_of_alarms_that_became_normal(judged: Any, until: Any) -> None:
    async with slow_page(judged, f"{NONE}&watch=alarms") as (page, client):
        rounds = 0
        while not client.replaced:
            rounds += 1
            for name in list(judged.judge.alarms):
                judged.judge.put(name, "unacknowledged", f"{rounds} " + "x" * 1000)
            await asyncio.sleep(live.TICK_S)
            assert rounds < 200
        for name in list(judged.judge.alarms)[1:]:
            judged.judge.put(name, "normal")
        await page.until(lambda page: list(page.states.values()).count("normal") == 699, 20)
        assert [name for name, state in page.states.items() if state != "normal"] == ["a@T0:x"]
    await until(lambda: not judged.judge.followers)


async def test_an_alarm_that_comes_and_goes_between_two_looks_is_not_left_standing_on_a_page(judged: Any) -> None:
    topic, client, states = watched.AlarmTopic(judged.parts), clients.Client(), dict[str, str]()
    await topic.begin()
    topic.clients.add(client)
    client.follow(topic)
    judged.judge.put("a@T5:x", "normal")
    await topic.look()
    judged.judge.put("a@T5:x", "unacknowledged")
    for _ in range(3):  # two parcels of the list, and what changed since it was begun
        _, _, data = (await client.take()).decode().strip().partition("data: ")
        states |= {item["id"]: item["state"] for item in json.loads(data)["items"]}
    judged.judge.put("a@T5:x", "normal")
    await topic.look()  # as at the look before: there is nothing to tell
    assert states["a@T5:x"] == "normal"
    assert len(states) == 700
    topic.end()


async def test_no_alarms_are_an_empty_list(service: Any) -> None:
    async with service.client.get(f"{NONE}&watch=alarms") as answer:
        assert await Page(answer).wait_for("alarms") == {"items": [], "complete": True}


async def test_links_are_listed_and_a_lost_one_is_told(
    service: Any, run_link: Any, quiet_session: Any, until: Any
) -> None:
    async with run_link("sw-1", quiet_session) as link:
        service.links.append(link)
        await until(lambda: link.contact is Contact.CONNECTED)
        async with service.client.get(f"{NONE}&watch=links") as answer:
            page = Page(answer)
            data = await page.wait_for("links")
            assert data["complete"] is True
            (item,) = data["items"]
            assert item.keys() == LinkAnswer.model_fields.keys()
            assert (item["name"], item["contact"]) == ("sw-1", "connected")
            quiet_session.refuse = "connection refused"
            await link._lose("gone", lost=True)  # noqa: SLF001 - as it does when its equipment is away
            (item,) = (await page.wait_for("links"))["items"]
            assert item["contact"] == "disconnected"
            assert item["error"] == "gone"


class Fleet:
    """Some reactors."""

    def __init__(self) -> None:
        self.items = {name: self.make(name, Presence.CONNECTED) for name in ("R1", "R2")}

    def make(self, name: str, presence: Presence, **other: Any) -> ReactorItem:
        known: dict[str, Any] = {"samples_waiting": 0, "oldest_waiting_s": 0.0, "samples_dropped": 0, "trouble": ""}
        return ReactorItem(
            name, name, "1", presence, NOW, NOW, "::1", enrolled=True, points=3, settings=[], **(known | other)
        )

    def reactors(self) -> Sequence[ReactorItem]:
        return [self.items[name] for name in sorted(self.items)]

    async def accept(self, reactor: str, by: Origin) -> ReactorItem:
        raise NotImplementedError

    async def enrol(self, reactor: str, by: Origin) -> str:
        raise NotImplementedError


async def test_reactors_are_listed_and_told_as_they_come_and_go(server_factory: Any) -> None:
    fleet = Fleet()
    async with server_factory(fleet=fleet) as service, service.client.get(f"{NONE}&watch=reactors") as answer:
        page = Page(answer)
        data = await page.wait_for("reactors")
        assert [item["id"] for item in data["items"]] == ["R1", "R2"]
        assert data["items"][0].keys() == ReactorAnswer.model_fields.keys()
        assert data == {"items": data["items"], "complete": True}
        fleet.items["R2"] = fleet.make("R2", Presence.AWAY, trouble="it has stopped reporting")
        (item,) = (await page.wait_for("reactors"))["items"]
        assert (item["id"], item["state"]) == ("R2", "away")
        del fleet.items["R1"]
        assert await page.wait_for("reactors") == {"items": [], "complete": False, "gone": ["R1"]}


async def test_counts_of_reactors_are_told_now_and_then(server_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched.ReactorTopic, "_ALL_TICKS", 4)
    fleet = Fleet()
    async with server_factory(fleet=fleet) as service, service.client.get(f"{NONE}&watch=reactors") as answer:
        page = Page(answer)
        await page.wait_for("reactors")
        fleet.items["R1"] = fleet.make("R1", Presence.CONNECTED, samples_waiting=7)
        (item,) = (await page.wait_for("reactors"))["items"]
        assert (item["id"], item["samples_waiting"]) == ("R1", 7)


async def test_health_is_told_when_it_changes(server_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched.HealthTopic, "PAUSE_S", 0.05)
    missing: list[str] = []

    async def health() -> list[str]:
        return list(missing)

    vitals = Vitals(NOW, lambda: 99.5, lambda: 3, lambda: 12.5, lambda: 0, no_tally)
    async with server_factory(health=health, vitals=vitals) as service:  # noqa: SIM117 - the answer is the service's
        async with service.client.get(f"{NONE}&watch=health") as answer:
            page = Page(answer)
            data = await page.wait_for("health")
            assert data == {
                "missing": [],
                "version": "1.2",
                "time": data["time"],
                "started": iso(NOW),
                "memory_mb": 99.5,
                "waiting_notices": 3,
                "oldest_notice_s": 12.5,
            }
            missing.append("the store takes nothing: disk full")
            assert (await page.wait_for("health"))["missing"] == missing
            async with service.client.get(f"{NONE}&watch=health") as another:
                assert (await Page(another).wait_for("health"))["missing"] == missing


async def no_tally() -> Tally:
    return Tally(0, 0, None)


async def test_health_that_hangs_is_missing_and_holds_nothing_up(
    server_factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "_ANSWER_S", 0.1)

    async def health() -> list[str]:
        await asyncio.Event().wait()
        return []

    async with server_factory(health=health) as service, service.client.get(f"{ALL}&watch=health") as answer:
        page = Page(answer)
        await page.until(complete)
        assert (await page.wait_for("health"))["missing"] == ["no evidence within 0.05 s"]


async def test_notices_are_counted_anew_when_something_moved(server_factory: Any) -> None:
    tallies = [Tally(2, 1, 17), Tally(1, 0, 18)]
    asked: list[int] = []
    moved = [0]

    async def tally() -> Tally:
        asked.append(moved[0])
        return tallies[moved[0]]

    vitals = Vitals(NOW, float, int, float, lambda: moved[0], tally)
    async with server_factory(vitals=vitals) as service, service.client.get(f"{NONE}&watch=notices") as answer:
        page = Page(answer)
        assert await page.wait_for("notices") == {"waiting": 2, "failed": 1, "newest": 17}
        moved[0] = 1
        assert await page.wait_for("notices") == {"waiting": 1, "failed": 0, "newest": 18}
        assert asked == [0, 1]
