"""`vigilia status`: asks the service that runs with a configuration how it fares, over its own listener.

What it prints as JSON is documented in docs/reference/status.md, and made of the models below.
"""

from collections import Counter

from pydantic import BaseModel, Field

from vigilia.errors import printable
from vigilia.interfaces.api.config import WebConfig
from vigilia.language import tr
from vigilia.local import NO_ANSWER, LocalService, RequestRefused, no_answer, why_not_to_be_asked
from vigilia.points import Severity

_QUIET = ("shelved", "suppressed", "out-of-service", "normal")
_STANDING = ("unacknowledged", "acknowledged")


class LinkStatus(BaseModel):
    """A link, as `/api/v1/links` has it."""

    name: str
    contact: str
    since: str
    error: str = ""


class LinkCount(BaseModel):
    """How many links a system has."""

    connected: int
    total: int


class SystemStatus(BaseModel):
    """One system, as `/api/v1/systems` has it."""

    name: str
    title: str = ""
    points: int
    worst: str
    alarms: int
    links: LinkCount


class AlarmCounts(BaseModel):
    """How many alarms there are that are not normal."""

    unacknowledged: int = 0
    """Those that are over and wait to be acknowledged are not among them: these are `returned`."""
    returned: int = 0
    quiet: int = 0
    """Shelved, suppressed or out of service."""
    by_severity: dict[str, int] = Field(
        default_factory=lambda: {severity.name: 0 for severity in Severity if severity is not Severity.NO_ALARM}
    )
    """Those whose condition holds and that nothing keeps quiet."""


class Answer(BaseModel):
    """What the service said of itself. What it did not say is null."""

    running: bool
    healthy: bool
    missing: list[str] = []
    """A sentence for each piece of evidence that is missing, or why there was no answer."""
    withheld: str = ""
    """Why it said no more than whether it is healthy; empty: it did."""
    address: str = ""
    """Where it was asked; empty where there is no address to ask."""
    version: str | None = None
    systems: list[SystemStatus] | None = None
    alarms: AlarmCounts | None = None
    links: list[LinkStatus] | None = None
    waiting_notices: int | None = None
    oldest_notice_s: float | None = None
    """How long the oldest notice that is not delivered has been waiting; 0 where none waits."""


class _Health(BaseModel):
    """What is used of `/healthz`."""

    status: str
    missing: list[str] = []


class _Links(BaseModel):
    items: list[LinkStatus]


class _Systems(BaseModel):
    items: list[SystemStatus]


class _Alarm(BaseModel):
    state: str
    severity: str


class _Alarms(BaseModel):
    items: list[_Alarm]
    next: str | None = None


class _Point(BaseModel):
    value: float | None = None


class _Document(BaseModel):
    """What is used of the API's description."""

    class Info(BaseModel):
        """What it says of the program."""

        version: str

    info: Info


def ask(web: WebConfig, instance: str = "vigilia", token: str = "") -> Answer:
    """Ask the service that listens at `web`, and whose own points begin with `instance`; no answer is one too.

    `token`: an API token, where sign-in is required.
    """
    if why := why_not_to_be_asked(web):
        return Answer(running=False, healthy=False, missing=[why])
    address = web.listen
    try:
        service = LocalService(web, token)
        address = service.address
        health = service.get("/healthz", _Health, accept=503)
        answer = Answer(
            running=True,
            healthy=health.status == "ok" and not health.missing,
            missing=health.missing,
            address=address,
        )
        _ask_more(service, instance, answer)
    except NO_ANSWER as error:
        return Answer(running=False, healthy=False, missing=[no_answer(address, error)], address=address)
    return answer


def _ask_more(service: LocalService, instance: str, answer: Answer) -> None:
    """Complete an answer with what a running service says besides. Raises one of NO_ANSWER.

    What it refuses to say, because the asker has no token, or it is of another version, stays unknown.
    """
    try:
        answer.links = service.get("/api/v1/links", _Links).items
        answer.alarms = _count(service)
        answer.waiting_notices = _whole(service.get(f"/api/v1/points/{instance}:NoticesWaiting-Mon", _Point))
        answer.oldest_notice_s = service.get(f"/api/v1/points/{instance}:OldestNotice-Mon", _Point).value
        answer.version = service.get("/api/openapi.json", _Document).info.version
        answer.systems = service.get("/api/v1/systems", _Systems).items
    except RequestRefused as error:
        if answer.links is None:
            answer.withheld = str(error)


def _whole(point: _Point) -> int | None:
    return None if point.value is None else int(point.value)


def _count(service: LocalService) -> AlarmCounts:
    counts = AlarmCounts()
    states: Counter[str] = Counter()
    path = "/api/v1/alarms?limit=2000"
    following: str | None = ""
    while following is not None:
        page = service.get(path + (f"&next={following}" if following else ""), _Alarms)
        for alarm in page.items:
            states[alarm.state] += 1
            if alarm.state in _STANDING:
                counts.by_severity[alarm.severity] = counts.by_severity.get(alarm.severity, 0) + 1
        following = page.next
    counts.unacknowledged, counts.returned = states["unacknowledged"], states["returned"]
    counts.quiet = sum(states[state] for state in _QUIET)
    return counts


def show(answer: Answer, *, as_json: bool) -> str:
    """Return an answer for a person, or as one JSON object."""
    if as_json:
        return answer.model_dump_json()
    lines = [_head(answer), *(f"  {reason}" for reason in answer.missing)]
    if answer.withheld:
        lines.append(tr("it does not tell more: {reason}").format(reason=answer.withheld))
    if answer.version is not None:
        lines.append(tr("version {version} at {address}").format(version=answer.version, address=answer.address))
    if answer.alarms is not None:
        lines.append(_alarms(answer.alarms))
    if answer.waiting_notices is not None:
        lines.append(_notices(answer.waiting_notices, answer.oldest_notice_s))
    for system in answer.systems or ():
        said = tr("{name}: {worst}, {alarms} alarms, {connected} of {total} links, {points} points")
        links = system.links
        lines.append(
            said.format(
                name=system.name,
                worst=system.worst,
                alarms=system.alarms,
                connected=links.connected,
                total=links.total,
                points=system.points,
            )
        )
    for link in answer.links or ():
        error = "" if link.contact == "connected" else link.error
        since = tr("since {time}").format(time=link.since)
        lines.append(f"{link.name}: {link.contact}, {since}" + (f": {error}" if error else ""))
    return "\n".join(printable(line) for line in lines)


def _head(answer: Answer) -> str:
    if answer.healthy:
        return tr("healthy")
    return tr("not healthy") if answer.running else tr("not running, or not to be asked")


def _alarms(alarms: AlarmCounts) -> str:
    standing = ", ".join(f"{count} {name}" for name, count in alarms.by_severity.items())
    said = tr("alarms: {standing}; {new} not acknowledged, {returned} returned, {quiet} quiet")
    return said.format(standing=standing, new=alarms.unacknowledged, returned=alarms.returned, quiet=alarms.quiet)


def _notices(count: int, oldest_s: float | None) -> str:
    if not count:
        return tr("notices: none waits")
    return tr("notices: {count} wait, the oldest for {seconds} s").format(count=count, seconds=f"{oldest_s or 0:.0f}")
