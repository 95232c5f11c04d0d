"""What the providers say in their own words, and of which message."""

from typing import Any

from emails.models import OutboundEmail

Told = dict[str, tuple[str, dict[str, Any]]]

HARD: Told = {
    "sequenzy": ("email.bounced", {"bounce_type": "Permanent"}),
    "resend": ("email.bounced", {"bounce": {"type": "Permanent"}}),
    "sendgrid": ("bounce", {"type": "bounce", "status": "5.1.1"}),
}
SOFT: Told = {
    "sequenzy": ("email.bounced", {"bounce_type": "Transient"}),
    "resend": ("email.bounced", {"bounce": {"type": "Transient"}}),
    "sendgrid": ("bounce", {"type": "blocked"}),
}
COMPLAINT = {"sequenzy": "email.complained", "resend": "email.complained", "sendgrid": "spamreport"}
DELIVERED = {"sequenzy": "email.delivered", "resend": "email.delivered", "sendgrid": "delivered"}


def about(row: OutboundEmail, provider: str) -> dict[str, Any]:
    """What the provider says of the message: our id, where it carries it, and its own."""
    ours = {} if provider == "sequenzy" else {"ours": row.pk}
    return {"message": row.provider_message_id, "to": row.recipients, **ours}


def status(row: OutboundEmail) -> str:
    row.refresh_from_db()
    return row.status
