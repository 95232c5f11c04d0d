"""When sessions of staff end: after a while without a request, and some hours after the login in any case."""

import time
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

BEGAN, SEEN = "staff_session_began", "staff_session_seen"  # keys in the session, with seconds since 1970
# A session is stored again at most this often, so that most requests write nothing.
RESOLUTION = timedelta(minutes=1)


def begin(session: SessionBase) -> None:
    """Store the time of a login. Every session has it, because a person may become staff later."""
    session[BEGAN] = session[SEEN] = time.time()


def is_over(session: SessionBase) -> bool:
    """Return whether the session has been idle for too long, or began too long ago."""
    now = time.time()
    # Sessions from before an update have no times yet. For them, both begin with the next request.
    idle, age = now - session.get(SEEN, now), now - session.get(BEGAN, now)
    return bool(idle > settings.STAFF_SESSION_IDLE_MINUTES * 60 or age > settings.STAFF_SESSION_HOURS * 60 * 60)


def touch(session: SessionBase) -> None:
    """Store that the session is in use, at most once a minute."""
    now = time.time()
    if BEGAN not in session:
        begin(session)
    elif now - session.get(SEEN, 0) >= RESOLUTION.total_seconds():
        session[SEEN] = now
