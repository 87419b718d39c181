"""What the demonstration tells its visitor: where things are, what to try, and what to look at."""

import sys
from pathlib import Path

from vigilia.demo import plants
from vigilia.demo.processes import EpicsPorts
from vigilia.demo.reactors import SHAKY, STEADY
from vigilia.language import tr

DEVICE = "SIM-01:Cam-03"
"""The camera that the commands are about."""


def things_to_try(url: str, switches: str, api: str, ports: EpicsPorts, logs: Path) -> str:
    """Return the commands: `switches` and `api` are the simulators' control services, `url` is the service's."""
    python = sys.executable
    exports = "\n".join(f"    export {name}={value}" for name, value in ports.client_environment.items())
    points = f"{url}/api/v1/points"
    point = f"{points}/{DEVICE}"
    json = "-H 'Content-Type: application/json' -d"
    plant, inverter = plants.FAILED
    tripping, relay = plants.RELAY
    alarm = f"inverter-failure@{plant}:Inverter-{inverter}:Pac-Mon"
    trip = f'{{"relay": "{relay}", "flags": ["r59A"], "minutes": 30}}'
    listen = url.removeprefix("http://")
    post = f"curl -s -X POST {json}"
    commands = (
        (tr("Look"), f"{url}/"),
        ("API", f"{url}/api/docs"),
        (tr("Terminal"), f"VIGILIA_WEB__LISTEN={listen} {python} -m vigilia top {logs.parent}/vigilia.toml"),
        (tr("Read"), f"curl -s {point}:PwrState-Raw"),
        (tr("Switch"), f'curl -s -X PUT {json} \'{{"value": "Off"}}\' {point}:PwrState-Sel/value'),
        (tr("Follow"), f"curl -sN '{url}/api/v1/events?device={DEVICE}'"),
        (tr("Break"), f"""{post} '{{"fault": "hang", "duration_s": 10}}' {switches}/switches/sw-1/faults"""),
        (tr("Alarms"), f"curl -s {url}/api/v1/alarms"),
        (tr("Acknowledge"), f"""{post} '{{"comment": "…"}}' {url}/api/v1/alarms/{alarm}/acknowledge"""),
        (tr("Trip"), f"{post} '{trip}' {api}/plants/{tripping}/trips"),
        (tr("Acidity"), f"curl -s {points}/{STEADY}:ph:pH-Mon"),
        (tr("Dose"), f"curl -s -X PUT {json} '{{\"value\": 5}}' {points}/{STEADY}:acid:Dose-SP/value"),
        (tr("Resume"), f"curl -s -X PUT {json} '{{\"value\": 1}}' {points}/{SHAKY}:heater:Resume-Cmd/value"),
        (tr("Logs"), f"tail -F {logs}/vigilia.log {logs}/rele/rele.log {logs}/inversor/inversor.log"),
    )
    width = max(len(title) for title, _ in commands) + 2
    listed = "\n".join(f"  {title:<{width}}{command}" for title, command in commands)
    return f"""
{listed}

  {tr("Over EPICS, in another terminal (caget and caput will do as well):")}
{exports}
    {python} -W ignore -m p4p.client.cli get {DEVICE}:PwrState-Raw {DEVICE}:Power-Mon
    {python} -W ignore -m p4p.client.cli get {plant}:Inverter-{inverter}:State-Sts {plant}:Inverter-{inverter}:Pac-Mon
    {python} -W ignore -m p4p.client.cli monitor {DEVICE}:PwrState-Raw
    {python} -W ignore -m p4p.client.cli get {STEADY}:ph:pH-Mon {STEADY}:ph-control:State-Sts
    {python} -c "from p4p.client.thread import Context; Context('pva').put('{DEVICE}:PwrState-Sel', 'On')"
"""


def what_happens() -> str:
    """Return what to look at in the first minutes."""
    clock = tr("What happens now (Ctrl-C ends it; the clock began at {time}, and a second is a minute of it):").format(
        time=plants.BEGINS
    )
    return "\n".join(
        (
            clock,
            "  " + tr("┃ marks a card as it reaches Teams; other lines are points that change."),
            "  " + tr("Inverters that failed are told at once, and one is soon well again."),
            "  " + tr("Before 12:00 a relay trips: its inverters are Suppressed, and not told. At 12:00, a heartbeat."),
            "  " + tr("Every real minute one of the switches reboots."),
            "  " + tr("Both reactors dose acid by themselves (acid:Dosed-Mon), so that their pH stays at 7."),
            "  "
            + tr("{name} loses its network now and then: it goes on, and its history is whole when it is back;").format(
                name=SHAKY
            ),
            "  " + tr("its heater falls to safe, and stays so until Resume."),
        )
    )
