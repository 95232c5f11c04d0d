"""Limits on what staff do. Emails that they cause count as if the staff member and the recipient had asked for them."""

from math import ceil

from django.http import HttpRequest

from accounts.throttling import address_subject
from common.throttling import person_subject
from common.windows import Window, seconds_to_wait


def refusal(request: HttpRequest, scope: str, address: str) -> str:
    """Count one email to the address; returns a sentence for staff if there were too many, or an empty string."""
    subjects = (person_subject(request), address_subject(address))
    seconds = seconds_to_wait([Window("staff_email", scope, subject) for subject in subjects])
    return f"Too many of these emails were sent. Wait {ceil(seconds / 60)} minutes." if seconds else ""
