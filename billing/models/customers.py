"""Customers at Stripe, and which user each of them is."""

import uuid
from dataclasses import dataclass
from typing import ClassVar, Self

from django.conf import settings
from django.db import connection, models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

WITH_USER = """
    SELECT customer.id, customer.email, customer.name, customer.marked_user_id, customer.erased_at IS NOT NULL,
           person.id, person.email, person.name, person.language
    FROM billing_customer AS customer LEFT JOIN accounts_user AS person ON person.id = customer.user_id
    WHERE customer.id = %s
"""


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer with its user, as far as mail needs them. ``user_id`` is None where there is no user."""

    id: str
    email: str = ""
    name: str = ""
    marked_user_id: int | None = None
    is_erased: bool = False
    user_id: int | None = None
    user_email: str = ""
    user_name: str = ""
    user_language: str = ""


class CustomerQuerySet(models.QuerySet["Customer"]):
    def locked(self, customer_id: str) -> KnownCustomer | None:
        """Locked until the end of the transaction: what happens to one customer happens in turn."""
        lock = connection.ops.for_update_sql(of=["customer"]) if connection.features.has_select_for_update else ""
        with connection.cursor() as cursor:
            cursor.execute(WITH_USER + lock, [customer_id])
            row = cursor.fetchone()
        return KnownCustomer(*row) if row else None

    def usable(self) -> Self:
        """Without those that were deleted at Stripe, or erased here."""
        return self.filter(deleted_at=None, erased_at=None)


class Customer(models.Model):
    id = models.CharField(primary_key=True, max_length=255, help_text="cus_…")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="stripe_customers"
    )
    marked_user_id = models.BigIntegerField(
        null=True, help_text=_("The user ID in our Checkout Sessions. That user may no longer exist.")
    )
    email = models.CharField(
        max_length=320, blank=True, help_text=_("The email address at Stripe, for people without a user account.")
    )
    name = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, help_text=_("When the customer was deleted at Stripe."))
    erased_at = models.DateTimeField(
        null=True, help_text=_("Set once the user was erased. Nothing about them is stored again.")
    )

    objects: ClassVar[CustomerQuerySet] = CustomerQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.pk


class CustomerRequest(models.Model):
    """The customer that Stripe was asked to make of a user, written before the call and kept for good.

    Its key is the Idempotency-Key, so that two clicks, or a click after an answer that was lost, make one customer.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="customer_request"
    )
    key = models.UUIDField(default=uuid.uuid4)
    email = models.CharField(
        max_length=320, help_text=_("As sent to Stripe. An idempotency key is valid only for the same parameters.")
    )
    name = models.CharField(max_length=500, blank=True)
    customer_id = models.CharField(max_length=255, blank=True, help_text=_("The customer that was created."))
    made_at = models.DateTimeField(db_default=Now(), help_text=_("Part of the idempotency key."))

    objects: ClassVar[models.Manager["CustomerRequest"]] = models.Manager()

    def __str__(self) -> str:
        return self.customer_id or str(self.key)
