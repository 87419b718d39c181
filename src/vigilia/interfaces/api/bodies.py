"""The bodies of requests: JSON, of a bounded size, in bounded time."""

import asyncio
from typing import TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from vigilia.interfaces.api.answers import Failed
from vigilia.interfaces.auth.caller import allow_still

AnyModel = TypeVar("AnyModel", bound=BaseModel)

LARGEST_BODY_BYTES = 65_536
_BODY_S = 10.0

BODY_FAILURES = {
    "_400": "the body is not JSON",
    "_408": "the body did not arrive in time",
    "_413": "the body is larger than 64 KiB",
    "_415": "the body's content type is not application/json",
}
"""How reading a body fails, for `failures`."""


def has_body(request: Request) -> bool:
    """Return whether a request comes with a body."""
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


async def read_json(request: Request) -> object:
    """Return what a request's body says. Raises Failed."""
    content_type = request.headers.get("content-type", "")
    # A page of another site can send forms and texts here without being asked; JSON it cannot.
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Failed(415, "unsupported-media-type", "send the body as application/json")
    content = await _read(request)
    allow_still(request)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Failed(400, "bad-json", f"the body is not JSON: {error}") from error


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY_BYTES:
                    raise Failed(413, "too-large", f"the body is larger than {LARGEST_BODY_BYTES} bytes")
    except TimeoutError as error:
        raise Failed(408, "request-timeout", f"the body did not arrive within {_BODY_S:g} s") from error
    except ClientDisconnect as error:
        raise Failed(400, "bad-request", "the body was cut off") from error
    return bytes(body)


async def read_as(request: Request, model: type[AnyModel]) -> AnyModel:
    """Return what a request's body says, as a `model`. Raises Failed; what is wrong in it is not repeated."""
    try:
        return model.model_validate(await read_json(request))
    except ValidationError as error:
        mistakes = (f"{'.'.join(map(str, found['loc'])) or 'body'}: {found['msg']}" for found in error.errors())
        raise Failed(422, "invalid-request", "; ".join(mistakes)[:1000]) from error
