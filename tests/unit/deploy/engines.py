"""InfluxDB and VictoriaMetrics, started for the tests and filled with the scene, and asked as Grafana asks them."""

import contextlib
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.unit.deploy.filling import KEEPING, fill
from tests.unit.deploy.grafana import View
from tests.unit.history.engines import PromptVictoria, find, running_influx, running_victoria
from tests.unit.store.postgresql import in_own_loop
from vigilia.history.influx import InfluxHistory


def fetch(url: str, form: Mapping[str, str]) -> bytes:
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


@contextlib.contextmanager
def filled_influx() -> Iterator[str]:
    """Give the address of an InfluxDB 1.x that InfluxHistory has filled."""
    with running_influx(_program("influxd")) as engine:
        in_own_loop(lambda: _filled(InfluxHistory, f"influx+{engine.base}/?db=vigilia"))
        yield engine.base


@contextlib.contextmanager
def filled_victoria() -> Iterator[str]:
    """Give the address of a VictoriaMetrics that VictoriaHistory has filled."""
    with running_victoria(_program("victoria-metrics")) as engine:
        in_own_loop(lambda: _filled(PromptVictoria, f"influx+{engine.base}/"))
        yield engine.base


async def _filled(kind: type[InfluxHistory | PromptVictoria], url: str) -> None:
    history = await kind.open(url, KEEPING)
    try:
        await fill(history)
    finally:
        await history.close()


def _program(name: str) -> str:
    found = find(name)
    if found is None:
        pytest.skip(f"{name} is not installed; on Debian: apt-get install influxdb victoria-metrics")
    return found


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
        return json.loads(fetch(f"{base}/api/v1/label/{label}/values", form))["data"]
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
