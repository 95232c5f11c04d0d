"""Counts of emails and of money by the hour, for the charts of the operator's home page. Without personal data.

Counting a month of email takes seconds, so a beat task counts each hour once, and again when something in it has
changed (operations/rollups). The charts only add up these rows.
"""

from django.db import models
from django.db.models.functions import Now


class CountedHour(models.Model):
    """When an hour was last counted. An hour without email has no other row."""

    class Subject(models.TextChoices):
        EMAIL = "email", "emails"
        MONEY = "money", "payments"

    subject = models.CharField(max_length=8, choices=Subject)
    hour = models.DateTimeField()
    counted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "hour"], name="one_count_an_hour")]

    def __str__(self) -> str:
        return f"{self.subject}: {self.hour:%Y-%m-%d %H:%M}"


class EmailCount(models.Model):
    """How many emails of a kind that were queued in this hour have a status by now."""

    hour = models.DateTimeField()
    day = models.DateField(help_text="The day of the hour in the project's time zone.")
    kind = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=16)
    count = models.BigIntegerField(default=0, help_text="Emails that are still stored.")
    deleted = models.BigIntegerField(default=0, help_text="Emails that retention or an erasure has deleted since.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "kind", "status"], name="one_email_count")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}: {self.count + self.deleted} {self.kind} {self.status}"


class DeletedEmails(models.Model):
    """Emails that were deleted after they were counted, or before. The next count of the hour takes this row over.

    Rows are only inserted: if deletions changed the same counts, one erasure would wait for another, or block it.
    """

    hour = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=16)
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}: {self.count} {self.kind} {self.status}"


class MoneyCount(models.Model):
    """What was paid, failed, or refunded in this hour, in one currency. ``amount`` is in minor units."""

    class Flow(models.TextChoices):
        PAID = "paid", "paid"
        FAILED = "failed", "failed and still unpaid"
        REFUNDED = "refunded", "refunded"

    hour = models.DateTimeField()
    day = models.DateField(help_text="The day of the hour in the project's time zone.")
    flow = models.CharField(max_length=16, choices=Flow)
    currency = models.CharField(max_length=3)
    count = models.BigIntegerField(default=0)
    amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "flow", "currency"], name="one_money_count")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}: {self.count} {self.flow} {self.currency}"
