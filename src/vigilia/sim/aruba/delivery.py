"""How an answer of a simulated switch goes out: whole, cut short, in drips, or not at all."""

import asyncio

from aiohttp import web

from vigilia.sim.aruba.listener import Connection
from vigilia.sim.aruba.rest import Answer

DRIP_S = 0.05


def no_answer() -> web.Response:
    """What aiohttp is handed when the connection has ended and nothing can be sent any more."""
    return web.Response(status=503)


def whole(answer: Answer) -> web.Response:
    """The answer as it should be."""
    return web.Response(
        status=answer.status, body=answer.body, content_type=answer.content_type, headers=answer.headers
    )


async def _begin(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    return response


async def cut(request: web.BaseRequest, answer: Answer, connection: Connection) -> web.StreamResponse:
    """Send half of the body, then close; an answer without a body is not begun."""
    half = answer.body[: len(answer.body) // 2]
    if not half:
        connection.close()
        return no_answer()
    response = await _begin(request, answer)
    await response.write(half)
    connection.close()
    return response


async def drip(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send the head at once, then the body byte by byte: a deadline that ends with the head would not see it."""
    response = await _begin(request, answer)
    for position in range(len(answer.body)):
        await response.write(answer.body[position : position + 1])
        await asyncio.sleep(DRIP_S)
    return response
