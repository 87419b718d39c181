"""The command that runs simulated switches: its options, and what it prints."""

import argparse
import asyncio
import json
import re
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from vigilia.sim.arguments import amount, whole
from vigilia.sim.aruba.control import Control
from vigilia.sim.aruba.fleet import Fleet
from vigilia.sim.aruba.rest import HIGHEST_VERSION
from vigilia.sim.aruba.server import SimSwitch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--switches", type=whole(1, 1000), default=3, metavar="N", help="how many switches (default 3)")
    add("--ports", type=whole(1, 1000), default=24, metavar="N", help="PoE ports of each (default 24)")
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    add("--port", type=whole(0, 65535), default=0, help="port of the first switch; 0: free ones (default)")
    add("--latency-ms", type=amount, default=20.0, metavar="MS", help="time in service of a request (default 20)")
    add("--username", help="without it REST is anonymous")
    add("--password", help="goes with --username")
    add("--versions", type=_versions, default=_versions("1-7"), metavar="A-B", help="REST versions (default 1-7)")
    add("--no-collection", action="store_true", help="without the endpoint for all ports at once")
    add("--no-put", action="store_true", help="older firmware: written through CLI commands only")
    add("--minimal-fields", action="store_true", help="older firmware: reports only the status of a port")
    add("--login-refusal", choices=("401", "html"), default="401", help="answer to a request without a session")
    add("--session-idle-s", type=amount, default=120.0, metavar="S", help="life of an unused session (default 120)")
    add("--tls-cert", type=Path, metavar="FILE", help="HTTPS with this certificate (PEM)")
    add("--tls-key", type=Path, metavar="FILE", help="its key; not needed if in the same file")
    add("--control-port", type=whole(0, 65535), default=0, metavar="PORT", help="control service; 0: a free one")
    add("--life", action="store_true", help="ports change their state now and then")
    add("--reboot-every-s", type=amount, default=0.0, metavar="S", help="one switch reboots so often; 0: never")
    add("--config-out", type=Path, metavar="FILE", help="write the [aruba] configuration for these switches")


def run(args: argparse.Namespace) -> int:
    """Run the switches until SIGTERM or SIGINT. Returns 0, or 2 with a line on stderr for what cannot be done."""
    try:
        return asyncio.run(_run(args))
    except (OSError, ValueError) as error:
        print(f"vigilia sim aruba: {error}", file=sys.stderr, flush=True)
        return 2


async def _run(args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tls = _tls(args)
    switches = [_switch(args, number, tls) for number in range(1, args.switches + 1)]
    fleet = Fleet(switches, life=args.life, reboot_every_s=args.reboot_every_s)
    async with fleet, Control(switches, port=args.control_port) as control:
        if args.config_out is not None:
            args.config_out.write_text(config_text(args, switches), encoding="utf-8")
        for switch in switches:
            print(switch.name, switch.url)
        print("control", control.url)
        print("vigilia sim ready", flush=True)
        await stop.wait()
    return 0


def _switch(args: argparse.Namespace, number: int, tls: ssl.SSLContext | None) -> SimSwitch:
    return SimSwitch(
        f"sw-{number}",
        args.ports,
        host=args.host,
        port=args.port + number - 1 if args.port else 0,
        tls=tls,
        username=args.username,
        password=args.password,
        latency_s=args.latency_ms / 1000,
        fields="minimal" if args.minimal_fields else "full",
        versions=args.versions,
        collection=not args.no_collection,
        put=not args.no_put,
        login_refusal=args.login_refusal,
        session_idle_s=args.session_idle_s,
    )


def _tls(args: argparse.Namespace) -> ssl.SSLContext | None:
    if args.tls_cert is None:
        if args.tls_key is not None:
            raise ValueError("--tls-key is given without --tls-cert: give both")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(args.tls_cert, args.tls_key)
    except OSError as error:
        raise ValueError(f"--tls-cert {args.tls_cert}, --tls-key {args.tls_key}: {error}") from error
    return context


def config_text(args: argparse.Namespace, switches: Sequence[SimSwitch]) -> str:
    """The `[aruba]` section, in TOML, that makes the service watch these switches."""
    lines = ["[aruba]"]
    if args.tls_cert is not None:
        lines += ["verify = true", f"ca_file = {_toml(str(args.tls_cert.resolve()))}"]
    for number, switch in enumerate(switches, start=1):
        lines += ["", "[[aruba.switches]]", f"name = {_toml(switch.name)}", f"url = {_toml(switch.url)}"]
        if args.username is not None:
            lines += [f"username = {_toml(args.username)}", f"password = {_toml(args.password)}"]
        lines += [f"room = {_toml(f'Room {number}')}", "ports = ["]
        for position, port_id in enumerate(switch.model.ports, start=1):
            device = f"SIM-{number:02d}:Cam-{position:02d}"
            lines.append(f"  {{ port = {_toml(port_id)}, device = {_toml(device)} }},")
        lines.append("]")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _versions(text: str) -> frozenset[int]:
    parts = re.fullmatch(r"([1-8])(?:-([1-8]))?", text)
    found = range(int(parts[1]), int(parts[2] or parts[1]) + 1) if parts else range(0)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}: give one version or a range, like 1-7, up to {HIGHEST_VERSION}")
    return frozenset(found)
