"""A gunicorn worker that slow clients can't stop: its threads never wait for a client.

The event loop receives a request as a whole before a thread handles it, and sends what the client doesn't accept at
once. gunicorn's own threaded worker reads and writes in its threads, so a few slow connections occupy all of them.
"""

from common.buffering.worker import BufferingWorker

__all__ = ["BufferingWorker"]
