"""Outputs fall to safe, by the simulator's own record: whoever dies, whatever network and clock do meanwhile."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import reactorcampaign
from figures import Figure, percentile
from halfopen import HOST, Network
from programs import Bench, BenchError
from reactorrig import Agent, Config, ReactorService, SimReactors, make_safe, named

FAILSAFE_S = 3.0
"""`failsafe_after_s` of the agents."""
AGENT_GONE_S = 1.0
"""Within which the guardian makes everything safe when the worker was killed."""
HOLD = ("aerator", "base")
"""Outputs whose `on_lost_server` is "hold"; the others are to be safe."""
_CHANNELS = {"heater": "0", "aerator": "1"}
_PUMPS = {"acid": "DoseOver", "base": "DoseOver"}
_READY_S = 60.0
_JUMP_S = 3600.0
_TICK_S = 0.5
"""How often an agent looks after an output; `failsafe_after_s` is counted from the last word of the server."""


@dataclass
class Scene:
    """Everything there is, all of it at work: four outputs are on."""

    sim: SimReactors
    service: ReactorService
    agent: Agent
    network: Network
    clock: Path

    async def states(self) -> dict[str, float | None]:
        """Since when each output is off, by the machine's monotonic clock; None for one that is on."""
        truth = await self.sim.truth()
        found = {name: _off_since(truth["pwm"][channel]) for name, channel in _CHANNELS.items()}
        return found | {name: _stands_since(truth["pumps"][name]) for name in _PUMPS}

    def jump(self, seconds: float) -> None:
        """Have the agent's wall clock jump."""
        self.clock.write_text(repr(seconds))


Fault = Callable[[Scene], Awaitable[None]]


async def _worker_killed(scene: Scene) -> None:
    if not scene.agent.kill_worker():
        raise BenchError("the agent has no worker")


async def _worker_stuck(scene: Scene) -> None:
    worker = scene.agent.worker()
    if worker is None:
        raise BenchError("the agent has no worker")
    os.kill(worker.pid, signal.SIGSTOP)


async def _guardian_killed(scene: Scene) -> None:
    await scene.agent.kill_guardian()


async def _both_killed(scene: Scene) -> None:
    await scene.agent.kill_guardian(worker_too=True)
    await make_safe(scene.agent)


async def _server_killed(scene: Scene) -> None:
    await scene.service.kill()


async def _half_open(scene: Scene) -> None:
    scene.network.drop()


async def _forwards(scene: Scene) -> None:
    scene.jump(_JUMP_S)
    await scene.service.kill()


async def _backwards(scene: Scene) -> None:
    scene.jump(-_JUMP_S)
    scene.network.drop()


FAULTS: dict[str, tuple[Fault, float, bool]] = {
    "agent killed": (_worker_killed, AGENT_GONE_S, False),
    "agent stuck": (_worker_stuck, FAILSAFE_S + 1, False),
    "guardian killed": (_guardian_killed, FAILSAFE_S + 1, False),
    "both killed, and what systemd does then": (_both_killed, FAILSAFE_S + 1, False),
    "server killed": (_server_killed, FAILSAFE_S + 1, True),
    "network half open": (_half_open, FAILSAFE_S + 1, True),
    "clock an hour ahead, and server killed": (_forwards, FAILSAFE_S + 1, True),
    "clock an hour back, and network half open": (_backwards, FAILSAFE_S + 1, True),
}
"""By name: what is done, within how many seconds outputs must be safe, and whether it is the server that is lost."""
SHORT = ("agent killed", "network half open", "clock an hour ahead, and server killed")


async def failsafe(bench: Bench) -> list[Figure]:
    """Each fault with everything on; then the campaign of chance over the pumps' limits."""
    figures: list[Figure] = []
    for name in SHORT if bench.short else FAULTS:
        _, within_s, of_server = FAULTS[name]
        waits: list[float] = []
        held = True
        for _ in range(round(bench.take(5, 1))):
            wait, kept = await suffer(bench, name)
            waits.append(wait)
            held = held and kept
        figures.append(Figure(f"{name}: all safe after, at most", percentile(waits, 100), "s", within_s))
        if of_server:
            figures.append(Figure(f"{name}: outputs that hold, held", int(held), "", 1, at_least=True))
    return figures + await reactorcampaign.limits(bench)


