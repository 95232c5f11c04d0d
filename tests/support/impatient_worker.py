"""The web server's worker with short timeouts and little memory, so that tests reach these limits."""

from datetime import timedelta

from common.buffering import BufferingWorker, worker

worker.HEAD_TIMEOUT = worker.BODY_TIMEOUT = worker.WRITE_TIMEOUT = timedelta(seconds=1)
worker.MAX_HELD_BYTES = 1024 * 1024


class ImpatientWorker(BufferingWorker):
    pass
