"""What operators do from the terminal, each through the service's API, after they have confirmed it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vigilia.clock import iso
from vigilia.language import tr
from vigilia.tui.dialogs import Choice, Field, Form
from vigilia.tui.model import Alarm, Point
from vigilia.tui.service import ServiceError
from vigilia.tui.texts import duration_s, moment, number, state_word, value_text

if TYPE_CHECKING:
    from vigilia.tui.app import TopApp

_LONGEST_SHELVING_S = 30 * 86_400.0


def acknowledge(top: "TopApp", alarm: Alarm) -> None:
    """Ask for a comment, and acknowledge an alarm."""
    if not _may_act(top):
        return

    async def work(texts: Sequence[str]) -> str:
        after = await top.vigil.service.act(alarm, "acknowledge", texts[0])
        top.vigil.refresh()
        return tr("Acknowledged; it is now: {state}").format(state=state_word(after.state))

    top.push_screen(
        Form(tr("Acknowledge"), _about(alarm), [Field(tr("Comment; Enter acknowledges, Esc does not"))], work)
    )


def shelve(top: "TopApp", alarm: Alarm) -> None:
    """Ask for how long and why, and shelve an alarm."""
    if not _may_act(top):
        return

    async def work(texts: Sequence[str]) -> str:
        until = top.vigil.now + (duration_s(texts[0]) or 0.0)
        after = await top.vigil.service.act(alarm, "shelve", texts[1], iso(until))
        top.vigil.refresh()
        end = moment(after.shelved_until, top.zone, top.vigil.now)
        return tr("Shelved until {time}").format(time=end)

    fields = [
        Field(tr("For how long: 30m, 2h, 1d, 7d; it ends by itself"), "1h", _wrong_duration),
        Field(tr("Comment; Enter shelves, Esc does not")),
    ]
    top.push_screen(Form(tr("Shelve"), _about(alarm), fields, work))


def unshelve(top: "TopApp", alarm: Alarm) -> None:
    """End an alarm's shelving."""
    if not _may_act(top):
        return

    async def work(texts: Sequence[str]) -> str:
        after = await top.vigil.service.act(alarm, "unshelve", texts[0])
        top.vigil.refresh()
        return tr("Not shelved any more; it is now: {state}").format(state=state_word(after.state))

    field = Field(tr("Comment; Enter ends the shelving, Esc does not"))
    top.push_screen(Form(tr("End the shelving"), _about(alarm), [field], work))


def write(top: "TopApp", point: Point) -> None:
    """Ask for a value, have it confirmed, and write it to a point."""
    if not point.writable:
        top.say(tr("{name} is read-only").format(name=point.name))
        return
    if not _may_act(top):
        return
    said = value_text(point.value, point.labels, point.units)
    about = f"{point.name}\n" + tr("It says now: {value}").format(value=said)
    title = tr("Write")

    seen = top.run_worker(_look(top, point), exit_on_error=False)

    async def send(value: object, shown: str) -> str:
        after, pending = await top.vigil.service.write(point.name, value, await seen.wait())
        top.vigil.refresh()
        if pending:
            return tr("{value} is not confirmed yet: it is being done, or kept until the equipment is back").format(
                value=shown
            )
        says = value_text(after.value, after.labels, after.units)
        return tr("Confirmed by the equipment; the point says {value}").format(value=says)

    if point.labels:

        async def choose(index: int) -> str:
            return await send(index, point.labels[index])

        present = int(point.value) if isinstance(point.value, int | float) else None
        top.push_screen(Choice(title, about, point.labels, present, choose))
        return
    if point.limits:
        low, high = (number(limit) for limit in point.limits)
        about += "\n" + tr("It takes {low} to {high} {units}").format(low=low, high=high, units=point.units)

    async def enter(texts: Sequence[str]) -> str:
        value = texts[0] if point.kind == "text" else _number(texts[0])
        return await send(value, texts[0])

    fields = [
        Field(tr("New value"), check=lambda text: _wrong_value(point, text)),
        Field(tr('Is it meant? "y" and Enter writes it, Esc does not'), check=_wrong_consent, consent=True),
    ]
    top.push_screen(Form(title, about, fields, enter))


async def _look(top: "TopApp", point: Point) -> Point:
    """Return a point as it is shown, with the time that it has now.

    Nobody is told of a reading in which only the time is another, and two equal doses differ in nothing else.
    """
    try:
        return replace(point, time=(await top.vigil.service.point(point.name)).time)
    except ServiceError:
        return point


def _may_act(top: "TopApp") -> bool:
    """Say whether the service is there to do anything, and if not, tell why."""
    picture = top.vigil.picture
    if picture.running:
        return True
    reason = "; ".join(picture.said) or tr("it gives no answer")
    top.say(tr("this needs the running service: {reason}").format(reason=reason))
    return False


def _about(alarm: Alarm) -> str:
    return "\n".join(part for part in (alarm.name, alarm.device or alarm.point, alarm.detail) if part)


def _wrong_duration(text: str) -> str:
    seconds = duration_s(text)
    if seconds is None or seconds > _LONGEST_SHELVING_S:
        return tr("{text} is no time up to 30 days: write 30m, 2h or 7d").format(text=repr(text))
    return ""


def _wrong_value(point: Point, text: str) -> str:
    if point.kind == "text":
        return ""
    try:
        value = _number(text)
    except ValueError:
        return tr("{text} is no number").format(text=repr(text))
    if point.limits and not point.limits[0] <= value <= point.limits[1]:
        low, high = (number(limit) for limit in point.limits)
        return tr("write {low} to {high}").format(low=low, high=high)
    return ""


def _wrong_consent(text: str) -> str:
    meant = text.strip().casefold() in ("y", "s")
    return "" if meant else tr('write "y" to have it written, or press Esc')


def _number(text: str) -> int | float:
    """Return a number as people here write it: with a point or a comma. Raises ValueError."""
    value = float(text.strip().replace(",", "."))
    return int(value) if value.is_integer() else value
