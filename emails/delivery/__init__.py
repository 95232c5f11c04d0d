"""Delivering due mail: claim it, hand it to the provider's backend, record what came of it.

drain.py turns the wheel: claims.py (which calls may be made now) → preparing.py (a row becomes a call, or ends) →
calls.py (the call) → outcomes.py (what it came to, by moves.py); breaker.py says whether a provider may be called.
"""

import threading

from emails.delivery.drain import Drain, stopping

_draining = threading.Lock()
_asked_again = threading.Event()


def deliver_due() -> int:
    """Deliver everything that is due; returns the number of calls settled.

    One drain a process: called while one is at work, it returns 0 at once and has that one look once more.
    """
    settled = 0
    _asked_again.set()
    while _asked_again.is_set() and not stopping.is_set() and _draining.acquire(blocking=False):
        try:
            _asked_again.clear()
            settled += Drain().run()
        finally:
            _draining.release()
    return settled


def stop() -> None:
    """Begin no more calls in this process: the ones under way are finished and settled, the others put back."""
    stopping.set()
