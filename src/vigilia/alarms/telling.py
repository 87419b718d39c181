"""The words for an alarm: the notice that goes out, and the line in the log."""

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.machine import Tell
from vigilia.language import tr
from vigilia.notices import Notice, NoticeKind

_DAY_S = 86_400


def notice(alarm: Alarm, incident: Incident, tell: Tell, zone: tzinfo) -> Notice:
    """Return what people are to be told of an alarm. Times on it are local to the plant, or to the site."""
    rule, point = alarm.rule, alarm.point
    raised = tell is Tell.RAISED
    equipment = point.equipment or point.device
    subject = point.area if rule.about_area else equipment
    return Notice(
        kind=NoticeKind.RAISED if raised else NoticeKind.CLEARED,
        title=tr(rule.title if raised else rule.cleared_title),
        area=subject,
        line=_line(alarm, incident, raised=raised, equipment=equipment, zone=zone),
        at=incident.began if raised else incident.ended or incident.last_seen,
        began=incident.began,
        severity=incident.severity,
        system=rule.system,
        facts=point.facts,
        alarm=alarm.id,
        incident=incident.id,
        routing=tuple(dict.fromkeys(name for name in (point.area, point.device, subject) if name)),
    )


def log_line(alarm: Alarm, incident: Incident, change: str) -> str:
    """Return the log line of a change: it begins with the mark that people search for."""
    rule, point = alarm.rule, alarm.point
    mark = rule.cleared_mark if change == "clear" else rule.mark
    what = " ".join(
        part for part in (rule.label and tr(rule.label), incident.detail and f"[{incident.detail}]") if part
    )
    where = " / ".join(part for part in (point.area, point.equipment or point.device) if part)
    return f"{mark}: {where}{': ' + what if what else ''} ({alarm.id})"


def clock_time(moment: float, zone: tzinfo) -> str:
    """Return a moment as people of that zone write it: day, month and time."""
    return datetime.fromtimestamp(moment, zone).strftime("%d/%m %H:%M")


def duration(seconds: float) -> str:
    """Return a duration as people write it: "2 d 03 h 15 min", "15 min", "40 s"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    days, rest = divmod(whole, _DAY_S)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days:
        return f"{days} d {hours:02d} h {minutes:02d} min"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _line(alarm: Alarm, incident: Incident, *, raised: bool, equipment: str, zone: tzinfo) -> str:
    rule, name = alarm.rule, alarm.point.told_in
    local = ZoneInfo(name) if name else zone
    what = tr(rule.label) if rule.label else ""
    if incident.detail:
        what = f"{what} ({incident.detail})" if what else incident.detail
    when = _when(incident, local, raised=raised)
    return ": ".join(part for part in (equipment, " – ".join(part for part in (what, when) if part)) if part)


def _when(incident: Incident, local: tzinfo, *, raised: bool) -> str:
    """Return when an incident was. Of one that was taken over nobody knows when it began, nor how long it lasted."""
    began, seen = clock_time(incident.began, local), clock_time(incident.last_seen, local)
    until = incident.ended or incident.last_seen
    ended = clock_time(until, local)
    if not incident.start_known:
        text = tr("last seen {seen}; start not known") if raised else tr("until {ended}; start not known")
        return text.format(seen=seen, ended=ended)
    if raised:
        return tr("since {began}, last seen {seen}").format(began=began, seen=seen)
    return tr("from {began} to {ended}, for {duration}").format(
        began=began, ended=ended, duration=duration(until - incident.began)
    )
