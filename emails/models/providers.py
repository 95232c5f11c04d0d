"""The state of each provider that all workers share: pauses, failures, rate, and the next free slot.

A provider counts calls and fails for all workers together, so the workers must share what they know. The row lives in
the database and not in Redis, because delivery must go on without Redis.
"""

import time
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from common.db import index_walks
from emails.models.attempts import DeliveryAttempt


class ProviderStateQuerySet(models.QuerySet["ProviderState"]):
    def with_rows_for(self, *providers: str) -> list["ProviderState"]:
        """Return the state of every known provider, after creating the missing rows of these providers."""
        unknown = DeliveryAttempt.objects.filter(provider=OuterRef("name"), due_at__lte=Now(), lease_token=None)
        states = self.annotate(now=Now(), has_unknown_attempts_due=Exists(unknown)).order_by("name")  # type: ignore[no-redef]
        # Read first, because after the first time no row is missing.
        with index_walks():
            found = list(states)
        new = set(providers) - {state.name for state in found}
        if new:
            self.bulk_create([ProviderState(name=name) for name in sorted(new)], ignore_conflicts=True)
            found = list(states.all())
        for state in found:
            state.read_at = time.monotonic()
        return found


class ProviderState(models.Model):
    """Whether and how fast one provider may be called. ``name`` may also stand for its contacts (emails/backends)."""

    class PauseReason(models.TextChoices):
        BREAKER = "breaker", _("it kept failing; one probe every 15 seconds")
        RATE_LIMITED = "rate_limited", _("it asked us to wait")
        CONFIGURATION = "configuration", _("its account or key needs attention")
        QUOTA = "quota", _("its quota is used up; one probe per hour")

    name = models.CharField(_("provider"), primary_key=True, max_length=200)
    failures = models.PositiveIntegerField(
        _("failures in a row"), default=0, help_text=_("Failed calls since the last success.")
    )
    # No call may begin before this time. ``reason`` stays after it has passed, until a call shows that all is well.
    paused_until = models.DateTimeField(_("paused until"), null=True)
    reason = models.CharField(_("reason"), max_length=16, choices=PauseReason, blank=True)
    detail = models.TextField(_("last error"), blank=True)
    down_since = models.DateTimeField(
        _("failing since"),
        null=True,
        help_text=_("The first error since the last accepted call. A renewed pause doesn't change it."),
    )
    # Set only on EMAIL_PROVIDER's row. Then EMAIL_FALLBACK_PROVIDER carries emails until a call to this one succeeds.
    failed_over_at = models.DateTimeField(
        _("replaced since"), null=True, help_text=_("Since when the fallback provider stands in for it.")
    )
    settings_fingerprint = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text=_("A hash of the settings in use when it failed."),
    )
    rate = models.FloatField(
        _("calls per second"), null=True, help_text=_("Calls per second, according to its responses.")
    )
    next_slot_at = models.DateTimeField(
        _("next call"), null=True, help_text=_("No worker starts another call before this time.")
    )
    changed_at = models.DateTimeField(_("last change"), auto_now=True)

    # with_rows_for() sets these three attributes. The first is the database's time, and the second is the same moment
    # on time.monotonic(), so the database's time can be computed later without another query.
    now: datetime
    read_at: float
    has_unknown_attempts_due: bool

    # The row whose slots the calls take, if it isn't this one. Delivery sets it (delivery/claims.py).
    paced_by: "ProviderState | None" = None

    objects: ClassVar[ProviderStateQuerySet] = ProviderStateQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")

    def __str__(self) -> str:
        return self.name

    @property
    def is_probing(self) -> bool:
        """Whether only one call at a time may be made, to find out whether the provider works again."""
        needs_probe = (self.PauseReason.BREAKER, self.PauseReason.CONFIGURATION, self.PauseReason.QUOTA)
        return self.reason in needs_probe or self.failed_over_at is not None

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > now

    @property
    def blocked_until(self) -> datetime | None:
        """Until when no call may begin: while it is paused, or while calls that share its rate are limited."""
        pacer = self.paced_by
        limited_until = pacer.paused_until if pacer and pacer.reason == self.PauseReason.RATE_LIMITED else None
        return max(filter(None, [self.paused_until, limited_until]), default=None)
