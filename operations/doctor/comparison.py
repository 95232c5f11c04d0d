"""Compares the variables of two processes by keyed hashes, so that no value has to be stored.

The web server and the worker read their own environments. If the worker lacks an API key that the web server has, or
they use different databases, only such a comparison shows it.
"""

import hmac

from django.conf import settings

KEY_CHECK = "SECRET_KEY"
# Variables that may differ: they are about one process or one machine.
OWN = frozenset({"DEBUG", "PORT", "EMAIL_DELIVERY_THREADS", "PASSWORD_HASHES_AT_ONCE", "PASSWORD_HASHES_WAITING"})


def fingerprints() -> dict[str, str]:
    """Return a keyed hash of each variable that this process has."""
    found: dict[str, str] = settings.VARIABLES.fingerprints(settings.SECRET_KEY)
    # The key itself is compared by the hash of a constant.
    return {**found, KEY_CHECK: hmac.new(settings.SECRET_KEY.encode(), b"", "sha256").hexdigest()[:16]}


def different_variables(others: dict[str, str]) -> list[str]:
    """Return the names of the variables that have other values here, or are set in only one of the two processes."""
    ours = fingerprints()
    if not others:
        return []
    if others.get(KEY_CHECK) != ours[KEY_CHECK]:  # then all hashes differ, and nothing else can be said
        return [KEY_CHECK]
    names = ours.keys() | others.keys()
    return sorted(name for name in names - OWN if ours.get(name) != others.get(name))
