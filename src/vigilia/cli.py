"""The command `vigilia`: reads its arguments, loads the configuration, and runs one of the program's parts.

Parts are imported when they are used, so that a missing extra is a sentence and a small command starts fast.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vigilia import __version__
from vigilia.errors import AlreadyRunning, ConfigError, VigiliaError
from vigilia.redaction import redact

if TYPE_CHECKING:
    from vigilia.clock import Clock
    from vigilia.config import Config
    from vigilia.csstudio import Said

EXIT_UNUSABLE = 2
"""The configuration, or something the start needs, is not usable."""
EXIT_RUNNING = 3
"""Another instance holds the data directory."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        # PYTHONUNBUFFERED, usual in containers, writes the end of a line by itself: the log's lines would come between.
        reconfigure(line_buffering=True, write_through=False)
    sys.exit(_run(sys.argv[1:] if arguments is None else list(arguments)))


def _run(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["agent"] and not {"-h", "--help"} & set(arguments[1:2]):
            return _agent(arguments[1:])
        parsed = _parser(arguments[:2]).parse_args(arguments)
        return parsed.handler(parsed)
    except AlreadyRunning as error:
        print(f"vigilia: {error}", file=sys.stderr)
        return EXIT_RUNNING
    except ConfigError as error:
        for problem in error.problems:
            print(redact(str(problem)), file=sys.stderr)
        return EXIT_UNUSABLE
    except VigiliaError as error:
        print(redact(f"vigilia: {error}"), file=sys.stderr)
        return EXIT_UNUSABLE
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "vigilia":
            raise
        extra = "agent" if arguments[0] == "agent" else "server"
        print(
            f'vigilia: the Python package {error.name} is missing: run pip install "vigilia[{extra}]"',
            file=sys.stderr,
        )
        return EXIT_UNUSABLE


def _parser(begin: list[str]) -> argparse.ArgumentParser:
    """Return the parser; the simulators' own options are loaded only where they are asked for."""
    parser = argparse.ArgumentParser(prog="vigilia", description="Stands watch over field equipment, day and night.")
    parser.add_argument("--version", action="version", version=f"vigilia {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the service")
    run.set_defaults(handler=_serve)
    check = commands.add_parser("check", help="check the configuration and print what is in force")
    check.set_defaults(handler=_check)
    check.add_argument("--online", action="store_true", help="also try every login, and send a test card")
    status = commands.add_parser("status", help="ask the running service whether it is healthy")
    status.set_defaults(handler=_status)
    status.add_argument("--json", action="store_true", help="print one JSON object")
    report = commands.add_parser("report", help="write the report of a week, whether the service runs or not")
    report.set_defaults(handler=_report)
    report.add_argument("--week", required=True, metavar="YYYY-MM-DD", help="any day of the week")
    top = commands.add_parser("top", help="show alarms and points in the terminal, also while the service is down")
    top.set_defaults(handler=_top)
    for command in (run, check, status, report, top):
        command.add_argument("config", nargs="?", help="TOML file; default $VIGILIA_CONFIG, then ./vigilia.toml")

    demo = commands.add_parser("demo", help="run the service with simulated equipment, on loopback")
    demo.set_defaults(handler=_demo)
    demo.add_argument("--seconds", type=float, default=None, help="end by itself after so many seconds")

    _add_state(commands.add_parser("state", help="take over from the plant monitor before, or give back to it"))

    _add_reactor(commands.add_parser("reactor", help="list reactors, and let them in: the service must be running"))

    users = commands.add_parser("users", help="who may sign in, and tokens for programs")
    if begin[:1] == ["users"]:
        from vigilia import users as accounts

        accounts.add_arguments(users)
        users.set_defaults(handler=_users)
    screens = commands.add_parser("screens", help="write displays and an alarm tree for CS-Studio (Phoebus)")
    screens.set_defaults(handler=_screens)
    screens.add_argument("folder", type=Path, metavar="DIR", help="where they go; files of others there are left alone")
    archiver = commands.add_parser(
        "archiver", help="print what the EPICS Archiver Appliance is to archive, or have it do so"
    )
    archiver.set_defaults(handler=_archiver)
    archiver.add_argument(
        "--submit", metavar="URL", help="the appliance, such as http://HOST:17665: have it archive all"
    )
    archiver.add_argument("--policy", default="", metavar="NAME", help="one of the appliance's; default: it chooses")
    for command in (screens, archiver):
        command.add_argument("config", nargs="?", help="TOML file; default $VIGILIA_CONFIG, then ./vigilia.toml")

    _add_history(commands.add_parser("history", help="carry readings out into a file, or in from one"))

    agent = commands.add_parser("agent", help="run the agent of a reactor, or: agent scan, calibrate, safe")
    agent.usage = "vigilia agent [scan | calibrate SENSOR | safe] [CONFIG]"
    agent.description = "Default of CONFIG: $VIGILIA_CONFIG, then ./vigilia-agent.toml"

    _add_sim(commands.add_parser("sim", help="run simulated equipment"), begin)
    return parser


def _add_sim(parser: argparse.ArgumentParser, begin: list[str]) -> None:
    kinds = parser.add_subparsers(required=True, metavar="EQUIPMENT")
    aruba = kinds.add_parser("aruba", help="ArubaOS switches with PoE ports")
    if begin[:2] == ["sim", "aruba"]:
        from vigilia.sim.aruba import command as simulated

        simulated.add_arguments(aruba)
        aruba.set_defaults(handler=simulated.run)
    pvoperation = kinds.add_parser("pvoperation", help="the PVOperation API with its plants, and a Teams webhook")
    if begin[:2] == ["sim", "pvoperation"]:
        from vigilia.sim.pvoperation import command as plants

        plants.add_arguments(pvoperation)
        pvoperation.set_defaults(handler=plants.run)
    reactor = kinds.add_parser("reactor", help="reactors with probes, pumps and outputs")
    if begin[:2] == ["sim", "reactor"]:
        from vigilia.sim.reactor import command as reactors

        reactors.add_arguments(reactor)
        reactor.set_defaults(handler=reactors.run)


def _add_state(parser: argparse.ArgumentParser) -> None:
    directions = parser.add_subparsers(required=True, metavar="DIRECTION")
    taken = directions.add_parser("import", help="take over from its monitor_state.json")
    taken.set_defaults(handler=_state, direction="import")
    given = directions.add_parser("export", help="write such a file")
    given.set_defaults(handler=_state, direction="export")
    for command in (taken, given):
        command.add_argument("file", help="the file; to export, - is the standard output")
        command.add_argument("config", nargs="?", help="TOML file; default $VIGILIA_CONFIG, then ./vigilia.toml")


def _add_reactor(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="print the reactors and how they stand")
    listed.set_defaults(handler=_reactor, action="list", reactor="")
    listed.add_argument("--json", action="store_true", help="print one JSON object")
    accepted = actions.add_parser("accept", help="accept a reactor that has called")
    accepted.set_defaults(handler=_reactor, action="accept")
    enrolled = actions.add_parser("enrol", help="accept a reactor and print a new token for its agent, once")
    enrolled.set_defaults(handler=_reactor, action="enrol")
    for command in (accepted, enrolled):
        command.add_argument("reactor", metavar="ID")
    for command in (listed, accepted, enrolled):
        command.add_argument("config", nargs="?", help="TOML file; default $VIGILIA_CONFIG, then ./vigilia.toml")


def _add_history(parser: argparse.ArgumentParser) -> None:
    directions = parser.add_subparsers(required=True, metavar="DIRECTION")
    out = directions.add_parser("export", help="write what points said over a time")
    out.set_defaults(handler=_history_export)
    out.add_argument("points", nargs="+", metavar="POINT", help="a name, or a pattern such as 'T1:*'")
    out.add_argument("--from", dest="start", default="", metavar="TIME", help="with its zone; default: all there is")
    out.add_argument("--to", dest="end", default="", metavar="TIME", help="with its zone; default: now")
    out.add_argument("--format", choices=("csv", "parquet"), default="csv")
    out.add_argument("--out", type=Path, metavar="FILE", help="default: the standard output")
    out.add_argument("--config", metavar="CONFIG", help="TOML file; default $VIGILIA_CONFIG, then ./vigilia.toml")
    into = directions.add_parser("import", help="take readings from a CSV file, as export writes it")
    into.set_defaults(handler=_history_import)
    into.add_argument("file", type=Path, metavar="FILE.csv")
    into.add_argument("config", nargs="?", help="TOML file; default $VIGILIA_CONFIG, then ./vigilia.toml")


def _history_export(parsed: argparse.Namespace) -> int:
    from vigilia.history.command import run_export, wanted
    from vigilia.history.open import look

    config, clock = _prepared(parsed.config)
    asked = wanted(parsed.points, parsed.start, parsed.end, clock.now())
    return run_export(lambda: look(config.history.url.get_secret_value()), asked, parsed.format, parsed.out)


def _history_import(parsed: argparse.Namespace) -> int:
    from vigilia.history.command import run_import
    from vigilia.history.open import open_backend

    config, clock = _prepared(parsed.config)
    history = config.history
    return run_import(lambda: open_backend(history.url.get_secret_value(), history.keeping), parsed.file, clock.now())


def _prepared(named: str | None) -> "tuple[Config, Clock]":
    """Return the configuration and its clock, and speak its language from now on; its secrets are not shown."""
    from vigilia.clock import parse_clock
    from vigilia.config import find_config, load_config
    from vigilia.language import use
    from vigilia.logs import hide

    config = load_config(find_config(named, os.environ))
    hide(config.secrets(), lasting=True)
    use(config.site.language)
    return config, parse_clock(os.environ.get("VIGILIA_CLOCK", ""), config.zone)


def _state(parsed: argparse.Namespace) -> int:
    import asyncio

    from vigilia import takeover
    from vigilia.clock import parse_clock
    from vigilia.config import find_config, load_config
    from vigilia.language import use

    config = load_config(find_config(parsed.config, os.environ))
    use(config.site.language)
    clock = parse_clock(os.environ.get("VIGILIA_CLOCK", ""), config.zone)
    work = takeover.take_over if parsed.direction == "import" else takeover.give_back
    said = asyncio.run(work(config, clock, parsed.file))
    if said:
        print(said)
    return 0


def _agent(arguments: list[str]) -> int:
    """Run the agent of a reactor, or one of its commands."""
    if arguments[:1] and arguments[0] in ("scan", "calibrate", "safe"):
        from vigilia.agent.commands import run_command

        return run_command(arguments[0], arguments[1:])
    if len(arguments) > 1 or (arguments[:1] and arguments[0].startswith("-")):
        print("usage: vigilia agent [scan|calibrate SENSOR|safe] [CONFIG]", file=sys.stderr)
        return EXIT_UNUSABLE
    # The guardian takes this process's place, and has next to nothing imported: it stays as long as the agent runs.
    return os.execv(sys.executable, [sys.executable, "-m", "vigilia.agent.guardian", *arguments])  # noqa: S606


def _leave(_number: int, _frame: object) -> None:
    """End the program in good order, by a signal."""
    sys.exit(0)


def _serve(parsed: argparse.Namespace) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):  # until the service sees to them: nothing has begun to be stopped
        signal.signal(number, _leave)
    from vigilia import app
    from vigilia.clock import parse_clock
    from vigilia.config import find_config, load_config
    from vigilia.language import use
    from vigilia.logs import hide, set_up_logs

    config = load_config(find_config(parsed.config, os.environ))
    hide(config.secrets(), lasting=True)
    use(config.site.language)
    clock = parse_clock(os.environ.get("VIGILIA_CLOCK", ""), config.zone)
    with set_up_logs(Path(config.site.log_dir)):
        app.run(config, clock)
    return 0


