"""Deletes the demo rows, and what was added to them since: logins, emails, changes by staff."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.signals import pre_delete

from accounts.models import User
from accounts.services.devices import log_out_everywhere
from billing import privacy as billing_privacy
from billing.models import (
    CleanupRequest,
    Customer,
    CustomerRequest,
    Dispute,
    Drift,
    InvoicePayment,
    Payment,
    RefundedCharge,
    StripeEvent,
)
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail, Suppression
from operations.demo.marks import FIRST_ID, LAST_ID, PASSWORD, STRIPE_ID, of_demo_people
from operations.demo.progress import Progress
from operations.rollups.hours import forget_counts

AT_A_TIME = 500  # rows in a transaction; SQLite also limits the parameters of a query


def remove(progress: Progress) -> int:
    """Delete all demo rows, and return how many there were. Safe to repeat after an interruption."""
    people = demo_people()
    progress.start("Removed", sum(rows.count() for rows in (people, *demo_rows())))
    # The people come last: what is left of an interrupted removal still leads to them.
    total = sum(delete(rows, progress) for rows in demo_rows())
    while some := [*people[:AT_A_TIME]]:
        total += delete_people(some)
        progress.advance(len(some))
    if total:
        forget_counts()  # beat counts again within a minute
        progress.finish()
    return total


def demo_people() -> QuerySet[User]:
    """Return the people by their address or, if that was changed, by their unusable password."""
    return User.objects.filter(of_demo_people("email") | Q(password__startswith=PASSWORD)).order_by("pk")


def demo_rows() -> list[QuerySet[Any]]:
    """Return the other rows, in an order in which none refers to one that was deleted before."""
    people = demo_people().values("pk")
    demo_ids = Q(pk__range=(FIRST_ID, LAST_ID))
    marked, payments = Q(pk__regex=STRIPE_ID), Q(stripe_id__regex=STRIPE_ID) | Q(user__in=people)
    return [
        DeliveryAttempt.objects.filter(demo_ids | Q(emails__in=emails_of_demo_people())).distinct(),
        DeliveryEvent.objects.filter(demo_ids | of_demo_people("recipient")),
        emails_of_demo_people(),
        Suppression.objects.filter(of_demo_people("address")),
        ContactChange.objects.filter(of_demo_people("address") | of_demo_people("former_address")),
        Dispute.objects.filter(marked),
        RefundedCharge.objects.filter(marked),
        InvoicePayment.objects.filter(marked),
        StripeEvent.objects.filter(marked | Q(customer_id__regex=STRIPE_ID)),
        CleanupRequest.objects.filter(object_id__regex=STRIPE_ID),
        Drift.objects.filter(object_id__regex=STRIPE_ID),
        Payment.objects.filter(payments),
        Customer.objects.filter(marked | Q(user__in=people)),
        CustomerRequest.objects.filter(user__in=people),
    ]


def emails_of_demo_people() -> QuerySet[OutboundEmail]:
    """Return the demo emails, and those that were sent to demo people since."""
    return OutboundEmail.objects.filter(Q(pk__range=(FIRST_ID, LAST_ID)) | of_demo_people("recipients"))


def delete(rows: QuerySet[Any], progress: Progress) -> int:
    """Delete the rows in several transactions, and return how many there were."""
    model: type[Model] = rows.model
    total = 0
    while keys := [*rows.order_by().values_list("pk", flat=True)[:AT_A_TIME]]:
        with transaction.atomic():
            model._default_manager.filter(pk__in=keys).delete()
        total += len(keys)
        progress.advance(len(keys))
    return total


@transaction.atomic
def delete_people(some: Sequence[User]) -> int:
    """Delete the people with their sessions and tokens, and with the log entries about them."""
    keys = [user.pk for user in some]
    for user in some:
        log_out_everywhere(user=user)
    content_type = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=content_type, object_id__in=[str(key) for key in keys]).delete()
    with without_erasure():
        User.objects.filter(pk__in=keys).delete()
    return len(keys)


@contextmanager
def without_erasure() -> Iterator[None]:
    """Don't have billing remember the deleted people, or end anything at Stripe: they never existed there."""
    pre_delete.disconnect(sender="accounts.User", dispatch_uid="billing.forget")
    try:
        yield
    finally:
        pre_delete.connect(billing_privacy.forget, sender="accounts.User", dispatch_uid="billing.forget")
