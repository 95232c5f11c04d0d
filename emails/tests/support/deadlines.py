"""Deadlines that pass on a condition: a stand-in that stays silent ends the client's call at once."""

import time

from common.http import deadline


def pass_deadline(port: int) -> None:
    """Let the deadline pass for the call that this process makes from local ``port``, if there is one.

    The watchdog then cuts that call as it would after EMAIL_CALL_DEADLINE_SECONDS. Tests need not wait for a short
    deadline, which on a busy machine could also cut calls that are about to be answered.
    """
    watchdog = deadline._watchdog
    with watchdog._condition:
        for call in watchdog._calls:
            if call._line is not None and port_of(call._line) == port:
                call.ends_at = time.monotonic()
        watchdog._condition.notify()


def port_of(line: deadline.Line) -> int | None:
    try:
        return int(line._socket.getsockname()[1])
    except OSError:  # closed since
        return None
