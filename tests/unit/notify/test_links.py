"""Where cards lead."""

import pytest

from vigilia.notices import Notice, NoticeKind
from vigilia.notify.links import page_of

BASE = "https://vigilia.example/"


def notice(kind: NoticeKind, alarm: str = "") -> Notice:
    return Notice(kind, "Relay failure", "UFV Boa Vista", "Relay 1", 0.0, alarm=alarm)


@pytest.mark.parametrize("kind", [NoticeKind.RAISED, NoticeKind.CLEARED])
def test_one_alarm_is_opened(kind: NoticeKind) -> None:
    only = notice(kind, "odd/rule@R1:ph?&:pH-Mon")
    assert page_of(BASE, [only, only]) == "https://vigilia.example/alarms?alarm=odd%2Frule%40R1%3Aph%3F%26%3ApH-Mon"


def test_several_are_in_the_list() -> None:
    several = [notice(NoticeKind.RAISED, "a@b"), notice(NoticeKind.RAISED, "a@c")]
    assert page_of("https://vigilia.example", several) == "https://vigilia.example/alarms"


def test_what_is_no_alarm() -> None:
    assert page_of(BASE, [notice(NoticeKind.REPORT)]) == "https://vigilia.example/incidents"
    assert page_of(BASE, [notice(NoticeKind.HEARTBEAT)]) == "https://vigilia.example/"
    assert page_of(BASE, [notice(NoticeKind.RAISED)]) == "https://vigilia.example/alarms"


def test_without_a_public_address_there_is_none() -> None:
    assert page_of("", [notice(NoticeKind.RAISED, "a@b")]) == ""
