"""Limits on what staff do. Emails that they cause count as if the staff member and the recipient had asked for them."""

from math import ceil

from django.http import HttpRequest

from accounts.throttling import address_subject
from common.throttling import PersonThrottle, Window, first_full


def refusal(request: HttpRequest, scope: str, address: str) -> str:
    """Count one email to the address; returns a sentence for staff if there were too many, or an empty string."""
    full = first_full([*PersonThrottle(scope).windows(request), Window(scope, address_subject(address))])
    return f"Too many of these emails were sent. Wait {ceil(full.wait() / 60)} minutes." if full else ""
