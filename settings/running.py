"""Records on which port bin/dev serves the site, so that commands in other terminals find it.

The record is a locked file. The lock ends with the process that holds it, even if it is killed.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where bin/dev doesn't run
    fcntl = None  # type: ignore[assignment]

LOOKS = 10
SECONDS_PER_LOOK = 0.05


class AlreadyRunning(Exception):
    """Another bin/dev of this project holds the port. The argument is its process ID, or an empty string."""


def record(folder: Path, port: int) -> IO[str]:
    """Record that this process serves the port until it ends or closes the file. Raises ``AlreadyRunning``."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / str(port)).open("a+")
    if not is_lockable(file):
        file.seek(0)
        raise AlreadyRunning(file.read().strip())
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def is_lockable(file: IO[str]) -> bool:
    """Lock the file. Return False if another process keeps it locked, and not only looks whether it is."""
    for _ in range(LOOKS):
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(SECONDS_PER_LOOK)
    return False


def running_port(folder: Path) -> int | None:
    """Return the port of the bin/dev that was started last and still runs, or None."""
    records = [path for path in folder.glob("*") if path.name.isdecimal()]
    for path in sorted(records, key=modification_time, reverse=True):
        if is_locked(path):
            return int(path.name)
    return None


def modification_time(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0


def is_locked(path: Path) -> bool:
    if fcntl is None:
        return False
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