def _check(parsed: argparse.Namespace) -> int:
    from vigilia import app
    from vigilia.config import find_config, load_config
    from vigilia.logs import hide

    config = load_config(find_config(parsed.config, os.environ))
    hide(config.secrets(), lasting=True)
    app.check(config)
    print(f"# {config.source}: in order; in force is")
    print(config.show(), end="")
    return _check_online(config) if parsed.online else 0


def _check_online(config: "Config") -> int:
    import asyncio

    from vigilia import app
    from vigilia.language import tr, use

    use(config.site.language)
    answers = asyncio.run(app.check_online(config))
    for name, wrong in answers.items():
        print(redact(f"# {name}: {wrong or tr('works')}"))
    return EXIT_UNUSABLE if any(answers.values()) else 0


def _status(parsed: argparse.Namespace) -> int:
    from vigilia.config import find_config, load_listener
    from vigilia.language import use
    from vigilia.local import local_token
    from vigilia.status import ask, show

    site, web = load_listener(find_config(parsed.config, os.environ), os.environ)
    use(site.language)
    token = os.environ.get("VIGILIA_TOKEN", "") or local_token(site.data_dir)
    answer = ask(web, site.instance, token)
    print(show(answer, as_json=parsed.json))
    return 0 if answer.healthy else 1


