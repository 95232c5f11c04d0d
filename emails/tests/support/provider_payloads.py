"""Delivery events in each provider's own format: (event name, extra fields) by provider."""

from typing import Any

from emails.models import OutboundEmail

EventByProvider = dict[str, tuple[str, dict[str, Any]]]

HARD_BOUNCE: EventByProvider = {
    "sequenzy": ("email.bounced", {"bounce_type": "Permanent"}),
    "resend": ("email.bounced", {"bounce": {"type": "Permanent"}}),
    "sendgrid": ("bounce", {"type": "bounce", "status": "5.1.1"}),
}
SOFT_BOUNCE: EventByProvider = {
    "sequenzy": ("email.bounced", {"bounce_type": "Transient"}),
    "resend": ("email.bounced", {"bounce": {"type": "Transient"}}),
    "sendgrid": ("bounce", {"type": "blocked"}),
}
COMPLAINT = {"sequenzy": "email.complained", "resend": "email.complained", "sendgrid": "spamreport"}
DELIVERED = {"sequenzy": "email.delivered", "resend": "email.delivered", "sendgrid": "delivered"}


def event_fields(row: OutboundEmail, provider: str) -> dict[str, Any]:
    """The provider's ID of the message, its recipient, and our ID if the provider carries it."""
    our_id = {} if provider == "sequenzy" else {"our_id": row.pk}
    return {"message": row.provider_message_id, "to": row.recipients, **our_id}


def current_status(row: OutboundEmail) -> str:
    """The status in the database, where events change it."""
    row.refresh_from_db()
    return row.status
