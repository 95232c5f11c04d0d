"""A progress bar in a terminal, and one line for each step elsewhere."""

from typing import Protocol

WIDTH = 30  # characters


class Stream(Protocol):
    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class Progress:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._title, self._total, self._done = "", 0, 0

    def start(self, title: str, total: int) -> None:
        """Begin a step with this number of rows."""
        self._title, self._total, self._done = title, total, 0
        self._draw()

    def advance(self, rows: int) -> None:
        self._done = min(self._done + rows, self._total)
        self._draw()

    def finish(self) -> None:
        """End the step, and say how many rows it had."""
        line = f"{self._title}: {self._done:,}"
        self._stream.write(f"\r{line:<{WIDTH + 50}}\n" if self._is_terminal else f"{line}\n")
        self._stream.flush()

    def _draw(self) -> None:
        if not self._is_terminal:
            return
        share = self._done / self._total if self._total else 1.0
        bar = "█" * round(share * WIDTH)
        self._stream.write(f"\r{self._title:<24} {bar:░<{WIDTH}} {share:4.0%} {self._done:>8,}")
        self._stream.flush()
