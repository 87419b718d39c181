"""Many switches together, and their life."""

from collections.abc import Awaitable, Callable

import pytest

from vigilia.sim.aruba import Fleet, SimSwitch, fleet

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


async def test_starts_and_stops_all() -> None:
    switches = [SimSwitch(f"sw-{number}") for number in range(5)]
    async with Fleet(switches):
        assert len({switch.url for switch in switches}) == 5
        assert all(switch.listening for switch in switches)
    assert not any(switch.listening for switch in switches)


async def test_all_or_none_start() -> None:
    async with SimSwitch() as taken:
        switches = [SimSwitch("a"), SimSwitch("b", port=int(taken.url.rsplit(":", 1)[1]))]
        with pytest.raises(OSError, match="in use"):
            await Fleet(switches).start()
        assert not switches[0].listening


async def test_life_disturbs_ports_and_lets_them_recover(
    monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(fleet, "BEAT_S", 0.002)
    monkeypatch.setattr(fleet, "DISTURBED_S", (0.02, 0.05))
    switches = [SimSwitch("a", ports=2), SimSwitch("b", ports=2)]
    ports = [port for switch in switches for port in switch.model.ports.values()]
    async with Fleet(switches, life=True):
        await eventually(lambda: any(port.state is not None for port in ports))
        await eventually(lambda: any(not port.attached for port in ports))
        await eventually(lambda: all(port.state is None and port.attached for port in ports))
    assert all(port.enabled for port in ports)


async def test_switches_reboot_in_turn(monkeypatch: pytest.MonkeyPatch, eventually: Eventually) -> None:
    monkeypatch.setattr(fleet, "REBOOT_DOWN_S", 0.01)
    monkeypatch.setattr(fleet, "REBOOT_BOOT_S", 0.01)
    switches = [SimSwitch("a"), SimSwitch("b")]
    async with Fleet(switches, reboot_every_s=0.2):
        seen: list[tuple[int, int]] = []

        def three_reboots() -> bool:
            now = (switches[0].reboots, switches[1].reboots)
            if now not in seen:
                seen.append(now)
            return sum(now) >= 3

        await eventually(three_reboots)
    assert seen == [(0, 0), (1, 0), (1, 1), (2, 1)]
