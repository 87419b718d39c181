"""`vigilia status`: asks the service that runs with a configuration how it fares, over its own listener."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from vigilia.errors import printable
from vigilia.interfaces.api.config import WebConfig
from vigilia.language import tr

_DEADLINE_S = 10.0
_LARGEST_ANSWER_BYTES = 10_000_000
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names them, binds nothing


class _Health(BaseModel):
    """What is used of `/healthz`."""

    status: str
    missing: list[str] = []


class _Links(BaseModel):
    """What is used of `/api/v1/links`."""

    items: list[dict[str, Any]]


_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said of itself."""

    running: bool
    healthy: bool
    missing: list[str] = field(default_factory=list[str])
    """A sentence for each piece of evidence that is missing, or why there was no answer."""
    links: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """As of `/api/v1/links`."""


def ask(web: WebConfig) -> Answer:
    """Ask the service that listens at `web`; no answer is an answer too."""
    if not web.enabled:
        return Answer(running=False, healthy=False, missing=[tr("[web] enabled is false: there is nobody to ask")])
    if web.port == 0:
        reason = tr("[web] listen has port 0: only the ready line of the service tells its address")
        return Answer(running=False, healthy=False, missing=[reason])
    try:
        opener = _opener(web)
        health = _get(opener, f"{_address(web)}/healthz", _Health, accept=503)
        links = _get(opener, f"{_address(web)}/api/v1/links", _Links)
    except (OSError, HTTPException, ValueError) as error:
        reason = tr("no answer from {address}: {reason}").format(address=_address(web), reason=_words(error))
        return Answer(running=False, healthy=False, missing=[reason])
    healthy = health.status == "ok" and not health.missing
    return Answer(running=True, healthy=healthy, missing=health.missing, links=links.items)


def show(answer: Answer, *, as_json: bool) -> str:
    """Return an answer for a person, or as one JSON object."""
    if as_json:
        return json.dumps(asdict(answer), ensure_ascii=False)
    if answer.healthy:
        lines = [tr("healthy")]
    else:
        lines = [tr("not healthy") if answer.running else tr("not running, or not to be asked")]
        lines += [f"  {reason}" for reason in answer.missing]
    for link in answer.links:
        error = "" if link.get("contact") == "connected" else link.get("error")
        since = tr("since {time}").format(time=link.get("since"))
        lines.append(f"{link.get('name')}: {link.get('contact')}, {since}" + (f": {error}" if error else ""))
    return "\n".join(printable(line) for line in lines)


def _address(web: WebConfig) -> str:
    host = _WILDCARDS.get(web.host, web.host)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if web.tls_cert else 'http'}://{shown}:{web.port}"


def _opener(web: WebConfig) -> urllib.request.OpenerDirector:
    """Return what asks the listener: through no proxy, and with trust in the certificate it has, whatever its name."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if web.tls_cert:
        tls = ssl.create_default_context(cafile=web.tls_cert)
        tls.check_hostname = False
        tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        handlers.append(urllib.request.HTTPSHandler(context=tls))
    return urllib.request.build_opener(*handlers)


def _get(opener: urllib.request.OpenerDirector, url: str, model: type[_Model], accept: int = 200) -> _Model:
    """Return an answer of status 200 or `accept`. Raises OSError, HTTPException or ValueError."""
    try:
        with opener.open(url, timeout=_DEADLINE_S) as answer:
            content = answer.read(_LARGEST_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            if error.code != accept:
                raise ValueError(f"status {error.code}") from error
            content = error.read(_LARGEST_ANSWER_BYTES)
    return model.model_validate_json(content)


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return tr("another program answers there")
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason) or type(reason).__name__
