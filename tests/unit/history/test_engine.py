"""Which engine answers, and what is said where none does, or one does what it should not."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from tests.unit.history.doors import Handler, door, serving
from tests.unit.history.engines import EngineProgram
from tests.unit.history.places import FOR_EVER, START, row
from vigilia.errors import StartError
from vigilia.history import engine_http
from vigilia.history.backend import Backend, HistoryError, Question, RefusedRowsError
from vigilia.history.engine import look_engine, open_engine
from vigilia.history.engine_url import parse_address
from vigilia.history.influx import InfluxHistory
from vigilia.history.victoria import VictoriaHistory


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("influx+http://h:8086", "influx+http://h:8086"),
        ("influx+https://u:hush@h/x/?db=a%20b", "influx+https://u@h/x/?db=a%20b"),
        (
            "influx+http://u:hush@i:8480/insert/0/influx?read=http://v:hush@s:8481/select/0/prometheus",
            "influx+http://u@i:8480/insert/0/influx?read=http://v@s:8481/select/0/prometheus",
        ),
    ],
)
def test_an_address_is_shown_without_its_passwords(url: str, shown: str) -> None:
    assert parse_address(url).name == shown


def test_an_address_tells_where_to_write_and_where_to_read() -> None:
    address = parse_address("influx+http://u:p%40s@i:8480/insert/0/influx?read=http://s:8481/select/0/prometheus/")
    assert (str(address.write.url), str(address.read.url)) == (
        "http://i:8480/insert/0/influx",
        "http://s:8481/select/0/prometheus",
    )
    assert address.write.authorization == address.read.authorization == f"Basic {b64encode(b'u:p@s').decode()}"
    assert "Basic" not in repr(address)
    assert parse_address("influx+http://h/?read=http://v:w@h").read.authorization != address.write.authorization


@pytest.mark.parametrize(
    "url",
    [
        "influx+ftp://hush@h/",
        "influx+http://",
        "influx+http:///?db=hush",
        "http://u:hush@h",
        "influx+http://u:hush@h/?rp=x",
        "influx+http://u:hush@h/?db=a&db=b",
        "influx+http://u:hush@h:port/",
        "influx+http://u:hush@h/?read=hush",
        "influx+http://a%3Ab:hush@h/",
    ],
)
async def test_an_address_that_makes_no_sense_is_not_repeated(url: str) -> None:
    for opening in (open_engine(url, FOR_EVER), look_engine(url)):
        with pytest.raises(StartError, match="write influx") as raised:
            await opening
        assert "hush" not in str(raised.value)


async def test_the_engine_that_answers_is_found_out(influx: EngineProgram, victoria: EngineProgram) -> None:
    for engine, kind in ((influx, InfluxHistory), (victoria, VictoriaHistory)):
        url = engine.fresh()
        for history in (await open_engine(url, FOR_EVER), await look_engine(url)):
            assert isinstance(history, kind)
            await history.close()


async def test_a_cluster_is_written_at_one_door_and_read_at_another(victoria: EngineProgram) -> None:
    asked: list[str] = []
    told: list[str] = []
    async with (
        door(victoria.base, "/insert/7/influx", told) as insert,
        door(victoria.base, "/select/7/prometheus", asked) as select,
    ):
        url = (
            f"influx+http://127.0.0.1:{insert}/insert/7/influx?db=cluster&"
            f"read=http://127.0.0.1:{select}/select/7/prometheus"
        )
        history = await open_engine(url, FOR_EVER)
        await history.write([row("p", START, 1.5), row("p", START + 1, 2.5)])
        victoria.get("/internal/force_flush")
        assert await history.rows("p", START, START + 1, 10) == [row("p", START, 1.5), row("p", START + 1, 2.5)]
        assert len((await history.read(Question("p", START, START + 1000, 1))).buckets) == 1
        assert [found.value for found in await history.latest()] == [2.5]
        await history.close()
    assert set(told) == {"/insert/7/influx/write"}
    assert all(path.startswith("/select/7/prometheus/api/v1/") for path in asked)


async def nothing(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404)


async def page(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>hello</html>", content_type="text/html")


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("http://127.0.0.1:1/hush")


async def closed(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"status":"suc')
    assert request.transport is not None
    request.transport.close()
    return response


async def unwilling(request: web.Request) -> web.StreamResponse:
    return web.Response(status=401)


async def broken(request: web.Request) -> web.StreamResponse:
    return web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html")


async def second(request: web.Request) -> web.StreamResponse:
    return web.Response(status=204 if request.path == "/ping" else 404, headers={"X-Influxdb-Version": "v2.7.1"})


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (nothing, "not InfluxDB"),
        (page, "not InfluxDB"),
        (elsewhere, "not followed"),
        (closed, "closed before an answer"),
        (half, "cut short"),
        (unwilling, "user and the password"),
        (broken, "status 502"),
    ],
)
async def test_what_is_no_engine_may_be_one_later(handler: Handler, said: str) -> None:
    async with serving(handler) as port:
        with pytest.raises(HistoryError, match=said) as raised:
            await open_engine(f"influx+http://u:hush@127.0.0.1:{port}/", FOR_EVER)
    assert "hush" not in str(raised.value)
    with pytest.raises(HistoryError, match="refused"):
        await open_engine(f"influx+http://u:hush@127.0.0.1:{port}/", FOR_EVER)


async def test_a_later_influxdb_is_not_spoken_to() -> None:
    async with serving(second) as port:
        with pytest.raises(StartError, match=r"InfluxDB 2\.7\.1 .* only 1\.x"):
            await open_engine(f"influx+http://127.0.0.1:{port}/", FOR_EVER)


def both(answer: Handler) -> tuple[Handler, Handler]:
    """Servers that open as each engine does, and then answer by `answer`."""

    async def influx(request: web.Request) -> web.StreamResponse:
        if request.path == "/ping":
            return web.Response(status=204, headers={"X-Influxdb-Version": "1.6.7"})
        return await answer(request)

    async def victoria(request: web.Request) -> web.StreamResponse:
        if request.path == "/api/v1/status/buildinfo":
            return web.json_response({"status": "success"})
        return await answer(request)

    return influx, victoria


async def on_each(answer: Handler, use: Callable[[Backend], Awaitable[None]]) -> None:
    kinds = (InfluxHistory, VictoriaHistory)
    for kind, handler in zip(kinds, both(answer), strict=True):
        async with serving(handler) as port:
            history = await kind.look(f"influx+http://u:hush@127.0.0.1:{port}/")
            try:
                await use(history)
            finally:
                await history.close()


async def questions(history: Backend, said: str = "the history at") -> None:
    """Ask everything there is to ask; each question must end in a HistoryError."""
    for question in (
        history.read(Question("p", START, START + 1000, 10)),
        history.rows("p", START, START + 1000, 10),
        history.latest(),
        history.points(),
    ):
        with pytest.raises(HistoryError, match=said) as raised:
            await question
        assert "hush" not in str(raised.value)


JUNK = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"results":5}',
    b'{"results":[5]}',
    b'{"results":[{"series":5}]}',
    b'{"results":[{"series":[5]},{},{}]}',
    b'{"results":[{"series":[{"columns":["a"],"values":[[1,2]]}]}]}',
    b'{"results":[{"series":[{"columns":["a"],"values":[[1]]}]},{"series":[{"columns":["a"],"values":[[1]]}]}]}',
    b'{"error":"cut"}',
    b'{"status":"success","data":5}',
    b'{"status":"success","data":{"result":[5]}}',
    b'{"status":"success","data":{"result":[{"metric":{},"values":[["x","y"]],"value":["x","y"]}]}}',
    b'{"status":"success","isPartial":true,"data":{"result":[]}}',
    b"\xff\xfe",
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
async def test_an_answer_of_another_shape_is_an_error(body: bytes) -> None:
    async def junk(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    await on_each(junk, questions)


@pytest.mark.parametrize("handler", [nothing, page, elsewhere, closed, half, unwilling, broken])
async def test_a_question_to_what_is_no_engine_any_more_is_an_error(handler: Handler) -> None:
    await on_each(handler, questions)


@pytest.mark.parametrize("handler", [nothing, page, elsewhere, closed, half, unwilling, broken])
async def test_rows_that_were_not_taken_may_be_later(handler: Handler) -> None:
    async def write(history: Backend) -> None:
        with pytest.raises(HistoryError) as raised:
            await history.write([row("p", START, 1.0)])
        assert not isinstance(raised.value, RefusedRowsError)
        assert "hush" not in str(raised.value)

    await on_each(handler, write)


async def test_a_page_that_says_400_is_no_refusal() -> None:
    async def bad(request: web.Request) -> web.StreamResponse:
        return web.Response(status=400, text="<html>Bad Request</html>", content_type="text/html")

    async def write(history: Backend) -> None:
        with pytest.raises(HistoryError) as raised:
            await history.write([row("p", START, 1.0)])
        assert not isinstance(raised.value, RefusedRowsError)

    await on_each(bad, write)


@pytest.mark.parametrize(
    ("reason", "for_good"),
    [
        ('partial write: max-values-per-tag limit exceeded (100000/100000): measurement="vigilia"', False),
        ("partial write: max-series-per-database limit exceeded: (1000000)", False),
        ("cannot read the whole body", False),
        ("unable to parse 'vigilia': missing fields", True),
        ('partial write: field type conflict: input field "value" is type float, already exists as integer', True),
    ],
)
async def test_a_limit_that_somebody_can_raise_holds_rows_up_and_loses_none(reason: str, for_good: bool) -> None:
    async def bad(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": reason}, status=400)

    async def write(history: Backend) -> None:
        with pytest.raises(HistoryError, match=re.escape(reason[:20])) as raised:
            await history.write([row("p", START, 1.0)])
        assert isinstance(raised.value, RefusedRowsError) == for_good

    await on_each(bad, write)


async def test_what_is_too_large_for_a_proxy_is_sent_in_pieces() -> None:
    taken: list[bytes] = []

    async def small(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if len(body) > 1000:
            return web.Response(status=413, text="<html>too large</html>", content_type="text/html")
        taken.extend(body.split(b"\n"))
        return web.Response(status=204)

    async def write(history: Backend) -> None:
        taken.clear()
        await history.write([row("p", START + at, 1.0) for at in range(1000)])
        assert [int(line.split()[-1]) - START for line in taken] == list(range(1000))

    await on_each(small, write)


async def test_a_row_that_is_too_large_alone_is_refused() -> None:
    async def none(request: web.Request) -> web.StreamResponse:
        return web.Response(status=413)

    async def write(history: Backend) -> None:
        with pytest.raises(RefusedRowsError, match="too large"):
            await history.write([row("p", START, 1.0), row("q", START, 1.0)])

    await on_each(none, write)


async def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_http, "READ_S", 0.2)
    monkeypatch.setattr(engine_http, "WRITE_S", 0.2)
    asked = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        return web.Response()

    async def use(history: Backend) -> None:
        await questions(history, r"no answer within 0\.2 s")
        with pytest.raises(HistoryError, match=r"no answer within 0\.2 s"):
            await history.write([row("p", START, 1.0)])

    await on_each(hang, use)
    assert asked.is_set()


async def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_http, "LARGEST_ANSWER_BYTES", 1_000_000)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
        except ConnectionError:
            return response

    await on_each(endless, lambda history: questions(history, "more than 1 MB"))


async def test_the_password_goes_along_and_is_not_shown() -> None:
    seen: list[str | None] = []

    async def look(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=204)

    async def write(history: Backend) -> None:
        await history.write([row("p", START, 1.0)])
        assert "hush" not in history.name

    await on_each(look, write)
    assert seen == ["Basic dTpodXNo"] * 2
