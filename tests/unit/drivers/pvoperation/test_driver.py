"""The driver at work on an API: what is asked, what is published, and how far each plant has come."""

import asyncio
import logging
from fnmatch import fnmatchcase

import pytest

from tests.conftest import until
from tests.unit.drivers.pvoperation.api import Api, inverter, local, relay, utc
from tests.unit.drivers.pvoperation.conftest import MakeSite, make_config
from tests.unit.tables import Notebook
from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.pvoperation.driver import build
from vigilia.link import Contact
from vigilia.points import Kind, Point, Severity, Status
from vigilia.rules import Standing
from vigilia.store import StoreError
from vigilia.table import PointTable

RELAY = "19478:Relay-R1:Overvoltage-Sts"
PAC = "19478:Inverter-7:Pac-Mon"
STATE = "19478:Inverter-7:State-Sts"
LAST = "19478:LastRecord-Mon"
RELAYS_LAST = "19478:LastRelayRecord-Mon"
DAY = "2026-03-10"


async def test_relays_and_inverters_become_points(api: Api, site: MakeSite) -> None:
    tripped = relay("R1", f"{DAY} 11:55:00", r59a="Trip", R59N=1, r27A=1)
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:50:00"), tripped)
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 11:55:00", "1.234,5 kW"))
    async with site(api) as at_work:
        await until(lambda: at_work.has(STATE) and at_work.value(STATE) is not None)
        over, under = at_work.reading(RELAY), at_work.reading("19478:Relay-R1:Undervoltage-Sts")
        assert (over.value, over.time, over.severity) == (1, utc(f"{DAY} 11:55:00"), Severity.MAJOR)
        assert under.value == 0
        assert [s.detail for s in at_work.samples if s.name == RELAY] == ["", "r59A, r59N"]
        assert at_work.value(PAC) == 1234.5
        assert at_work.value(STATE) == 0
        assert at_work.value(LAST) == f"{DAY}T14:55:00.000Z"
        point = at_work.table.point(PAC)
        assert (point.area, point.facts, point.under) == ("UFV Alfa", (("Capacity", "2500 kWp"),), ("plant:19478",))
        assert point.window is not None
        assert (point.window.start, point.window.zone) == ("06:30", "America/Sao_Paulo")
        assert at_work.table.point(RELAY).covers == "plant:19478"


async def test_a_record_of_one_class_leaves_another_that_is_active(api: Api, site: MakeSite) -> None:
    under = "19478:Relay-R1:Undervoltage-Sts"
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:50:00", r59A=1))
    async with site(api) as at_work:
        await until(lambda: at_work.has(RELAY) and at_work.value(RELAY) == 1)
        api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00", r27A=1))
        await until(lambda: [reading.value for reading in at_work.seen(under)] == [0, 1])
        assert (at_work.value(RELAY), len(at_work.seen(RELAY))) == (1, 1)
    # The table is empty after a start; the alarm is not.
    api.put("day_relay", 19478, relay("R1", f"{DAY} 12:00:00", r27A=1))
    standings = {("relay-overvoltage", RELAY): Standing.SUPPRESSED, ("relay-undervoltage", under): Standing.ACTIVE}
    kept = {"checkpoints": at_work.checkpoints, "known": at_work.declared, "standings": standings}
    async with site(api, at=f"{DAY} 12:05:00", **kept) as again:
        await until(lambda: [reading.value for reading in again.seen(under)] == [1])
        assert again.seen(RELAY) == []
        assert again.value("19478:Relay-R1:Thermal-Sts") == 0
        api.put("day_relay", 19478, relay("R1", f"{DAY} 12:05:00"))
        await until(lambda: [reading.value for reading in again.seen(under)] == [1, 0])
        assert [reading[:2] for reading in again.seen(RELAY)] == [(0, utc(f"{DAY} 12:05:00"))]


