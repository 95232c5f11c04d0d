"""Advice for the person who reads a provider's error, such as in the output of test_email."""

from emails.backends import PROVIDERS
from emails.errors import CallOutcome, ProviderError, Remedy

CONSOLE = "console"
NOTHING_SENT = "Nothing was sent, because EMAIL_PROVIDER is console."
SEND_REAL_EMAIL = (
    "To send real email, set EMAIL_PROVIDER and its API key in .env, and restart every process "
    "(README: Send real email)."
)


def advice_on(error: ProviderError) -> str:
    """Return what the person can do about the error."""
    # First, because repeating the command could send the email twice, whatever the remedy is.
    if error.outcome == CallOutcome.UNKNOWN:
        return "It's unknown whether the email was accepted. Check the mailbox before you try again."
    if error.remedy == Remedy.FIX:
        return advice_on_settings(error)
    if error.remedy == Remedy.QUOTA:
        return f"The quota at {error.provider} is used up. Wait until it resets, or upgrade the plan."
    if error.remedy == Remedy.GIVE_UP:
        return f"{error.provider} won't accept this message as it is. Fix what its response names."
    if error.retry_after is not None:
        return f"Try again in {error.retry_after.total_seconds():.0f} seconds."
    if error.status is None:
        return f"There was no response. Check {variable(error.provider, 'URL')}, DNS, the firewall, and the proxy."
    return f"{error.provider} is having problems. Try again in a few minutes, or check its status page."


def advice_on_settings(error: ProviderError) -> str:
    # A 403 that doesn't pause the provider concerns one message's sender, so the key is valid.
    if error.status == 403 and not error.pauses_provider:
        return f"Verify the domain of DEFAULT_FROM_EMAIL at {error.provider}, or send from a verified domain."
    return (
        f"Check {variable(error.provider, 'KEY')}. Create a new key at {error.provider} that may send email, "
        "set it, and restart every process."
    )


def variable(provider: str, what: str) -> str:
    """Return the environment variable that holds the provider's ``what``: its KEY or its URL."""
    if provider in PROVIDERS:
        return f"{provider.upper()}_API_{what}"
    return "EMAIL_URL" if provider == "smtp" else "the settings of that backend"
