"""Deadlines that expire on a condition, so that a silent stand-in ends the client's call immediately."""

import time

from common.http import deadline


def pass_deadline(port: int) -> None:
    """Expire the deadline of the call that this process makes from local ``port``, if there is one.

    The watchdog then cuts that call as it would after EMAIL_CALL_DEADLINE_SECONDS. Tests don't need a short
    deadline, which on a busy machine could also cut calls that are about to get their response.
    """
    watchdog = deadline._watchdog
    with watchdog._condition:
        for open_deadline in watchdog._deadlines:
            if open_deadline._handle is not None and port_of(open_deadline._handle) == port:
                open_deadline.ends_at = time.monotonic()
        watchdog._condition.notify()


def port_of(handle: deadline.SocketHandle) -> int | None:
    try:
        return int(handle._socket.getsockname()[1])
    except OSError:  # the connection is closed by now
        return None
