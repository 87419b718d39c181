"""The terminal view of a service in which people sign in: who may act, and what it tells those who may not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tui.conftest import View, viewed
from tests.unit.tui.site import Site, ask, site_in

SEL = "SIM-01:Cam-03:PwrState-Sel"
PORT = "SIM-01:Cam-01:PwrState-Raw"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Site]:
    """A site with sign-in; its service does not run yet, and one port of it is faulty."""
    with site_in(tmp_path) as site:
        config = site.config.read_text()
        site.config.write_text(config.replace("[[alarms.rules]]", "[web.auth]\n[[alarms.rules]]", 1))
        site.port_is("1", state="PPDS_FAULT")
        yield site


def local_token(site: Site) -> Path:
    return site.folder / "state" / "local.token"


def point(site: Site, name: str, token: str) -> Any:
    return ask("GET", f"{site.url}/api/v1/points/{name}", token=token)


async def acknowledge(view: View) -> None:
    await view.press("2")
    await view.until("NEW", "PoE fault")
    await view.press("a")
    await view.until("Comment; Enter acknowledges")
    await view.press(*"seen", "enter")
    await view.until("Acknowledged; it is now: acked")
    await view.press("enter")


async def switch_off(view: View) -> None:
    await view.press("3", "slash", *SEL.removeprefix("SIM-01:").lower(), "enter")
    await view.until(f"{SEL}     w On", lambda: "from history" not in view.text)
    await view.press("w")
    await view.until("It says now: On")
    await view.press("up", "enter", "enter")
    await view.until("Confirmed by the equipment; the point says Off")
    await view.press("enter")


async def test_the_services_own_user_acts_also_after_the_service_started_anew(guarded: Site) -> None:
    async with viewed(guarded.config) as view:
        await view.until("Connection refused")  # there is no token yet
        with guarded.service():
            await view.until("service healthy", "1/1")
            await acknowledge(view)
            await switch_off(view)
            token = local_token(guarded).read_text().strip()
            assert point(guarded, SEL, token)["label"] == "Off"
            (alarm,) = ask("GET", f"{guarded.url}/api/v1/alarms", token=token)["items"]
            assert (alarm["point"], alarm["state"], alarm["acknowledged_by"]) == (PORT, "acknowledged", "local")
        await view.until("service DOWN")
        with guarded.service():
            assert local_token(guarded).read_text().strip() != token
            await view.until("service healthy")


@pytest.mark.parametrize("token", ["", "of-somebody-who-is-gone"])
async def test_who_has_no_token_is_told_how_to_sign_in(guarded: Site, token: str) -> None:
    with guarded.service():
        let_in = local_token(guarded).read_text().strip()
        ask("GET", f"{guarded.url}/api/v1/points/{SEL}", token=let_in)
        local_token(guarded).unlink()
        async with viewed(guarded.config, {"VIGILIA_TOKEN": token}) as view:
            said = ("sign-in is required", "set VIGILIA_TOKEN to an API token")
            await view.until(*(lambda part=part: part in " ".join(view.text.split()) for part in said))
            await view.press("3", "slash", *"cam-03:pwrstate-sel", "enter", "w")
            await view.until("this needs the running service: sign-in is required")
            assert "It says now" not in view.text
        assert point(guarded, SEL, let_in)["label"] == "On", "nothing was written"
        async with viewed(guarded.config, {"VIGILIA_TOKEN": let_in}) as view:
            await view.until("service healthy")
            await acknowledge(view)