async def test_a_record_is_published_once_and_late_ones_are_not_lost(api: Api, site: MakeSite) -> None:
    api.put("day_inverter", 19478, inverter("7", f"{DAY} 11:55:00", 1), inverter("7", f"{DAY} 11:50:00", 2))
    async with site(api) as at_work:
        await at_work.scans("day_inverter")
        late, too_late = inverter("7", f"{DAY} 09:55:00", 3), inverter("7", f"{DAY} 09:54:59", 4)
        api.put("day_inverter", 19478, late, too_late, inverter(7, f"{DAY} 11:55:00", 1))
        await at_work.scans("day_inverter", 2)
        assert [reading.value for reading in at_work.seen(PAC)] == [2, 1, 3]
        assert at_work.value(PAC) == 1


async def test_a_restart_goes_on_where_the_last_run_was(api: Api, site: MakeSite) -> None:
    api.put("day_inverter", 19478, inverter("7", f"{DAY} 11:55:00", 1))
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00"))
    async with site(api) as before:
        await before.scans("day_inverter")
    api.put("day_inverter", 19478, inverter("7", f"{DAY} 12:00:00", 2))
    known = before.declared
    async with site(api, at=f"{DAY} 12:05:00", checkpoints=before.checkpoints, known=known) as after:
        assert {point.name for point in known} <= {point.name for point in after.driver.points}
        await after.scans("day_inverter")
        assert [reading.value for reading in after.seen(PAC)] == [2]
        assert after.seen(RELAY) == []
        assert after.declared == []


async def test_a_plant_that_is_renamed_has_its_points_declared_anew(api: Api, site: MakeSite) -> None:
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00"))
    api.put("day_inverter", 19478, inverter("7", f"{DAY} 11:55:00", 1))
    async with site(api) as before:
        await before.scans("day_inverter")
        known = [*before.declared]
        api.plants[0]["nome"] = "UFV Beta"
        await until(lambda: before.table.point(LAST).area == "UFV Beta")
        assert {before.table.point(point.name).area for point in known} == {"UFV Beta"}
        assert before.value(PAC) == 1
        count = len(before.declared)
        assert count == 2 * len(known)
        await before.scans("day_inverter", 2)
        assert len(before.declared) == count
    async with site(api, at=f"{DAY} 12:10:00", checkpoints=before.checkpoints, known=known) as again:
        assert again.table.point(PAC).area == "UFV Beta"
    # Renamed while the service was down: the checkpoint has the old name.
    api.plants[0]["nome"] = "UFV Gama"
    async with site(api, at=f"{DAY} 12:10:00", checkpoints=before.checkpoints, known=known) as later:
        assert later.table.point(PAC).area == "UFV Beta"
        await until(lambda: later.table.point(PAC).area == "UFV Gama")
        assert {later.table.point(point.name).area for point in known} == {"UFV Gama"}


async def test_two_plants_of_one_name_are_told_apart(api: Api, site: MakeSite) -> None:
    api.plants = [{"id": number, "nome": "UFV Norte" if number < 3 else "UFV Sul"} for number in (1, 2, 3)]
    for number in (1, 2, 3):
        api.put("day_relay", number, relay("R1", f"{DAY} 11:55:00"))
    async with site(api) as at_work:
        await until(lambda: at_work.has("3:Relay-R1:Other-Sts"))
        areas = [at_work.table.point(f"{number}:LastRecord-Mon").area for number in (1, 2, 3)]
        assert areas == ["UFV Norte (1)", "UFV Norte (2)", "UFV Sul"]
        del api.plants[0]  # a partial list gives nobody another name
        await at_work.scans("day_relay", 3)
        assert at_work.table.point("2:LastRecord-Mon").area == "UFV Norte (2)"
    async with site(api, at=f"{DAY} 12:10:00", checkpoints=at_work.checkpoints, known=at_work.declared) as again:
        await again.scans("day_relay")
        assert again.table.point("2:Relay-R1:Other-Sts").area == "UFV Norte (2)"


