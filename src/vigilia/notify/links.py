"""Where in the pages a card leads: to the alarm it tells of, with its journal and what can be done about it."""

from collections.abc import Sequence
from urllib.parse import quote

from vigilia.notices import Notice, NoticeKind


def page_of(base: str, notices: Sequence[Notice]) -> str:
    """Return the address of the page for what `notices` of one card tell of; empty where `base`, the pages' own, is.

    One alarm is opened at once; several are among those of the list, which has the most urgent first.
    """
    if not base:
        return ""
    base = base.rstrip("/")
    alarms = {notice.alarm for notice in notices}
    match notices[0].kind:
        case NoticeKind.RAISED | NoticeKind.CLEARED:
            only = alarms.pop() if len(alarms) == 1 else ""
            return f"{base}/alarms?alarm={quote(only, safe='')}" if only else f"{base}/alarms"
        case NoticeKind.REPORT:
            return f"{base}/incidents"
        case _:
            return f"{base}/"
