"""Whether the service's process lives on this machine, as far as its data directory tells; it is not disturbed."""

from pathlib import Path


def process_of(data_dir: Path) -> int | None:
    """Return the PID of the service that holds a data directory; 0: none runs. None: that is not known from here."""
    try:
        pid = int((data_dir / "vigilia.pid").read_text()[:20])
    except FileNotFoundError:
        return 0 if (data_dir / "vigilia.db").exists() or (data_dir / "vigilia.lock").exists() else None
    except (OSError, ValueError):
        return None
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return 0
    except OSError:
        return None
    return pid if b"vigilia" in command else 0
