"""`vigilia top [CONFIG]`: finds the databases and the service of a configuration, and shows them."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vigilia.clock import parse_clock
from vigilia.config import find_config, load_views
from vigilia.errors import StartError
from vigilia.language import tr, use
from vigilia.local import local_token
from vigilia.redaction import hide

if TYPE_CHECKING:
    from vigilia.config import Views
    from vigilia.tui.watch import Watch

_PLAIN_TERMINALS = ("linux", "vt100", "vt102", "vt220", "ansi")
"""Consoles whose fonts have blocks and lines, and no braille."""
TOKEN = "VIGILIA_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable that holds an API token."""


def run_top(named: str | None, environment: Mapping[str, str]) -> int:
    """Show the terminal view until somebody ends it; return the exit code. Raises ConfigError or StartError."""
    views = load_views(find_config(named, environment), environment)
    use(views.site.language)
    hide([*views.secrets(), environment.get(TOKEN, "")], lasting=True)
    terminal = environment.get("TERM", "")
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)) or terminal in ("", "dumb"):
        raise StartError(tr("vigilia top needs a terminal; for scripts there is vigilia status --json"))
    if terminal in _PLAIN_TERMINALS:
        os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"  # such a console would show the question for it
    from vigilia.tui.app import TopApp

    watch = watch_of(views, environment)
    app = TopApp(watch, views.site.name, views.zone, plain=terminal in _PLAIN_TERMINALS)

    async def show() -> None:
        async with watch.at_work():
            await app.run_async(mouse=False)

    asyncio.run(show())
    return app.return_code or 0


def watch_of(views: "Views", environment: Mapping[str, str]) -> "Watch":
    """Return what asks the service, the store and the history of a configuration. Raises StartError."""
    from vigilia.tui.past import Past
    from vigilia.tui.service import Service
    from vigilia.tui.stored import StoreReader
    from vigilia.tui.watch import Watch

    return Watch(
        Service(views.web, environment.get(TOKEN, ""), lambda: local_token(views.site.data_dir)),
        StoreReader(views.store.url.get_secret_value()),
        Past(views.history),
        parse_clock(environment.get("VIGILIA_CLOCK", ""), views.zone),
        views.site.instance,
        Path(views.site.data_dir),
    )
