"""How the API answers: JSON, and one shape for everything that goes wrong: `{"error": "…", "detail": "…"}`.

`error` is for programs: the kebab form of the error's class (`UnknownPoint` → `unknown-point`) or one of the words
below. `detail` is a sentence for people.
"""

import dataclasses
import json
import math
import re
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from vigilia.errors import (
    AccountRefused,
    AlarmRefused,
    Changed,
    InvalidValue,
    NoticeRefused,
    NotWritable,
    ReadOnly,
    Refused,
    SignInRefused,
    TooManyAttempts,
    UnknownAccount,
    UnknownAlarm,
    UnknownNotice,
    UnknownPart,
    UnknownPoint,
    UnknownReactor,
    VigiliaError,
    WriteError,
    WriteTimeout,
)
from vigilia.history.backend import HistoryError
from vigilia.interfaces.api.models import ErrorAnswer
from vigilia.language import tr
from vigilia.points import shorten
from vigilia.store.database import StoreError

_WRITE_ERRORS: dict[type[WriteError], HTTPStatus] = {
    UnknownPoint: HTTPStatus.NOT_FOUND,
    ReadOnly: HTTPStatus.METHOD_NOT_ALLOWED,
    NotWritable: HTTPStatus.CONFLICT,
    Changed: HTTPStatus.CONFLICT,
    InvalidValue: HTTPStatus.UNPROCESSABLE_ENTITY,
    Refused: HTTPStatus.BAD_GATEWAY,
    WriteTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    WriteError: HTTPStatus.CONFLICT,  # last: a kind that only its driver knows
}

_ACCOUNT_ERRORS: dict[type[VigiliaError], HTTPStatus] = {
    SignInRefused: HTTPStatus.UNAUTHORIZED,
    UnknownAccount: HTTPStatus.NOT_FOUND,
    AccountRefused: HTTPStatus.CONFLICT,
}

_WORDS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed"}
"""The `error` of what the framework refuses by itself."""


class Failed(Exception):
    """A request that ends in an error answer: its status, `error` and `detail`."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail


class JsonAnswer(Response):
    """An answer in JSON. Numbers that are not finite become null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return `content` as JSON."""
        return encode(content)


def encode(content: Any) -> bytes:
    """Return `content` as JSON."""
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:
        # What equipment sends may hold half a surrogate pair or an integer beyond 64 bits; the slow way takes both.
        return json.dumps(content, separators=(",", ":"), allow_nan=False, default=_plain).encode()


def _plain(content: Any) -> Any:
    """Return frozen data as JSON has it."""
    return dataclasses.asdict(content)


def failure(status: int, error: str, detail: str, headers: dict[str, str] | None = None) -> JsonAnswer:
    """Return the answer to a request that failed."""
    return JsonAnswer({"error": error, "detail": detail}, status, headers)


def failures(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """Return the error answers of a route for its documentation: `_404="no point has that name"`."""
    return {int(status[1:]): {"model": ErrorAnswer, "description": reason} for status, reason in reasons.items()}


def answer_failures(app: FastAPI) -> None:
    """Have `app` answer every error in the one shape."""
    app.exception_handler(Failed)(_failed)
    app.exception_handler(WriteError)(_write_failed)
    for unknown in (UnknownAlarm, UnknownNotice, UnknownPart, UnknownReactor):
        app.exception_handler(unknown)(_unknown)
    for refused in (AlarmRefused, NoticeRefused):
        app.exception_handler(refused)(_not_now)
    for kind in _ACCOUNT_ERRORS:
        app.exception_handler(kind)(_account_failed)
    app.exception_handler(TooManyAttempts)(_too_many)
    app.exception_handler(StoreError)(_store_failed)
    app.exception_handler(HistoryError)(_history_failed)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(Exception)(_fault)


def kebab(name: str) -> str:
    """Return a class name's kebab form: `WriteTimeout` → `write-timeout`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


async def _failed(_request: Request, error: Failed) -> Response:
    return failure(error.status, error.error, error.detail)


async def _write_failed(_request: Request, error: WriteError) -> Response:
    kind = next(kind for kind in _WRITE_ERRORS if isinstance(error, kind))
    # RFC 9110 wants every 405 to say which methods are left: of a read-only point's value, none.
    headers = {"Allow": ""} if kind is ReadOnly else None
    return failure(_WRITE_ERRORS[kind], kebab(kind.__name__), str(error), headers)


async def _unknown(_request: Request, error: Exception) -> Response:
    return failure(HTTPStatus.NOT_FOUND, kebab(type(error).__name__), str(error))


async def _not_now(_request: Request, error: Exception) -> Response:
    return failure(HTTPStatus.CONFLICT, kebab(type(error).__name__), str(error))


async def _account_failed(_request: Request, error: VigiliaError) -> Response:
    return failure(_ACCOUNT_ERRORS[type(error)], kebab(type(error).__name__), str(error))


async def _too_many(_request: Request, error: TooManyAttempts) -> Response:
    return failure(429, "too-many-attempts", str(error), {"Retry-After": str(math.ceil(error.wait_s))})


async def _store_failed(_request: Request, error: StoreError) -> Response:
    text = tr("the store does not answer: {error}: try again later")
    return failure(503, "store-unavailable", text.format(error=error))


async def _history_failed(_request: Request, error: HistoryError) -> Response:
    text = tr("the history does not answer: {error}: try again later")
    return failure(503, "history-unavailable", text.format(error=error))


async def _invalid(_request: Request, error: RequestValidationError) -> Response:
    mistakes = [f"{'.'.join(str(step) for step in mistake['loc'][1:])}: {mistake['msg']}" for mistake in error.errors()]
    return failure(422, "invalid-request", "; ".join(mistakes)[:1000])


async def _refused(request: Request, error: HTTPException) -> Response:
    path = shorten(request.scope["path"])
    match error.status_code:
        case 404:
            detail = f"there is nothing at {path}: /api/docs lists what there is"
        case 405:
            detail = f"{path} does not take {request.method}"
        case _:
            detail = str(error.detail)
    word = _WORDS.get(error.status_code, "refused-request")
    return failure(error.status_code, word, detail, dict(error.headers or {}))


async def _fault(_request: Request, _error: Exception) -> Response:
    return failure(500, "internal-error", "a fault in Vigilia: its log says more")
