"""What the demonstration shows of the equipment's life: points that change, and cards as they reach Teams."""

import asyncio
import json
import re
from asyncio.subprocess import Process
from collections import deque
from datetime import datetime
from typing import Any

import aiohttp

from vigilia.demo.plants import ZONE
from vigilia.demo.processes import LAST_LINES
from vigilia.errors import VigiliaError, printable
from vigilia.language import tr

_LAST_WORDS_S = 2.0
_SHOWN = re.compile(r".*:(PwrState-Raw|PwrState-Sel|Connected-Sts|Inverter-[^:]+:State-Sts|Dosed-Mon|Safe-Sts)")
_CARD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d):\d\d (.+)")
"""How the simulated webhook tells of a card: its time and title; its lines follow, with blanks before them."""


class _Moment:
    """The time by the demo's clock, as far as anything told of it: the webhook's may lag a little."""

    def __init__(self) -> None:
        self._latest = ""

    def advance(self, moment: str) -> str:
        """Take note of "YYYY-MM-DD HH:MM"; return the time of day of the latest."""
        self._latest = max(self._latest, moment)
        return self._latest[-5:]


async def show_life(
    url: str,
    service: Process,
    webhook: Process,
    reactors: "asyncio.Task[None]",
    stop: asyncio.Event,
    seconds: float | None,
) -> None:
    """Print what happens until told to stop or the time is over. Raises VigiliaError where a part of it fails.

    `reactors` is what happens to them, and ends with this.
    """
    moment = _Moment()
    said: deque[str] = deque(maxlen=LAST_LINES)
    events = asyncio.create_task(_follow(url, moment), name="events")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    log = asyncio.create_task(_read_log(service, said), name="log")
    cards = asyncio.create_task(_print_cards(webhook, moment), name="cards")
    tasks = (events, stopped, log, cards, reactors)
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not done or stopped in done:
            return
        await asyncio.wait([log], timeout=_LAST_WORDS_S)
        if log.done():
            log.result()
            sentence = tr("the service ended by itself; its last words:")
        elif reactors.done():
            reactors.result()
            return
        elif events.done():
            reason = printable(str(events.exception() or "") or "?")
            sentence = tr("the service's stream of events broke off ({reason}); its last words:").format(reason=reason)
        else:
            cards.result()
            raise VigiliaError(tr("the simulated plants ended by themselves"))
        raise VigiliaError("\n".join([sentence, *said]))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read_log(service: Process, said: deque[str]) -> None:
    """Keep the service's log flowing, its last lines in `said`, until the service ends; it is in its file as well."""
    while service.stdout and (raw := await service.stdout.readline()):
        said.append(raw.decode(errors="replace").rstrip())


async def _print_cards(webhook: Process, moment: _Moment) -> None:
    """Print each card that the simulated webhook tells of, until it ends."""
    title = ""
    while webhook.stdout and (raw := await webhook.stdout.readline()):
        line = raw.decode(errors="replace").rstrip()
        if card := _CARD.fullmatch(line):
            title = card[2]
            print(f"  {moment.advance(card[1])}  ┃ {title}", flush=True)
        elif line.strip() != title:  # which an Adaptive Card says in its fallback text once more
            print(f"         ┃   {line.strip()}", flush=True)


async def _follow(url: str, moment: _Moment) -> None:
    """Print each change of a port's state or choice, of contact, of an inverter's state, and what reactors dose.

    Returns where the service ends the stream. Raises VigiliaError where it cannot be had, or breaks.
    """
    try:
        await _print_changes(url, moment)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise VigiliaError(str(error) or type(error).__name__) from error


async def _print_changes(url: str, moment: _Moment) -> None:
    shown: dict[str, tuple[Any, Any]] = {}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as http,
        http.get(f"{url}/api/v1/events") as events,
    ):
        async for raw in events.content:
            line = raw.decode()
            if not line.startswith("data:"):
                continue
            point = json.loads(line.removeprefix("data:"))
            name = point["name"]
            if not _SHOWN.fullmatch(name):
                continue
            state = (_said(point), point["severity"])
            before = shown.get(name)
            shown[name] = state
            if before not in (None, state) and before[0] is not None and point["severity"] != "INVALID":
                print(_change_line(point, before, moment), flush=True)


def _said(point: dict[str, Any]) -> str | None:
    """Return what a point says, for people; None: it was never read."""
    if point["label"] is not None or point["value"] is None:
        return point["label"]
    return f"{point['value']:g} {point['units']}"


def _change_line(point: dict[str, Any], before: tuple[Any, Any] | None, moment: _Moment) -> str:
    """Return a change as a line."""
    time = datetime.fromisoformat(point["timestamp"]).astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
    is_now = _said(point)
    was = before[0] if before and before[0] != is_now else None
    change = f"{was} → {is_now}" if was else f"{is_now}"
    alarm = "" if point["severity"] == "NO_ALARM" else f"   [{point['severity']}/{point['status']}]"
    return f"  {moment.advance(time)}  {point['name']:<36} {change}{alarm}"
