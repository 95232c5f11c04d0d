"""Cards that subscriptions charge, to warn people before they expire."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.customers import Customer

BRANDS: Mapping[str, str] = {
    "amex": "American Express",
    "american_express": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "diners_club": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


class Card(models.Model):
    """A card, in the state that the newest event about it reports. Deleted with the account of its owner."""

    id = models.CharField(primary_key=True, max_length=255, help_text="pm_…, card_…, src_…")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="cards")
    brand = models.CharField(max_length=32, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    expires_at = models.DateTimeField(null=True, help_text=_("The first moment at which it is no longer valid."))
    is_detached = models.BooleanField(default=False, help_text=_("It was removed from the customer."))
    version = models.CharField(max_length=300, blank=True)
    announced_expiry = models.DateTimeField(null=True, help_text=_("The expiry that its owner was reminded of."))

    objects: ClassVar[models.Manager["Card"]] = models.Manager()

    class Meta:
        ordering = ["expires_at"]
        indexes = [
            models.Index(
                fields=["expires_at", "id"],
                condition=Q(expires_at__isnull=False, is_detached=False),
                name="card_expiry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand_name} {self.last4}".strip()

    @property
    def brand_name(self) -> str:
        """The brand as people know it, or an empty string."""
        return BRANDS.get(self.brand.lower().replace(" ", "_"), "")

    @property
    def month(self) -> str:
        """The month of expiry as on the card: ``12/2026``."""
        return (self.expires_at - timedelta(days=1)).strftime("%m/%Y") if self.expires_at else ""
