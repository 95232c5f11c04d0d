"""What remains to be done, and to be remembered, once a user is deleted."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from billing.models.events import StripeEvent


class CleanupRequestQuerySet(models.QuerySet["CleanupRequest"]):
    def due(self) -> Self:
        return self.filter(due_at__lte=Now()).order_by("due_at")


class CleanupRequest(models.Model):
    """Something to end at Stripe because its user was deleted, or an email address or a name to update there.

    It is repeated until Stripe confirms it.
    """

    class Action(models.TextChoices):
        EXPIRE_SESSION = "expire_session", _("close the checkout page")
        CANCEL_SUBSCRIPTION = "cancel_subscription", _("cancel the subscription")
        DELETE_CUSTOMER = "delete_customer", _("delete the customer")
        FIND_CUSTOMER = "find_customer", _("find a customer that may have been created, and delete it")
        UPDATE_ADDRESS = "update_address", _("update the customer's email address")
        UPDATE_NAME = "update_name", _("update the customer's name")

    action = models.CharField(_("task"), max_length=32, choices=Action)
    object_id = models.CharField(
        _("ID at Stripe"), max_length=255, help_text=_("Its ID at Stripe, or the key of a customer to find.")
    )
    email = models.CharField(max_length=320, blank=True, help_text=_("Only to find the customer. Deleted after that."))
    created_at = models.DateTimeField(_("created"), db_default=Now())
    due_at = models.DateTimeField(
        _("next attempt"),
        null=True,
        db_default=Now(),
        help_text=_("When Stripe is asked again. Empty once it is done."),
    )
    failures = models.PositiveSmallIntegerField(_("failed attempts"), default=0, help_text=_("Failed attempts."))
    done_at = models.DateTimeField(_("done"), null=True)

    objects: ClassVar[CleanupRequestQuerySet] = CleanupRequestQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("cleanup at Stripe")
        verbose_name_plural = _("cleanups at Stripe")
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["action", "object_id"], name="one_cleanup_an_object")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="cleanup_due"),
            models.Index(fields=["done_at"], condition=models.Q(done_at__isnull=False), name="cleanup_done"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.object_id}"


class Erasure(models.Model):
    """A deleted user and one of their addresses, to recognize what arrives later. Contains no personal data."""

    user_id = models.BigIntegerField(db_index=True)
    address_digest = models.CharField(
        _("digest of the email address"), max_length=64, blank=True, help_text=_("Emptied after 90 days.")
    )
    erased_at = models.DateTimeField(db_default=Now())
    had_trial = models.BooleanField(
        default=False, db_default=False, help_text=_("Whether this user has had a trial, which a person gets once.")
    )

    class Meta:
        indexes = [
            models.Index(fields=["address_digest"], condition=~models.Q(address_digest=""), name="erasure_address"),
            models.Index(fields=["erased_at"], condition=~models.Q(address_digest=""), name="erasure_age"),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id}"

    @classmethod
    def of(cls, user_id: int, address: str, *, had_trial: bool = False) -> Self:
        """Return an unsaved row."""
        return cls(user_id=user_id, address_digest=digest(address, settings.SECRET_KEY), had_trial=had_trial)

    @classmethod
    def has_any(cls, addresses: Iterable[str], since: datetime) -> bool:
        """Return whether the owner of one of the addresses was deleted after that time."""
        return cls._with(addresses).filter(erased_at__gte=since).exists()

    @classmethod
    def has_trial(cls, addresses: Iterable[str]) -> bool:
        """Return whether a deleted user with one of the addresses has had a trial, as long as the digests are kept."""
        return cls._with(addresses).filter(had_trial=True).exists()

    @classmethod
    def _with(cls, addresses: Iterable[str]) -> "models.QuerySet[Erasure]":
        keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        digests = [digest(address, key) for address in addresses for key in keys]
        return cls._default_manager.filter(address_digest__in=digests)


def digest(address: str, key: str) -> str:
    """Return a hash that can't be turned back into the address by trying out addresses without the secret key."""
    return salted_hmac("billing.erasure", address.lower(), secret=key, algorithm="sha256").hexdigest()


class EventAddress(models.Model):
    """An address in an event that no customer of ours leads to, so that an erasure finds the event."""

    event = models.ForeignKey(StripeEvent, on_delete=models.CASCADE, related_name="addresses")
    address = models.CharField(_("email address"), max_length=320, db_index=True, help_text=_("In lowercase."))

    class Meta:
        verbose_name = _("email address in an event")
        verbose_name_plural = _("email addresses in events")
        constraints = [models.UniqueConstraint(fields=["event", "address"], name="one_row_an_event_address")]

    def __str__(self) -> str:
        return self.address
