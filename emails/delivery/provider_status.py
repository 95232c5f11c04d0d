"""What the stored state of a provider means for people, in /readyz, the admin, and the explanation of a message."""

from collections.abc import Iterator
from datetime import datetime

from emails.backends import configured_provider, fallback_provider
from emails.backends.fingerprint import settings_fingerprint
from emails.models import ProviderState

PauseReason = ProviderState.PauseReason


def describe(state: ProviderState, now: datetime) -> dict[str, str]:
    """Return the provider's ``state`` and the ``reason`` for it.

    The state is ok, paused (the provider asked us to wait), open (it keeps failing, and only probes are sent),
    misconfigured (a person must act), or over_quota (waiting a day or a larger plan helps).
    """
    word = state_of(state, now)
    sentences = [problem_of(state) if word != "ok" else "", failover_of(state)]
    return {"state": word, "reason": " ".join(filter(None, sentences))}


def state_of(state: ProviderState, now: datetime) -> str:
    """Return the state in one word, as in ``describe()``."""
    if state.reason == PauseReason.CONFIGURATION:
        return "misconfigured"
    # While the first provider works, nothing is sent through the fallback provider that could show that it works again.
    if state.name == fallback_provider() and not state.is_paused(now):
        return "ok"
    if state.reason == PauseReason.QUOTA:
        return "over_quota"
    if state.is_probing:
        return "open"
    return "paused" if state.is_paused(now) else "ok"


def problem_of(state: ProviderState) -> str:
    """Return what is wrong with a provider that isn't ok."""
    if not state.reason:
        return "Its pause has ended. The next email shows whether it works again."
    if not is_outdated(state):
        return state.detail
    restart = f"The settings of {state.name} have changed since it was paused. Restart every process to use them."
    # Without the detail, which may name a setting that is right by now.
    return restart if state.reason == PauseReason.CONFIGURATION else f"{state.detail} {restart}"


def is_outdated(state: ProviderState) -> bool:
    """Return whether the pause began under other settings than this process has.

    The first worker that starts with the new settings ends it (breaker.py), so until then, no worker has them.
    """
    # A pause from before fingerprints were stored has none.
    return state.settings_fingerprint not in ("", settings_fingerprint(state.name))


def stand_in_for(state: ProviderState) -> str:
    """Return the provider that carries emails instead of this one, or an empty string."""
    is_failing_over = state.failed_over_at is not None and state.name == configured_provider()
    return fallback_provider() if is_failing_over else ""


def failover_of(state: ProviderState) -> str:
    """Return a sentence on who stands in for the provider since when, or an empty string."""
    stand_in = stand_in_for(state)
    if not stand_in:
        return ""
    since = f"{state.failed_over_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{stand_in} has carried emails since {since}, until {state.name} works again."


def failovers() -> Iterator[str]:
    """Yield a sentence if a failover is going on. Reads the database."""
    for state in ProviderState.objects.filter(name=configured_provider(), failed_over_at__isnull=False):
        if stand_in_for(state):
            yield f"{state.name} can't be used. {failover_of(state)}"
