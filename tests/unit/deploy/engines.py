"""InfluxDB and VictoriaMetrics, started for the tests and filled with the scene, and asked as Grafana asks them."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import free_port
from tests.unit.deploy.grafana import View
from tests.unit.deploy.scene import END, points, rows

_INFLUX = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
index-version = "inmem"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
"""


def _program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"{names[0]} is not installed; on Debian: apt-get install influxdb victoria-metrics")


def fetch(url: str, form: Mapping[str, str] | None = None, body: bytes | None = None) -> bytes:
    if form is not None:
        body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=30) as answer:
        return answer.read()


@contextlib.contextmanager
def _running(command: list[str], health: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                fetch(health)
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, f"{command[0]} ended"
                assert time.monotonic() < deadline, f"{command[0]} does not answer"
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def running_influx() -> Iterator[str]:
    """Give the address of a filled InfluxDB 1.x."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vigilia-influx-") as folder:
        config = Path(folder) / "influxdb.conf"
        config.write_text(_INFLUX.format(folder=folder, port=port, rpc=free_port()))
        base = f"http://127.0.0.1:{port}"
        with _running([_program("influxd"), "run", "-config", str(config)], f"{base}/ping"):
            fetch(f"{base}/query", {"q": "CREATE DATABASE vigilia"})
            for body in _bodies(text=True):
                fetch(f"{base}/write?db=vigilia&precision=ms", body=body)
            yield base


@contextlib.contextmanager
def running_victoria() -> Iterator[str]:
    """Give the address of a filled VictoriaMetrics."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vigilia-victoria-") as folder:
        base = f"http://127.0.0.1:{port}"
        program = _program("victoria-metrics", "victoriametrics")
        options = [f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}", "-retentionPeriod=100y"]
        with _running([program, *options], f"{base}/health"):
            for body in _bodies(text=False):
                fetch(f"{base}/write?precision=ms", body=body)
            fetch(f"{base}/internal/force_flush")
            yield base


def _bodies(*, text: bool) -> Iterator[bytes]:
    """The lines that a history in such an engine has, as docs/reference/history.md tells them."""
    lines = [_info(point.name, point.device, point.area) for point in points()]
    for row in rows():
        field = f"value={row.value!r}," if row.value is not None else f'text="{row.text}",' if text else ""
        state = f"severity={int(row.severity)}i,status={int(row.status)}i {row.time_ms}"
        lines.append(f"vigilia,point={_tag(row.point)} {field}{state}")
    for start in range(0, len(lines), 10_000):
        yield "\n".join(lines[start : start + 10_000]).encode()


def _info(name: str, device: str, area: str) -> str:
    room = f",area={_tag(area)}" if area else ""
    return f"vigilia_point,point={_tag(name)},device={_tag(device)}{room} info=1 {END}"


def _tag(text: str) -> str:
    return re.sub(r"[,= ]", r"\\\g<0>", text)


def ask_influx(base: str, target: Mapping[str, Any], view: View) -> list[dict[str, Any]]:
    """Run an InfluxQL query as the data source does; `series` is a line's name."""
    condition = f"time >= {view.start_ms}ms and time <= {view.end_ms}ms"
    text = view.filled_in(target["query"].replace("$timeFilter", condition))
    found = json.loads(fetch(f"{base}/query", {"db": "vigilia", "epoch": "ms", "q": text}))
    assert "error" not in found["results"][0], found
    answer: list[dict[str, Any]] = []
    for table in found["results"][0].get("series", []):
        for column in range(1, len(table["columns"])):
            names = {"col": table["columns"][column], **{f"tag_{tag}": v for tag, v in table.get("tags", {}).items()}}
            series = re.sub(r"\$(\w+)", lambda match, names=names: names[match[1]], target["alias"])
            for row in table["values"]:
                answer.append({"time": row[0] / 1000, "series": series, "value": row[column]})
    return answer


def influx_values(base: str, query: str, view: View) -> list[str]:
    """What a variable offers."""
    found = json.loads(fetch(f"{base}/query", {"db": "vigilia", "q": view.filled_in(query)}))
    tables = found["results"][0].get("series", [])
    return sorted({row[1] for table in tables for row in table["values"]})


def ask_victoria(base: str, target: Mapping[str, Any], view: View) -> list[dict[str, Any]]:
    """Run a PromQL query as the data source does; `series` is a line's name."""
    step = view.interval_ms
    form = {"query": _prometheus(target["expr"], view), "step": f"{step}ms", "nocache": "1"}
    form |= {"start": str(view.start_ms // step * step / 1000), "end": str(view.end_ms // step * step / 1000)}
    found = json.loads(fetch(f"{base}/api/v1/query_range", form))
    answer: list[dict[str, Any]] = []
    for line in found["data"]["result"]:
        series = re.sub(
            r"\{\{(\w+)\}\}", lambda match, line=line: line["metric"].get(match[1], ""), target["legendFormat"]
        )
        answer += [{"time": moment, "series": series, "value": float(value)} for moment, value in line["values"]]
    return answer


def victoria_values(base: str, query: str, regex: str, view: View) -> list[str]:
    """What a variable offers: `query_result` gives lines as Grafana writes them, of which the regex takes a part."""
    text = _prometheus(query, view)
    if text.startswith("label_values("):
        metric, label = text.removeprefix("label_values(").removesuffix(")").split(", ")
        form = {"match[]": metric, "start": str(view.start_ms / 1000), "end": str(view.end_ms / 1000)}
        return json.loads(fetch(f"{base}/api/v1/label/{label}/values?{urllib.parse.urlencode(form)}"))["data"]
    inner = text.removeprefix("query_result(").removesuffix(")")
    found = json.loads(fetch(f"{base}/api/v1/query", {"query": inner, "time": str(view.end_ms / 1000)}))
    values: list[str] = []
    for line in found["data"]["result"]:
        labels = ",".join(f'{label}="{value}"' for label, value in line["metric"].items())
        if match := re.search(regex.strip("/"), f"{{{labels}}} {line['value'][1]} {line['value'][0] * 1000}"):
            values.append(match[1])
    return sorted(values)


def _prometheus(text: str, view: View) -> str:
    """Put variables in as the Prometheus data source does: chosen values are alternatives of a regular expression."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name == "__interval":
            return view.interval
        if name not in view.variables:
            return found[0]
        escaped = [re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", one) for one in view.variables[name]]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    return re.sub(r"\$(\w+)", value, text)