def _top(parsed: argparse.Namespace) -> int:
    from vigilia.tui.command import run_top

    return run_top(parsed.config, os.environ)


def _reactor(parsed: argparse.Namespace) -> int:
    from vigilia import reactors
    from vigilia.config import find_config, load_listener
    from vigilia.language import use

    site, web = load_listener(find_config(parsed.config, os.environ), os.environ)
    use(site.language)
    match parsed.action:
        case "list":
            print(reactors.list_reactors(web, site.data_dir, as_json=parsed.json))
        case "accept":
            print(reactors.accept(web, parsed.reactor, site.data_dir))
        case _:
            print(reactors.enrol(web, parsed.reactor, site.data_dir))
    return 0


def _users(parsed: argparse.Namespace) -> int:
    from vigilia import users

    for line in users.run(parsed, *_prepared(parsed.config)):
        print(line)
    return 0


def _report(parsed: argparse.Namespace) -> int:
    import asyncio

    from vigilia.clock import parse_clock
    from vigilia.config import find_config, load_config
    from vigilia.language import use
    from vigilia.reports.command import week_named, write_report

    config = load_config(find_config(parsed.config, os.environ))
    use(config.site.language)
    clock = parse_clock(os.environ.get("VIGILIA_CLOCK", ""), config.zone)
    week = week_named(parsed.week, config.zone, clock.now())
    path, lines = asyncio.run(
        write_report(config.store.url.get_secret_value(), week, config.zone, config.data_dir, clock.now())
    )
    print(path)
    for line in lines:
        print(line)
    return 0


def _screens(parsed: argparse.Namespace) -> int:
    from vigilia.csstudio import write_screens

    return _tell(write_screens(_prepared(parsed.config)[0], parsed.folder))


def _archiver(parsed: argparse.Namespace) -> int:
    from vigilia.csstudio import list_archived, submit_archived

    config, _ = _prepared(parsed.config)
    if parsed.submit is None:
        return _tell(list_archived(config, parsed.policy))
    return _tell(submit_archived(config, parsed.submit, parsed.policy))


def _tell(said: "Said") -> int:
    """Print what a command says, and return its exit code."""
    for complaint in said.complaints:
        print(complaint, file=sys.stderr)
    for line in said.lines:
        print(line)
    return said.code


def _demo(parsed: argparse.Namespace) -> int:
    from vigilia.demo.command import run_demo

    return run_demo(parsed.seconds)
