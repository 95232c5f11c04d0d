"""What a user's deletion leaves to do: rows that cleanup.py works off, and data in events that has to go."""

import logging
from collections.abc import Collection
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from billing.models import Checkout, CleanupRequest, Customer, CustomerRequest, Erasure, Payment, StripeEvent
from billing.models.events import EMPTY_OF_ERASED
from common.db import execute, insert_if_absent

logger = logging.getLogger(__name__)

Action = CleanupRequest.Action

# A call that was under way when the user was deleted has ended by then: it is longer than STRIPE_REQUEST_SECONDS.
IN_FLIGHT = timedelta(seconds=60)


def remember(user: User, addresses: Collection[str], *, had_trial: bool) -> None:
    """Store that the user was deleted. Events that arrive later, with the user's ID or address, restore nothing."""
    Erasure.objects.bulk_create(Erasure.of(user.pk, address, had_trial=had_trial) for address in addresses)


def is_erased(user_id: int | None) -> bool:
    return user_id is not None and Erasure.objects.filter(user_id=user_id).exists()


def request_cleanup(user: User) -> None:
    """Store what has to end at Stripe. Call it with the user locked, while the rows still refer to the user."""
    pages = Checkout.objects.open_of(user.pk)
    for session_id in pages.exclude(session_id="").values_list("session_id", flat=True):
        request(Action.EXPIRE_SESSION, session_id)
    # A page, or a customer, whose call hasn't returned yet may still be created.
    wait = IN_FLIGHT if pages.filter(session_id="").exists() else timedelta()
    created = CustomerRequest.objects.filter(user=user)
    for customer_id in {
        *Customer.objects.filter(user=user).values_list("pk", flat=True),
        *created.exclude(customer_id="").values_list("customer_id", flat=True),
    }:
        request(Action.DELETE_CUSTOMER, customer_id, wait=wait)
    for unknown in created.filter(customer_id=""):
        request(Action.FIND_CUSTOMER, str(unknown.key), wait=IN_FLIGHT, email=unknown.email)


def request(action: Action, object_id: str, *, wait: timedelta = timedelta(), email: str = "") -> bool:
    """Store the request unless it is known. Returns whether it is new."""
    row = CleanupRequest(action=action, object_id=object_id, email=email)
    if not insert_if_absent([row]):
        return False
    if wait:
        CleanupRequest.objects.filter(action=action, object_id=object_id).update(due_at=Now() + wait)
    return True


def request_again(action: Action, object_id: str) -> None:
    """Store the request, or make it due again if it was done before."""
    if not request(action, object_id):
        row = CleanupRequest.objects.filter(action=action, object_id=object_id)
        row.update(due_at=Now(), done_at=None, failures=0)


def cancel(subscription_id: str) -> None:
    """Have a subscription canceled that somebody bought who is deleted here, and call for a person."""
    if request(Action.CANCEL_SUBSCRIPTION, subscription_id):
        logger.error(
            "Subscription %s belongs to a user who deleted their account. It is canceled at Stripe. Refund what was "
            "paid for it there (docs/billing.md, Account deletion).",
            subscription_id,
        )


def erase_customer(customer_id: str) -> None:
    """Empty the customer, and have it deleted at Stripe, because its user was deleted before we knew it."""
    Customer.objects.filter(pk=customer_id).update(user=None, email="", name="", erased_at=Now())
    request(Action.DELETE_CUSTOMER, customer_id)
    forget_events(customer_id)


def forget_events(customer_id: str) -> None:
    """Empty the stored events of a customer who is erased. All other events stay."""
    if customer_id:
        execute(EMPTY_OF_ERASED, customer_id, customer_id)


def forget_event(event_id: str) -> None:
    """Empty an event, with the payment that it may have recorded, if it names an address that was erased since."""
    event = StripeEvent.objects.defer("body", "error").get(pk=event_id)
    addresses = [*event.addresses.values_list("address", flat=True)]
    if not addresses or not Erasure.has_any(addresses, event.created_at):
        return
    StripeEvent.objects.filter(pk=event.pk).update(body="", error="")
    forget_guest_payments(addresses, Q(stripe_id=event.object_id))
    event.addresses.all().delete()


def forget_guest_payments(addresses: Collection[str], which: Q | None = None) -> None:
    """Erase the addresses from purchases without a customer."""
    guests = Payment.objects.filter(which or Q(), customer=None, user=None, email__in=addresses)
    guests.update(email="", invoice_url="")
