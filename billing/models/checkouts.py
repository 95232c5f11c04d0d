"""Checkouts: attempts to buy a plan or a product."""

import uuid
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

# Stripe's sessions expire after 24 hours, and Stripe forgets an Idempotency-Key then.
REUSED_FOR = timedelta(hours=23)


class CheckoutQuerySet(models.QuerySet["Checkout"]):
    def open_of(self, user_id: int) -> Self:
        return self.filter(user=user_id, closed_at=None)

    def recent(self) -> Self:
        """Keep the checkouts whose page, and whose Idempotency-Key, Stripe still knows."""
        return self.filter(created_at__gt=Now() - REUSED_FOR)


class Checkout(models.Model):
    """One attempt to buy a plan or a product.

    Its id is the Idempotency-Key of the call that creates the session, so a double click creates one session. That call
    sends ``parameters``, and only adds what never changes for the user.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="checkouts")
    plan = models.CharField(max_length=64, blank=True)
    product = models.CharField(max_length=64, blank=True, db_default="")
    price_id = models.CharField(max_length=255)
    parameters = models.JSONField(
        default=dict,
        db_default={},
        help_text=_("What is bought, and the terms. Empty for checkouts of older versions."),
    )
    customer_id = models.CharField(max_length=255, blank=True)
    session_id = models.CharField(max_length=255, blank=True, db_index=True)
    url = models.URLField(max_length=2000, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, help_text=_("When it was completed, expired, or refused by Stripe."))

    objects: ClassVar[CheckoutQuerySet] = CheckoutQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(closed_at=None), name="one_open_checkout_a_user"
            )
        ]

    @property
    def items(self) -> list[dict[str, Any]]:
        """What is bought, as a subscription stores it. A quantity that the buyer can change isn't known yet."""
        return [
            {"price_id": item["price"], "quantity": None if "adjustable_quantity" in item else item["quantity"]}
            for item in self.parameters.get("line_items", ())
        ]

    def __str__(self) -> str:
        return f"{self.plan or self.product}: {self.session_id or self.pk}"