async def test_a_point_whose_name_is_taken_is_left_out_and_told_once(
    api: Api, site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00", r59A=1))
    api.put("day_inverter", 19478, inverter("7", f"{DAY} 11:55:00", 1), inverter("8", f"{DAY} 11:55:00", 1))
    theirs = [Point(name, Kind.INTEGER, "other") for name in (LAST, RELAY, STATE)]
    async with site(api, taken=theirs) as at_work:
        await until(lambda: at_work.has("19478:Inverter-8:State-Sts"))
        await at_work.scans("day_relay", 2)
        await at_work.scans("day_inverter", 2)
        assert at_work.link.contact is Contact.CONNECTED
        assert at_work.value(PAC) == 1
        assert at_work.value("19478:Relay-R1:Thermal-Sts") == 0
        assert [at_work.seen(point.name) for point in theirs] == [[], [], []]
        assert all(at_work.table.point(point.name) == point for point in theirs)
    for point in theirs:
        assert caplog.text.count(f"{point.name} is left out: two points are named {point.name}") == 1


async def test_the_days_asked_for(api: Api, site: MakeSite) -> None:
    async with site(api) as at_work:  # no checkpoint: from midnight
        await at_work.scans("day_inverter")
        assert {date for _, date in api.asked("day_inverter")} == {DAY}
    for newest, dates in [
        (f"{DAY} 02:30:00", {DAY}),
        (f"{DAY} 01:30:00", {"2026-03-09", DAY}),
        ("2026-03-01 12:00:00", {"2026-03-08", "2026-03-09", DAY}),
    ]:
        api.requests.clear()
        kept = {"since": 0, "until": utc(newest), "seen": {}, "absent": {}}
        async with site(api, checkpoints={"inverter:19478": kept}) as at_work:
            await at_work.scans("day_inverter")
            assert {date for _, date in api.asked("day_inverter")} == dates, newest


async def test_midnight(api: Api, site: MakeSite) -> None:
    api.put("day_relay", 19478, relay("R1", f"{DAY} 23:55:00"))
    async with site(api, at=f"{DAY} 23:59:30") as at_work:
        await until(lambda: at_work.has(RELAY))
        api.put("day_relay", 19478, relay("R1", f"{DAY} 23:59:50", r59A=True), relay("R1", "2026-03-11 00:00:30"))
        await until(lambda: len(at_work.seen(RELAY)) == 3)
        assert [reading.value for reading in at_work.seen(RELAY)] == [0, 1, 0]


async def test_an_empty_or_failed_day_moves_no_checkpoint(
    api: Api, site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    kept = {"since": 0, "until": utc(f"{DAY} 01:00:00"), "seen": {"7": [utc(f"{DAY} 01:00:00")]}, "absent": {}}
    api.put("day_inverter", 19478, inverter("7", "2026-03-09 23:30:00"), inverter("7", f"{DAY} 11:55:00"))
    api.dead_days = {"2026-03-09"}
    async with site(api, checkpoints={"inverter:19478": kept}) as at_work:
        await until(lambda: len(at_work.seen(PAC)) == 1)
        await at_work.scans("day_inverter", 2)
        assert at_work.checkpoints["inverter:19478"]["until"] == utc(f"{DAY} 01:00:00")
        assert len(at_work.seen(PAC)) == 1  # today's is known, though the checkpoint stays
        assert "TIMEOUT_PARCIAL: UFV Alfa (19478): days not received: 1" in caplog.text
        api.dead_days = set()
        await until(lambda: len(at_work.seen(PAC)) == 2)
        await at_work.scans("day_inverter")
        assert at_work.checkpoints["inverter:19478"]["until"] == utc(f"{DAY} 11:55:00")
    api.days.clear()
    async with site(api, checkpoints={"inverter:19478": kept}) as at_work:
        await at_work.scans("day_inverter", 2)
        assert "inverter:19478" not in at_work.checkpoints or (
            at_work.checkpoints["inverter:19478"]["until"] == utc(f"{DAY} 01:00:00")
        )


async def test_one_dead_plant_costs_the_others_nothing(
    api: Api, site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.plants = [{"id": number, "nome": f"P{number}"} for number in range(20)]
    for number in range(20):
        api.put("day_relay", number, relay("R1", f"{DAY} 11:55:00"))
    api.dead_plants = {"3"}
    api.days["day_relay", "4", DAY] = []
    async with site(api) as at_work:
        await at_work.scans("day_relay")
        assert at_work.link.contact is Contact.CONNECTED
        assert all(at_work.has(f"{n}:Relay-R1:Other-Sts") for n in range(20) if n not in (3, 4))
        assert "relay:3" not in at_work.checkpoints
    text = caplog.text
    assert "SEM_DADOS: P3 (3): status 404 (POST day_relay)" in text
    assert "SEM_DADOS: P4 (4)" in text
    assert "relay scan: 20 plants, 18 new records, 1 without data, 1 not read" in text


async def test_when_everything_fails_contact_is_lost_and_comes_back(api: Api, site: MakeSite) -> None:
    api.plants = [{"id": number, "nome": f"P{number}"} for number in range(100)]
    api.put("day_relay", 5, relay("R1", f"{DAY} 11:55:00"))
    async with site(api, concurrency=4) as at_work:
        await at_work.scans("day_relay")
        api.dead_plants = {str(number) for number in range(100)}
        await until(lambda: at_work.link.contact is Contact.DISCONNECTED)
        before = len(api.asked("day_relay"))
        assert "no plant's" in at_work.link.error
        # Logging in is not enough: nothing but the login and one plant is asked for.
        await until(lambda: api.logins >= 4)
        assert at_work.link.contact is not Contact.CONNECTED
        assert len(api.asked("day_relay")) - before <= api.logins
        api.dead_plants = set()
        await at_work.connected()


async def test_failed_plants_are_asked_last(api: Api, site: MakeSite) -> None:
    api.plants = [{"id": number, "nome": f"P{number}"} for number in range(6)]
    api.dead_plants = {"0", "1"}
    async with site(api, concurrency=1, inverter_interval_s=86400.0) as at_work:
        await at_work.scans("day_relay", 2)
    assert [plant for plant, _ in api.asked("day_relay")][:12] == list("012345" + "234501")


async def test_concurrency_is_kept(api: Api, site: MakeSite) -> None:
    api.plants = [{"id": number, "nome": f"P{number}"} for number in range(30)]
    api.delay_s = 0.01
    async with site(api, concurrency=3) as at_work:
        await at_work.scans("day_inverter")
    assert api.most_in_flight == 3


async def test_the_list_of_plants_is_shared_and_may_be_partial(
    api: Api, site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.plants = [{"id": 1, "nome": "P1"}, {"id": 2, "nome": "P2"}]
    async with site(api, relay_interval_s=600.0, inverter_interval_s=9.0) as at_work:
        await at_work.scans("day_inverter", 2)
        assert len(api.asked("plants")) == 1
    api.plants = [{"id": 1, "nome": "P1"}]
    api.requests.clear()
    async with site(api, checkpoints=at_work.checkpoints) as again:
        await again.scans("day_relay")
    assert {plant for plant, _ in api.asked("day_relay")} == {"1"}
    assert "SEM_DADOS: P2 (2): not in the list of plants" in caplog.text


async def test_only_the_chosen_plants_have_their_relays_read(api: Api, site: MakeSite) -> None:
    api.plants = [{"id": 1, "nome": "P1"}, {"id": "2", "nome": "P2"}]
    async with site(api, relay_plants=[2]) as at_work:
        await at_work.scans("day_relay")
        await at_work.scans("day_inverter")
    assert {plant for plant, _ in api.asked("day_relay")} == {"2"}
    assert {plant for plant, _ in api.asked("day_inverter")} == {"1", "2"}


async def test_relays_come_before_inverters(api: Api, site: MakeSite) -> None:
    # Slowly: after a scan that the machine held up, relays and inverters are not due together.
    async with site(api, speed=15.0, relay_interval_s=3.0, inverter_interval_s=6.0) as at_work:
        await at_work.scans("day_inverter", 4)
    paths = [path for path, _, _ in api.requests if path.startswith("day")]
    assert paths[0] == "day_relay"
    assert all(paths[n - 1] == "day_relay" for n, path in enumerate(paths) if path == "day_inverter")


async def test_inverters_that_are_due_longer_still_wait_for_relays_that_are_due(api: Api) -> None:
    clock = Clock()
    driver = build(make_config(api.base), Surroundings(PointTable(clock, Notebook()), clock, {}))
    relays, inverters = driver._relays, driver._inverters  # noqa: SLF001 - nothing public makes a scan late
    now = clock.monotonic()
    relays.restart(now - 1)
    inverters.restart(now - 2)
    steps = [inverters.next_step(now) for _ in range(3)]
    assert [step and step.args[1].name for step in steps] == ["relay", "inverter", None]  # type: ignore[attr-defined]
    assert (relays.due, inverters.due) == (now + 599, now + 898)


async def test_states_of_inverters(api: Api, site: MakeSite) -> None:
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00"))
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 11:55:00"))
    async with site(api) as at_work:
        await until(lambda: at_work.has(STATE) and at_work.value(STATE) == 0)
        alarm = ("inverter-failure", PAC)
        at_work.alarms.standings[alarm] = Standing.ACTIVE
        await until(lambda: at_work.value(STATE) == 1)
        assert at_work.reading(STATE).severity is Severity.MAJOR
        at_work.alarms.standings[alarm] = Standing.SUPPRESSED
        await until(lambda: at_work.value(STATE) == 2)
        at_work.alarms.standings = {("relay-overvoltage", RELAY): Standing.ACTIVE}
        await at_work.scans("day_relay")
        assert at_work.value(STATE) == 2
        at_work.alarms.standings.clear()
        await until(lambda: at_work.value(STATE) == 0)


async def test_an_inverter_that_stops_appearing(api: Api, site: MakeSite) -> None:
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 11:55:00", 0), inverter(8, f"{DAY} 11:55:00", 5))
    async with site(api) as at_work:
        await until(lambda: at_work.has(STATE) and at_work.value(STATE) == 0)
        api.days["day_inverter", "19478", DAY] = [inverter(8, f"{DAY} 11:56:00", 5)]
        await until(lambda: at_work.value(STATE) == 3)
        lost = [reading for reading in at_work.seen(PAC) if reading.severity is Severity.INVALID]
        assert [(reading.value, reading.status) for reading in lost] == [(0, Status.TIMEOUT)]
        assert at_work.checkpoints["inverter:19478"]["absent"] == {"7": 3}
        await at_work.scans("day_inverter")
        assert len(at_work.seen(PAC)) == 2  # told once
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 12:00:30", 5))
    async with site(api, at=f"{DAY} 12:05:00", checkpoints=at_work.checkpoints, known=at_work.declared) as again:
        await until(lambda: again.value(STATE) == 0)
        assert again.value(PAC) == 5


@pytest.mark.parametrize("trouble", ["outside the window", "the day fails"])
async def test_silence_that_says_nothing_is_not_counted(api: Api, site: MakeSite, trouble: str) -> None:
    time, begin = ("18:00:00", "18:05:00") if trouble == "outside the window" else ("11:55:00", "12:00:00")
    api.plants.append({"id": 2, "nome": "P2"})
    api.put("day_inverter", 19478, inverter(7, f"{DAY} {time}"))
    async with site(api, at=f"{DAY} {begin}") as at_work:
        await until(lambda: at_work.has(STATE) and at_work.value(STATE) == 0)
        if trouble == "outside the window":
            api.days.clear()
        else:
            api.dead_plants = {"19478"}
        await at_work.scans("day_inverter", 4)
        assert at_work.value(STATE) == 0


async def test_a_store_that_takes_no_points_holds_the_checkpoint(
    api: Api, site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00"))
    async with site(api) as at_work:
        at_work.refusals += [StoreError("the disk is full")] * 10_000
        await until(lambda: "its answer cannot be kept: the disk is full" in caplog.text)
        assert at_work.link.contact is Contact.CONNECTED
        assert "relay:19478" not in at_work.checkpoints
        at_work.refusals.clear()
        await until(lambda: len(at_work.seen(RELAY)) == 1)


async def test_a_plant_without_any_record_has_its_point_all_the_same(api: Api, site: MakeSite) -> None:
    async with site(api) as at_work:
        await until(lambda: at_work.has(LAST))
        assert at_work.value(LAST) is None
        window = at_work.table.point(LAST).window
        assert window is not None
        assert window.end == "17:30"


async def test_relays_that_report_do_not_hide_inverters_that_are_silent(api: Api, site: MakeSite) -> None:
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 11:00:00"))
    async with site(api) as at_work:
        await until(lambda: at_work.has(STATE))
        api.put("day_relay", 19478, relay("R1", f"{DAY} 11:59:00"))
        await until(lambda: at_work.has(RELAY) and at_work.value(RELAY) == 0)
        assert [reading.value for reading in at_work.seen(LAST)] == [f"{DAY}T14:00:00.000Z"]


async def test_a_login_that_is_refused_is_told_once(api: Api, site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    api.refuses_login = True
    async with site(api) as at_work:
        await until(lambda: len(api.asked("authenticate")) >= 3)
        told = [record for record in caplog.records if "[PVOP] Falha ao logar" in record.getMessage()]
        assert len([record for record in told if record.levelno >= logging.WARNING]) == 1
        assert at_work.link.error.startswith("the login is refused (status 401)")
        api.refuses_login = False
        await at_work.connected()
    assert "not-to-be-shown" not in caplog.text


async def test_a_stop_does_not_wait_for_a_slow_api(api: Api, site: MakeSite) -> None:
    async with site(api) as at_work:
        await at_work.connected()
        api.gate.clear()
        await until(lambda: api.requests[-1][0].startswith("day"))
        async with asyncio.timeout(9):
            await at_work.link.stop()


async def test_a_checkpoint_of_another_shape_begins_anew(api: Api, site: MakeSite) -> None:
    api.put("day_relay", 19478, relay("R1", f"{DAY} 00:05:00"))
    kept = {"relay:19478": {"until": "yesterday"}, "plants": {"19478": 5, "2": ["P2", "", 2]}}
    async with site(api, checkpoints=kept) as at_work:
        await until(lambda: at_work.has(RELAY) and at_work.value(RELAY) == 0)


async def test_rules_name_points_that_exist(api: Api, site: MakeSite) -> None:
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00"))
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 11:55:00"))
    async with site(api) as at_work:
        await until(lambda: at_work.has(STATE))
        names = [point.name for point in at_work.table.points()] + [RELAYS_LAST]  # which takes hours to be found
        for rule in at_work.driver.rules:
            matching = [name for name in names if fnmatchcase(name, rule.points[0])]
            assert len(matching) == 1, rule.name
            assert not rule.states or rule.states <= set(at_work.table.point(matching[0]).labels)


async def test_a_token_refused_in_the_middle_ends_the_scan(api: Api, site: MakeSite) -> None:
    api.plants = [{"id": number, "nome": f"P{number}"} for number in range(50)]
    async with site(api, concurrency=2) as at_work:
        await at_work.connected()
        api.token_uses = 0
        await until(lambda: at_work.link.contact is Contact.DISCONNECTED)
        assert "refused again, just after a login" in at_work.link.error
        api.token_uses = 1_000_000
        await at_work.connected()


async def test_success_is_a_point(api: Api, site: MakeSite) -> None:
    async with site(api) as at_work:
        await until(lambda: at_work.value("vigilia:pvoperation:Success-Mon") is not None)
        assert at_work.value("vigilia:pvoperation:Success-Mon") == 100.0
        well, total = at_work.driver.request_counts()
        assert well == total >= 3


async def test_inverters_may_be_silent_at_night(api: Api, site: MakeSite) -> None:
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 17:25:00"))
    async with site(api, at=f"{DAY} 17:28:00") as at_work:
        await until(lambda: at_work.has(STATE) and at_work.value(STATE) == 0)
        ages = [batch.max_age_s for batch in at_work.recorder.batches if any(s.name == PAC for s in batch.every())]
        assert ages
        assert all(age is not None and age > 13 * 3600 for age in ages)


async def test_more_ids_than_any_plant_has(api: Api, site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    api.put("day_inverter", 19478, *(inverter(number, f"{DAY} 11:55:00") for number in range(1500)))
    async with site(api) as at_work:
        await until(lambda: at_work.has("19478:Inverter-0:Pac-Mon"))
        await at_work.scans("day_inverter")
        assert sum(point.name.endswith("Pac-Mon") for point in at_work.table.points()) == 1000
        assert at_work.value("19478:Inverter-0:Pac-Mon") == 10
    assert "more than 1000 ids" in caplog.text


def every_five_minutes(begin: str, hours: int) -> list[str]:
    return [local(utc(f"{DAY} {begin}") + 300 * number) for number in range(12 * hours)]


async def test_relays_that_report_at_a_pace_are_known_for_it(api: Api, site: MakeSite) -> None:
    """Records of the future are left out until their time comes: so they arrive as time goes by."""
    api.put("day_relay", 19478, *(relay("R1", text) for text in every_five_minutes("11:00", 9)))
    api.plants.append({"id": 2, "nome": "UFV Beta"})
    api.put("day_relay", 2, *(relay("R1", f"{DAY} {time}:00") for time in ("12:10", "12:30", "15:00", "17:20")))
    pace = {"speed": 3600.0, "relay_interval_s": 600.0, "inverter_interval_s": 3600.0}
    async with site(api, **pace) as at_work:
        await until(lambda: at_work.has(RELAYS_LAST) and at_work.value(RELAYS_LAST) is not None, 20)
        first = at_work.reading(RELAYS_LAST).time
        assert first is not None
        assert 0 <= first - utc(f"{DAY} 18:00:00") < 3600
        await until(lambda: (at_work.reading(RELAYS_LAST).time or 0) > first, 20)
        assert not at_work.has("2:LastRelayRecord-Mon")  # its relays speak when something happens
        point = at_work.table.point(RELAYS_LAST)
        assert (point.area, point.equipment) == ("UFV Alfa", "Relays")
        assert set(point.under) == {at_work.table.point(LAST).covers}
        kept, checkpoints = [*at_work.declared], at_work.checkpoints
    # It is known from the start on, and follows the plant's name; where nobody asks for relays, it is not there.
    api.plants[0]["nome"] = "UFV Gama"
    async with site(api, at=f"{DAY} 19:55:00", checkpoints=checkpoints, known=kept) as again:
        assert again.has(RELAYS_LAST)
        await until(lambda: again.table.point(RELAYS_LAST).area == "UFV Gama")
        await until(lambda: again.value(RELAYS_LAST) is not None)
    async with site(api, at=f"{DAY} 19:55:00", checkpoints=checkpoints, known=kept, relay_plants=[2]) as without:
        assert not without.has(RELAYS_LAST)
        assert without.has(LAST)


async def test_a_trip_in_the_second_pass_of_an_hour_has_the_time_of_that(api: Api, site: MakeSite) -> None:
    """In Santiago clocks are set back at 24:00 of 4 April: 00:20 in São Paulo is 23:20 there, for the second time."""
    texts = [f"2026-04-04 {hour}:{minute:02}:00" for hour in (22, 23) for minute in range(0, 60, 5)]
    again = [f"2026-04-04 23:{minute:02}:00" for minute in range(0, 20, 5)]
    api.put("day_relay", 19478, *(relay("R1", text) for text in [*texts, *again]))
    async with site(api, at="2026-04-05 00:18:00", plants={"19478": {"timezone": "America/Santiago"}}) as at_work:
        await at_work.scans("day_relay")
        api.put("day_relay", 19478, relay("R1", "2026-04-04 23:20:00", r59A=1))
        await until(lambda: at_work.value(RELAY) == 1, 20)
        assert at_work.reading(RELAY).time == utc("2026-04-05 00:20:00")
