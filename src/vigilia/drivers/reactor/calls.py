"""Calls of agents: how one is refused, and how a fault of ours shows."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote

import grpc
from google.protobuf.message import Message

from vigilia.redaction import redact

_logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]


class CallRefused(Exception):
    """A call that is refused: by which of gRPC's status codes, and why."""

    def __init__(self, code: grpc.StatusCode, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


async def answer(context: Context, work: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do the work of a call; have the caller know why where it is refused."""
    try:
        return await work()
    except CallRefused as refused:
        await refuse(context, refused)


async def refuse(context: Context, refused: CallRefused) -> NoReturn:
    """End a call with its refusal."""
    await context.abort(refused.code, redact(refused.why)[:1000])


def caller(context: Context) -> str:
    """Return where a call comes from: gRPC says "ipv4:192.0.2.7:41234"."""
    peer = unquote(context.peer())
    kind, _, address = peer.partition(":")
    return address if kind in ("ipv4", "ipv6") else peer


def metadata(context: Context) -> list[tuple[str, str | bytes]]:
    """Return what a call carries beside its message."""
    return [(key, value) for key, value in context.invocation_metadata() or ()]
