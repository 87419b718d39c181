"""How long: sessions and connections through forced reconnections, and memory through half an hour of faults."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from figures import Figure, mean, median
from programs import Bench, BenchError, Usage
from rig import LOGIN, Service, Simulator
from timing import BACKOFF_S, is_scan
from watch import Watch, is_good, put, pvs

SAMPLE_S = 5.0
CALM_BEFORE_END_S = 15.0
"""The last faults end so long before the soak does, so that no reboot is under way at its end."""

_LOSSES: list[tuple[str, dict[str, object]]] = [
    ("reset", {"count": 1}),
    ("cut-before", {"count": 1}),
    ("refuse", {"duration_s": 1.2}),
    ("hang", {"count": 1}),
]
"""Faults after which the service must open a new connection and a new session. A refusal lasts longer than a scan
period: between two requests the switch may close the connection, and the session goes on."""
_DISTURBANCES: list[tuple[str, dict[str, object]]] = [
    *_LOSSES,
    ("hang", {"duration_s": 4.0}),
    ("refuse", {"duration_s": 5.0}),
    ("cut", {"count": 2}),
    ("drip", {"duration_s": 2.0}),
    ("500", {"count": 4}),
    ("503", {"count": 2}),
    ("garbage", {"count": 4}),
    ("wrong-shape", {"count": 2}),
    ("html400", {"count": 1}),
    ("huge", {"count": 1}),
    ("redirect", {"count": 1, "location": "http://127.0.0.1:9/"}),
    ("session-full", {"duration_s": 3.0}),
    ("reject-put", {"duration_s": 3.0}),
    ("put-ignored", {"duration_s": 3.0}),
    ("missing-port", {"ports": ["7"], "duration_s": 3.0}),
    ("close-idle", {"duration_s": 2.0}),
    ("expire", {}),
]


async def sessions(bench: Bench) -> list[Figure]:
    """Forced reconnections, ten switches at a time: what each switch held at the most, and what is left at the end."""
    rounds = int(bench.take(10, 2))
    async with (
        Simulator(bench, latency_ms=10, options=LOGIN) as sim,
        Service(bench, sim, epics=False, api=False) as service,
    ):
        await asyncio.gather(*(_until_scanned(sim, name, service.started, logins=1) for name in sim.names))
        await asyncio.gather(
            *(_force(sim, name, rounds, first) for first, name in enumerate(sim.names)),
        )
        seen = await sim.show_all()
        code, seconds = await service.stop()
        left = await sim.show_all()
    forced = sum(switch["total_connections"] - 1 for switch in seen)
    return [
        Figure("reconnections forced", forced, "", 10 * rounds, at_least=True),
        Figure("sessions expired besides", rounds * len(sim.names), ""),
        *_held(seen),
        *_left(left, code, seconds),
    ]


async def _force(sim: Simulator, name: str, rounds: int, first: int) -> None:
    """Break a switch's connection again and again, each time another way, and let its session expire in between."""
    for number in range(rounds):
        fault, options = _LOSSES[(first + number) % len(_LOSSES)]
        began = time.monotonic()
        await sim.inject(name, fault, **options)
        await _until_scanned(sim, name, began, logins=1)
        began = time.monotonic()
        await sim.inject(name, "expire")
        await _until_scanned(sim, name, began, logins=1)


async def _until_scanned(sim: Simulator, name: str, since: float, *, logins: int) -> None:
    """Wait until the switch has been logged in to and scanned since then."""
    try:
        async with asyncio.timeout(30):
            while True:
                log = [request for request in await sim.log(name, since) if request["status"] in (200, 201)]
                opened = [at for at, request in enumerate(log) if request["path"].endswith("login-sessions")]
                if len(opened) >= logins and any(is_scan(request) for request in log[opened[-1] :]):
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise BenchError(f"{name} was not logged in to and scanned again within 30 s") from None


def _held(seen: list[dict[str, int]]) -> list[Figure]:
    sessions_held = max(switch["max_open_sessions"] for switch in seen)
    connections_held = max(switch["max_open_connections"] for switch in seen)
    return [
        Figure("sessions of a switch at any time, most", sessions_held, "", 1),
        Figure("connections of a switch at any time, most", connections_held, "", 1),
    ]


def _left(left: list[dict[str, int]], code: int, seconds: float) -> list[Figure]:
    return [
        Figure("sessions left after SIGTERM", sum(switch["open_sessions"] for switch in left), "", 0),
        Figure("connections left after SIGTERM", sum(switch["open_connections"] for switch in left), "", 0),
        Figure("SIGTERM to the end", seconds, "s", 10),
        Figure("exit code", abs(code), "", 0),
    ]


