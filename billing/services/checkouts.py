"""Checkout and portal: what a person asks of Stripe."""

from django.db.models.functions import Now

from billing.models import Checkout


def close(session_id: str) -> None:
    """The session is over: the next try to buy makes a new one."""
    Checkout.objects.filter(session_id=session_id, closed_at=None).update(closed_at=Now())
