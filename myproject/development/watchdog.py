"""Stops the processes of bin/dev if bin/dev itself was killed and could not do it. Runs as a script.

Its standard input is a pipe from bin/dev, with a line for each process group that begins (+123) or has ended (-123).
The pipe ends with bin/dev, however that dies, on every system.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

SECONDS_TO_STOP = 5
SECONDS_PER_LOOK = 0.1


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        (groups.add if line.startswith("+") else groups.discard)(group)
    stop(groups)


def stop(groups: set[int]) -> None:
    """Ask all processes to end, and kill those that don't."""
    deadline = time.monotonic() + SECONDS_TO_STOP
    remaining = signaled(groups, signal.SIGTERM)
    while remaining and time.monotonic() < deadline:
        time.sleep(SECONDS_PER_LOOK)
        remaining = signaled(remaining, 0)
    signaled(remaining, signal.SIGKILL)


def signaled(groups: Iterable[int], number: int) -> set[int]:
    """Send the signal, or none if it is 0. Return the groups that still have processes."""
    remaining = set()
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):  # on macOS, a group of zombies raises PermissionError
            os.killpg(group, number)
            remaining.add(group)
    return remaining


if __name__ == "__main__":
    main()
