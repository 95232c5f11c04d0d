"""The cards that subscriptions charge, and the reminder before one expires.

Events report cards and, apart from them, which one is charged: a subscription names its own, or the customer has a
default. Each is stored with its version, so the order of the events doesn't matter.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from billing import mail
from billing.models import Card, Customer, StripeEvent, Subscription
from billing.models.access import WITH_ACCESS
from billing.models.clock import is_ahead
from billing.payloads import CardState, CustomerRef
from billing.services import versions
from billing.services.customers import Payer, identify
from billing.services.queues import for_each
from common.db import insert_if_absent

REMOVALS = ("payment_method.detached", "customer.source.deleted")


def record_card(state: CardState, version: str) -> None:
    """Store a card of a customer. What isn't a card is stored without an expiry, because it may be what is charged."""
    payer = identify(state.customer)
    if payer.is_erased or payer.customer_id is None:
        return
    insert_if_absent([Card(pk=state.id, customer_id=payer.customer_id)])
    older = Card.objects.filter(pk=state.id, version__lt=version)
    is_newest = older.update(
        customer=payer.customer_id,
        brand=state.brand,
        last4=state.last4,
        expires_at=state.expires_at,
        is_detached=False,
        version=version,
    )
    if is_newest:
        repeat_removal(state.id)


def repeat_removal(card_id: str) -> None:
    """Note the removal of the card if its event arrived before the card was known."""
    removals = StripeEvent.objects.filter(object_id=card_id, type__in=REMOVALS).only("type", "created_at")
    for removal in removals:
        record_removal(card_id, versions.of_event(removal.type, removal.created_at, removal.pk))


def record_removal(card_id: str, version: str) -> None:
    """Note that the card was removed. A removed payment method names no customer any more."""
    Card.objects.filter(pk=card_id, version__lt=version).update(is_detached=True, version=version)


def record_default(customer_id: str, payment_method: str, version: str) -> None:
    """Store what Stripe charges for the customer's subscriptions that name nothing themselves."""
    usable = Customer.objects.filter(pk=customer_id, erased_at=None, payment_method_version__lt=version)
    usable.update(payment_method=payment_method, payment_method_version=version)


def record_expiring(state: CardState, version: str) -> None:
    """Store the card, and send the reminder. Stripe reports it in the month in which the card expires."""
    record_card(state, version)
    announce(state.id)


def remind_of_cards() -> int:
    """Send the reminders that are due, and return how many there were."""
    now = timezone.now()
    days = timedelta(days=settings.BILLING_CARD_REMINDER_DAYS)
    is_new = Q(announced_expiry=None) | ~Q(announced_expiry=F("expires_at"))
    expiring = Card.objects.filter(is_detached=False, expires_at__isnull=False, expires_at__gt=now)
    running = Subscription.objects.filter(customer=OuterRef("customer"), status__in=WITH_ACCESS)
    due = expiring.filter(is_new, Exists(running), expires_at__lte=now + days)
    return for_each(due, "expires_at", announce)


def announce(card_id: str) -> bool:
    """Send the reminder unless that was done, or nothing is charged to the card. Returns whether it was sent.

    Raises ``AddressUnknown`` or ``PersonErased``.
    """
    customer_id = Card.objects.filter(pk=card_id).values_list("customer", flat=True).first()
    if customer_id is None or not settings.BILLING_CARD_REMINDER_DAYS:
        return False
    with transaction.atomic():
        payer = identify(CustomerRef(customer_id))  # locks the customer before the card, as every event does
        card = Card.objects.select_for_update().filter(pk=card_id).first()
        subscription = charged_to(card) if card and is_expiring(card) else None
        if card is None or subscription is None:
            return False
        send(payer, card, subscription)
    return True


def send(payer: Payer, card: Card, subscription: Subscription) -> None:
    mail.send_card_expiring_email(payer.recipient, card, subscription)
    Card.objects.filter(pk=card.pk).update(announced_expiry=card.expires_at)


def is_expiring(card: Card) -> bool:
    return not card.is_detached and is_ahead(card.expires_at) and card.announced_expiry != card.expires_at


def charged_to(card: Card) -> Subscription | None:
    """Return a subscription that will be charged to the card, or None."""
    is_default = card.customer.payment_method == card.pk
    names_it = Q(payment_method=card.pk) | (Q(payment_method="") if is_default else Q(pk=None))
    running = Subscription.objects.filter(names_it, customer=card.customer_id).order_by("pk")
    return next(filter(is_charged, running), None)


def is_charged(subscription: Subscription) -> bool:
    """Return whether Stripe goes on charging for the subscription."""
    is_unpaid = subscription.status == "past_due" and subscription.cancel_at is None
    is_free = subscription.recurring_amount == 0
    return not is_free and (is_unpaid or subscription.next_charge_at is not None)
