"""Cards lead to the panel of what they tell, and the panels are there."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from vigilia.notices import Notice, NoticeKind
from vigilia.notify.apprise import text_of
from vigilia.notify.cards import compose
from vigilia.notify.panels import ANY_POINT, PANELS, panel_of, panel_url
from vigilia.notify.teams_cards import adaptive, message_card

BASE = "https://grafana.example/root"
BEGAN = 1_773_144_000.0
DASHBOARDS = Path(__file__).resolve().parents[3] / "deploy" / "grafana" / "dashboards"


def notice(alarm: str, kind: NoticeKind = NoticeKind.RAISED, at: float = BEGAN, began: float | None = BEGAN) -> Notice:
    return Notice(kind, "Falha de inversor", "Usina São João", f"line of {alarm}", at, alarm=alarm, began=began)


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, strict_parsing=True)


@pytest.mark.parametrize("panel", sorted({*PANELS.values(), ANY_POINT}), ids=str)
@pytest.mark.parametrize("folder", sorted(path.name for path in DASHBOARDS.glob("history-*")))
def test_the_panel_is_in_the_dashboards_of_every_history(panel: tuple[str, int, str], folder: str) -> None:
    uid, number, variable = panel
    found = [json.loads(path.read_text("utf-8")) for path in (DASHBOARDS / folder).iterdir()]
    (dashboard,) = [one for one in found if one["uid"] == uid]
    (shown,) = [one for one in dashboard["panels"] if one["id"] == number]
    assert variable in [one["name"] for one in dashboard["templating"]["list"]]
    asked = json.dumps(shown["targets"])
    # Lines of InfluxDB do not know their plant.
    assert f"${variable}" in asked or f"${{{variable}:" in asked or (folder, variable) == ("history-influxdb", "plant")


def test_the_address_has_panel_time_and_variables() -> None:
    url = panel_url(f"{BASE}/", ["100:Inverter-1:Pac-Mon"], "Usina A", BEGAN, BEGAN + 600)
    assert url.startswith(f"{BASE}/d/vigilia-plants?")
    assert query_of(url) == {
        "from": [f"{(BEGAN - 1800) * 1000:.0f}"],
        "to": [f"{(BEGAN + 2400) * 1000:.0f}"],
        "var-inverter": ["100:Inverter-1"],
        "viewPanel": ["3"],
    }


def test_an_alarm_that_goes_on_is_shown_until_now() -> None:
    assert query_of(panel_url(BASE, ["T1:PwrState-Raw"], "", BEGAN, None))["to"] == ["now"]


@pytest.mark.parametrize(
    ("point", "area", "uid", "variable", "value"),
    [
        ("T1:PwrState-Raw", "T1", "vigilia-poe", "device", "T1"),
        ("100:Relay-1:Thermal-Sts", "Usina A", "vigilia-plants", "relay", "100:Relay-1"),
        ("100:LastRecord-Mon", "Usina & Cia #1", "vigilia-plants", "plant", "Usina & Cia #1"),
        ("100:LastRecord-Mon", "", "vigilia-point", "point", "100:LastRecord-Mon"),
        ("vigilia:sw-1:Connected-Sts", "", "vigilia-own", "link", "vigilia:sw-1"),
        ("R1:ph:pH-Mon", "R1", "vigilia-point", "point", "R1:ph:pH-Mon"),
    ],
)
def test_each_point_has_its_panel(point: str, area: str, uid: str, variable: str, value: str) -> None:
    url = panel_url(BASE, [point], area, BEGAN, None)
    assert urlsplit(url).path == f"/root/d/{uid}"
    assert query_of(url)[f"var-{variable}"] == [value]


def test_without_grafana_there_is_no_address() -> None:
    raised = notice("inverter-failure@100:Inverter-1:Pac-Mon")
    assert panel_of("", [raised]) == ""
    assert "actions" not in adaptive(compose([raised]))["attachments"][0]["content"]


def test_a_card_of_several_alarms_shows_them_all_once_from_the_first_to_now() -> None:
    first = notice("inverter-failure@100:Inverter-1:Pac-Mon")
    again = notice("inverter-failure@100:Inverter-1:Pac-Mon", NoticeKind.CLEARED, BEGAN + 900)
    other = notice("inverter-failure@100:Inverter-2:Pac-Mon", at=BEGAN - 60, began=BEGAN - 60)
    query = query_of(panel_of(BASE, [first, again, other]))
    assert query["var-inverter"] == ["100:Inverter-1", "100:Inverter-2"]
    assert query["from"] == [f"{(BEGAN - 1860) * 1000:.0f}"]
    assert query["to"] == ["now"]
    assert query_of(panel_of(BASE, [again]))["to"] == [f"{(BEGAN + 2700) * 1000:.0f}"]


def test_an_address_is_bounded() -> None:
    many = [notice(f"inverter-failure@100:Inverter-{number}:Pac-Mon") for number in range(500)]
    assert len(panel_of(BASE, many)) < 1000


def test_what_is_no_alarm_has_no_panel() -> None:
    assert panel_of(BASE, [Notice(NoticeKind.HEARTBEAT, "Vigília", "", "line", BEGAN)]) == ""


def test_an_earlier_versions_notice_counts_from_its_own_time() -> None:
    assert query_of(panel_of(BASE, [notice("a@T1:PwrState-Raw", began=None)]))["from"] == [
        f"{(BEGAN - 1800) * 1000:.0f}"
    ]


def test_a_card_has_a_button_for_the_chart_in_every_form() -> None:
    card = compose([notice("inverter-failure@100:Inverter-1:Pac-Mon")], BASE)
    assert card.chart.startswith(BASE)
    (action,) = adaptive(card)["attachments"][0]["content"]["actions"]
    assert action == {"type": "Action.OpenUrl", "title": "Open the chart", "url": card.chart}
    (old,) = message_card(card)["potentialAction"]
    assert old["targets"] == [{"os": "default", "uri": card.chart}]
    assert card.chart in text_of(card)


def test_a_summary_has_no_chart() -> None:
    other = Notice(NoticeKind.RAISED, "Falha de relé", "B", "line", BEGAN, alarm="relay-thermal@1:Relay-1:Thermal-Sts")
    assert compose([notice("a@1:Inverter-1:Pac-Mon"), other], BASE).chart == ""
