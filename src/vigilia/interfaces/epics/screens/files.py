"""The files in the folder: their names, and how they get there without harm to anybody else's."""

import hashlib
import os
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vigilia.errors import StartError

MARK = "Made by vigilia screens, which replaces this file. Remove this line to keep it as your own."
_LOOK_BYTES = 400
_LONGEST_STEM = 48
_SUFFIXES = (".bob", ".xml")


def file_names(kind: str, names: Iterable[str]) -> dict[str, str]:
    """Return a file name for each of `names`, whatever characters those have: `room-connectivity.bob`.

    It depends on nothing but the names: where two would get the same, or one loses all, a hash of the name follows.
    """
    stems = {name: _stem(name) if name else "none" for name in names}
    times = Counter(stems.values())
    found: dict[str, str] = {}
    for name, stem in stems.items():
        digits = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
        unique = [stem] if stem and times[stem] == 1 else [stem, digits] if stem else [digits]
        found[name] = "-".join((kind, *unique)) + ".bob"
    return found


def _stem(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_LONGEST_STEM].strip("-")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the folder."""

    written: int
    removed: int
    """Files of ours that nothing stands for any more."""
    kept: tuple[str, ...]
    """Files that are not ours and stayed, where one of ours would have gone."""


def write_files(folder: Path, files: Mapping[str, bytes]) -> Written:
    """Put `files`, by their paths within `folder`, there: each at once or not at all, in their order.

    Files of ours that are not among them are removed; a file without our mark is never touched. Raises StartError
    where the folder does not take them.
    """
    try:
        places = [folder / place for place in sorted({Path(name).parent for name in files})]
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
        kept = tuple(name for name in files if not _may_replace(folder / name))
        for name, content in files.items():
            if name not in kept:
                _replace(folder / name, content)
        stale = [path for path in _ours(places) if path.relative_to(folder).as_posix() not in files]
        for path in stale:
            path.unlink()
    except OSError as error:
        where, reason = error.filename or folder, error.strerror
        raise StartError(f"{where} cannot be written ({reason}): name another folder, or check its rights") from error
    return Written(len(files) - len(kept), len(stale), kept)


def _may_replace(path: Path) -> bool:
    """Say whether nothing is there, or a file of ours."""
    return not os.path.lexists(path) or _is_ours(path)


def _is_ours(path: Path) -> bool:
    """Say whether that is a file with our mark; one that we may not read is none."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(_LOOK_BYTES)
    except PermissionError:
        return False


def _ours(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from (path for path in place.iterdir() if path.suffix in _SUFFIXES and _is_ours(path))


def _replace(path: Path, content: bytes) -> None:
    """Put a file there at once: who reads it sees the old one or the new one, whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".vigilia-", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
