"""What was sent, by provider."""

from collections import Counter

from emails.models import OutboundEmail, Status


def sent_by() -> dict[str, int]:
    """Return how many emails each provider has sent."""
    return dict(Counter(OutboundEmail.objects.filter(status=Status.SENT).values_list("provider", flat=True)))
