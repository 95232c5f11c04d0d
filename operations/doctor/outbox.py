"""The emails that wait, and the providers that should take them."""

from collections.abc import Iterator
from datetime import timedelta

from emails import monitoring
from operations.doctor.checks import Check, Trouble, serious, warning

PROVIDER_FIXES = {
    "misconfigured": "Correct its settings, and restart the worker.",
    "over_quota": "Choose a larger plan at the provider, or wait until the quota starts again.",
    "open": "Look at the provider's status page. Emails go out on their own once it works again.",
    "paused": "Nothing needs to be done: the provider asked for a pause, and emails go out after it.",
}


def oldest_email() -> Iterator[Trouble]:
    age = monitoring.report().outbox["oldest_seconds"]
    if age is not None and age >= monitoring.LATE_AFTER.total_seconds():
        yield serious(
            f"The oldest unsent email has been waiting for {timedelta(seconds=age)} hours.",
            "Start a worker, or open the message in the admin, which says why it waits.",
        )


def providers() -> Iterator[Trouble]:
    for name, state in monitoring.report().providers.items():
        if state["state"] != "ok":
            trouble = warning if state["state"] == "paused" else serious
            yield trouble(state["reason"], PROVIDER_FIXES.get(state["state"], "Open it in the admin."), name)


CHECKS = (
    Check("outbox.oldest", "unsent emails", oldest_email),
    Check("outbox.providers", "providers", providers),
)
