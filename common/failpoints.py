"""Points at which the test suite kills a process, to prove that nothing is lost there.

They do nothing unless the settings define EMAIL_FAILPOINTS (``after-claim:0.1,after-send:0.05``). Only settings.test
does.
"""

import os
import random
import signal
from functools import cache

from django.conf import settings


@cache
def probabilities() -> dict[str, float]:
    """Return the probability of each failpoint in the settings."""
    pairs = (item.split(":") for item in getattr(settings, "EMAIL_FAILPOINTS", "").split(",") if item)
    return {name: float(probability) for name, probability in pairs}


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL, with the probability that the settings define for ``name``."""
    if random.random() < probabilities().get(name, 0.0):
        os.kill(os.getpid(), signal.SIGKILL)
