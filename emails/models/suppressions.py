"""The suppression list: email addresses that receive nothing, only what the person requests, or no marketing email.

Each provider keeps such a list, too. Ours is checked before every call, and stays valid when the provider changes.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Suppression(models.Model):
    """An email address and what it doesn't receive, until ``until`` has passed or the row is deleted.

    An address can have a row for each scope, so that staff can lift one and keep the other.
    """

    class Cause(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("hard bounce")
        COMPLAINT = "complaint", _("complaint")
        SOFT_BOUNCES = "soft_bounces", _("repeated soft bounces")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        MANUAL = "manual", _("added manually")

    class Scope(models.TextChoices):
        EVERYTHING = "everything", _("all email")
        # Somebody who clicked "spam" must still get a reset link. Which kinds these are is in emails/kinds.py.
        UNREQUESTED = "unrequested", _("all email except what the person requests, such as a password reset")
        # The outbox carries no marketing email. Contacts at the provider stay unsubscribed (emails/contacts.py).
        MARKETING = "marketing", _("marketing email")

    address = models.CharField(_("email address"), max_length=320, help_text=_("In lowercase."))
    cause = models.CharField(_("cause"), max_length=16, choices=Cause, default=Cause.MANUAL)
    scope = models.CharField(
        _("scope"),
        max_length=16,
        choices=Scope,
        blank=True,
        help_text=_("What this email address doesn't get. If empty: all email."),
    )
    detail = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("added"), db_default=Now())
    until = models.DateTimeField(
        _("ends"), null=True, blank=True, help_text=_("If empty, the suppression has no end date.")
    )

    class Meta:
        verbose_name = _("suppressed email address")
        verbose_name_plural = _("suppressed email addresses")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["address", "scope"],
                name="one_suppression_a_scope",
                violation_error_message=_("This email address is already suppressed."),
            )
        ]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: object, **kwargs: object) -> None:
        self.address = self.address.strip().lower()
        self.scope = self.scope or scope_of(self.cause)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


def scope_of(cause: str) -> str:
    """Return what an event with this cause suppresses."""
    return SCOPES.get(cause, Suppression.Scope.EVERYTHING)


SCOPES: dict[str, str] = {
    Suppression.Cause.COMPLAINT: Suppression.Scope.UNREQUESTED,
    Suppression.Cause.UNSUBSCRIBED: Suppression.Scope.MARKETING,
}
