"""The command that runs the simulated PVOperation API and Teams webhook: its options, and what it prints."""

import argparse
import asyncio
import json
import re
import shlex
import signal
import sys
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from vigilia.clock import Clock, parse_clock
from vigilia.errors import StartError, printable
from vigilia.sim.arguments import amount, whole
from vigilia.sim.pvoperation.api import Account, SimPvOperation
from vigilia.sim.pvoperation.clock import HeldClock
from vigilia.sim.pvoperation.control import Control
from vigilia.sim.pvoperation.generate import generate
from vigilia.sim.pvoperation.script import Script
from vigilia.sim.pvoperation.scriptfile import describe_script, read_script
from vigilia.sim.pvoperation.teams import TeamsSink

_DAWN = time(5, 50)
_ANYONE = Account()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--plants", type=whole(1, 5000), default=3, metavar="N", help="how many plants (default 3)")
    add("--inverters", type=whole(0, 200), default=4, metavar="N", help="inverters of each (default 4)")
    add("--relays", type=whole(0, 50), default=2, metavar="N", help="relays of each (default 2)")
    add("--seed", type=whole(0, 10**9), default=1, metavar="N", help="what happens on the day (default 1)")
    add("--quiet-day", action="store_true", help="nothing happens, but for what the control service is told")
    add("--script", type=Path, metavar="FILE", help="plants and their day from JSON or TOML, not from the seed")
    add("--script-out", type=Path, metavar="FILE", help="write the script in force, as JSON")
    add(
        "--zones", type=_zones, default=_zones("America/Sao_Paulo"), metavar="A,B", help="the plants', the site's first"
    )
    add(
        "--day",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the clock starts at 05:50 of that day; default: now, or the script's day",
    )
    add("--speed", type=_speed, default=1.0, metavar="N", help="how fast the clock runs (default 1)")
    add("--clock", metavar="TEXT", help="start and speed, written as for VIGILIA_CLOCK; instead of --day and --speed")
    add("--port", type=whole(0, 65535), default=0, help="port of the API; 0: a free one (default)")
    add("--teams-port", type=whole(0, 65535), default=0, metavar="PORT", help="port of the Teams sink; 0: a free one")
    add("--control-port", type=whole(0, 65535), default=0, metavar="PORT", help="control service; 0: a free one")
    add("--username", default=_ANYONE.username, help=f"who may log in (default {_ANYONE.username})")
    add("--password", default=_ANYONE.password, help=f"goes with --username (default {_ANYONE.password})")
    add("--latency-ms", type=amount, default=20.0, metavar="MS", help="before each answer (default 20)")
    add("--concurrency-limit", type=whole(1, 10_000), metavar="N", help="count requests in hand beyond so many")
    add("--token-life-s", type=amount, metavar="S", help="life of a token, by the clock (default: no end)")
    add("--varied", action="store_true", help="each plant spells its records in another way")
    add("--config-out", type=Path, metavar="FILE", help="write the configuration for these plants and this sink")


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Returns 0, or 2 with a line on stderr for what cannot be done."""
    try:
        return asyncio.run(_run(args))
    except (OSError, ValueError, StartError) as error:
        print(f"vigilia sim pvoperation: {error}", file=sys.stderr, flush=True)
        return 2


async def _run(args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    given = None if args.script is None else read_script(args.script)
    clock, clock_text = _clock(args, given)
    script = given or _generated(args, clock)
    if args.script_out is not None:
        text = json.dumps(describe_script(script), ensure_ascii=False, indent=1)
        args.script_out.write_text(text + "\n", encoding="utf-8")
    api = SimPvOperation(
        script,
        clock,
        port=args.port,
        account=Account(args.username, args.password),
        latency_s=args.latency_ms / 1000,
        token_life_s=args.token_life_s,
        is_varied=args.varied,
    )
    api.concurrency_limit = args.concurrency_limit
    # The address of the sink is the same at every start with the same seed and port, as a real webhook's would be.
    teams = TeamsSink(clock, port=args.teams_port, secret=str(args.seed))
    async with api, teams, Control(api, teams, port=args.control_port) as control:
        if args.config_out is not None:
            args.config_out.write_text(config_text(args, api, teams), encoding="utf-8")
        for name, value in _environment(args, api, teams, clock_text).items():
            print(f"{name}={shlex.quote(value)}")
        print("control", control.url)
        print("vigilia sim ready", flush=True)
        telling = asyncio.create_task(_tell(teams, args.zones[0]), name="cards")
        await stop.wait()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    return 0


async def _tell(teams: TeamsSink, zone: ZoneInfo) -> None:
    """Print each card as it comes."""
    number = 0
    while True:
        for card in await teams.after(number):
            number = card.number
            moment = datetime.fromtimestamp(card.time, zone)
            print(f"{moment:%Y-%m-%d %H:%M:%S} {printable(card.text.title or card.text.problem or '(no text)')}")
            for line in card.text.lines:
                print("   ", printable(line))
            if card.text.title and card.text.problem:
                print("    (", printable(card.text.problem), ")", sep="")
        sys.stdout.flush()


def _environment(args: argparse.Namespace, api: SimPvOperation, teams: TeamsSink, clock_text: str) -> dict[str, str]:
    """What a service needs in its environment to watch these plants."""
    wanted = {
        "PVOP_BASE_URL": api.url,
        "PVOP_EMAIL": args.username,
        "PVOP_PASSWORD": args.password,
        "TEAMS_WEBHOOK_URL": teams.url,
    }
    return wanted | ({"VIGILIA_CLOCK": clock_text} if clock_text else {})


def _clock(args: argparse.Namespace, script: Script | None) -> tuple[Clock, str]:
    """The clock that the options ask for, and how VIGILIA_CLOCK says it; the real one is not held, and says nothing."""
    text = args.clock
    if text is None:
        day = script.first_day if args.day is None and script is not None else args.day
        words = [] if day is None else [datetime.combine(day, _DAWN).isoformat()]
        text = " ".join([*words, *([f"x{args.speed:g}"] if args.speed != 1 else [])])
    elif args.day is not None or args.speed != 1:
        raise ValueError("--clock is given with --day or --speed: give one or the other")
    try:
        clock = parse_clock(text, args.zones[0])
    except StartError as error:
        raise StartError(str(error).replace("VIGILIA_CLOCK", "--clock")) from error
    start = re.search(r"\d{4}-\S+", text)
    return (HeldClock(clock.now(), clock.speed), text) if start else (clock, text)


def _generated(args: argparse.Namespace, clock: Clock) -> Script:
    today = datetime.fromtimestamp(clock.now(), args.zones[0]).date()
    return generate(
        args.plants,
        args.inverters,
        args.relays,
        seed=args.seed,
        first_day=today,
        zones=args.zones,
        events=not args.quiet_day,
    )


def config_text(args: argparse.Namespace, api: SimPvOperation, teams: TeamsSink) -> str:
    """The configuration, in TOML, of a service that watches these plants and tells this sink."""
    site = args.zones[0].key
    lines = ["[site]", f"timezone = {_toml(site)}", "", "[notify.teams]", f"webhook_url = {_toml(teams.url)}", ""]
    lines += ["[pvoperation]", f"base_url = {_toml(api.url)}"]
    lines += [f"email = {_toml(args.username)}", f"password = {_toml(args.password)}"]
    for plant in api.script.plants.values():
        if plant.zone.key != site:
            lines += ["", f'[pvoperation.plants."{plant.plant_id}"]', f"timezone = {_toml(plant.zone.key)}"]
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _zones(text: str) -> tuple[ZoneInfo, ...]:
    try:
        return tuple(ZoneInfo(name) for name in text.split(","))
    except (LookupError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r}: give time zones like America/Sao_Paulo,America/Cuiaba") from None


def _speed(text: str) -> float:
    value = amount(text)
    if not 0 < value <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number above 0, up to 100000")
    return value
