"""The newest link of each purpose that a user got in an email."""

from django.db import models

from accounts.models.users import User


class Purpose(models.TextChoices):
    """What a link is for, if a newer link of the same purpose ends it."""

    CONFIRMATION = "confirmation"
    RESET = "reset"
    CHANGE = "change"
    KEEP = "keep"


class NewestLink(models.Model):
    """The ID of the newest link of one purpose, which its token contains. Older links don't work anymore."""

    # Without a constraint, because accounts/tokens.py also writes a row for nobody. The unique index is enough.
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="newest_links", db_constraint=False, db_index=False
    )
    purpose = models.CharField(max_length=16, choices=Purpose)
    link_id = models.CharField(max_length=16)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "purpose"], name="one_newest_link")]

    def __str__(self) -> str:
        return f"{self.user}: {self.purpose}"
