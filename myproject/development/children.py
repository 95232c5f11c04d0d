"""The processes that bin/dev starts: their output, their signals, and what stops them if bin/dev is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

SECONDS_TO_STOP = 10  # a process that takes longer is killed
COLORS = {"web": 36, "worker": 32, "beat": 35}  # cyan, green, magenta: readable on light and dark


class Watchdog:
    """A process that stops all children if this process is killed and can't do it. See watchdog.py."""

    name = "watchdog"

    def __init__(self) -> None:
        script = Path(__file__).with_name("watchdog.py")
        # A session of its own, so that nothing that ends bin/dev's terminal or process group also ends it.
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", script], stdin=subprocess.PIPE, start_new_session=True
        )

    def write(self, line: str) -> None:
        with suppress(BrokenPipeError):  # it was killed, which ends bin/dev in a moment
            os.write(self.process.stdin.fileno(), f"{line}\n".encode())  # type: ignore[union-attr]  # PIPE, above

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()


class Child:
    """A process whose output is prefixed with its name.

    It has its own session, so that Ctrl-C in the terminal doesn't reach it directly. Otherwise, it would receive two
    signals: that one, and the one from ``stop``.
    """

    def __init__(self, name: str, watchdog: Watchdog, *command: str) -> None:
        self.name = name
        self.watchdog = watchdog
        self.command = [sys.executable, *command]
        self.was_restarted = False
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.watchdog.write(f"+{self.process.pid}")
        threading.Thread(target=self.copy_output, args=[self.process], daemon=True).start()

    def restart(self) -> None:
        """Start again, with the changed code. It was stopped, or has ended."""
        self.was_restarted = True
        self.start()

    def copy_output(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            try:
                sys.stdout.buffer.write(prefix(self.name) + line)
                sys.stdout.buffer.flush()
            except OSError:  # nobody reads it anymore, as in "bin/dev | head"
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            # The whole group, because runserver's reloader runs the server as a child of its own.
            os.killpg(self.process.pid, number)


def prefix(name: str) -> bytes:
    padded = f"{name:<6} | "
    is_colored = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return (f"\033[{COLORS[name]}m{padded}\033[0m" if is_colored else padded).encode()


def stop(children: Sequence[Child]) -> None:
    deadline = time.monotonic() + SECONDS_TO_STOP
    # All of them get the signal before the first wait, so that they stop in parallel.
    for child in children:
        child.signal(signal.SIGTERM)
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0, deadline - time.monotonic()))
        child.signal(signal.SIGKILL)
        child.process.wait()
        child.watchdog.write(f"-{child.process.pid}")