async def suffer(bench: Bench, name: str) -> tuple[float, bool]:
    """Do one of the faults to a scene; return after how long all was as declared, and whether the others held."""
    fault, within_s, of_server = FAULTS[name]
    async with AsyncExitStack() as cleanup:
        scene = await _scene(bench, cleanup)
        try:
            await asyncio.sleep(bench.chance.uniform(0, 1.0))
            began = time.monotonic()
            await fault(scene)
            await asyncio.sleep(max(0.0, began + within_s + 2 * _TICK_S - time.monotonic()))
            states = await scene.states()
        finally:
            await _continue(scene)
    due = {name: off for name, off in states.items() if not (of_server and name in HOLD)}
    last = max((float("inf") if off is None else off - began) for off in due.values())
    return last, all(states[name] is None for name in HOLD)


async def _scene(bench: Bench, cleanup: AsyncExitStack) -> Scene:
    """Start everything, switch four outputs on, and see them on."""
    sim = await cleanup.enter_async_context(SimReactors(bench))
    service = await cleanup.enter_async_context(ReactorService(bench, interval_s=1.0))
    network = await cleanup.enter_async_context(Network((service.port, service.manager_port)))
    agent = Agent(bench, _configured(sim.config(), service))
    clock = agent.folder / "jump"
    clock.write_text("0")
    paths = [str(Path(__file__).parent / "jump"), os.environ.get("PYTHONPATH", "")]
    agent.environment = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "VIGILIA_BENCH_JUMP": str(clock)}
    await cleanup.enter_async_context(agent)
    scene = Scene(sim, service, agent, network, clock)
    await service.until("R1:acid:Total-Mon", _is_good, _READY_S)
    await service.until("R1:base:Total-Mon", _is_good, _READY_S)
    for name in _CHANNELS:
        await _put(service, f"R1:{name}:Duty-SP", 40.0)
        await _put(service, f"R1:{name}:Power-Sel", 1)
    asking = [asyncio.create_task(service.put(f"R1:{name}:{command}-Cmd", "30,10")) for name, command in _PUMPS.items()]
    cleanup.push_async_callback(_give_up, asking)  # answered when they have ended, or after a while
    give_up = time.monotonic() + _READY_S
    while any(off is not None for off in (await scene.states()).values()):
        if time.monotonic() > give_up:
            raise BenchError(f"not all outputs are on: {await scene.states()}")
        await asyncio.sleep(0.1)
    return scene


def _configured(config: Config, service: ReactorService) -> Config:
    config["agent"] |= {"coordinator": f"{HOST}:{service.port}", "failsafe_after_s": FAILSAFE_S, "language": "en"}
    for name in HOLD:
        named(config, "actuators", name)["on_lost_server"] = "hold"
    for name in _PUMPS:
        named(config, "actuators", name)["max_dose_ml_hour"] = 40
    return config


async def _continue(scene: Scene) -> None:
    """Have what was stopped go on, so that it can be ended."""
    worker = None if scene.agent.ended else scene.agent.worker()
    if worker is not None:
        worker.resume()
    scene.network.mend()


async def _give_up(asking: list[asyncio.Task[Any]]) -> None:
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def _put(service: ReactorService, point: str, value: object) -> None:
    status, said = await service.put(point, value)
    if status not in (200, 202):
        raise BenchError(f"{point} = {value} was answered {status}: {said}")


def _is_good(point: dict[str, Any]) -> bool:
    return point["severity"] == "NO_ALARM" and point["value"] is not None


def _off_since(channel: dict[str, Any]) -> float | None:
    if channel["duty"]:
        return None
    return channel["history"][-1]["monotonic"] if channel["history"] else float("-inf")


def _stands_since(pump: dict[str, Any]) -> float | None:
    ends = [run["ended_monotonic"] for run in pump["runs"]]
    return None if None in ends else max(ends, default=float("-inf"))
