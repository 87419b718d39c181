"""A PWM chip as Linux shows it in sysfs: export, unexport, and a folder for each channel with its settings.

The files are ordinary ones that are watched. A value that a kernel would refuse is put back to what holds, because a
file cannot refuse; it is counted.
"""

import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vigilia.sim.reactor.inotify import CLOSE_WRITE, MODIFY, Watcher

_KEPT = 50_000
_SETTINGS = ("period", "duty_cycle", "enable")
_MOST_NS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Drive:
    """How a channel was driven from a moment on. `at`: the world's seconds; `duty`: 0 while it is not enabled."""

    number: int
    at: float
    duty: float
    period_ns: int
    duty_ns: int
    is_enabled: bool


@dataclass(slots=True)
class Channel:
    """One output. `on_s`: how long it was driven above 0, in the world's seconds."""

    number: int
    held: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SETTINGS, 0))
    is_exported: bool = False
    on_s: float = 0.0
    refused: int = 0
    history: deque[Drive] = field(default_factory=lambda: deque(maxlen=_KEPT))
    changes: int = 0

    @property
    def duty(self) -> float:
        """The share of time it is on, 0 to 1."""
        if not self.is_exported or not self.held["enable"] or not self.held["period"]:
            return 0.0
        return self.held["duty_cycle"] / self.held["period"]


class PwmTree:
    """A chip's folder. `before_change` is called before any change of a channel's drive holds."""

    def __init__(self, path: Path, channels: int, watcher: Watcher, world: Callable[[], float]) -> None:
        self.path = path
        self.channels = [Channel(number) for number in range(channels)]
        self.before_change: Callable[[], None] = lambda: None
        self._watcher = watcher
        self._world = world
        self._handles: list[int] = []

    def appear(self) -> None:
        """Make the chip's folder, nothing exported; nothing where it is there. Raises OSError."""
        if self.path.is_dir():
            return
        self.path.mkdir(parents=True)
        (self.path / "npwm").write_text(f"{len(self.channels)}\n", encoding="ascii")
        for name in ("export", "unexport"):
            (self.path / name).write_text("", encoding="ascii")
        self._handles.append(self._watcher.watch(self.path, CLOSE_WRITE | MODIFY, self._asked))

    def vanish(self) -> None:
        """Take the folder away: all outputs are off."""
        for handle in self._handles:
            self._watcher.forget(handle)
        self._handles.clear()
        shutil.rmtree(self.path, ignore_errors=True)
        for channel in self.channels:
            self._unexport(channel)

    def advance(self, seconds: float) -> None:
        """Count `seconds` in which nothing changed."""
        for channel in self.channels:
            if channel.duty > 0:
                channel.on_s += seconds

    def _asked(self, _mask: int, name: str) -> None:
        if name not in {"export", "unexport"}:
            return
        text = _first_line(self.path / name).strip()
        if not text.isdecimal() or int(text) >= len(self.channels):
            return
        channel = self.channels[int(text)]
        if name == "export" and not channel.is_exported:
            self._export(channel)
        elif name == "unexport" and channel.is_exported:
            self._unexport(channel)
            shutil.rmtree(self.path / f"pwm{channel.number}", ignore_errors=True)

    def _export(self, channel: Channel) -> None:
        # Made aside and put in its place whole: who waits for the folder finds every file in it.
        aside = self.path / f".pwm{channel.number}"
        aside.mkdir()
        for name in _SETTINGS:
            (aside / name).write_text("0\n", encoding="ascii")
        (aside / "polarity").write_text("normal\n", encoding="ascii")
        channel.is_exported = True
        watch = self._watcher.watch(aside, CLOSE_WRITE | MODIFY, lambda _mask, _name: self._look(channel))
        self._handles.append(watch)
        aside.rename(self.path / f"pwm{channel.number}")

    def _unexport(self, channel: Channel) -> None:
        if channel.is_exported:
            self.before_change()
            channel.is_exported = False
            channel.held = dict.fromkeys(_SETTINGS, 0)
            self._note(channel)

    def _look(self, channel: Channel) -> None:
        """Take what the channel's files say.

        They are judged together: when the first of several writes is heard of, the last may have been done already.
        """
        if not channel.is_exported:
            return
        files = {name: self.path / f"pwm{channel.number}" / name for name in _SETTINGS}
        texts = {name: _first_line(file) for name, file in files.items()}
        if not all(texts.values()):
            return  # truncated, and not yet written: that will be heard of too
        numbers = {name: text.strip() for name, text in texts.items()}
        wanted = {name: int(text) if text.isdecimal() else -1 for name, text in numbers.items()}
        if wanted == channel.held and (wanted["period"] or all(map(_is_as_shown, texts.values()))):
            return
        if not _is_allowed(wanted):
            channel.refused += 1
            for name in _SETTINGS:
                if wanted[name] != channel.held[name] or not _is_as_shown(texts[name]):
                    files[name].write_text(f"{channel.held[name]}\n", encoding="ascii")
            return
        self.before_change()
        was, channel.held = channel.duty, wanted
        if channel.duty != was:
            self._note(channel)

    def _note(self, channel: Channel) -> None:
        held = channel.held
        channel.changes += 1
        drive = Drive(
            channel.changes, self._world(), channel.duty, held["period"], held["duty_cycle"], bool(held["enable"])
        )
        channel.history.append(drive)


def _is_allowed(held: dict[str, int]) -> bool:
    """Whether a kernel would take these (pwm_apply_state, Linux 6.1: nothing without a period, no duty above it)."""
    return 0 <= held["duty_cycle"] <= held["period"] <= _MOST_NS and held["period"] > 0 and held["enable"] in (0, 1)


def _is_as_shown(text: str) -> bool:
    """Whether a setting's file is as we wrote it: programs that write what holds already seldom end the line."""
    return text.endswith("\n")


def _first_line(file: Path) -> str:
    """Return the file's first line, with its end; empty where there is none, or no file."""
    try:
        with file.open(encoding="ascii", errors="replace") as opened:
            return opened.readline(32)
    except OSError:
        return ""
