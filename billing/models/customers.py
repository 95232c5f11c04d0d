"""Stripe customers and their users."""

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import connection, models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from common.db import first_row


class CustomerQuerySet(models.QuerySet["Customer"]):
    def get_locked(self, customer_id: str) -> "Customer | None":
        """Return the customer, or None. The row stays locked until the transaction ends."""
        lock = connection.ops.for_update_sql() if connection.features.has_select_for_update else ""
        return first_row(Customer, f"id = %s {lock}", customer_id)

    def ours(self) -> Self:
        return self.filter(models.Q(is_marked=True) | ~models.Q(user=None) | ~models.Q(erased_at=None))

    def usable(self) -> Self:
        """Leave out customers that were deleted at Stripe or erased here."""
        return self.filter(deleted_at=None, erased_at=None)


class Customer(models.Model):
    id = models.CharField(_("ID at Stripe"), primary_key=True, max_length=255, help_text="cus_…")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        verbose_name=_("user"),
        on_delete=models.SET_NULL,
        related_name="stripe_customers",
    )
    metadata_user_id = models.BigIntegerField(
        null=True, help_text=_("The user ID in our Checkout Sessions. That user may no longer exist.")
    )
    is_marked = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("An object of this customer carried the mark of this installation."),
    )
    email = models.CharField(
        _("email address at Stripe"),
        max_length=320,
        blank=True,
        help_text=_("The email address at Stripe, for people without a user account."),
    )
    email_changed_at = models.DateTimeField(
        _("email address changed"), null=True, help_text=_("When it was last changed at Stripe.")
    )
    name = models.CharField(_("name"), max_length=500, blank=True)
    payment_method = models.CharField(
        max_length=255, blank=True, db_default="", help_text=_("What Stripe charges if a subscription names nothing.")
    )
    payment_method_version = models.CharField(max_length=300, blank=True, db_default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    deleted_at = models.DateTimeField(
        _("deleted at Stripe"), null=True, help_text=_("When the customer was deleted at Stripe.")
    )
    erased_at = models.DateTimeField(
        _("erased"), null=True, help_text=_("Set once the user was erased. Nothing about them is stored again.")
    )

    compared_at = models.DateTimeField(null=True, help_text=_("When Stripe's list of customers last had it."))

    objects: ClassVar[CustomerQuerySet] = CustomerQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["email"], condition=~models.Q(email=""), name="customer_email"),
            models.Index(fields=["created_at", "id"], name="customer_created"),
        ]

    def __str__(self) -> str:
        return self.pk

    @property
    def is_erased(self) -> bool:
        return self.erased_at is not None

    @property
    def is_ours(self) -> bool:
        """Whether this installation created the customer. Others can use the same Stripe account."""
        # Rows of others exist too: before marks were introduced, every event stored its customer.
        return self.is_marked or self.user_id is not None or self.is_erased


class CustomerRequest(models.Model):
    """The request to create a user's customer at Stripe, stored before the call and kept for good.

    Its key is the Idempotency-Key, so two clicks, or a click after a lost response, create one customer.
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

    class Meta:
        indexes = [
            models.Index(fields=["customer_id"], condition=~models.Q(customer_id=""), name="request_customer"),
        ]

    def __str__(self) -> str:
        return self.customer_id or str(self.key)
