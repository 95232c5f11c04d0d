"""Customers at Stripe, and which user each of them is."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class CustomerQuerySet(models.QuerySet["Customer"]):
    def usable(self) -> Self:
        """Without those that were deleted at Stripe."""
        return self.filter(deleted_at=None)


class Customer(models.Model):
    id = models.CharField(primary_key=True, max_length=255, help_text="cus_…")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="stripe_customers"
    )
    marked_user_id = models.BigIntegerField(null=True, help_text=_("in our sessions; that user may be gone"))
    email = models.CharField(max_length=320, blank=True, help_text=_("as Stripe told it; for people without a user"))
    name = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, help_text=_("at Stripe"))

    objects: ClassVar[CustomerQuerySet] = CustomerQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.pk
