"""The command that runs simulated reactors: its options, and what it prints."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

from vigilia.clock import Clock, parse_clock
from vigilia.errors import StartError
from vigilia.sim.arguments import amount, whole
from vigilia.sim.reactor.control import Control
from vigilia.sim.reactor.fleet import Fleet
from vigilia.sim.reactor.reactor import Options, SimReactor
from vigilia.sim.reactor.sample import config_text

_SITE = ZoneInfo("America/Sao_Paulo")
"""The zone of a time without one: what a site has that does not say where it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--reactors", type=whole(1, 500), default=1, metavar="N", help="how many reactors, R1 to RN (default 1)")
    add("--host", default="127.0.0.1", help="address that the buses listen on (default 127.0.0.1)")
    add("--port", type=whole(0, 65535), default=0, help="port of the first bus; 0: free ones (default)")
    add("--control-port", type=whole(0, 65535), default=0, metavar="PORT", help="control service; 0: a free one")
    add("--folder", type=Path, metavar="DIR", help="where ptys, 1-wire and PWM trees appear (default: a new one)")
    add("--clock", default="", metavar="TEXT", help='start and speed of vessels and pumps: "x60", as VIGILIA_CLOCK')
    add("--pace", type=amount, default=1.0, metavar="N", help="how long circuits take, 1 as real ones (default)")
    add("--no-uart", action="store_true", help="without ptys, which hundreds of reactors would run out of")
    add("--fault-every-s", type=amount, default=0.0, metavar="S", help="a random fault so often; 0: none (default)")
    add("--seed", type=whole(0, 10**9), default=1, metavar="N", help="which random faults (default 1)")
    add("--write-config", type=Path, metavar="DIR", help="write DIR/R1/vigilia-agent.toml, one for each reactor")


def run(args: argparse.Namespace) -> int:
    """Run the reactors until SIGTERM or SIGINT. Returns 0, or 2 with a line on stderr for what cannot be done."""
    try:
        return asyncio.run(_run(args))
    except (OSError, ValueError, StartError) as error:
        print(f"vigilia sim reactor: {error}", file=sys.stderr, flush=True)
        return 2


async def _run(args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = _clock(args.clock)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="vigilia-sim-"))
    fleet = Fleet(
        [f"R{number}" for number in range(1, args.reactors + 1)],
        folder.absolute(),
        clock,
        Options(args.host, args.port, args.pace, not args.no_uart),
        fault_every_s=args.fault_every_s,
        seed=args.seed,
    )
    async with fleet, Control(fleet.reactors, port=args.control_port) as control:
        for reactor in fleet.reactors:
            if args.write_config is not None:
                _write_config(args.write_config, reactor)
            print(reactor.name, reactor.server.address, reactor.folder)
        print("control", control.url)
        print("vigilia sim ready", flush=True)
        await stop.wait()
    return 0


def _write_config(folder: Path, reactor: SimReactor) -> None:
    path = folder / reactor.name / "vigilia-agent.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config_text(reactor), encoding="utf-8")


def _clock(text: str) -> Clock:
    try:
        return parse_clock(text, _SITE)
    except StartError as error:
        raise StartError(str(error).replace("VIGILIA_CLOCK", "--clock")) from error
