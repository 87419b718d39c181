"""An agent and an engine that answers something else: what is tried again, what is not, and no password anywhere."""

import asyncio
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from tests.unit.agent.direct.test_direct import NOW, sample
from tests.unit.history.doors import door, serving
from tests.unit.history.engines import PASSWORD, EngineProgram, find, running_influx
from vigilia.agent.direct import DirectError, exchange, make_direct

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
USER = "agent:hush%2Fhush@"


@contextlib.asynccontextmanager
async def influx_that(answers: Answer) -> AsyncIterator[str]:
    """Something that greets as InfluxDB does, and answers to lines in its own way."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/ping":
            return web.Response(status=204, headers={"X-Influxdb-Version": "1.6.7"})
        if request.path != "/write":
            return web.Response(status=404)
        assert request.headers["Authorization"] == "Basic YWdlbnQ6aHVzaC9odXNo"
        return await answers(request)

    async with serving(handle) as port:
        yield f"influx+http://{USER}127.0.0.1:{port}/?db=x"


def always(status: int, body: str = "", kind: str = "application/json", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type=kind, headers=headers)

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (always(401, '{"error":"authorization failed"}'), "does not let us in"),
        (always(403), "does not let us in"),
        (always(403, '{"error":"\\"agent\\" not authorized to write"}'), "give it the right to write"),
        (always(302, Location="http://127.0.0.1:1/"), "points elsewhere"),
        (always(429), "status 429"),
        (always(503, '{"error":"engine: cache maximum memory size exceeded"}'), "status 503: engine: cache"),
        (always(500, "<html>hush/hush</html>", "text/html"), "status 500$"),
        (always(404, '{"error":"database not found: \\"x\\""}'), "start the server on it once"),
        (always(200, "<html>hello</html>", "text/html"), "which is no answer to rows"),
        (always(400, "<html>bad</html>", "text/html"), "which is no answer to rows"),
        (always(400, "cannot read gzipped influx line protocol data: unexpected EOF", "text/plain"), "unexpected EOF"),
        (always(400, '{"error":"database is required"}'), "database is required"),
        (always(400, '{"error":"partial write: max-series-per-database limit exceeded: (2) dropped=1"}'), "max-series"),
        (always(500, '{"error":"no such user hush/hush\\u001b[31m"}'), r"no such user \*\*\*\\x1b"),
    ],
)
async def test_what_is_about_the_way_is_tried_again(answer: Answer, words: str) -> None:
    async with influx_that(answer) as url:
        with pytest.raises(DirectError, match=words) as raised:
            await make_direct(url, "R1").write([sample(1.0)])
    assert "hush" not in str(raised.value)
    assert "agent:" not in str(raised.value)


@pytest.mark.parametrize("status", [400, 413])
async def test_rows_that_are_refused_are_found_among_others(status: int) -> None:
    taken: list[str] = []
    unlucky = "partial write: field type conflict: it is unlucky dropped=1"

    async def answer(request: web.Request) -> web.Response:
        lines = (await request.text()).splitlines()
        if any("value=13.0" in line for line in lines):
            return web.json_response({"error": unlucky}, status=status)
        taken.extend(lines)
        return web.Response(status=204)

    samples = [sample(float(number), number) for number in range(20)]
    async with influx_that(answer) as url:
        (refused,) = await make_direct(url, "R1").write(samples)
    assert refused == (samples[13], unlucky)
    assert taken == [
        f"vigilia,point=R1:ph:pH-Mon value={number}.0,severity=0i,status=0i {NOW + number}"
        for number in range(20)
        if number != 13
    ]


@pytest.mark.parametrize(
    "words",
    [
        "partial write: points beyond retention policy dropped=2",
        "partial write: dropped 2 points outside retention policy of duration 24h0m0s - oldest point m at 1970",
    ],
)
async def test_what_an_engine_drops_for_its_age_is_done_with_and_told(words: str) -> None:
    samples = [sample(1.0, age) for age in (0, -5000, -1, -3000)]
    async with influx_that(always(400, json.dumps({"error": words}))) as url:
        refused = await make_direct(url, "R1").write(samples)
    assert [(one.sample, one.reason) for one in refused] == [(samples[1], words), (samples[3], words)]


async def test_a_limit_of_the_engine_holds_samples_up_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    program = find("influxd")
    if program is None:
        pytest.skip("InfluxDB is not installed; on Debian: apt-get install influxdb")
    monkeypatch.setenv("INFLUXDB_DATA_MAX_VALUES_PER_TAG", "1")
    now = round(time.time() * 1000)
    with running_influx(program) as engine:
        engine.influxql("CREATE DATABASE reactors WITH DURATION 1d")
        writer = make_direct(f"influx+http://{engine.base.removeprefix('http://')}/?db=reactors", "R1")
        known, other = sample(1.0)._replace(time_ms=now), sample(2.0)._replace(time_ms=now, part="other")
        assert await writer.write([known]) == []
        with pytest.raises(DirectError, match="max-values-per-tag limit exceeded"):
            await writer.write([known, other])
        old = [known._replace(time_ms=now - days * 86_400_000) for days in range(4)]
        assert [one.sample for one in await writer.write(old)] == old[:0:-1]
        (found,) = engine.influxql("SELECT value FROM vigilia", db="reactors")
        assert [row[1] for row in found["series"][0]["values"]] == [1.0]


async def test_lines_travel_small() -> None:
    seen: list[tuple[str, int]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.text()  # aiohttp has it unpacked
        seen.append((request.headers["Content-Encoding"], int(request.headers["Content-Length"])))
        assert len(gzip.compress(body.encode())) < len(body) / 5
        assert request.query == {"db": "x", "precision": "ms"}
        return web.Response(status=204)

    async with influx_that(answer) as url:
        await make_direct(url, "R1").write([sample(7.0, number * 1000) for number in range(1000)])
    ((encoding, length),) = seen
    assert encoding == "gzip"
    assert length < 20_000


async def test_what_answers_there_is_looked_at(influx: EngineProgram) -> None:
    async with serving(always(204)) as port:
        with pytest.raises(DirectError, match="what answers there is neither InfluxDB"):
            await make_direct(f"influx+http://127.0.0.1:{port}/", "R1").write([sample(1.0)])
    async with serving(always(404, "", "text/plain", **{"X-Influxdb-Version": "v2.7.1"})) as port:
        with pytest.raises(DirectError, match=r"InfluxDB 2\.7\.1 is neither"):
            await make_direct(f"influx+http://127.0.0.1:{port}/", "R1").write([sample(1.0)])
    with pytest.raises(DirectError, match=r'database not found: "t\d+": start the server on it once'):
        await make_direct(influx.fresh(), "R1").write([sample(1.0)])


async def test_nobody_there_and_one_who_hangs_up() -> None:
    with pytest.raises(DirectError, match=r"the history at influx\+http://127.0.0.1:1/: connection refused"):
        await make_direct(f"influx+http://{USER}127.0.0.1:1/", "R1").write([sample(1.0)])

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    with pytest.raises(DirectError, match=r"no answer that could be read|connection reset"):
        await make_direct(f"influx+http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", "R1").write([sample(1.0)])
    server.close()


async def test_one_who_hangs_is_given_up_and_so_is_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, over = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        heard.set()
        try:
            await asyncio.sleep(60)
        finally:
            over.set()
        return web.Response(status=204)

    monkeypatch.setattr(exchange, "_WHOLE_S", 0.2)
    async with influx_that(hang) as url:
        with pytest.raises(DirectError, match="no answer in time"):
            await make_direct(url, "R1").write([sample(1.0)])
        await asyncio.wait_for(over.wait(), 5)
        monkeypatch.setattr(exchange, "_WHOLE_S", 60)
        heard.clear()
        over.clear()
        writing = asyncio.create_task(make_direct(url, "R1").write([sample(1.0)]))
        await heard.wait()
        writing.cancel()
        await asyncio.wait([writing])
        assert writing.cancelled()
        await asyncio.wait_for(over.wait(), 5)


async def test_a_user_that_may_only_write() -> None:
    program = find("influxd")
    if program is None:
        pytest.skip("InfluxDB is not installed; on Debian: apt-get install influxdb")
    with running_influx(program, auth_enabled="true") as engine:
        engine.influxql(f"CREATE USER admin WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES")
        engine.influxql("CREATE DATABASE reactors", u="admin", p=PASSWORD)
        engine.influxql(f"CREATE USER agent WITH PASSWORD '{PASSWORD}'", u="admin", p=PASSWORD)
        engine.influxql("GRANT WRITE ON reactors TO agent", u="admin", p=PASSWORD)
        base = engine.base.removeprefix("http://")
        await make_direct(f"influx+http://agent:{PASSWORD}@{base}/?db=reactors", "R1").write([sample(1.0)])
        with pytest.raises(DirectError, match=r"does not let us in|neither"):
            await make_direct(f"influx+http://agent:wrong@{base}/?db=reactors", "R1").write([sample(1.0)])
        (found,) = engine.influxql("SELECT value FROM vigilia", db="reactors", u="admin", p=PASSWORD)
        assert found["series"][0]["values"][0][1] == 1.0


async def test_a_cluster_is_written_to_where_its_address_says(victoria: EngineProgram) -> None:
    seen: list[str] = []
    async with door(victoria.base, "/insert/0/influx", seen) as port:
        url = f"influx+http://127.0.0.1:{port}/insert/0/influx?read=http://127.0.0.1:1/select/0/prometheus"
        assert await make_direct(url, "R9").write([sample(4.5)]) == []
        ahead = await make_direct(url, "R9").write([sample(4.5, 3 * 86_400_000)])
    assert seen == ["/insert/0/influx/write"]
    assert len(ahead) == 1, "it would be dropped without a word"
    victoria.get("/internal/force_flush")
    answer = victoria.get("/api/v1/query", query='vigilia_value{point="R9:ph:pH-Mon"}[3h]').decode()
    assert '"4.5"' in answer
    assert '"db"' not in answer
