"""Asks the service that runs with a configuration, over its own listener, as `vigilia status` and others do."""

import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from vigilia.addresses import join_address
from vigilia.errors import StartError
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.auth.config import LOCAL_FILE
from vigilia.language import tr

_DEADLINE_S = 10.0
_LARGEST_ANSWER_BYTES = 10_000_000
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names them, binds nothing

_Model = TypeVar("_Model", bound=BaseModel)
NO_ANSWER = (OSError, HTTPException, ValueError)
"""What a question that gets no answer, or none that can be used, raises."""


class RequestRefused(ValueError):
    """The service answered, and did not do what was asked; the text is its own."""


class LocalService:
    """The service that listens at an address of this machine."""

    def __init__(self, web: WebConfig, token: str = "") -> None:
        """`token`: an API token, or `local_token`; needed where people sign in."""
        self.address = address_of(web)
        self._opener = _opener(web)
        if token:
            self._opener.addheaders.append(("Authorization", f"Bearer {token}"))

    def get(self, path: str, model: type[_Model], accept: int = 200) -> _Model:
        """Return an answer of status 200 or `accept`. Raises one of NO_ANSWER."""
        return self._ask(urllib.request.Request(self.address + path), model, accept)  # noqa: S310 - our own http address

    def post(self, path: str, model: type[_Model], accept: int = 200) -> _Model:
        """Have something done that needs no words; return the answer, of status 200 or `accept`."""
        asked = urllib.request.Request(self.address + path, method="POST", data=b"")  # noqa: S310 - our own http address
        return self._ask(asked, model, accept)

    def _ask(self, asked: urllib.request.Request, model: type[_Model], accept: int) -> _Model:
        try:
            with self._opener.open(asked, timeout=_DEADLINE_S) as answer:
                content = answer.read(_LARGEST_ANSWER_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != accept:
                    raise RequestRefused(_refusal(error)) from error
                content = error.read(_LARGEST_ANSWER_BYTES)
        return model.model_validate_json(content)


def address_of(web: WebConfig) -> str:
    """Return the address under which this machine reaches the listener."""
    address = join_address(_WILDCARDS.get(web.host, web.host), web.port)
    return f"{'https' if web.tls_cert else 'http'}://{address}"


def why_not_to_be_asked(web: WebConfig) -> str:
    """Return why the service with that listener cannot be asked; empty: it can."""
    if not web.enabled:
        return tr("[web] enabled is false: there is nobody to ask")
    if web.port == 0:
        return tr("[web] listen has port 0: only the ready line of the service tells its address")
    return ""


def local_service(web: WebConfig, data_dir: str = "") -> LocalService:
    """Return the service to be asked. `data_dir`: see `local_token`.

    Raises StartError where it cannot be asked, or its certificate not be read.
    """
    if why := why_not_to_be_asked(web):
        raise StartError(why)
    try:
        return LocalService(web, local_token(data_dir))
    except OSError as error:
        raise StartError(no_answer(web.listen, error)) from error


def no_answer(address: str, error: Exception) -> str:
    """Return in a sentence that there was no answer, and why."""
    return tr("no answer from {address}: {reason}").format(address=address, reason=_words(error))


def local_token(data_dir: str) -> str:
    """Return what lets commands of the service's own user in; empty: it is not there, or not for us to read.

    `data_dir`: the service's, where it keeps it while it runs and people sign in.
    """
    try:
        return (Path(data_dir) / LOCAL_FILE).read_text()[:200].strip() if data_dir else ""
    except (OSError, ValueError):
        return ""


class _Failure(BaseModel):
    """What an error answer says."""

    detail: str


def _refusal(error: urllib.error.HTTPError) -> str:
    """Return what an error answer says, or its status."""
    try:
        return _Failure.model_validate_json(error.read(_LARGEST_ANSWER_BYTES)).detail
    except ValidationError:
        return f"status {error.code}"


def _opener(web: WebConfig) -> urllib.request.OpenerDirector:
    """Return what asks the listener: through no proxy, and with trust in the certificate it has, whatever its name."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if web.tls_cert:
        tls = ssl.create_default_context(cafile=web.tls_cert)
        tls.check_hostname = False
        tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        handlers.append(urllib.request.HTTPSHandler(context=tls))
    return urllib.request.build_opener(*handlers)


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return tr("another program answers there")
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason) or type(reason).__name__
