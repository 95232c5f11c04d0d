"""Delivery events in each provider's format. The providers' documentation pages are named in emails/webhooks/."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.conf import settings

from emails.backends.resend import MESSAGE_TAG
from emails.backends.sendgrid import MESSAGE_ARGUMENT
from emails.models import OutboundEmail

TYPES = ("delivered", "bounced", "complained", "opened", "clicked")
LINK = re.compile(r"https?://[^\s\"'<>]+")
REASON = "550 5.1.1 The mailbox doesn't exist (simulated)"
IP, AGENT = "192.0.2.1", "Mozilla/5.0 (simulated)"


def resend(email: OutboundEmail, event: str, at: datetime) -> dict[str, Any]:
    """Return one event. It names the message by our ID, so it also works for emails that Resend never had."""
    extra: Mapping[str, dict[str, Any]] = {
        "bounced": {"bounce": {"type": "Permanent", "subType": "General", "message": REASON}},
        "clicked": {
            "click": {
                "link": link_of(email),
                "ipAddress": IP,
                "userAgent": AGENT,
                "timestamp": iso(at),
            }
        },
    }
    return {
        "type": f"email.{event}",
        "created_at": iso(at),
        "data": {
            "email_id": email.provider_message_id or str(email.pk),
            "created_at": iso(email.created_at),
            "from": settings.DEFAULT_FROM_EMAIL,
            "to": email.recipients.split(),
            "subject": email.subject,
            "tags": {MESSAGE_TAG: str(email.pk)},
            **extra.get(event, {}),
        },
    }


def sequenzy(email: OutboundEmail, event: str, at: datetime) -> dict[str, Any]:
    """Return one event. It names the message only by Sequenzy's own ID."""
    extra: Mapping[str, dict[str, Any]] = {
        "bounced": {"bounce_type": "Permanent", "bounce_reason": REASON},
        "clicked": {"url": link_of(email)},
    }
    return {
        "id": f"evt_{uuid4().hex}",
        "type": f"email.{event}",
        "object": "event",
        "created_at": iso(at),
        "data": {
            "email_send_id": email.provider_message_id,
            "recipient": first_recipient(email),
            "subject": email.subject,
            "email_type": "transactional",
            **extra.get(event, {}),
        },
    }


def sendgrid(email: OutboundEmail, event: str, at: datetime) -> list[dict[str, Any]]:
    """Return a batch with one event, which names the message by our ID."""
    name = {"bounced": "bounce", "complained": "spamreport", "opened": "open", "clicked": "click"}.get(event, event)
    extra: Mapping[str, dict[str, Any]] = {
        "delivered": {"response": "250 OK (simulated)"},
        "bounced": {"type": "bounce", "status": "5.1.1", "reason": REASON},
        "opened": {"ip": IP, "useragent": AGENT, "sg_machine_open": False},
        "clicked": {"ip": IP, "useragent": AGENT, "url": link_of(email)},
    }
    return [
        {
            "email": first_recipient(email),
            "timestamp": int(at.timestamp()),
            "event": name,
            "sg_event_id": uuid4().hex,
            "sg_message_id": f"{email.provider_message_id or email.pk}.recvd-simulated-1.0",
            MESSAGE_ARGUMENT: str(email.pk),
            **extra.get(event, {}),
        }
    ]


BUILDERS: dict[str, Callable[[OutboundEmail, str, datetime], Any]] = {
    "resend": resend,
    "sequenzy": sequenzy,
    "sendgrid": sendgrid,
}


def link_of(email: OutboundEmail) -> str:
    """Return the first link in the email, or the site's address."""
    text = (email.content or {}).get("text") or (email.content or {}).get("html") or ""
    found = LINK.search(text)
    return found[0] if found else str(settings.APP_URL)


def first_recipient(email: OutboundEmail) -> str:
    return email.recipients.split()[0]


def iso(at: datetime) -> str:
    """Return the time as Sequenzy and Resend write it: 2026-11-05T12:00:00.000Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
