"""The gate before both services: who shows no token that is known here is turned away before a message is read."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from vigilia.drivers.reactor.calls import CallRefused, Context, refuse
from vigilia.drivers.reactor.registry import Registry


class Gate(grpc.aio.ServerInterceptor):
    """Turns callers away who could else hold calls open, or have large messages read, without ever being heard."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # Of a stream, for whatever was called: a handler of single messages would wait for the message first.
        self._away: Any = grpc.stream_stream_rpc_method_handler(_turn_away)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Return what takes the call: the service, or what turns it away."""
        if self._registry.knows_token(handler_call_details.invocation_metadata or ()):
            return await continuation(handler_call_details)
        return self._away


async def _turn_away(messages: AsyncIterator[bytes], context: Context) -> None:
    del messages
    why = "the token is missing or wrong: enrol the reactor (vigilia reactor enrol), and give its agent the token"
    await refuse(context, CallRefused(grpc.StatusCode.UNAUTHENTICATED, why))
