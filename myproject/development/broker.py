"""A Celery broker without Redis, for bin/dev. Messages are files.

Kombu's own filesystem transport writes messages and queue tables in place. A worker that reads such a file too early
gets half of it, and stops with a JSON error.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps

READ_ATTEMPTS = 50  # half a second, while writing a table takes milliseconds
SECONDS_BETWEEN_ATTEMPTS = 0.01


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]  # the stubs are narrower
        """Write under a temporary name, then rename. Names begin with the time, because Kombu reads them in order."""
        name = f"{round(time.monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_text(dumps(payload), "utf-8")
        unfinished.replace(folder / name)

    def get_table(self, exchange: str) -> Any:
        return read_table(lambda: super(Channel, self).get_table(exchange))

    def _queue_bind(self, *binding: Any) -> None:
        read_table(lambda: super(Channel, self)._queue_bind(*binding))


class Transport(filesystem.Transport):
    Channel = Channel


def read_table(read: Callable[[], Any]) -> Any:
    for _ in range(READ_ATTEMPTS):
        try:
            return read()
        except ValueError:  # another process has written only part of it
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
    return read()
