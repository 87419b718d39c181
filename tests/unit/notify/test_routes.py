"""Routes: which channels get what."""

import pytest

from tests.unit.notify.webhook import failure, recovery
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.config import NotifyConfig
from vigilia.notify.routes import Routes
from vigilia.points import Severity

BOTH = {"teams": {"webhook_url": "https://x.example/"}, "apprise": {"urls": ["json://localhost"]}}


def routes(*tables: dict[str, object], **more: object) -> Routes:
    return Routes.of(NotifyConfig.model_validate({**BOTH, "routes": list(tables), **more}))


def test_without_routes_everything_goes_everywhere() -> None:
    assert routes().channels_for(failure("A", "1")) == ("teams", "apprise")
    assert Routes.of(NotifyConfig()).channels_for(failure("A", "1")) == ()


def test_a_channel_that_is_off_gets_nothing() -> None:
    off = {"teams": {"enabled": False}}
    assert routes(**off).channels_for(failure("A", "1")) == ("apprise",)
    assert routes({"channel": "teams"}, **off).channels_for(failure("A", "1")) == ()


@pytest.mark.parametrize(
    ("route", "matches"),
    [
        ({}, True),
        ({"systems": ["pvoperation"]}, True),
        ({"systems": ["aruba"]}, False),
        ({"min_severity": "MINOR"}, True),
        ({"min_severity": "MAJOR"}, True),
        ({"min_severity": "INVALID"}, False),
        ({"areas": ["A", "B"]}, True),
        ({"areas": ["B"]}, False),
        ({"systems": ["pvoperation"], "areas": ["B"]}, False),
    ],
)
def test_a_route_takes_what_fits_all_it_says(route: dict[str, object], matches: bool) -> None:
    made = routes({"channel": "apprise", **route})
    expected = ("apprise",) if matches else ()
    assert made.channels_for(failure("A", "1", severity=Severity.MAJOR)) == expected
    assert made.channels_for(recovery("A", "1", severity=Severity.MAJOR)) == expected


def test_one_route_that_fits_is_enough() -> None:
    made = routes({"channel": "teams", "areas": ["B"]}, {"channel": "teams"}, {"channel": "apprise", "areas": ["B"]})
    assert made.channels_for(failure("A", "1")) == ("teams",)


def test_no_route_keeps_the_heartbeat_away() -> None:
    made = routes({"channel": "teams", "systems": ["aruba"], "min_severity": "MAJOR", "areas": ["B"]})
    for kind in (NoticeKind.HEARTBEAT, NoticeKind.SERVICE):
        assert made.channels_for(Notice(kind, "T", "", "", 1.0)) == ("teams",)
    assert made.channels_for(Notice(NoticeKind.REPORT, "T", "", "", 1.0, system="pvoperation")) == ()
    assert made.channels_for(failure("", "disk", system="vigilia", severity=Severity.MAJOR)) == ("teams",)
    assert made.channels_for(failure("", "disk", system="vigilia", severity=Severity.MINOR)) == ()


def test_a_recovery_that_lost_its_severity_is_not_lost() -> None:
    made = routes({"channel": "teams", "min_severity": "MAJOR"})
    assert made.channels_for(recovery("A", "1", severity=Severity.NO_ALARM)) == ("teams",)
    assert made.channels_for(recovery("A", "1", severity=Severity.MINOR)) == ()
