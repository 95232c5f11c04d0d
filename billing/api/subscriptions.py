"""What the API gives about the user's subscription."""

from typing import Any

from accounts.models import User
from billing.api.serializers import PaymentDueSerializer, PendingChangeSerializer, SubscriptionSerializer
from billing.models import Subscription
from billing.services.changes.rules import abilities_of
from billing.services.dues import dues_of

# The response for a person without a subscription. It has the fields of a real one, so that a client can read
# "gives_access" without first checking whether there is a subscription.
NO_SUBSCRIPTION: dict[str, Any] = {
    "status": "none",
    "gives_access": False,
    "plan": None,
    "quantity": 0,
    "bought_items": [],
    "amount": 0,
    "currency": "",
    "interval": "",
    "interval_count": None,
    "display_amount": "",
    "current_period_end": None,
    "trial_end": None,
    "cancel_at": None,
    "is_collection_paused": False,
    "collection_resumes_at": None,
    "ended_at": None,
    "next_charge_at": None,
    "scheduled_change": None,
}


def my_subscription(user: User) -> dict[str, Any]:
    """Return the subscription that gives access, the others, and what the user may do with it."""
    found = Subscription.objects.current_of(user.pk)
    others = Subscription.objects.others_of(user.pk, found)
    abilities = abilities_of(user)
    due = next(iter(dues_of(user.pk)), None)
    return {
        **SubscriptionSerializer(found or NO_SUBSCRIPTION).data,
        "can_change": abilities.can_change,
        "can_cancel": abilities.can_cancel,
        "can_resume": abilities.can_resume,
        "pending_change": PendingChangeSerializer(abilities.pending).data if abilities.pending else None,
        "payment_due": PaymentDueSerializer(due).data if due else None,
        "others": SubscriptionSerializer(others, many=True).data,
    }
