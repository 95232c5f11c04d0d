"""The emails that people requested to an email address within the last day."""

from datetime import timedelta
from typing import ClassVar

from django.db import models


class EmailQuota(models.Model):
    """The requested emails of one address. Contains no address, only keyed hashes.

    The rate limits don't suffice: they are counted in memory, and they limit requests per minute or hour.
    """

    PERIOD: ClassVar = timedelta(days=1)

    address_digest = models.CharField("email address digest", max_length=64, primary_key=True)
    # For each email: the seconds since 1970, and the digest of who requested it.
    requests = models.JSONField(default=list)
    updated_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.address_digest