@dataclass(frozen=True)
class Moment:
    """What the service used at a moment of the soak."""

    at: float
    usage: Usage


async def soak(bench: Bench) -> list[Figure]:
    """480 ports through faults of every kind: memory, threads and files flat, and everything back at the end."""
    total_s = 60 * bench.minutes
    options = (*LOGIN, "--life")
    async with Simulator(bench, options=options) as sim, Service(bench, sim) as service:
        numbers = range(1, len(sim.names) + 1)
        names = [name for number in numbers for name in pvs(number, sim.ports, "PwrState-Sts")]
        restarts = "vigilia:EpicsRestarts-Mon"
        async with Watch(names) as watch, Watch([restarts]) as own:
            await watch.until(is_good, 10, "readable")
            await own.until(is_good, 10, "readable")
            moments = await _disturb(bench, sim, service, total_s)
            began = time.monotonic()
            for name in sim.names:
                await sim.clear(name)
            recovered = await watch.until(is_good, 4 * BACKOFF_S, "good again") - began
            replaced = float(own.latest[restarts])
        seen = await sim.show_all()
        code, seconds = await service.stop()
        left = await sim.show_all()
    return [
        *_flatness(moments, total_s),
        Figure("reconnections", sum(switch["total_connections"] for switch in seen), ""),
        Figure("replacements of the EPICS process", replaced, "", 0),
        Figure("all PVs good again after the last fault", recovered, "s", BACKOFF_S + 1),
        *_held(seen),
        *_left(left, code, seconds),
    ]


async def _disturb(bench: Bench, sim: Simulator, service: Service, total_s: float) -> list[Moment]:
    """Disturb all the time, and sample what the service uses."""
    tasks = [
        asyncio.create_task(_inject_at_random(bench, sim, total_s - CALM_BEFORE_END_S)),
        asyncio.create_task(_put_at_random(bench, sim)),
    ]
    began = time.monotonic()
    moments: list[Moment] = []
    try:
        while (at := time.monotonic() - began) < total_s:
            moments.append(Moment(at, service.usage()))
            for task in tasks:
                if task.done():
                    task.result()
            if len(moments) % 60 == 1:
                usage = moments[-1].usage
                print(f"  soak, minute {at / 60:.0f}: {usage.pss_mb:.1f} MB, {usage.threads} threads", flush=True)
            await asyncio.sleep(SAMPLE_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return moments


async def _inject_at_random(bench: Bench, sim: Simulator, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(bench.chance.uniform(0.3, 2.0))
        name = bench.chance.choice(sim.names)
        if bench.chance.random() < 0.05:
            await sim.reboot(name, bench.chance.uniform(0.5, 3), bench.chance.uniform(0.5, 3))
            continue
        fault, options = bench.chance.choice(_DISTURBANCES)
        await sim.inject(name, fault, **options)


async def _put_at_random(bench: Bench, sim: Simulator) -> None:
    while True:
        await asyncio.sleep(bench.chance.uniform(0.2, 1.0))
        number = bench.chance.randint(1, len(sim.names))
        name = pvs(number, bench.chance.randint(1, sim.ports), "PwrState-Sel")[-1]
        with contextlib.suppress(BenchError):
            await put(name, bench.chance.randint(0, 1))


def _flatness(moments: list[Moment], total_s: float) -> list[Figure]:
    """The last third against the third that follows a warm-up of a sixth: of 30 minutes, 10 against 10 after 5."""
    early = [moment.usage for moment in moments if total_s / 6 <= moment.at < total_s / 2]
    late = [moment.usage for moment in moments if moment.at >= total_s * 2 / 3]

    def change(of: Callable[[Usage], float]) -> float:
        return median([of(usage) for usage in late]) - median([of(usage) for usage in early])

    before, after = mean([usage.pss_mb for usage in early]), mean([usage.pss_mb for usage in late])
    minutes = f"{total_s / 60:g} minutes of faults"
    return [
        Figure(f"{minutes}: proportional set size, mean after warm-up", before, "MB"),
        Figure(f"{minutes}: proportional set size, mean at the end", after, "MB", 180),
        Figure(f"{minutes}: change of the mean", 100 * abs(after - before) / before, "%", 2),
        Figure(f"{minutes}: threads more", change(lambda usage: usage.threads), "", 0),
        Figure(f"{minutes}: open files more", change(lambda usage: usage.files), "", 2),
    ]
