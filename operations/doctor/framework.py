"""Django's own checks and those of the apps, as findings."""

from collections.abc import Iterator

from django.conf import settings
from django.core import checks as django_checks

from operations.doctor.checks import Check, Trouble, error, warning

# What other checks of this package find, too, and in more words.
COVERED = frozenset(
    {
        "billing.E002",
        "billing.E004",
        "billing.E021",
        "billing.W020",
        "emails.E001",
        "emails.E002",
        "emails.E006",
        "emails.E009",
        "emails.E010",
        "emails.I001",
        "emails.I002",
        "emails.W002",
    }
)


def django() -> Iterator[Trouble]:
    """Run what ``manage.py check --deploy`` runs. Outside of production, without the checks for a deployment."""
    found = django_checks.run_checks(include_deployment_checks=settings.IS_PRODUCTION)
    worst_first = sorted(found, key=lambda message: -message.level)
    seen: set[str] = set()  # a check for a deployment may repeat another one's words
    for message in worst_first:
        is_new = message.msg not in seen and message.id not in COVERED and not message.is_silenced()
        if is_new and message.level >= django_checks.WARNING:
            seen.add(message.msg)
            trouble = error if message.level >= django_checks.ERROR else warning
            yield trouble(
                message.msg, message.hint or f"See the check {message.id} in its documentation.", message.id or ""
            )


CHECKS = (Check("django.checks", "manage.py check --deploy", django),)
