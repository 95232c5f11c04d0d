"""The lookups of a search. Each query uses an index and reads a few rows."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import Model, Q, QuerySet

from accounts.models import User
from billing.models import (
    Card,
    Checkout,
    Customer,
    Dispute,
    EarlyFraudWarning,
    InvoicePayment,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from common.lists import containing
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Suppression
from operations.home.search.terms import Terms

MAX_HITS = 10  # of each kind
MAX_PEOPLE = 25
NEWEST_PEOPLE = 10_000  # compared with a part of a name
LAST_CHARACTER = chr(0x10FFFF)
SHORTEST_PART = 2  # characters; a single letter is in nearly every name

Rows = Iterator[Any]
Finder = Callable[[Terms], Rows]


def first(*queries: QuerySet[Any]) -> Rows:
    """Yield the first rows of each query, and no row twice."""
    rows = chain.from_iterable(query[:MAX_HITS] for query in queries)
    yield from {row.pk: row for row in rows}.values()


# Rows that the search names by an ID, or the person with the email address.


def people(terms: Terms) -> Rows:
    buyers = Checkout.objects.filter(session_id__in=terms.words).order_by().values_list("user", flat=True)[:MAX_HITS]
    checkouts = Checkout.objects.filter(pk__in=terms.uuids).order_by().values_list("user", flat=True)
    yield from first(
        User.objects.filter(email__in=terms.addresses),
        User.objects.filter(pk__in=[*terms.numbers, *buyers, *checkouts]),
    )


def messages(terms: Terms) -> Rows:
    emails = OutboundEmail.objects.defer("content").order_by()
    yield from first(
        emails.filter(pk__in=terms.uuids),
        emails.filter(idempotency_key__in=terms.words),
        emails.filter(provider_message_id__in=terms.words),
    )


def attempts(terms: Terms) -> Rows:
    yield from first(DeliveryAttempt.objects.filter(pk__in=terms.uuids).defer("body").order_by())


def delivery_events(terms: Terms) -> Rows:
    events = DeliveryEvent.objects.defer("raw").order_by()
    # The events of a known message are on its page.
    unlinked = events.filter(provider_message_id__in=terms.words, email__isnull=True)
    yield from first(events.filter(pk__in=terms.uuids), unlinked)


def customers(terms: Terms) -> Rows:
    cards = Card.objects.filter(pk__in=terms.words).values_list("customer", flat=True)
    found = Customer.objects.select_related("user").order_by()
    yield from first(found.filter(pk__in=terms.words), found.filter(pk__in=[*cards]))


def subscriptions(terms: Terms) -> Rows:
    yield from first(Subscription.objects.filter(pk__in=terms.words).order_by())


def payments(terms: Terms) -> Rows:
    found = Payment.objects.with_refunds().order_by()
    invoices = InvoicePayment.objects.filter(pk__in=terms.words).values_list("invoice", flat=True)
    yield from first(
        found.filter(stripe_id__in=[*terms.words, *invoices]),
        found.filter(payment_intent__in=terms.words).exclude(payment_intent=""),
        found.filter(charge__in=terms.words).exclude(charge=""),
    )


def disputes(terms: Terms) -> Rows:
    yield from first(Dispute.objects.ours().filter(pk__in=terms.words).order_by())


def fraud_warnings(terms: Terms) -> Rows:
    yield from first(EarlyFraudWarning.objects.filter(pk__in=terms.words).exclude(payment=None).order_by())


def stripe_events(terms: Terms) -> Rows:
    yield from first(StripeEvent.objects.filter(pk__in=terms.words).defer("body", "error").order_by())


def subscription_changes(terms: Terms) -> Rows:
    yield from first(SubscriptionChange.objects.filter(pk__in=terms.uuids).order_by())


EXACT: Mapping[type[Model], Finder] = {
    User: people,
    OutboundEmail: messages,
    Payment: payments,
    Subscription: subscriptions,
    Customer: customers,
    Dispute: disputes,
    EarlyFraudWarning: fraud_warnings,
    StripeEvent: stripe_events,
    SubscriptionChange: subscription_changes,
    DeliveryAttempt: attempts,
    DeliveryEvent: delivery_events,
}


# Rows about an email address without an account, or about an object at Stripe that has no page of its own.


def messages_to(terms: Terms) -> Rows:
    found = [OutboundEmail.objects.newest_to_address(address, MAX_HITS) for address in terms.addresses]
    emails = OutboundEmail.objects.filter(pk__in=[*chain.from_iterable(found)]).defer("content")
    yield from emails.order_by("-created_at")[:MAX_HITS]


def suppressions_of(terms: Terms) -> Rows:
    yield from first(Suppression.objects.filter(address__in=terms.addresses).order_by())


def customers_at(terms: Terms) -> Rows:
    # Stripe keeps addresses as they were typed.
    addresses = [*terms.addresses, *terms.typed_addresses]
    yield from first(Customer.objects.filter(email__in=addresses).exclude(email="").select_related("user").order_by())


def payments_of(terms: Terms) -> Rows:
    addresses = [*terms.addresses, *terms.typed_addresses]
    yield from first(Payment.objects.with_refunds().filter(email__in=addresses).exclude(email="").order_by())


def delivery_events_at(terms: Terms) -> Rows:
    events = DeliveryEvent.objects.filter(recipient__in=terms.addresses, email__isnull=True).defer("raw")
    yield from first(events.order_by("-occurred_at"))


def stripe_events_about(terms: Terms) -> Rows:
    events = StripeEvent.objects.defer("body", "error").order_by()
    yield from first(
        events.filter(object_id__in=terms.words).exclude(object_id=""),
        events.filter(customer_id__in=terms.words).exclude(customer_id=""),
    )


RELATED: Mapping[type[Model], Finder] = {
    OutboundEmail: messages_to,
    Suppression: suppressions_of,
    Customer: customers_at,
    Payment: payments_of,
    DeliveryEvent: delivery_events_at,
    StripeEvent: stripe_events_about,
}


def people_like(terms: Terms) -> Rows:
    """Yield people whose address begins with the text, and the newest people with the text in their address or name."""
    if len(terms.part) < SHORTEST_PART:
        return
    users = User.objects.order_by("-pk")
    newest = users.values_list("pk", flat=True)[NEWEST_PEOPLE - 1 : NEWEST_PEOPLE].first() or 0
    parts = containing(users.filter(pk__gte=newest), ["email", "name"], terms.part)
    found = [*User.objects.filter(begins_with(terms.part)).order_by()[:MAX_PEOPLE], *parts[:MAX_PEOPLE]]
    yield from [*{user.pk: user for user in found}.values()][:MAX_PEOPLE]


def begins_with(text: str) -> Q:
    # SQLite uses no index for LIKE, and PostgreSQL's collations may sort other texts into the range.
    if connection.vendor == "sqlite":
        return Q(email__gte=text, email__lt=f"{text}{LAST_CHARACTER}")
    return Q(email__startswith=text)
