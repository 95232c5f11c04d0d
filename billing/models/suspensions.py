"""Access while a payment is disputed, as BILLING_ACCESS_ON_DISPUTE decides.

``keep``: a dispute changes nothing. ``suspend``: a subscription gives no access while a dispute about one of its
payments is open or lost. It gives access again once the dispute is won.
"""

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from billing.models.disputes import Dispute
from billing.models.payments import Payment, PaymentQuerySet, same_payment

KEEP, SUSPEND = "keep", "suspend"
POLICIES = (KEEP, SUSPEND)


def is_suspending() -> bool:
    return str(settings.BILLING_ACCESS_ON_DISPUTE) == SUSPEND


def disputed_payments() -> PaymentQuerySet:
    """Return the payments that the bank took back, or may take back."""
    # The names of the payment are compared, not a stored link, because the dispute can arrive before the payment.
    unsettled = Dispute.objects.unsettled().filter(same_payment())
    return Payment.objects.filter(Exists(unsettled)).order_by()


def not_suspended() -> Q:
    """Return the condition for subscriptions. ``is_suspended()`` says the opposite about one of them."""
    if not is_suspending():
        return Q()
    return ~Q(Exists(disputed_payments().filter(subscription_id=OuterRef("pk"))))


def is_suspended(subscription_id: str) -> bool:
    return is_suspending() and disputed_payments().filter(subscription_id=subscription_id).exists()
