"""Advice for the person who reads a provider's error, such as in the output of test_email."""

from emails.backends import PROVIDERS
from emails.errors import Outcome, ProviderError, Remedy


def advice_on(error: ProviderError) -> str:
    """Return one sentence that says what the person can do about the error."""
    if error.outcome == Outcome.UNKNOWN:
        return "Whether it was taken is not known: look into the mailbox before you try again."
    if error.remedy == Remedy.FIX:
        return advice_on_settings(error)
    if error.remedy == Remedy.QUOTA:
        return f"The quota of {error.provider} is used up: wait for its next day or month, or take a larger plan."
    if error.remedy == Remedy.GIVE_UP:
        return f"{error.provider} will not take this message as it is: change what its answer names."
    if error.retry_after is not None:
        return f"Try again in {error.retry_after.total_seconds():.0f} seconds."
    if error.status is None:
        return f"Nobody answered: check {variable(error, 'URL')}, the name server, the firewall and the proxy."
    return f"{error.provider} has trouble of its own: try again in some minutes, or look at its status page."


def advice_on_settings(error: ProviderError) -> str:
    if error.status == 403 and not error.pauses_provider:
        return f"Verify the domain of DEFAULT_FROM_EMAIL at {error.provider}, or send from one that is verified."
    return (
        f"Check {variable(error, 'KEY')}: make a new key at {error.provider} that may send mail, "
        "set it and restart every process."
    )


def variable(error: ProviderError, what: str) -> str:
    """Return the environment variable that holds the provider's ``what``: its KEY or its URL."""
    if error.provider in PROVIDERS:
        return f"{error.provider.upper()}_API_{what}"
    return "EMAIL_URL" if error.provider == "smtp" else "the settings of that backend"
