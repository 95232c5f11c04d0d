"""What Stripe did with a person's charges after they paid: refunds and disputes, which don't name the customer."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from django.db.models import QuerySet

from billing.models import Dispute, InvoicePayment, Payment, RefundedCharge

NAMES_IN_A_QUERY = 500


def names_of(payments: QuerySet[Payment]) -> set[str]:
    """Return the ids of the charges and payment intents that paid these payments."""
    names = {name for names in payments.values_list("charge", "payment_intent") for name in names}
    invoices = payments.order_by().values("stripe_id")
    names.update(InvoicePayment.objects.filter(invoice__in=invoices).values_list("payment_intent", flat=True))
    return names - {""}


def refunded_charges(names: set[str]) -> Iterator[RefundedCharge]:
    for some in shares(names):
        yield from RefundedCharge.objects.named(*some)


def disputes(names: set[str]) -> Iterator[Dispute]:
    for some in shares(names):
        # Two queries, because with OR, the database would read all disputes to compare each with both.
        by_charge = Dispute.objects.filter(charge__in=some).order_by().values("pk")
        by_intent = Dispute.objects.filter(payment_intent__in=some).order_by().values("pk")
        yield from Dispute.objects.filter(pk__in=by_charge.union(by_intent))


def ids_of_events(payments: QuerySet[Payment]) -> list[str]:
    """Return the ids of the refunds and disputes of these payments, which their events are about."""
    names = names_of(payments)
    refunds = [refund_id for charge in refunded_charges(names) for refund_id in charge.refunds]
    return refunds + [dispute.pk for dispute in disputes(names)]


def moment_of(version: str) -> datetime | None:
    """Return the time in a version (versions.py), by Stripe's clock."""
    seconds = version.partition(".")[0]
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def shares(names: set[str]) -> Iterator[Sequence[str]]:
    """Yield the names in parts that fit into a query."""
    rest = iter(sorted(names))
    while some := [*islice(rest, NAMES_IN_A_QUERY)]:
        yield some
